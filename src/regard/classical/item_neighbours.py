"""Item neighbours: items like those of the history, "bought with".

::

    held by      u1  u2  u3  u4            cosine(tea, cup) = 2 / √(3 · 2)
    tea           1   1   1   .            cosine(tea, jam) = 1 / √(3 · 2)
    cup           1   1   .   .
    jam           .   .   1   1            after `tea`: cup, then jam

Idea: items that the same people have go together.

Formula: `cos(i, j) = n(i, j) / (√(n(i) n(j)) + shrink)`, where `n` counts the people of the
training part who have an item, or both, however often. Each item keeps its `neighbours` nearest
others; `score(j) = Σ w(i) cos(i, j)` over the distinct items `i` of the history that keep `j`,
`w(i) = 2^(-age(i) / half_life)` by the events since `i` occurred last, or one. What is nobody's
neighbour follows popularity, below zero.

Source: Sarwar, Karypis, Konstan & Riedl 2001, "Item-based collaborative filtering recommendation
algorithms", WWW; neighbours kept by the items of the history, and their sum, as in Deshpande &
Karypis 2004, "Item-based top-N recommendation algorithms", TOIS. Shrinkage in the denominator as in
Ferrari Dacrema, Cremonesi & Jannach 2019, "Are we really making much progress?", RecSys.

Differs from the paper: columns are not scaled by the length of histories, and newer items of a
history may weigh more (`half_life`).

Cost: time `O(Σ l²)` over the lengths l of all training histories once, and `O(L k)` a query for k
neighbours; memory `O(N k)` and one block of counts: the table of all pairs is never held.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import sparse

from regard.classical.co_occurrence import co_occurrences, user_items
from regard.classical.contract import ClassicalMethod, count_items
from regard.classical.evidence import Evidence, history_rows, strongest
from regard.data.queries import Queries
from regard.data.split import TrainingPart
from regard.errors import ConfigurationError
from regard.shapes import Floats, Scores


@dataclass(frozen=True)
class ItemNeighboursConfig:
    """Options of `ItemNeighbours`.

    Attributes:
        neighbours: most items that are kept as neighbours of each item.
        shrink: added to the denominator of each cosine, so that what rests on few people counts
            less.
        half_life: events after which an item of the history weighs half; all weigh alike if
            omitted.

    Raises:
        ConfigurationError: a value that makes no sense.
    """

    neighbours: int = 100
    shrink: float = 10.0
    half_life: float | None = None

    def __post_init__(self) -> None:
        if self.neighbours < 1:
            raise ConfigurationError(
                f"neighbours={self.neighbours} must be 1 or more, such as 100."
            )
        if not 0.0 <= self.shrink < float("inf"):
            raise ConfigurationError(f"shrink={self.shrink} must be 0 or more, such as 10.")
        if self.half_life is not None and not 0.0 < self.half_life < float("inf"):
            raise ConfigurationError(
                f"half_life={self.half_life} must be a positive number of events, such as 5."
            )


class ItemNeighbours(ClassicalMethod):
    """Recommends the items that are held by the same people as those of the history.

    Example:
        >>> import polars as pl
        >>> from regard.data.interactions import Interactions
        >>> from regard.data.split import split_leave_last_out
        >>> log = pl.DataFrame({"user": [1, 1, 2, 2, 3, 3, 4, 5, 5, 5],
        ...                     "item": ["tea", "cup", "tea", "cup", "tea", "jam", "jam",
        ...                              "tea", "tea", "tea"], "position": range(10)})
        >>> split = split_leave_last_out(Interactions.of(log))
        >>> asked = split.test  # of user 5, who has tea
        >>> scores = ItemNeighbours(shrink=0).fit(split.training).score(asked)[0, 2:].astype(float)
        >>> dict(zip(split.vocabulary.ids, scores.round(3).tolist()))
        {'tea': 0.0, 'cup': 0.707, 'jam': 0.354}
    """

    name = "item-knn"
    saved = ("starts", "neighbours", "cosines", "counts")

    def __init__(
        self, neighbours: int = 100, shrink: float = 10.0, half_life: float | None = None
    ) -> None:
        super().__init__()
        self.config = ItemNeighboursConfig(neighbours, shrink, half_life)

    def fit(self, training: TrainingPart) -> Self:
        """Find the nearest items of each item, a block of items at a time.

        Args:
            training: what may be looked at.

        Returns:
            The method itself, fitted.
        """
        held_UN = user_items(training)
        length_N = np.sqrt(np.diff(held_UN.tocsc().indptr))
        blocks = [
            strongest(self._cosines(start, shared, length_N), self.config.neighbours)
            for start, shared in co_occurrences(held_UN)
        ]
        table = sparse.vstack(blocks, format="csr")
        self._learned = {
            "starts": table.indptr.astype(np.int64),
            "neighbours": table.indices.astype(np.int32),
            "cosines": table.data.astype(np.float32),
            "counts": count_items(training),
        }
        return self

    def _cosines(self, start: int, shared: sparse.csr_array, length_N: Floats) -> sparse.csr_array:
        """Counts of a block turned into cosines; an item is no neighbour of its own."""
        item = start + np.repeat(np.arange(shared.shape[0]), np.diff(shared.indptr))
        shared.data /= length_N[item] * length_N[shared.indices] + self.config.shrink
        shared.data[item == shared.indices] = 0.0
        shared.eliminate_zeros()
        return shared

    def prepare(self, queries: Queries) -> Evidence:
        """Ready for any part of the catalogue; see `regard.evaluation.scorer.BlockScorer`."""
        learned = self.arrays()
        size = len(learned["counts"])
        table = (learned["cosines"], learned["neighbours"], learned["starts"])
        cosines_NN = sparse.csr_array(table, shape=(size, size))
        weights_BN = history_rows(queries, size, half_life=self.config.half_life)
        # In one precision, or the product would begin with a copy of the table.
        return Evidence.of(weights_BN.astype(np.float32) @ cosines_NN, learned["counts"])

    def _score(self, queries: Queries) -> Scores:
        return self.prepare(queries).block(0, len(self.arrays()["counts"]))
