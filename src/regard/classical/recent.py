"""Popularity of the last days: what most people turned to lately.

Idea: tastes move, and what is sought today says more than what was sought last year; the stronger
one of the two popularities where it is so, which papers seldom report.

Formula: `score(j) = n(j) + ½ c(j) / max c`, where n counts the events of the last `days` of the
training part and c those of all of it. The half decides between equals, above all between items
that did not occur lately, so that the list is always full.

Source: RecentPop of Ji et al. 2020, "A Re-visit of the Popularity Baseline in Recommender Systems",
SIGIR.

Differs from the paper: the window ends with the training part, not at each test event, so that
everybody gets the same list; and popularity of all time stands behind it.

Cost: time `O(E)` once for E events, and `O(N)` a query; memory `O(N)`. The length of a history does
not matter.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from regard.classical.alike import AlikeForAll, clock_of
from regard.classical.contract import below_one, count_items
from regard.data.split import TrainingPart
from regard.errors import ConfigurationError
from regard.shapes import Scores

_SECONDS_A_DAY = 86_400.0


@dataclass(frozen=True)
class RecentPopularityConfig:
    """Options of `RecentPopularity`.

    Attributes:
        days: length of the window before the last training event, in days.

    Raises:
        ConfigurationError: the window is not positive.
    """

    days: float = 7.0

    def __post_init__(self) -> None:
        if not 0.0 < self.days < float("inf"):
            raise ConfigurationError(
                f"days must be a positive number of days, such as 7; received {self.days}."
            )


class RecentPopularity(AlikeForAll):
    """Everybody is recommended what occurs most often in the last days of the training part.

    Args:
        days: length of the window before the last training event, in days.

    Example:
        Item `a` is the favourite of all time, `b` that of the last day.

        >>> import polars as pl
        >>> from regard.data.interactions import Interactions
        >>> from regard.data.split import split_leave_last_out
        >>> log = pl.DataFrame({"user": [1] * 6, "item": list("aaabab"),
        ...                     "time": [0.0, 1.0, 2.0, 2e5, 3e5, 4e5]})
        >>> split = split_leave_last_out(Interactions.of(log))
        >>> RecentPopularity(days=1).fit(split.training).score(split.test)[:, 2:].tolist()
        [[0.5, 1.1666666269302368]]
    """

    name = "recent"
    reads_time: ClassVar[bool | None] = True
    saved = ("recent", "counts")

    def __init__(self, days: float = 7.0) -> None:
        super().__init__()
        self.config = RecentPopularityConfig(days)

    def fit(self, training: TrainingPart) -> Self:
        """Count every item, and those of the last days apart.

        Args:
            training: what may be looked at.

        Returns:
            The method itself, fitted.

        Raises:
            NeedsClockError: the log carries only an order.
        """
        events = training.events()
        moments = clock_of(training, "Popularity of the last days")[events]
        begin = moments.max(initial=-np.inf) - self.config.days * _SECONDS_A_DAY
        self._learned = {
            "recent": count_items(training, events[moments > begin]),
            "counts": count_items(training),
        }
        return self

    def scores_of_all(self) -> Scores:
        """Counts of the last days, those of all time between equals, `(N,)` float32."""
        learned = self.arrays()
        scores = learned["recent"] + below_one(learned["counts"])
        return scores.astype(np.float32)
