"""Who can come among the first k of a mixture, however far its counts are trusted.

Of two items that nobody took after the newest event, the one that is at least as popular and that
the network likes at least as well stands no lower in any mixture. So whoever goes from the popular
to the rare need look at an item only while fewer than k before it are liked better; and always at
what was counted, and at what is asked for. Of a million items that leaves some hundred, and those
are mixed once for each gate that is tried, instead of all::

    popularity    9   7   7   5   4   3   2   1         k = 1
    network      .1  .3  .2  .2  .4  .1  .1  .2
    counted       .   .   .   .   .   .   2   .
    contends      x   x           x       x

A rank up to k is the one among all items, and one beyond k stays beyond it. What is tied is kept.

Source: the k-skyband of Papadias, Tao, Fu & Seeger 2005, "Progressive Skyline Computation in
Database Systems", section 4.4, for two attributes, one of them sorted. Differs in that the bar
rises by ranges of codes that double, not by single items: that keeps a few more and takes no loop.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from regard.classical.markov import MarkovChain
from regard.data.queries import Queries
from regard.evaluation.blocks import Candidates
from regard.evaluation.lists import Best
from regard.evaluation.protocol import Seen, Ties
from regard.evaluation.ranking import Ranks, distinct_targets, query_of_target
from regard.evaluation.scorer import Prepared
from regard.recommender.mixture import log_sum
from regard.schema import FIRST_CODE
from regard.shapes import Codes, Mask, Offsets, Scores

_FIRST_RANGE = 64
"""Codes that are looked at before there is any bar."""
_BLOCK_CELLS = 2**20
"""Scores that are looked at together."""
_PAIRS_AT_ONCE = 2**22
"""Targets and rivals that are compared together, give or take those of one target."""


@dataclass(frozen=True)
class Contenders:
    """Some items of each query, ready to be mixed and ranked by any gate.

    Attributes:
        queries: the questions, each known item once among the targets of one.
        query_C: int64 numbers of queries, ascending.
        logs_C: float32 logarithms of the network's probabilities.
        popularity_C: float32 what the counts lean on.
        counts_C: int32 how often the item followed the newest event.
        gone_C: what the protocol removes.
        own_T: int64 place of each target among the contenders; -1 for one that is unknown.
    """

    queries: Queries
    query_C: Offsets
    logs_C: Scores
    popularity_C: Scores
    counts_C: Codes
    gone_C: Mask
    own_T: Offsets

    def mixed(self, shares_B: Scores, weights_B: Scores) -> Scores:
        """`(C,)` float32: the numbers that stand in the blocks of a `Mixture`.

        Args:
            shares_B: float32 shares of the counts.
            weights_B: float32 the share of one transition among them.
        """
        shares_C, weights_C = shares_B[self.query_C], weights_B[self.query_C]
        mixed_C = np.exp(self.logs_C)
        mixed_C *= 1 - shares_C
        mixed_C += weights_C * self.popularity_C
        mixed_C += weights_C * self.counts_C
        with np.errstate(divide="ignore"):
            np.log(mixed_C, out=mixed_C)
        mixed_C = np.where(shares_C == 0, self.logs_C, mixed_C)
        mixed_C[self.gone_C] = -np.inf
        return mixed_C

    def ranks(self, mixed_C: Scores, ties: Ties) -> Ranks:
        """The rank of every target, right up to the k for which the contenders were chosen.

        Args:
            mixed_C: from `mixed`.
            ties: how equal scores count.
        """
        own_T = np.where(self.own_T >= 0, mixed_C[self.own_T], np.float32(-np.inf))
        higher_T, tied_T = np.zeros((2, len(own_T)), np.int64)
        for target_P, place_P in self._rivals():
            rival_P, own_P = mixed_C[place_P], own_T[target_P]
            higher_T += np.bincount(target_P[rival_P > own_P], minlength=len(own_T))
            tied_T += np.bincount(target_P[rival_P == own_P], minlength=len(own_T))
        share = 0.5 if ties == Ties.MEAN else 1.0
        # A target is no rival of itself.
        values_T = 1.0 + higher_T + share * (tied_T - 1)
        return Ranks(np.where(own_T > -np.inf, values_T, np.inf), self.queries.target_offsets)

    def _rivals(self) -> Iterator[tuple[Offsets, Offsets]]:
        """Pairs of a target and the place of a contender of its query, some at a time."""
        query_T = query_of_target(self.queries)
        bounds = np.searchsorted(self.query_C, np.arange(len(self.queries) + 1))
        rivals_T = np.diff(bounds)[query_T]
        ends_T = np.cumsum(rivals_T)
        parts = np.searchsorted(ends_T, np.arange(0, rivals_T.sum(), _PAIRS_AT_ONCE), "right")
        for start, stop in pairwise([*np.unique(parts).tolist(), len(query_T)]):
            part = slice(start, stop)
            target_P = np.repeat(np.arange(start, stop), rivals_T[part])
            before = ends_T[start] - rivals_T[start]
            first_T = bounds[query_T[part]] - (ends_T[part] - rivals_T[part] - before)
            yield target_P, np.arange(len(target_P)) + np.repeat(first_T, rivals_T[part])


def contenders(
    read: Prepared, queries: Queries, chain: MarkovChain, *, k: int, seen: Seen
) -> Contenders:
    """Those of a catalogue that some mixture could bring among the first k.

    Args:
        read: what a network made of the queries.
        queries: the same, with targets; so few that their scores may all be held.
        chain: the counts.
        k: cut-off.
        seen: whether items of the histories stay candidates.

    Raises:
        ModelInputError: a score is NaN, or a target is no item code.
        AssertionError: codes do not go from the popular to the rare, as a vocabulary's do.

    Example:
        >>> import polars as pl
        >>> from regard.data.interactions import Interactions
        >>> from regard.data.split import split_leave_last_out
        >>> from regard.evaluation.scorer import Whole
        >>> log = pl.DataFrame({"user": [1] * 7, "item": list("ababcbc"), "position": range(7)})
        >>> split = split_leave_last_out(Interactions.of(log))
        >>> chain = MarkovChain().fit(split.training)
        >>> even = Whole(np.zeros((1, split.vocabulary.size), np.float32))
        >>> found = contenders(even, split.test, chain, k=1, seen=Seen.KEEP)
        >>> found.counts_C.tolist()  # after `b`: a once, c once
        [1, 0, 1]
        >>> half, per_count = np.array([0.5], np.float32), np.array([0.5 / 3], np.float32)
        >>> found.ranks(found.mixed(half, per_count), Ties.MEAN).values.tolist()
        [2.0]
    """
    rows, items = read.shape
    popularity_N = chain.popularity()
    if (np.diff(popularity_N[FIRST_CODE:]) > 0).any():
        raise AssertionError("Codes do not go from the popular to the rare.")
    queries = distinct_targets(queries, items)
    asked = Candidates(queries, "The network", read, seen, -(-rows * items // _BLOCK_CELLS))
    query_F, code_F, count_F = chain.followers(queries).within(0, items)
    known_T = queries.targets >= FIRST_CODE
    target_T = query_of_target(queries) * items + queries.targets
    counted = query_F * items + code_F
    keys_C, scores_C = _chosen(asked, np.union1d(counted, target_T[known_T]), k)
    query_C, code_C = np.divmod(keys_C, items)
    counts_C = np.zeros(len(keys_C), np.int32)
    counts_C[np.searchsorted(keys_C, counted)] = count_F
    return Contenders(
        queries,
        query_C,
        scores_C - log_sum(read)[query_C, 0],
        popularity_N[code_C],
        counts_C,
        _gone(asked, query_C, code_C),
        np.where(known_T, np.searchsorted(keys_C, target_T), -1),
    )


def _chosen(asked: Candidates, always: Offsets, k: int) -> tuple[Offsets, Scores]:
    """Query times N plus code of all contenders, ascending, and the network's scores of them.

    Args:
        asked: all candidates.
        always: those that contend whatever the network says, in the same form.
        k: cut-off.
    """
    rows, items = asked.read.shape
    best = Best(rows, k)
    query_A, code_A = np.divmod(always, items)
    keys, scores = [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
    for first, block_BN in asked.blocks():
        for start, stop in _doubling(first, first + block_BN.shape[1]):
            part_BN = block_BN[:, start - first : stop - first]
            enters_BN = part_BN >= best.scores_BK[:, -1:]
            enters_BN[:, : max(FIRST_CODE - start, 0)] = False
            here = (code_A >= start) & (code_A < stop)
            enters_BN[query_A[here], code_A[here] - start] = True
            query, column = np.divmod(np.flatnonzero(enters_BN), stop - start)
            keys.append(query * items + column + start)
            scores.append(part_BN[query, column])
            best.look(start, part_BN)
    keys_C, scores_C = np.concatenate(keys), np.concatenate(scores)
    order = np.argsort(keys_C)
    return keys_C[order], scores_C[order]


def _doubling(start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Ranges of codes, each as long as all codes before it."""
    while start < stop:
        end = min(max(2 * start, _FIRST_RANGE), stop)
        yield start, end
        start = end


def _gone(asked: Candidates, query_C: Offsets, code_C: Codes) -> Mask:
    """Which contenders the protocol removes."""
    if asked.seen == Seen.REMOVE:
        return asked.held.has(query_C, code_C)
    return np.zeros(len(query_C), np.bool_)
