"""Training on the very events that will be asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from regard.data.leakage.case import Case
from regard.data.leakage.contract import Check, Finding, Severity, percent


@dataclass(frozen=True, kw_only=True)
class TrainedOnTargets(Check):
    """A user's training part reaches beyond the history of the question about that user.

    Whatever lies from the end of a history on is being asked for, or comes later still.
    """

    name: ClassVar[str] = "trained-on-targets"
    question: ClassVar[str] = "Does training see events that are asked for?"

    def look(self, case: Case) -> Iterator[Finding]:
        """One finding for each part whose targets may be learned by heart."""
        training = case.split.training
        for part, asked in (("validation", case.split.validation), ("test", case.split.test)):
            beyond = training.ends[asked.users] > asked.ends
            if not beyond.any():
                continue
            rows = training.sequences.rows[asked.ends[beyond]]
            yield Finding(
                name=self.name,
                severity=Severity.LEAK,
                sentence=f"{percent(float(beyond.mean()))} of the {part} questions ask for events "
                "that the training part holds.",
                evidence={
                    "part": part,
                    "share_of_questions": float(beyond.mean()),
                    "questions": int(beyond.sum()),
                },
                samples=case.rows(np.flatnonzero(np.isin(case.split.events.rows, rows))),
                advice="Cut the training part before the first event that is asked for.",
            )
