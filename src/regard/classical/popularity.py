"""What most people turn to, ever or lately: the baseline that every model has to beat.

Popularity of the last days is the stronger one where tastes move; papers seldom report it
(Ji et al., "A Re-visit of the Popularity Baseline in Recommender Systems", SIGIR 2020).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from regard.classical.contract import ClassicalMethod, below_one, count_items
from regard.data.queries import Queries
from regard.data.split import TrainingPart
from regard.errors import ConfigurationError, NeedsClockError
from regard.shapes import Scores

_SECONDS_A_DAY = 86_400.0


@dataclass(frozen=True)
class Alike:
    """The same scores for everybody.

    Attributes:
        scores_N: float32.
        queries: how many are asked.

    Example:
        >>> Alike(np.array([0, 0, 2, 1], np.float32), queries=2).block(2, 4).tolist()
        [[2.0, 1.0], [2.0, 1.0]]
    """

    scores_N: Scores
    queries: int

    @property
    def shape(self) -> tuple[int, int]:
        """`(B, N)`."""
        return self.queries, len(self.scores_N)

    def block(self, start: int, stop: int) -> Scores:
        """`(B, stop - start)` float32 scores of the codes from `start` to `stop` (exclusive)."""
        return np.tile(self.scores_N[start:stop], (self.queries, 1))


class Popularity(ClassicalMethod):
    """Everybody is recommended what occurs most often in the training part.

    Example:
        >>> import polars as pl
        >>> from regard.data.interactions import Interactions
        >>> from regard.data.split import split_leave_last_out
        >>> log = pl.DataFrame({"user": [1] * 5, "item": list("abaab"), "position": range(5)})
        >>> split = split_leave_last_out(Interactions.of(log))
        >>> Popularity().fit(split.training).score(split.test).tolist()  # padding, unknown, a, b
        [[0.0, 0.0, 2.0, 1.0]]
    """

    name = "popularity"
    saved = ("counts",)

    def fit(self, training: TrainingPart) -> Self:
        """Count every item of the training part.

        Args:
            training: what may be looked at.

        Returns:
            The method itself, fitted.
        """
        self._learned = {"counts": count_items(training)}
        return self

    def prepare(self, queries: Queries) -> Alike:
        """Ready for any part of the catalogue; see `regard.evaluation.scorer.BlockScorer`."""
        return Alike(self.arrays()["counts"].astype(np.float32), len(queries))

    def _score(self, queries: Queries) -> Scores:
        return self.prepare(queries).block(0, len(self.arrays()["counts"]))


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


class RecentPopularity(ClassicalMethod):
    """Everybody is recommended what occurs most often in the last days of the training part.

    Items with equal counts, above all those that did not occur lately, follow the popularity
    of all time, so that the list is always full.

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
        times = training.sequences.times
        if times is None:
            raise NeedsClockError(
                "Popularity of the last days needs the time of each interaction, but this log "
                "carries only an order. Name a column of times, or use popularity of all time."
            )
        events = training.events()
        moments = times[events]
        begin = moments.max(initial=-np.inf) - self.config.days * _SECONDS_A_DAY
        self._learned = {
            "recent": count_items(training, events[moments > begin]),
            "counts": count_items(training),
        }
        return self

    def prepare(self, queries: Queries) -> Alike:
        """Ready for any part of the catalogue; see `regard.evaluation.scorer.BlockScorer`."""
        learned = self.arrays()
        scores = learned["recent"] + below_one(learned["counts"])
        return Alike(scores.astype(np.float32), len(queries))

    def _score(self, queries: Queries) -> Scores:
        return self.prepare(queries).block(0, len(self.arrays()["counts"]))
