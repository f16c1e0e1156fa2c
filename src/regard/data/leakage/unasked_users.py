"""Users of one period only, whom the test cannot ask about."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from regard.data.leakage.case import Case
from regard.data.leakage.contract import Check, Finding, Severity, percent


@dataclass(frozen=True, kw_only=True)
class UnaskedUsers(Check):
    """Numbers are about those who were there before the cut and after it.

    Under a split by time, whoever came only after the cut has no history to be asked with. Under
    leave-last-out, whoever has fewer than three events is not asked.

    Attributes:
        note: share of unasked users, from which it is said.
        risk: the same, from which it is a risk.
    """

    note: float = 0.1
    risk: float = 0.5

    name: ClassVar[str] = "unasked-users"
    question: ClassVar[str] = "Whom do the numbers leave out?"

    def look(self, case: Case) -> Iterator[Finding]:
        """Share of those who could be asked about and are not."""
        events, begins = case.split.events, case.split.protocol.test_from
        if case.times is None or begins is None:
            there = np.ones(len(events), np.bool_)
            who, why = "users", "they have fewer than three events"
        else:
            there = np.zeros(len(events), np.bool_)
            there[case.owners_E[case.times >= begins]] = True
            who, why = "users of the test period", "they have no event before their target"
        asked = np.zeros(len(events), np.bool_)
        asked[case.asked.users] = True
        left_out = there & ~asked
        share = float(left_out.sum() / there.sum())
        if share < self.note:
            return
        trained = np.zeros(len(events), np.bool_)
        trained[case.owners_E[case.trained_E]] = True
        yield Finding(
            name=self.name,
            severity=Severity.RISK if share >= self.risk else Severity.NOTE,
            sentence=f"{percent(share)} of the {who} ({int(left_out.sum()):,}) are not asked: "
            f"{why}.",
            evidence={
                "users": int(there.sum()),
                "unasked": int(left_out.sum()),
                "share_unasked": share,
                "asked_without_training_events": int((asked & ~trained).sum()),
            },
            samples=case.rows(events.offsets[:-1][left_out]),
            advice="Read the numbers as those of returning users, and judge the fallback "
            "(popularity) for the others.",
        )
