"""Targets that are the newest item of the history once more."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from regard.data.leakage.case import Case
from regard.data.leakage.contract import Check, Finding, Severity, percent
from regard.schema import FIRST_CODE


@dataclass(frozen=True, kw_only=True)
class RepeatedTargets(Check):
    """Whoever repeats the newest item of a history is often right.

    That may be how people act (a song again), or how the log was written (a reload, a line of an
    invoice for each size). Either way, measure against a rival that only repeats.

    Attributes:
        note: share of the questions, from which it is said.
        risk: the same, from which it is a risk.
    """

    note: float = 0.1
    risk: float = 0.5

    name: ClassVar[str] = "repeated-targets"
    question: ClassVar[str] = "Is the target just the newest item again?"

    def look(self, case: Case) -> Iterator[Finding]:
        """Share of questions with the newest item among their targets."""
        test = case.split.test
        query = np.repeat(np.arange(len(test)), np.diff(test.target_offsets))
        again = (test.targets == test.last_items[query]) & (test.targets >= FIRST_CODE)
        right = np.unique(query[again])
        share = len(right) / len(test)
        if share < self.note:
            return
        newest = test.sequences.rows[test.ends[right] - 1]
        yield Finding(
            name=self.name,
            severity=Severity.RISK if share >= self.risk else Severity.NOTE,
            sentence=f"{percent(share)} of the test questions ({len(right):,}) are answered by the "
            "newest item of the history.",
            evidence={"questions": len(right), "share_of_questions": share},
            samples=case.rows(np.flatnonzero(np.isin(case.split.events.rows, newest))),
            advice="Compare with markov, which repeats what is repeated; if the log repeats and "
            "not people, clean with consecutive-repeats.",
        )
