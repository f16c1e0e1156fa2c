"""Times that know the day or the hour, and nothing finer."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import polars as pl

from regard.data.leakage.case import Case
from regard.data.leakage.contract import Check, Finding, Severity

_DAY: Final = 86_400.0
_HOUR: Final = 3_600.0
_SUMMER: Final = 2
"""Midnight of one place is one time of the day in UTC, or two where clocks are changed."""


@dataclass(frozen=True, kw_only=True)
class CoarseTimes(Check):
    """All times are midnights, or full hours: the order inside them is the file's.

    Attributes:
        days: a log of fewer different times is not judged.
    """

    days: int = 5

    name: ClassVar[str] = "coarse-times"
    question: ClassVar[str] = "Are times too coarse to order events?"
    needs_clock: ClassVar[bool] = True

    def look(self, case: Case) -> Iterator[Finding]:
        """One finding for the coarsest grain that all times share."""
        times = pl.Series("time", case.clock)
        ties = case.split.tie_share or 0.0
        if times.n_unique() < self.days or not ties:
            return
        if (times % _DAY).n_unique() <= _SUMMER:
            grain, severity = "day", Severity.RISK
        elif (times % _HOUR).n_unique() == 1:
            grain, severity = "hour", Severity.NOTE
        else:
            return
        yield Finding(
            name=self.name,
            severity=severity,
            sentence=f"All times are the same moment of their {grain}: within a {grain}, nobody "
            "knows what came first.",
            evidence={
                "grain": grain,
                "different_times": times.n_unique(),
                "tied_neighbours": ties,
            },
            samples=case.rows(_first_tie(case)),
            advice="Bring finer times, or ask for all targets of a period (targets = 'all').",
        )


def _first_tie(case: Case) -> list[int]:
    """The positions of the first two neighbours with one time."""
    same = (case.clock[1:] == case.clock[:-1]) & (case.owners_E[1:] == case.owners_E[:-1])
    first = int(np.argmax(same))
    return [first, first + 1]
