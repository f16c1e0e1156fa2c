"""EASE: one linear map from what somebody has to what comes with it, in closed form.

::

    X (U, N)   who has what             X B ≈ X,  and no item may speak for itself: diag(B) = 0
    B (N, N)   what speaks for what     score(j) = Σ B(i, j) over the items i of the history

Idea: other than a table of neighbours, B knows what is explained already: of two items that are
always held together only what they add counts, and an entry may be negative.

Formula: `B = argmin |X - X B|² + l2 |B|²` with `diag(B) = 0`, where `X` is one where a user of the
training part has an item. With `P = (XᵀX + l2 I)⁻¹`: `B(i, j) = -P(i, j) / P(j, j)`. The score is
the sum of the rows of the history's distinct items. An empty history scores zero everywhere.

Source: Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW.

Differs from the paper: in no number; a catalogue whose dense map would take more memory than
`gigabytes` allows is refused by name.

Cost: time `O(N³)` once, whatever the number of users, and `O(L N)` a query; memory `O(N²)`, and so
is the bundle: for catalogues of some ten thousand items.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from regard.classical.co_occurrence import co_occurrences, user_items
from regard.classical.contract import ClassicalMethod
from regard.classical.evidence import history_rows
from regard.data.queries import Queries
from regard.data.split import TrainingPart
from regard.errors import ConfigurationError
from regard.shapes import Floats, Scores

_BYTES_A_CELL: Final = 12
"""Of the inverse in float64 and of the weights in float32."""
_ROWS_AT_A_TIME: Final = 256


@dataclass(frozen=True)
class EASEConfig:
    """Options of `EASE`.

    Attributes:
        l2: weight of the penalty on large entries of the map.
        gigabytes: most memory that fitting may take, in units of 2^30 bytes; it takes 12 bytes for
            each pair of items.

    Raises:
        ConfigurationError: a value is not positive.
    """

    l2: float = 500.0
    gigabytes: float = 8.0

    def __post_init__(self) -> None:
        for name in ("l2", "gigabytes"):
            if not 0.0 < getattr(self, name) < float("inf"):
                raise ConfigurationError(f"{name}={getattr(self, name)} must be positive.")

    def require_room(self, items: int) -> None:
        """Refuse a catalogue whose dense inverse takes more memory than is allowed.

        Raises:
            ConfigurationError: it does.

        Example:
            >>> EASEConfig().require_room(1_000_000)
            Traceback (most recent call last):
            regard.errors.ConfigurationError: EASE inverts a dense matrix of 1,000,000 by 1,000,000
            items, which takes 11175.9 GiB, and may take 8 GiB (model.gigabytes). Raise
            split.min_count to learn fewer items, allow more memory, or use item-knn.
        """
        needed = _BYTES_A_CELL * items**2 / 2**30
        if needed > self.gigabytes:
            raise ConfigurationError(
                f"EASE inverts a dense matrix of {items:,} by {items:,} items, which takes "
                f"{needed:.1f} GiB, and may take {self.gigabytes:g} GiB (model.gigabytes). Raise "
                "split.min_count to learn fewer items, allow more memory, or use item-knn."
            )


@dataclass(frozen=True)
class Mapped:
    """Histories and a map, for any part of the catalogue.

    Attributes:
        held_BN: `(B, N)` float32 what each history holds.
        weights_NN: float32 map.

    Example:
        >>> held = sparse.csr_array(np.array([[0.0, 1.0, 1.0]], np.float32))
        >>> Mapped(held, np.arange(9, dtype=np.float32).reshape(3, 3)).block(1, 3).tolist()
        [[11.0, 13.0]]
    """

    held_BN: sparse.csr_array
    weights_NN: Scores

    @property
    def shape(self) -> tuple[int, int]:
        """`(B, N)`."""
        return self.held_BN.shape[0], self.weights_NN.shape[1]

    def block(self, start: int, stop: int) -> Scores:
        """`(B, stop - start)` float32 scores of the codes from `start` to `stop` (exclusive)."""
        # Rows are added up in one order, so a number is the same in any block.
        scores_BN: Scores = self.held_BN @ self.weights_NN[:, start:stop]
        return scores_BN


class EASE(ClassicalMethod):
    """Recommends by the linear map from held items to held items that fits training best.

    Example:
        >>> import polars as pl
        >>> from regard.data.interactions import Interactions
        >>> from regard.data.split import split_leave_last_out
        >>> log = pl.DataFrame({"user": [1, 1, 2, 2, 3, 3, 3],
        ...                     "item": ["tea", "cup", "tea", "cup", "tea", "jam", "jam"],
        ...                     "position": range(7)})
        >>> split = split_leave_last_out(Interactions.of(log))
        >>> asked = split.validation  # of user 3, who has tea
        >>> scores = EASE(l2=1.0).fit(split.training).score(asked)[0, 2:]
        >>> dict(zip(split.vocabulary.ids, scores.round(3).tolist()))
        {'tea': 0.0, 'cup': 0.5}
    """

    name = "ease"
    saved = ("weights",)

    def __init__(self, l2: float = 500.0, gigabytes: float = 8.0) -> None:
        super().__init__()
        self.config = EASEConfig(l2, gigabytes)

    def fit(self, training: TrainingPart) -> Self:
        """Count, invert, scale.

        Args:
            training: what may be looked at.

        Returns:
            The method itself, fitted.

        Raises:
            ConfigurationError: the catalogue is too large for a dense inverse, or the penalty too
                small for the matrix to be inverted.
        """
        size = training.vocabulary.size
        self.config.require_room(size)
        gram_NN = np.empty((size, size))
        for start, shared in co_occurrences(user_items(training)):
            # In its place: a copy would take as much memory again.
            shared.toarray(out=gram_NN[start : start + shared.shape[0]])
        gram_NN.flat[:: size + 1] += self.config.l2
        self._learned = {"weights": _map(_inverted(gram_NN))}
        return self

    def prepare(self, queries: Queries) -> Mapped:
        """Ready for any part of the catalogue; see `regard.evaluation.scorer.BlockScorer`."""
        weights_NN = self.arrays()["weights"]
        held_BN = history_rows(queries, len(weights_NN), half_life=None)
        return Mapped(held_BN.astype(np.float32), weights_NN)

    def _score(self, queries: Queries) -> Scores:
        return self.prepare(queries).block(0, len(self.arrays()["weights"]))


def _inverted(gram_NN: Floats) -> Floats:
    """The inverse of a positive definite matrix, in its place.

    Only the upper triangle of what is returned means anything.

    Raises:
        ConfigurationError: it is not positive definite, as far as numbers can tell.
    """
    # LAPACK reads columns first: the transpose is the same memory, and its lower triangle is ours.
    factor, failed = lapack.dpotrf(gram_NN.T, lower=1, overwrite_a=1, clean=0)
    inverse: Floats = np.empty(0)
    if not failed:
        inverse, failed = lapack.dpotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise ConfigurationError(
            "The matrix of items held together cannot be inverted with so small a penalty; raise "
            "model.l2."
        )
    upper_NN: Floats = inverse.T
    return upper_NN


def _map(inverse_NN: Floats) -> Scores:
    """`-P(i, j) / P(j, j)` with an empty diagonal, from the upper triangle of `P`."""
    size = len(inverse_NN)
    scale_N = -1.0 / np.diagonal(inverse_NN).copy()
    weights_NN = np.empty((size, size), np.float32)
    for start in range(0, size, _ROWS_AT_A_TIME):
        stop = min(start + _ROWS_AT_A_TIME, size)
        corner = np.triu(inverse_NN[start:stop, start:stop], 1)
        weights_NN[start:stop, start:stop] = (corner + corner.T) * scale_N[start:stop]
        right = inverse_NN[start:stop, stop:]
        weights_NN[start:stop, stop:] = right * scale_N[stop:]
        weights_NN[stop:, start:stop] = right.T * scale_N[start:stop]
    return weights_NN
