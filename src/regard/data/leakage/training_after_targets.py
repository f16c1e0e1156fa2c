"""Training events that had not happened yet when the questions were asked."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from regard.data.leakage.case import Case
from regard.data.leakage.contract import Check, Finding, Severity, percent
from regard.shapes import Seconds


@dataclass(frozen=True, kw_only=True)
class TrainingAfterTargets(Check):
    """What others did later is learned from before an earlier question is asked.

    Leave-last-out cannot help it: one user's last event is years before another's first::

        user 1   t  t  V  X
        user 2                t  t  t  V  X      all t are learned from before either X is asked

    Source: Y. Ji, A. Sun, J. Zhang, C. Li, "A critical study on data leakage in recommender system
    offline evaluation", ACM TOIS 41 (2023).

    Attributes:
        share: of the training events yet to come at an average question, from which it is a risk
            and no mere note.
    """

    share: float = 0.01

    name: ClassVar[str] = "training-after-targets"
    question: ClassVar[str] = "Are training events later than test targets?"
    needs_clock: ClassVar[bool] = True

    def look(self, case: Case) -> Iterator[Finding]:
        """How much of the training part lies in the future of the test."""
        trained = np.flatnonzero(case.trained_E)
        if not len(trained):
            return
        training, moments = np.sort(case.clock[trained]), case.clock[case.targets]
        after_first = _later(training, float(moments.min()))
        if not after_first:
            return
        middle = float(np.median(moments))
        after_median = _later(training, middle)
        to_come = 1.0 - np.searchsorted(training, moments, side="right") / len(training)
        mean = float(to_come.mean())
        late = trained[case.clock[trained] > float(moments.min())]
        yield Finding(
            name=self.name,
            severity=Severity.RISK if mean >= self.share else Severity.NOTE,
            sentence=f"{percent(after_first)} of the training events are later than the earliest "
            f"test target, {percent(after_median)} later than half of them; at an average question "
            f"{percent(mean)} of what was learned from was yet to come.",
            evidence={
                "later_than_earliest_target": after_first,
                "later_than_median_target": after_median,
                "yet_to_come_at_average_question": mean,
                "earliest_target": float(moments.min()),
                "median_target": middle,
            },
            samples=case.rows(late),
            advice="Split by global time (--protocol global-time, split_by_time) for numbers that "
            "hold in use.",
        )


def _later(ascending: Seconds, moment: float) -> float:
    """Share of times that are later than a moment."""
    return 1.0 - float(np.searchsorted(ascending, moment, side="right")) / len(ascending)
