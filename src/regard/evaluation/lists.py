"""The best items of some queries, found while block after block of the catalogue goes by.

Ties need no care: blocks come by ascending code, sorting is stable, and so of equal scores the
smaller code stays in front, inside a block and across blocks.
"""

import numpy as np

from regard.schema import PADDING
from regard.shapes import Codes, Offsets, Scores

_GROUPS = 128
"""Groups of items whose maxima say how high a score must be to enter a list."""
CELLS_AT_ONCE = 2**17
"""Scores looked at together: what several passes go over should stay in the processor's cache."""


class Best:
    """The best k items so far of some queries.

    Args:
        queries: how many (`B`).
        k: length of the lists.

    Attributes:
        codes_BK: int32, best first, equal scores by ascending code; 0 where candidates run out.
        scores_BK: float32, descending; minus infinity where candidates run out.

    Example:
        >>> best = Best(queries=1, k=2)
        >>> best.look(0, np.array([[-np.inf, -np.inf, 0.5, 0.7]], np.float32))
        >>> best.look(4, np.array([[0.1, 0.5, 0.9]], np.float32))
        >>> best.codes_BK.tolist()
        [[6, 3]]
    """

    def __init__(self, queries: int, k: int) -> None:
        self.codes_BK: Codes = np.full((queries, k), PADDING, np.int32)
        self.scores_BK: Scores = np.full((queries, k), -np.inf, np.float32)

    def look(self, start: int, scores_BN: Scores) -> None:
        """Take in the next block.

        Args:
            start: its first code; higher than all that were seen.
            scores_BN: `(B, codes)` float32 without NaN; minus infinity is no candidate.
        """
        rows = max(1, CELLS_AT_ONCE // max(scores_BN.shape[1], 1))
        for first in range(0, len(scores_BN), rows):
            part = slice(first, first + rows)
            self._merge(part, start, scores_BN[part])

    def _merge(self, part: slice, start: int, scores_BN: Scores) -> None:
        """Take in the next block for some of the queries."""
        enters_BN = scores_BN >= self._bar(self.scores_BK[part], scores_BN)
        # Several times faster than np.nonzero of two dimensions.
        query, column = np.divmod(np.flatnonzero(enters_BN), max(scores_BN.shape[1], 1))
        if not len(query):
            return
        k, place = self.scores_BK.shape[1], _numbered(query, len(scores_BN))
        scores = np.full((len(scores_BN), k + int(place.max()) + 1), -np.inf, np.float32)
        codes = np.full(scores.shape, PADDING, np.int32)
        scores[:, :k], codes[:, :k] = self.scores_BK[part], self.codes_BK[part]
        scores[query, k + place] = scores_BN[query, column]
        codes[query, k + place] = start + column
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        self.scores_BK[part] = np.take_along_axis(scores, order, axis=1)
        self.codes_BK[part] = np.take_along_axis(codes, order, axis=1)

    def _bar(self, listed_BK: Scores, scores_BN: Scores) -> Scores:
        """`(B, 1)`: a score below it cannot enter the list.

        It must beat the last one listed, to which it would lose a tie. And among the maxima of
        groups of items, k are at least as high as the k-th of them, so a lower one is not among
        the best k of this block: one cheap pass that spares sorting nearly everything.
        """
        bar_B1 = np.nextafter(listed_BK[:, -1:], np.float32(np.inf))
        k, groups = listed_BK.shape[1], max(_GROUPS, 4 * listed_BK.shape[1])
        deep = scores_BN.shape[1] // groups
        if deep < 2:
            return bar_B1
        grouped = scores_BN[:, : deep * groups].reshape(len(scores_BN), deep, groups)
        highest_BG = grouped.max(axis=1)
        higher: Scores = np.partition(highest_BG, groups - k, axis=1)[:, [groups - k]]
        return np.maximum(bar_B1, higher)


def _numbered(query: Offsets, queries: int) -> Offsets:
    """The how-manieth each entry is of its query, for entries sorted by query."""
    counts = np.bincount(query, minlength=queries)
    return np.arange(len(query)) - np.repeat(np.cumsum(counts) - counts, counts)
