"""Targets that the order of the file chose, since their time does not."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from regard.data.leakage.case import Case
from regard.data.leakage.contract import Check, Finding, Severity, percent


@dataclass(frozen=True, kw_only=True)
class TiedTargets(Check):
    """A target shares its time with an event of the same user that is not asked for.

    Which of the two is the target is then decided by the order of the rows in the file. Where that
    order is one of ids, or of a database, it may even tell the target.

    Attributes:
        share: of the targets, from which it is a risk and no mere note.
    """

    share: float = 0.05

    name: ClassVar[str] = "tied-targets"
    question: ClassVar[str] = "Do ties of time decide what is asked for?"
    needs_clock: ClassVar[bool] = True

    def look(self, case: Case) -> Iterator[Finding]:
        """How many targets would be others if the file lay in another order."""
        times, owners = case.clock, case.owners_E
        tied = (times[1:] == times[:-1]) & (owners[1:] == owners[:-1])
        tied &= case.target_E[1:] != case.target_E[:-1]
        either_E = np.zeros(len(times), np.bool_)
        either_E[1:] |= tied
        either_E[:-1] |= tied
        decided = case.targets[either_E[case.targets]]
        if not len(decided):
            return
        share = len(decided) / len(case.targets)
        first = decided[0]
        before = first > 0 and tied[first - 1]
        yield Finding(
            name=self.name,
            severity=Severity.RISK if share >= self.share else Severity.NOTE,
            sentence=f"{percent(share)} of the test targets ({len(decided):,}) share their time "
            "with an event of the same user that is not asked for: the order of the file decides "
            "which of the two is.",
            evidence={"targets": len(decided), "share_of_targets": share},
            samples=case.rows([first - 1, first] if before else [first, first + 1]),
            advice="Bring finer times, ask for whole periods (targets = 'all'), or read the "
            "numbers as those of this order.",
        )
