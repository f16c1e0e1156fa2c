"""From scores to ranks and lists: the one path of evaluation and of recommendation.

A query with history `2 5` and target `3`, seen items removed (`x` is minus infinity)::

    code          0    1    2    3    4    5    6
    score        .9   .9   .8   .4   .6   .7   .4
    candidates    x    x    x   .4   .6    x   .4
    list                       2nd  1st       3rd    equal scores: smaller code first
    rank of 3                  2.5                   one is better, one other is tied
"""

from dataclasses import dataclass, replace

import numpy as np

from regard.data.queries import Queries
from regard.errors import ModelInputError, TooLittleDataError
from regard.evaluation.blocks import BUDGET_BYTES, Candidates, candidates
from regard.evaluation.lists import CELLS_AT_ONCE, Best
from regard.evaluation.protocol import Seen, Ties
from regard.evaluation.scorer import Scorer
from regard.schema import PADDING, UNKNOWN
from regard.shapes import Codes, Floats, Offsets, Scores

__all__ = [
    "BUDGET_BYTES",
    "Ranks",
    "Scorer",
    "distinct_targets",
    "query_of_target",
    "rank_and_list",
    "rank_targets",
    "top_items",
]


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
    queries = distinct_targets(queries, catalogue_size)
    ranks = []
    for chunk in candidates(scorer, queries, catalogue_size, seen, budget_bytes):
        judged = _Judged(chunk)
        for _, scores_BN in chunk.blocks():
            judged.look(scores_BN)
        ranks.append(judged.ranks(ties))
    return Ranks.joined(ranks)


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
    lists = [Best(0, k)]
    for chunk in candidates(scorer, queries, catalogue_size, seen, budget_bytes):
        lists.append(Best(len(chunk.queries), k))
        for start, scores_BN in chunk.blocks():
            lists[-1].look(start, scores_BN)
    codes, scores = ([getattr(each, name) for each in lists] for name in ("codes_BK", "scores_BK"))
    return np.concatenate(codes), np.concatenate(scores)


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
    queries = distinct_targets(queries, catalogue_size)
    ranks, lists = [], [np.zeros((0, k), np.int32)]
    for chunk in candidates(scorer, queries, catalogue_size, seen, budget_bytes):
        judged, best = _Judged(chunk), Best(len(chunk.queries), k)
        for start, scores_BN in chunk.blocks():
            judged.look(scores_BN)
            best.look(start, scores_BN)
        ranks.append(judged.ranks(ties))
        lists.append(best.codes_BK)
    return Ranks.joined(ranks), np.concatenate(lists)


class _Judged:
    """The targets of some queries, ranked while block after block goes by."""

    def __init__(self, chunk: Candidates) -> None:
        self.chunk = chunk
        self.query_T = query_of_target(chunk.queries)
        self.own_T = chunk.at(self.query_T, chunk.queries.targets)
        self.higher_T = np.zeros(len(self.query_T), np.int64)
        self.tied_T = np.full(len(self.query_T), -1, np.int64)  # a target is no rival of itself

    def look(self, scores_BN: Scores) -> None:
        """Count the candidates of a block that score higher than each target, or the same."""
        rows = max(1, CELLS_AT_ONCE // max(scores_BN.shape[1], 1))
        for start in range(0, len(self.query_T), rows):
            part = slice(start, start + rows)
            rivals = scores_BN[self.query_T[part]]
            own = self.own_T[part, None]
            self.higher_T[part] += np.count_nonzero(rivals > own, axis=1)
            self.tied_T[part] += np.count_nonzero(rivals == own, axis=1)

    def ranks(self, ties: Ties) -> Ranks:
        """The ranks, once all blocks went by."""
        queries, removing = self.chunk.queries, self.chunk.seen == Seen.REMOVE
        candidate_T = self.own_T > -np.inf
        share = 0.5 if ties == Ties.MEAN else 1.0
        repeats = int(self.chunk.held.has(self.query_T, queries.targets).sum())
        return Ranks(
            np.where(candidate_T, 1.0 + self.higher_T + share * self.tied_T, np.inf),
            queries.target_offsets,
            cold=int((queries.targets == UNKNOWN).sum()),
            repeats=repeats,
            removed=repeats if removing else 0,
            tied=int((candidate_T & (self.tied_T > 0)).sum()),
        )


def query_of_target(queries: Queries) -> Offsets:
    """`(T,)` int64: which query each target belongs to.

    Args:
        queries: with or without targets.

    Example:
        >>> import polars as pl
        >>> from regard.data.sequences import Sequences
        >>> seqs = Sequences.of(pl.DataFrame({"user": [7, 7, 8, 8], "item": [2, 5, 3, 4],
        ...                                   "row": range(4)}))
        >>> query_of_target(Queries.next_event(seqs, np.array([0, 1]), np.array([1, 3]))).tolist()
        [0, 1]
    """
    return np.repeat(np.arange(len(queries)), np.diff(queries.target_offsets))


def distinct_targets(queries: Queries, catalogue_size: int) -> Queries:
    """Each known item once among the targets of a query; cold targets, being unlike, all stay.

    Args:
        queries: with targets.
        catalogue_size: N, the number of codes.

    Returns:
        The same queries; the first of equal targets stays.

    Raises:
        ModelInputError: a target is no item code.

    Example:
        >>> import polars as pl
        >>> from regard.data.sequences import Sequences
        >>> seqs = Sequences.of(pl.DataFrame({"user": [7] * 3, "item": [2, 5, 5], "row": range(3)}))
        >>> asked = Queries.next_event(seqs, np.array([0]), np.array([1]))
        >>> twice = replace(asked, targets=seqs.items[1:], target_offsets=np.array([0, 2]))
        >>> distinct_targets(twice, 7).targets.tolist()
        [5]
    """
    targets = queries.targets
    if len(targets) and (targets.min() <= PADDING or targets.max() >= catalogue_size):
        raise ModelInputError(
            f"Targets must be codes from {UNKNOWN} to {catalogue_size - 1}; received "
            f"{int(targets.min())} to {int(targets.max())}. Encode them with the vocabulary the "
            "model was trained on."
        )
    query_T = query_of_target(queries)
    _, first = np.unique(query_T * catalogue_size + targets, return_index=True)
    keep = targets == UNKNOWN
    keep[first] = True
    if keep.all():
        return queries
    counts = np.bincount(query_T[keep], minlength=len(queries))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return replace(queries, targets=targets[keep], target_offsets=offsets)
