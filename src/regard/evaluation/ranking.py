"""From scores to ranks and lists: the one path of evaluation and of recommendation.

A query with history `2 5` and target `3`, seen items removed (`x` is minus infinity)::

    code          0    1    2    3    4    5    6
    score        .9   .9   .8   .4   .6   .7   .4
    candidates    x    x    x   .4   .6    x   .4
    list                       2nd  1st       3rd    equal scores: smaller code first
    rank of 3                  2.5                   one is better, one other is tied
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from regard.data.queries import Queries
from regard.errors import ModelInputError, TooLittleDataError
from regard.evaluation.protocol import Seen, Ties
from regard.schema import FIRST_CODE, PADDING, UNKNOWN
from regard.shapes import Codes, Floats, Mask, Offsets, Scores

BUDGET_BYTES = 256 * 2**20
"""Memory that the scores of one chunk of queries may take."""
_CELL_BYTES = 16
"""One score, its masked copy, its copy for partitioning, and Booleans on the way."""
_MOST_QUERIES = 1_024
"""Bounds a chunk where the catalogue is small, for the sake of a network's own memory."""


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


@dataclass(frozen=True)
class Ranks:
    """The ranks of all targets, query after query.

    Attributes:
        values: `(T,)` float64 from 1; a half where ties count half; infinite where a target is
            no candidate, that is, a miss at any cut-off.
        offsets: `(Q + 1,)` int64; query `q` has `values[offsets[q]:offsets[q + 1]]`, at least one.
        cold: targets outside the vocabulary.
        repeats: targets that their history already holds.
        removed: those repeats that the protocol removed, and so are misses.
        tied: targets that share their score with another candidate.

    Raises:
        TooLittleDataError: a query has no target.

    Example:
        >>> ranks = Ranks(np.array([1.0, 4.0, np.inf]), np.array([0, 2, 3]))
        >>> len(ranks), ranks.counts.tolist()
        (2, [2, 1])
    """

    values: Floats
    offsets: Offsets
    cold: int = 0
    repeats: int = 0
    removed: int = 0
    tied: int = 0

    def __post_init__(self) -> None:
        if (self.counts < 1).any():
            empty = int(np.argmin(self.counts))
            raise TooLittleDataError(
                f"Query {empty} has no target, so nothing can be ranked; ask only about users "
                "who did something afterwards."
            )

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def counts(self) -> Offsets:
        """`(Q,)` int64 number of targets of each query."""
        return np.diff(self.offsets)

    @classmethod
    def joined(cls, parts: list["Ranks"]) -> "Ranks":
        """Ranks of consecutive chunks of queries as one."""
        counts = np.concatenate([[0], *(part.counts for part in parts)])
        return cls(
            np.concatenate([np.zeros(0), *(part.values for part in parts)]),
            np.cumsum(counts, dtype=np.int64),
            *(sum(getattr(part, name) for part in parts) for name in _COUNTED),
        )


_COUNTED = ("cold", "repeats", "removed", "tied")
_Number = TypeVar("_Number", np.int32, np.float32)


def rank_targets(
    scorer: Scorer,
    queries: Queries,
    *,
    catalogue_size: int,
    seen: Seen = Seen.KEEP,
    ties: Ties = Ties.MEAN,
    budget_bytes: int = BUDGET_BYTES,
) -> Ranks:
    """The rank of every target among all candidates of its query.

    Rank = 1 + candidates with a higher score + tied candidates (half of them, or all). The
    targets of one query compete with each other as with any other item. An item that stands
    twice among the targets of a query counts once; a cold target is a miss, not a skip.

    Args:
        scorer: what is judged.
        queries: questions with at least one target each.
        catalogue_size: N, the number of codes.
        seen: whether items of the full history stay candidates.
        ties: how equal scores count.
        budget_bytes: memory for the scores of one chunk; `(Q, N)` is never held.

    Returns:
        Ranks in the order of the queries.

    Raises:
        ModelInputError: scores of the wrong shape or NaN, or a target that is no item code.
        TooLittleDataError: a query has no target.

    Example:
        >>> import polars as pl
        >>> from regard.data.sequences import Sequences
        >>> seqs = Sequences.of(pl.DataFrame({"user": [7, 7, 7], "item": [2, 5, 3],
        ...                                   "row": [0, 1, 2]}))
        >>> class Fixed:
        ...     def score(self, queries):
        ...         return np.array([[.9, .9, .8, .4, .6, .7, .4]], np.float32)
        >>> asked = Queries.next_event(seqs, np.array([0]), np.array([2]))
        >>> rank_targets(Fixed(), asked, catalogue_size=7, seen=Seen.REMOVE).values.tolist()
        [2.5]
    """
    queries = _distinct_targets(queries, catalogue_size)
    chunks = _candidate_scores(scorer, queries, catalogue_size, seen, budget_bytes)
    return Ranks.joined([_rank(chunk, scores_BN, seen, ties) for chunk, scores_BN in chunks])


def top_items(
    scorer: Scorer,
    queries: Queries,
    k: int,
    *,
    catalogue_size: int,
    seen: Seen = Seen.KEEP,
    budget_bytes: int = BUDGET_BYTES,
) -> tuple[Codes, Scores]:
    """The best items of each query, best first.

    Args:
        scorer: what recommends.
        queries: questions; targets are not needed and not looked at.
        k: length of the lists.
        catalogue_size: N, the number of codes.
        seen: whether items of the full history stay candidates.
        budget_bytes: memory for the scores of one chunk; `(Q, N)` is never held.

    Returns:
        `(Q, k)` int32 codes and `(Q, k)` float32 scores, descending; equal scores by ascending
        code (the more popular item first). Where candidates run out: code 0, minus infinity.

    Raises:
        ModelInputError: scores of the wrong shape or NaN.

    Example:
        >>> import polars as pl
        >>> from regard.data.sequences import Sequences
        >>> seqs = Sequences.of(pl.DataFrame({"user": [7, 7], "item": [2, 5], "row": [0, 1]}))
        >>> class Fixed:
        ...     def score(self, queries):
        ...         return np.array([[.9, .9, .8, .4, .6, .7, .4]], np.float32)
        >>> asked = Queries.requests(seqs, np.array([0]))
        >>> top_items(Fixed(), asked, 4, catalogue_size=7, seen=Seen.REMOVE)[0].tolist()
        [[4, 3, 6, 0]]
    """
    chunks = _candidate_scores(scorer, queries, catalogue_size, seen, budget_bytes)
    return _joined_lists([_top(scores_BN, k) for _, scores_BN in chunks], k)


def rank_and_list(
    scorer: Scorer,
    queries: Queries,
    k: int,
    *,
    catalogue_size: int,
    seen: Seen = Seen.KEEP,
    ties: Ties = Ties.MEAN,
    budget_bytes: int = BUDGET_BYTES,
) -> tuple[Ranks, Codes]:
    """`rank_targets` and `top_items` from one pass of scoring.

    Args:
        scorer: what is judged.
        queries: questions with at least one target each.
        k: length of the lists.
        catalogue_size: N, the number of codes.
        seen: whether items of the full history stay candidates.
        ties: how equal scores count.
        budget_bytes: memory for the scores of one chunk.

    Returns:
        The ranks, and `(Q, k)` int32 codes of the lists.

    Raises:
        ModelInputError: scores of the wrong shape or NaN, or a target that is no item code.
        TooLittleDataError: a query has no target.
    """
    queries = _distinct_targets(queries, catalogue_size)
    ranks, lists = [], []
    for chunk, scores_BN in _candidate_scores(scorer, queries, catalogue_size, seen, budget_bytes):
        ranks.append(_rank(chunk, scores_BN, seen, ties))
        lists.append(_top(scores_BN, k))
    return Ranks.joined(ranks), _joined_lists(lists, k)[0]


def _candidate_scores(
    scorer: Scorer, queries: Queries, catalogue_size: int, seen: Seen, budget_bytes: int
) -> Iterator[tuple[Queries, Scores]]:
    """Chunks of queries with `(B, N)` scores; what is no candidate holds minus infinity."""
    size = budget_bytes // (_CELL_BYTES * max(catalogue_size, 1))
    for chunk in queries.chunks(min(max(size, 1), _MOST_QUERIES)):
        given_BN = np.asarray(scorer.score(chunk))
        expected = (len(chunk), catalogue_size)
        if given_BN.shape != expected:
            raise ModelInputError(
                f"{type(scorer).__name__} gave scores of shape {given_BN.shape} for {len(chunk)} "
                f"queries and {catalogue_size} item codes; expected {expected}."
            )
        scores_BN = given_BN.astype(np.float32, copy=True)
        scores_BN[:, :FIRST_CODE] = -np.inf
        _require_numbers(scores_BN, scorer)
        if seen == Seen.REMOVE:
            query, position = chunk.history_events()
            scores_BN[query, chunk.sequences.items[position]] = -np.inf
        yield chunk, scores_BN


def _require_numbers(scores_BN: Scores, scorer: Scorer) -> None:
    """Refuse NaN, which would compare false with everything and so look like rank 1."""
    # The maximum of a row is NaN exactly where the row holds one; no (B, N) mask is needed.
    broken = np.isnan(scores_BN.max(axis=1))
    if broken.any():
        row = int(np.flatnonzero(broken)[0])
        code = int(np.flatnonzero(np.isnan(scores_BN[row]))[0])
        raise ModelInputError(
            f"{type(scorer).__name__} gave NaN as a score ({int(broken.sum())} of "
            f"{len(scores_BN)} queries, first: item code {code}). The model has diverged or "
            "divides by zero; a ranking of it would mean nothing."
        )


def _rank(chunk: Queries, scores_BN: Scores, seen: Seen, ties: Ties) -> Ranks:
    """Ranks of the targets of one chunk."""
    query_T = _query_of_target(chunk)
    own_T = scores_BN[query_T, chunk.targets]
    higher_T, tied_T = _count_others(scores_BN, query_T, own_T)
    candidate_T = own_T > -np.inf
    share = 0.5 if ties == Ties.MEAN else 1.0
    repeats = int(chunk.seen(scores_BN.shape[1])[query_T, chunk.targets].sum())
    return Ranks(
        np.where(candidate_T, 1.0 + higher_T + share * tied_T, np.inf),
        chunk.target_offsets,
        cold=int((chunk.targets == UNKNOWN).sum()),
        repeats=repeats,
        removed=repeats if seen == Seen.REMOVE else 0,
        tied=int((candidate_T & (tied_T > 0)).sum()),
    )


def _count_others(scores_BN: Scores, query_T: Offsets, own_T: Scores) -> tuple[Offsets, Offsets]:
    """How many candidates score higher than each target, and how many others the same."""
    size = len(scores_BN)
    higher_T, tied_T = np.empty(len(query_T), np.int64), np.empty(len(query_T), np.int64)
    for start in range(0, len(query_T), max(size, 1)):
        part = slice(start, start + size)
        # With one target for each query the rows are the scores themselves: no copy.
        rows = scores_BN if len(query_T) == size else scores_BN[query_T[part]]
        own = own_T[part, None]
        higher_T[part] = np.count_nonzero(rows > own, axis=1)
        tied_T[part] = np.count_nonzero(rows == own, axis=1) - 1
    return higher_T, tied_T


def _top(scores_BN: Scores, k: int) -> tuple[Codes, Scores]:
    """The k best codes of each row; equal scores by ascending code, also across the cut."""
    rows, catalogue_size = scores_BN.shape
    wanted = min(k, catalogue_size)
    least_B = np.partition(scores_BN, catalogue_size - wanted, axis=1)[:, [-wanted]]
    keep_BN = scores_BN >= least_B
    # More than `wanted` where ties straddle the cut: there the smaller codes go first.
    crowded = np.flatnonzero(np.count_nonzero(keep_BN, axis=1) > wanted)
    keep_BN[crowded] = _first_of_tied(scores_BN[crowded], least_B[crowded], wanted)
    codes = np.nonzero(keep_BN)[1].reshape(rows, wanted)
    scores = np.take_along_axis(scores_BN, codes, axis=1)
    order = np.argsort(-scores, axis=1, kind="stable")
    listed: Codes = np.take_along_axis(codes, order, axis=1).astype(np.int32)
    scores = np.take_along_axis(scores, order, axis=1)
    listed[scores == -np.inf] = PADDING
    return _widened(listed, k, PADDING), _widened(scores, k, -np.inf)


def _first_of_tied(scores_BN: Scores, least_B1: Scores, wanted: int) -> Mask:
    """Keep what is above the cut, and of what lies on it as many as fit, in order of code."""
    above = scores_BN > least_B1
    on_cut = scores_BN == least_B1
    room = wanted - np.count_nonzero(above, axis=1)
    kept: Mask = above | (on_cut & (np.cumsum(on_cut, axis=1) <= room[:, None]))
    return kept


def _widened(rows_BK: NDArray[_Number], k: int, filler: float) -> NDArray[_Number]:
    """Rows filled up to k columns, for a catalogue shorter than the list asked for."""
    return np.pad(rows_BK, ((0, 0), (0, k - rows_BK.shape[1])), constant_values=filler)


def _joined_lists(parts: list[tuple[Codes, Scores]], k: int) -> tuple[Codes, Scores]:
    """Lists of consecutive chunks as one; well-formed also without any query."""
    codes = [np.zeros((0, k), np.int32), *(codes for codes, _ in parts)]
    scores = [np.zeros((0, k), np.float32), *(scores for _, scores in parts)]
    return np.concatenate(codes), np.concatenate(scores)


def _query_of_target(queries: Queries) -> Offsets:
    """`(T,)` int64: which query each target belongs to."""
    return np.repeat(np.arange(len(queries)), np.diff(queries.target_offsets))


def _distinct_targets(queries: Queries, catalogue_size: int) -> Queries:
    """Each known item once among the targets of a query; cold targets, being unlike, all stay."""
    targets = queries.targets
    if len(targets) and (targets.min() <= PADDING or targets.max() >= catalogue_size):
        raise ModelInputError(
            f"Targets must be codes from {UNKNOWN} to {catalogue_size - 1}; received "
            f"{int(targets.min())} to {int(targets.max())}. Encode them with the vocabulary the "
            "model was trained on."
        )
    query_T = _query_of_target(queries)
    _, first = np.unique(query_T * catalogue_size + targets, return_index=True)
    keep = targets == UNKNOWN
    keep[first] = True
    if keep.all():
        return queries
    counts = np.bincount(query_T[keep], minlength=len(queries))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return replace(queries, targets=targets[keep], target_offsets=offsets)
