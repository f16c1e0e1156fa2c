"""Some candidates put in a new order, above all others in the old one."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from regard.classical.evidence import newest_occurrences
from regard.data.queries import Queries
from regard.shapes import Floats, Mask, Scores

ABOVE: Final = 2.0
"""The least score of a candidate; what is none lies from -1 to 1."""


@dataclass(frozen=True)
class Reranked:
    """Candidates in the order of the trees above all others in that of the first source.

    Attributes:
        found_BN: float32 scores of candidates, all of them 2 or more.
        first_BN: float32 of the first source, between -1 and 1.
    """

    found_BN: sparse.csr_array
    first_BN: Scores

    @property
    def shape(self) -> tuple[int, int]:
        """`(B, N)`."""
        rows, columns = self.first_BN.shape
        return rows, columns

    def block(self, start: int, stop: int) -> Scores:
        """`(B, stop - start)` float32 scores of the codes from `start` to `stop` (exclusive)."""
        scores_BN = self.first_BN[:, start:stop].copy()
        found = self.found_BN[:, start:stop]
        row = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
        scores_BN[row, found.indices] = found.data
        return scores_BN


def come_back(asked: Queries) -> bool:
    """Whether anybody turned again to an item of their history.

    Args:
        asked: each with one target.
    """
    query, item, _ = newest_occurrences(asked)
    return bool((item == asked.targets[query]).any())


def best_keys(scores_BN: Scores, left_out_BN: Mask, most: int) -> NDArray[np.int64]:
    """The best items of each row, of those that are not left out.

    Args:
        scores_BN: float32.
        left_out_BN: Boolean.
        most: of each row.

    Returns:
        int64 keys `row * N + item`, row after row.

    Example:
        >>> scores, out = np.array([[5.0, 1.0, 3.0]]), np.array([[True, False, False]])
        >>> best_keys(scores, out, most=1).tolist()
        [2]
    """
    rows, size = scores_BN.shape
    scores_BN = np.where(left_out_BN, -np.inf, scores_BN)
    if most < size:
        columns = np.argpartition(-scores_BN, most - 1, axis=1)[:, :most]
    else:
        columns = np.tile(np.arange(size), (rows, 1))
    kept = np.take_along_axis(scores_BN, columns, axis=1) > -np.inf
    keys: NDArray[np.int64] = (np.arange(rows)[:, None] * size + columns)[kept]
    return keys


def between_ones(scores_BN: Scores) -> Scores:
    """Rows divided by powers of two, which rounds nothing, so that all lie from -1 to 1.

    Args:
        scores_BN: float32, finite.

    Example:
        >>> between_ones(np.array([[-3.0, 1.0]], np.float32)).tolist()
        [[-0.75, 0.25]]
    """
    _, exponent_B = np.frexp(np.abs(scores_BN).max(axis=1, initial=0.0))
    scaled: Floats = np.ldexp(scores_BN, -exponent_B[:, None])
    return scaled.astype(np.float32)
