"""Scores of candidates, a block of queries by items at a time, whatever the size of either.

::

                  items  0 ........ 4096 ........ 8192 .. N
    queries    0 ...   | block 1   | block 2    | block 3 |     one chunk of queries:
            1023 ...   |           |            |         |     `Candidates`
            1024 ...   | block 1   | ...                        the next one
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from regard.data.queries import Queries
from regard.errors import ModelInputError
from regard.evaluation.protocol import Seen
from regard.evaluation.scorer import Prepared, Scorer, prepare, works_in_blocks
from regard.schema import FIRST_CODE
from regard.shapes import Codes, Mask, Offsets, Scores

BUDGET_BYTES = 256 * 2**20
"""Memory that scores may take at a time, with all that is made of them on the way."""
_CELL_BYTES = 32
"""One score, what a scorer needs to make it, its copies, and the block before that still lives."""
_MOST_QUERIES = 1_024
"""Bounds a chunk where the catalogue is small: a network needs memory for histories as well."""
_WHOLE_CELLS, _BLOCK_CELLS = 2**22, 2**20
"""Whole rows up to so many scores, for then targets need no pass of their own; otherwise blocks of
so many: what is beyond the caches of a processor is slow, and large arrays leave large gaps."""
_MOST_ITEMS = 2**17
"""Bounds a block where few ask."""


def candidates(
    scorer: Scorer, queries: Queries, catalogue_size: int, seen: Seen, budget_bytes: int
) -> Iterator["Candidates"]:
    """The queries in order, as many at a time as the budget allows.

    Args:
        scorer: who is asked; one that knows whole rows only is asked fewer queries at a time.
        queries: questions.
        catalogue_size: N, the number of codes.
        seen: whether items of the full history stay candidates.
        budget_bytes: see `BUDGET_BYTES`; at least one query is asked about at least one item.

    Raises:
        ModelInputError: scores of another catalogue.
    """
    cells = max(budget_bytes // _CELL_BYTES, 1)
    rows = cells if works_in_blocks(scorer) else max(cells // catalogue_size, 1)
    for chunk in queries.chunks(min(rows, _MOST_QUERIES)):
        read, expected = prepare(scorer, chunk), (len(chunk), catalogue_size)
        name = type(scorer).__name__
        if read.shape != expected:
            raise ModelInputError(
                f"{name} gave scores of shape {read.shape} for {len(chunk)} "
                f"queries and {catalogue_size} item codes; expected {expected}."
            )
        yield Candidates(chunk, name, read, seen, _parts(expected, cells))


def _parts(shape: tuple[int, int], cells: int) -> int:
    """How many blocks to cut scores into, of which so many may be held at a time."""
    rows, items = shape
    if rows * items <= min(cells, _WHOLE_CELLS) and items <= _MOST_ITEMS:
        return 1
    width = max(min(cells, _BLOCK_CELLS) // rows, 1)
    return -(-items // min(width, _MOST_ITEMS))


@dataclass(frozen=True)
class Candidates:
    """The scores of all candidates for some queries, block by block.

    Attributes:
        queries: the questions.
        name: of the scorer.
        read: what it made of the questions.
        seen: whether items of the histories stay candidates.
        parts: how many blocks.
    """

    queries: Queries
    name: str
    read: Prepared
    seen: Seen
    parts: int

    @cached_property
    def held(self) -> "Held":
        """What the histories hold."""
        return Held.of(self.queries, self.read.shape[1])

    def blocks(self) -> Iterator[tuple[int, Scores]]:
        """First code, and `(B, codes)` scores; what is no candidate holds minus infinity."""
        for start, stop in self._bounds:
            yield start, self._block(start, stop)

    def at(self, query_T: Offsets, code_T: Codes) -> Scores:
        """Single scores: the very numbers that stand in the blocks.

        The same product in another shape may be rounded otherwise, and what is tied in a block
        would then be tied no more.

        Args:
            query_T: `(T,)` int64 numbers of queries.
            code_T: `(T,)` int32 item codes.

        Returns:
            `(T,)` float32.
        """
        own_T = np.empty(len(code_T), np.float32)
        for start, stop in self._bounds:
            here = np.flatnonzero((code_T >= start) & (code_T < stop))
            if len(here):
                own_T[here] = self._block(start, stop)[query_T[here], code_T[here] - start]
        return own_T

    @property
    def _bounds(self) -> list[tuple[int, int]]:
        """Blocks of equal width, give or take a column."""
        cuts = np.linspace(0, self.read.shape[1], self.parts + 1).astype(np.int64).tolist()
        return list(pairwise(cuts))

    def _block(self, start: int, stop: int) -> Scores:
        return self._only if self.parts == 1 else self._scored(start, stop)

    @cached_property
    def _only(self) -> Scores:
        """The block, where there is only one: it need not be scored again."""
        return self._scored(0, self.read.shape[1])

    def _scored(self, start: int, stop: int) -> Scores:
        scores_BN = self.read.block(start, stop)
        scores_BN[:, : max(FIRST_CODE - start, 0)] = -np.inf
        self._require_numbers(scores_BN, start)
        if self.seen == Seen.REMOVE:
            query, code = self.held.within(start, stop)
            scores_BN[query, code - start] = -np.inf
        return scores_BN

    def _require_numbers(self, scores_BN: Scores, start: int) -> None:
        """Refuse NaN, which would compare false with everything and so look like rank 1."""
        # The maximum of a row is NaN exactly where the row holds one; no (B, N) mask is needed.
        broken = np.isnan(scores_BN.max(axis=1))
        if broken.any():
            row = int(np.flatnonzero(broken)[0])
            code = start + int(np.flatnonzero(np.isnan(scores_BN[row]))[0])
            raise ModelInputError(
                f"{self.name} gave NaN as a score ({int(broken.sum())} of {len(scores_BN)} "
                f"queries, first: item code {code}). The model has diverged or divides by zero; a "
                "ranking of it would mean nothing."
            )


@dataclass(frozen=True)
class Held:
    """Which items each history holds, sorted by item, so that a block finds its own at once.

    Attributes:
        query: `(E,)` int64 numbers of queries.
        code: `(E,)` int64 item codes, ascending; never a special one.
        queries: how many queries there are.

    Example:
        >>> held = Held(np.array([1, 0]), np.array([3, 5]), queries=2)
        >>> held.within(4, 9), held.has(np.array([0, 1]), np.array([5, 5])).tolist()
        ((array([0]), array([5])), [True, False])
    """

    query: Offsets
    code: Offsets
    queries: int

    @classmethod
    def of(cls, queries: Queries, catalogue_size: int) -> "Held":
        """What some histories hold.

        Args:
            queries: whose histories.
            catalogue_size: N.

        Raises:
            ModelInputError: a history holds a code beyond the catalogue.
        """
        query, position = queries.history_events()
        code = queries.sequences.items[position].astype(np.int64)
        if code.max(initial=0) >= catalogue_size:
            raise ModelInputError(
                f"A history holds item code {int(code.max())}, but the catalogue ends at "
                f"{catalogue_size - 1}. Encode items with the vocabulary of the model."
            )
        known = code >= FIRST_CODE
        # One sort of single numbers is several times faster than a sort by two keys.
        keys = np.sort(code[known] * len(queries) + query[known])
        code, query = np.divmod(keys, max(len(queries), 1))
        return cls(query, code, len(queries))

    def within(self, start: int, stop: int) -> tuple[Offsets, Offsets]:
        """Query numbers and codes of the items from `start` to `stop` (exclusive)."""
        first, last = np.searchsorted(self.code, [start, stop])
        return self.query[first:last], self.code[first:last]

    def has(self, query_T: Offsets, code_T: Codes) -> Mask:
        """`(T,)` Boolean: whether each item stands in the history of its query."""
        keys = self.code * self.queries + self.query
        wanted = code_T.astype(np.int64) * self.queries + query_T
        place = np.searchsorted(keys, wanted)
        found: Mask = np.append(keys, -1)[place] == wanted
        return found
