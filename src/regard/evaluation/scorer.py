"""Whoever can score a catalogue: all of it at once, or a block of it at a time.

A catalogue of ten million items is forty megabytes of scores for every query. So whoever can
compare a query with a part of the catalogue, as networks and counts can, reads the queries once
and is then asked for one block after the other::

    prepare(queries)  ->  block(0, 4096)  block(4096, 8192)  ...
"""

from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from regard.data.queries import Queries
from regard.shapes import Scores


class Scorer(Protocol):
    """Whatever can score the catalogue for a query: networks and classical methods alike.

    Example:
        >>> class Alphabetical:
        ...     def score(self, queries: Queries) -> Scores:
        ...         return np.tile(-np.arange(9, dtype=np.float32), (len(queries), 1))
        >>> scorer: Scorer = Alphabetical()
    """

    def score(self, queries: Queries) -> Scores:
        """Scores of all items for some queries.

        Args:
            queries: whose histories to continue; targets must not be looked at.

        Returns:
            `(B, N)` float32, higher is better, never NaN; minus infinity is never recommended;
            the columns of padding and unknown are ignored.
        """
        ...


class Prepared(Protocol):
    """Some queries that were read, to be compared with any part of the catalogue."""

    @property
    def shape(self) -> tuple[int, int]:
        """`(B, N)` of the scores if they were all there at once."""
        ...

    def block(self, start: int, stop: int) -> Scores:
        """Scores of the item codes from `start` to `stop` (exclusive).

        Args:
            start: first code.
            stop: one beyond the last code.

        Returns:
            `(B, stop - start)` float32, the columns of `Scorer.score`; an array that the caller
            may change. Asked again, the same numbers to the last bit.
        """
        ...


@runtime_checkable
class BlockScorer(Scorer, Protocol):
    """A scorer that need not hold whole rows of scores.

    Attributes:
        in_blocks: whether that is so; false for one that asks others in turn, of whom one knows
            whole rows only.
    """

    @property
    def in_blocks(self) -> bool: ...  # noqa: D102 - see the class

    def prepare(self, queries: Queries) -> Prepared:
        """Read some queries; see `Scorer.score` for what they are."""
        ...


@dataclass(frozen=True)
class Whole:
    """Rows of scores that are all there already.

    Attributes:
        scores_BN: from `Scorer.score`; left alone.

    Example:
        >>> Whole(np.array([[0.0, 0.0, 4.0, 3.0]])).block(2, 3).tolist()
        [[4.0]]
    """

    scores_BN: NDArray[Any]

    @property
    def shape(self) -> tuple[int, int]:
        """See `Prepared.shape`."""
        rows, columns = self.scores_BN.shape
        return rows, columns

    def block(self, start: int, stop: int) -> Scores:
        """See `Prepared.block`."""
        return np.array(self.scores_BN[:, start:stop], np.float32, order="C")


def works_in_blocks(scorer: Scorer) -> TypeGuard[BlockScorer]:
    """Whether a scorer can be asked for a part of the catalogue.

    Example:
        >>> class Alphabetical:
        ...     def score(self, queries: Queries) -> Scores:
        ...         return np.tile(-np.arange(9, dtype=np.float32), (len(queries), 1))
        >>> works_in_blocks(Alphabetical())
        False
    """
    return isinstance(scorer, BlockScorer) and scorer.in_blocks


def prepare(scorer: Scorer, queries: Queries) -> Prepared:
    """Have some queries read by any scorer: one that knows whole rows only scores them at once.

    Args:
        scorer: any.
        queries: as many as there is memory for.

    Returns:
        What can be asked for blocks.
    """
    if works_in_blocks(scorer):
        return scorer.prepare(queries)
    return Whole(np.asarray(scorer.score(queries)))
