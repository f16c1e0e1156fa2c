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

from typing import Self

import numpy as np

from regard.classical.alike import AlikeForAll
from regard.classical.contract import count_items
from regard.data.split import TrainingPart
from regard.shapes import Scores


class Popularity(AlikeForAll):
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

    def scores_of_all(self) -> Scores:
        """Counts, `(N,)` float32."""
        return self.arrays()["counts"].astype(np.float32)
