"""What speaks for few items of many: sparse scores, with popularity where nothing does.

::

    history  tea cup tea milk        ->   item   tea   cup  milk     each item once, where it
             age: 3   2   1   0           age      1     2     0     occurred last
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from regard.classical.contract import under_zero
from regard.data.queries import Queries
from regard.schema import FIRST_CODE
from regard.shapes import Codes, Floats, Offsets, Scores


@dataclass(frozen=True)
class Evidence:
    """Scores of few items above popularity for all, for any part of the catalogue.

    Attributes:
        found_BN: float32, positive where something speaks for an item; no entry twice.
        back_off_N: float32 at most zero; the scores of all others.

    Example:
        >>> table = sparse.csr_array(np.array([[0.0, 0.0, 0.0, 0.3]]))
        >>> Evidence.of(table, counts=np.array([0, 0, 9, 3])).block(2, 4).round(1).tolist()
        [[0.0, 0.3...]]
    """

    found_BN: sparse.csr_array
    back_off_N: Scores

    @classmethod
    def of(cls, found_BN: sparse.csr_array, counts: NDArray[np.int64]) -> Self:
        """Evidence in any precision, over the popularity of the training part.

        Args:
            found_BN: not negative.
            counts: `(N,)` int64 from `count_items`.
        """
        found_BN = found_BN.astype(np.float32)
        found_BN.eliminate_zeros()
        return cls(found_BN, under_zero(counts).astype(np.float32))

    @property
    def shape(self) -> tuple[int, int]:
        """`(B, N)`."""
        return self.found_BN.shape[0], len(self.back_off_N)

    def block(self, start: int, stop: int) -> Scores:
        """`(B, stop - start)` float32 scores of the codes from `start` to `stop` (exclusive)."""
        scores_BN = np.tile(self.back_off_N[start:stop], (self.shape[0], 1))
        found = self.found_BN[:, start:stop]
        row = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
        scores_BN[row, found.indices] = found.data
        return scores_BN


def newest_occurrences(
    queries: Queries, longest: int | None = None
) -> tuple[Offsets, Codes, Offsets]:
    """Each known item of each history once, and how long ago it occurred last.

    Args:
        queries: whose histories.
        longest: look at most at this many newest events of each; at all if omitted.

    Returns:
        Query number, item code and age in events (0 for the newest), ascending by query and item.

    Example:
        >>> from regard.data.sequences import Sequences
        >>> import polars as pl
        >>> seqs = Sequences.of(pl.DataFrame({"user": [1] * 4, "item": [5, 3, 5, 1],
        ...                                   "row": range(4)}))
        >>> [each.tolist() for each in newest_occurrences(Queries.requests(seqs, np.array([0])))]
        [[0, 0], [3, 5], [2, 1]]
    """
    query, position = queries.history_events(longest)
    item = queries.sequences.items[position]
    known = item >= FIRST_CODE
    query, position, item = query[known], position[known], item[known]
    keys = query * (int(item.max(initial=0)) + 1) + item
    # Of equal keys `unique` names the first, which from behind is the newest.
    _, behind = np.unique(keys[::-1], return_index=True)
    kept = len(keys) - 1 - behind
    return query[kept], item[kept], queries.ends[query[kept]] - 1 - position[kept]


def history_rows(
    queries: Queries, items: int, *, half_life: float | None, longest: int | None = None
) -> sparse.csr_array:
    """Histories as rows of weights, each distinct item once.

    Args:
        queries: whose histories.
        items: N, the number of codes.
        half_life: events after which an item weighs half; all weigh one where None.
        longest: see `newest_occurrences`.

    Returns:
        `(B, N)` float64.

    Raises:
        ValueError: a history holds a code beyond the catalogue.
    """
    query, item, age = newest_occurrences(queries, longest)
    return sparse.csr_array((fading(age, half_life), (query, item)), shape=(len(queries), items))


def fading(ages: Offsets | Floats, half_life: float | None) -> Floats:
    """What is left of one after some ages.

    Example:
        >>> fading(np.array([0, 2, 4]), half_life=2.0).tolist(), fading(np.array([7]), None)
        ([1.0, 0.5, 0.25], array([1.]))
    """
    if half_life is None:
        return np.ones(len(ages))
    left: Floats = np.exp2(-np.asarray(ages, np.float64) / half_life)
    return left


def strongest(table: sparse.csr_array, k: int) -> sparse.csr_array:
    """The `k` largest entries of each row; of equal ones those of smaller columns.

    Args:
        table: any number of rows.
        k: how many to keep.

    Returns:
        A table of the same shape, columns ascending.

    Example:
        >>> strongest(sparse.csr_array(np.array([[3, 5, 3, 4]])), 3).toarray().tolist()
        [[3, 5, 0, 4]]
    """
    table.sort_indices()
    lengths = np.diff(table.indptr)
    if lengths.max(initial=0) <= k:
        return table
    # Small integers are sorted by radix, and the second sort keeps the order of the first.
    row = np.repeat(np.arange(len(lengths)), lengths).astype(np.min_scalar_type(len(lengths)))
    order = np.argsort(-table.data, kind="stable")
    order = order[np.argsort(row[order], kind="stable")]
    return _kept(table, np.sort(order[_places(table) < k]))


def leftmost(table: sparse.csr_array, k: int) -> sparse.csr_array:
    """The first `k` entries of each row, by column.

    Example:
        >>> leftmost(sparse.csr_array(np.array([[3, 5, 3, 4]])), 2).toarray().tolist()
        [[3, 5, 0, 0]]
    """
    table.sort_indices()
    return _kept(table, np.flatnonzero(_places(table) < k))


def _places(table: sparse.csr_array) -> Offsets:
    """Place of each entry within its row, from 0."""
    places: Offsets = np.arange(table.nnz) - np.repeat(table.indptr[:-1], np.diff(table.indptr))
    return places


def _kept(table: sparse.csr_array, kept: Offsets) -> sparse.csr_array:
    """Some entries of a table, named by ascending positions."""
    starts = np.searchsorted(kept, table.indptr)
    return sparse.csr_array((table.data[kept], table.indices[kept], starts), shape=table.shape)
