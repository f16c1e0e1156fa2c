"""Popularity: what most people turn to, the baseline that every model has to beat.

Idea: everybody gets what occurs most often, whatever they did before.

Formula: the score of an item is the number of its events in the training part.

Source: no paper claims it; Ji et al. 2020, "A Re-visit of the Popularity Baseline in Recommender
Systems", SIGIR, tells what it does not know: when.

Differs from the paper: this is the one that the paper calls MostPop; `recent` and `decayed` are
those that it asks for.

Cost: time `O(E)` once for E events, and `O(N)` a query; memory `O(N)`. The length of a history does
not matter.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from regard.classical.contract import ClassicalMethod, count_items
from regard.data.queries import Queries
from regard.data.split import TrainingPart
from regard.shapes import Scores


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
