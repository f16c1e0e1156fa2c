"""Popularity that fades: what most people turn to, yesterday more than last year.

Half-life of one day; `|` is the end of the training part, each event halves once a day::

    days before |   4      3      2      1      0          score
    item a          1/16   1/8    1/4                       7/16
    item b                               1/2    1           3/2

Idea: a window (`recent`) drops a cliff behind its last day; a half-life does not, and needs no
event to be left out.

Formula: `score(j) = Σ 2^(-(T - t) / half_life)` over the training events of `j`, where `t` is the
event's moment and `T` the last moment of the training part. The moment of the request would scale
all scores alike, so it changes no list. An item so old that its score is lost to rounding follows
the popularity of all time, below zero.

Source: DecayPop of Ji, Sun, Zhang & Li 2020, "A Re-visit of the Popularity Baseline in Recommender
Systems", SIGIR.

Differs from the paper: each event fades by its own age, not by that of its month, and none is too
old to count.

Cost: time `O(E)` once for E events, and `O(N)` a query; memory `O(N)`. The length of a history does
not matter.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from regard.classical.alike import AlikeForAll, clock_of
from regard.classical.contract import count_items, under_zero
from regard.data.split import TrainingPart
from regard.errors import ConfigurationError
from regard.schema import FIRST_CODE
from regard.shapes import Scores

_SECONDS_A_DAY = 86_400.0


@dataclass(frozen=True)
class DecayedPopularityConfig:
    """Options of `DecayedPopularity`.

    Attributes:
        half_life: days after which an event counts half.

    Raises:
        ConfigurationError: the half-life is not positive.
    """

    half_life: float = 30.0

    def __post_init__(self) -> None:
        if not 0.0 < self.half_life < float("inf"):
            raise ConfigurationError(
                f"half_life must be a positive number of days, such as 30; received "
                f"{self.half_life}."
            )


class DecayedPopularity(AlikeForAll):
    """Everybody is recommended what occurs most often, old events counting less.

    Example:
        >>> import polars as pl
        >>> from regard.data.interactions import Interactions
        >>> from regard.data.split import split_leave_last_out
        >>> day = 86_400.0
        >>> log = pl.DataFrame({"user": [1] * 6, "item": list("aabbab"),
        ...                     "time": [0.0, day, 2 * day, 3 * day, 4 * day, 5 * day]})
        >>> split = split_leave_last_out(Interactions.of(log))
        >>> DecayedPopularity(half_life=1).fit(split.training).score(split.test)[:, 2:].tolist()
        [[0.375, 1.5]]
    """

    name = "decayed"
    reads_time: ClassVar[bool | None] = True
    saved = ("decayed", "counts")

    def __init__(self, half_life: float = 30.0) -> None:
        super().__init__()
        self.config = DecayedPopularityConfig(half_life)

    def fit(self, training: TrainingPart) -> Self:
        """Add up what is left of every event at the end of the training part.

        Args:
            training: what may be looked at.

        Returns:
            The method itself, fitted.

        Raises:
            NeedsClockError: the log carries only an order.
        """
        moments = clock_of(training, "Popularity that fades")[training.mask]
        ages = (moments.max(initial=-np.inf) - moments) / _SECONDS_A_DAY
        left = np.exp2(-ages / self.config.half_life)
        decayed = np.bincount(training.items(), left, minlength=training.vocabulary.size)
        decayed[:FIRST_CODE] = 0.0
        self._learned = {"decayed": decayed, "counts": count_items(training)}
        return self

    def scores_of_all(self) -> Scores:
        """What is left of all events, and an order below it where nothing is, `(N,)` float32."""
        learned = self.arrays()
        scores: Scores = learned["decayed"].astype(np.float32)
        faded = scores == 0.0
        scores[faded] = under_zero(learned["counts"])[faded]
        return scores
