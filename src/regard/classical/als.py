"""ALS: a few numbers for every person and item, solved in turn: implicit matrix factorisation.

::

    repeat     x(u) = (YᵀC(u)Y + λI)⁻¹ YᵀC(u)p(u)      people, the items held fast
               y(i) = (XᵀC(i)X + λI)⁻¹ XᵀC(i)p(i)      items, the people held fast
    answer     score(j) = x(u) · y(j), with x(u) solved anew from the history that is asked

Learning is the business of the package `implicit`; answering is not, so a bundle opens without it.

Idea: vectors whose product explains best who has what, and how often. A history gets its vector
when it asks, so it need not be of a user who was there in training.

Formula: `argmin Σ c(u, i) (p(u, i) - x(u)·y(i))² + l2 (Σ |x(u)|² + Σ |y(i)|²)` over all pairs, with
`p` one where the user has the item, and `c = 1 + alpha · events`. A history that is asked gets its
`x` by the first of the two steps above. An empty history scores zero everywhere.

Source: Hu, Koren & Volinsky 2008, "Collaborative Filtering for Implicit Feedback Datasets", ICDM,
learned by the package `implicit` (Frederickson), which solves each step by conjugate gradients
(Takács, Pilászy & Tikk 2011).

Differs from the paper: whoever asks is solved anew, in full, by the events of the history alone.

Cost: time `O(E F² + (U + N) F³)` an iteration at the most, `O(N F²)` for all queries that are asked
together and `O(L F² + F³ + N F)` for each of them; memory `O((U + N) F)`.
"""

import warnings
from dataclasses import dataclass
from types import ModuleType
from typing import Final, Self

import numpy as np
from scipy import sparse

from regard.classical.co_occurrence import user_items
from regard.classical.contract import ClassicalMethod
from regard.data.queries import Queries
from regard.data.split import TrainingPart
from regard.errors import ConfigurationError
from regard.optional import require
from regard.schema import FIRST_CODE
from regard.shapes import Floats, Offsets, Scores

_CELLS_AT_A_TIME: Final = 2**23
"""Of the products of item vectors with themselves that one step of answering holds."""


@dataclass(frozen=True)
class ALSConfig:
    """Options of `ALS`.

    Attributes:
        factors: numbers for each person and item (`F`).
        iterations: rounds of learning.
        l2: weight of the penalty on large numbers.
        alpha: what each event adds to the confidence of a pair, which is one without any.
        seed: of the numbers to begin with.

    Raises:
        ConfigurationError: a value that makes no sense.
    """

    factors: int = 64
    iterations: int = 15
    l2: float = 0.01
    alpha: float = 1.0
    seed: int = 7

    def __post_init__(self) -> None:
        for name, least in (("factors", 1), ("iterations", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise ConfigurationError(f"{name}={getattr(self, name)} must be {least} or more.")
        for name in ("l2", "alpha"):
            if not 0.0 < getattr(self, name) < float("inf"):
                raise ConfigurationError(f"{name}={getattr(self, name)} must be positive.")


@dataclass(frozen=True)
class Products:
    """People's vectors and items' vectors, for any part of the catalogue.

    Attributes:
        people_BF: float32.
        items_NF: float32.

    Example:
        >>> people, items = np.ones((1, 2), np.float32), np.eye(3, 2, dtype=np.float32)
        >>> Products(people, items).block(1, 3).tolist()
        [[1.0, 0.0]]
    """

    people_BF: Scores
    items_NF: Scores

    @property
    def shape(self) -> tuple[int, int]:
        """`(B, N)`."""
        return len(self.people_BF), len(self.items_NF)

    def block(self, start: int, stop: int) -> Scores:
        """`(B, stop - start)` float32 scores of the codes from `start` to `stop` (exclusive)."""
        # A matrix library rounds a product by its shape; this one is the same in any block.
        scores_BN: Scores = np.einsum("bf,nf->bn", self.people_BF, self.items_NF[start:stop])
        return scores_BN


class ALS(ClassicalMethod):
    """Recommends by the product of vectors that explain best who has what, and how often.

    Example:
        >>> from regard.data.sequences import Sequences
        >>> import polars as pl
        >>> seqs = Sequences.of(pl.DataFrame({"user": [1], "item": [2], "row": [0]}))
        >>> learned = {"items": np.array([[0, 0], [0, 0], [1, 0], [1, 0], [0, 1]], np.float32)}
        >>> asked = Queries.requests(seqs, np.array([0]))  # has item 2, like which is item 3
        >>> ALS.from_arrays(learned).score(asked).astype(float).round(2)[0, 2:].tolist()
        [0.66, 0.66, 0.0]
    """

    name = "als"
    saved = ("items",)

    def __init__(
        self,
        factors: int = 64,
        iterations: int = 15,
        l2: float = 0.01,
        alpha: float = 1.0,
        seed: int = 7,
    ) -> None:
        super().__init__()
        self.config = ALSConfig(factors, iterations, l2, alpha, seed)

    def require(self) -> None:
        """Refuse at once if `implicit` is not installed.

        Raises:
            MissingDependencyError: it is not.
        """
        _implicit()

    def fit(self, training: TrainingPart) -> Self:
        """Learn the vectors of all items; those of people are solved when they ask.

        Args:
            training: what may be looked at.

        Returns:
            The method itself, fitted.

        Raises:
            MissingDependencyError: `implicit` is not installed.
        """
        options = self.config
        confidence_UN = user_items(training).astype(np.float32)
        confidence_UN.data = 1.0 + options.alpha * confidence_UN.data
        with warnings.catch_warnings():
            # It asks for settings of the matrix library's threads, which are the user's business.
            warnings.simplefilter("ignore", RuntimeWarning)
            model = _implicit().AlternatingLeastSquares(
                factors=options.factors,
                regularization=options.l2,
                iterations=options.iterations,
                use_gpu=False,
                random_state=options.seed,
            )
            model.fit(sparse.csr_matrix(confidence_UN), show_progress=False)
        items_NF = np.array(model.item_factors, np.float32)
        items_NF[:FIRST_CODE] = 0.0
        self._learned = {"items": items_NF}
        return self

    def prepare(self, queries: Queries) -> Products:
        """Ready for any part of the catalogue; see `regard.evaluation.scorer.BlockScorer`."""
        items_NF = self.arrays()["items"]
        events_BN = _events(queries, len(items_NF))
        wide_NF = items_NF.astype(np.float64)
        shared_FF = wide_NF.T @ wide_NF + self.config.l2 * np.eye(wide_NF.shape[1])
        people_BF = np.zeros((len(queries), items_NF.shape[1]), np.float32)
        for rows in _parts(np.diff(events_BN.indptr), items_NF.shape[1]):
            people_BF[rows] = self._solved(events_BN[rows], wide_NF, shared_FF)
        return Products(people_BF, items_NF)

    def _score(self, queries: Queries) -> Scores:
        return self.prepare(queries).block(0, len(self.arrays()["items"]))

    def _solved(self, events_BN: sparse.csr_array, items_NF: Floats, shared_FF: Floats) -> Floats:
        """`(B, F)` float64 vectors of histories, none of them empty.

        `YᵀCY + λI` is `YᵀY + λI` for all (`shared_FF`), and `alpha · events · y yᵀ` for each item
        that a history holds.
        """
        alpha = self.config.alpha
        held_EF = items_NF[events_BN.indices]
        more_EF = alpha * events_BN.data[:, None] * held_EF
        outer_EFF = more_EF[:, :, None] * held_EF[:, None, :]
        left_BFF = np.add.reduceat(outer_EFF, events_BN.indptr[:-1], axis=0)
        left_BFF += shared_FF
        right_BF = np.add.reduceat(held_EF + more_EF, events_BN.indptr[:-1], axis=0)
        solved_BF: Floats = np.linalg.solve(left_BFF, right_BF[..., None])[..., 0]
        return solved_BF


def _events(queries: Queries, items: int) -> sparse.csr_array:
    """`(B, N)` float64 how often each history holds each known item."""
    query, position = queries.history_events()
    item = queries.sequences.items[position]
    known = item >= FIRST_CODE
    ones, where = np.ones(int(known.sum())), (query[known], item[known])
    return sparse.csr_array((ones, where), shape=(len(queries), items))


def _parts(lengths: Offsets, factors: int) -> list[Offsets]:
    """Rows that hold something, as many at a time as there is memory for."""
    rows = np.flatnonzero(lengths)
    part = np.cumsum(lengths[rows]) * factors**2 // _CELLS_AT_A_TIME
    return [each for each in np.split(rows, np.flatnonzero(np.diff(part)) + 1) if len(each)]


def _implicit() -> ModuleType:
    """The module that learns."""
    return require("implicit.als", extra="classical", purpose="The method 'als'")
