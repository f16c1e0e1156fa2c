"""Events that have not happened yet."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from regard.data.leakage.case import Case
from regard.data.leakage.contract import Check, Finding, Severity, percent


@dataclass(frozen=True, kw_only=True)
class FutureTimes(Check):
    """Times are later than now, or than the moment at which the file was written.

    A split by time takes the newest events for its test, so wrong times of this kind end there, and
    push real ones back into training.

    Attributes:
        now: UTC seconds; the moment of the check if None.
    """

    now: float | None = None

    name: ClassVar[str] = "future-times"
    question: ClassVar[str] = "Are there events that cannot have happened yet?"
    needs_clock: ClassVar[bool] = True

    def look(self, case: Case) -> Iterator[Finding]:
        """How many events, and how many of the targets."""
        limit, what = (time.time() if self.now is None else self.now), "now"
        file = Path(case.log.source) if case.log is not None else None
        if file is not None and file.is_file() and file.stat().st_mtime < limit:
            limit, what = file.stat().st_mtime, "the file they come from"
        late = case.clock > limit
        if not late.any():
            return
        targets = int(late[case.targets].sum())
        share = targets / len(case.targets)
        yield Finding(
            name=self.name,
            severity=Severity.RISK,
            sentence=f"{int(late.sum()):,} events are later than {what}, and with them "
            f"{percent(share)} of the test targets ({targets:,}).",
            evidence={
                "events": int(late.sum()),
                "targets": targets,
                "share_of_targets": share,
                "limit": limit,
            },
            samples=case.rows(np.flatnonzero(late)),
            advice="Check the time zone and the unit of the times, or remove such rows "
            "(implausible-times, one of the default rules).",
        )
