"""Targets that training never saw: nobody can be right about them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from regard.data.leakage.case import Case
from regard.data.leakage.contract import Check, Finding, Severity, percent
from regard.schema import UNKNOWN


@dataclass(frozen=True, kw_only=True)
class ColdTargets(Check):
    """Many targets are items outside the vocabulary; each of them is a miss.

    Attributes:
        note: share of the targets, from which it is said.
        risk: the same, from which it is a risk.
    """

    note: float = 0.1
    risk: float = 0.5

    name: ClassVar[str] = "cold-targets"
    question: ClassVar[str] = "Are targets items that training knows?"

    def look(self, case: Case) -> Iterator[Finding]:
        """Share of targets that no model can name."""
        cold = float((case.split.test.targets == UNKNOWN).mean())
        if cold < self.note:
            return
        places = case.targets[case.split.events.items[case.targets] == UNKNOWN]
        yield Finding(
            name=self.name,
            severity=Severity.RISK if cold >= self.risk else Severity.NOTE,
            sentence=f"{percent(cold)} of the test targets are items that the training part does "
            "not know; each of them is a miss for every model.",
            evidence={
                "share_of_targets": cold,
                "targets": int(np.sum(case.split.test.targets == UNKNOWN)),
            },
            samples=case.rows(places),
            advice="Lower split.min_count or split.test_share, or learn more often in use.",
        )
