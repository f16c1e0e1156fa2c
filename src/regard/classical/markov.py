"""Markov chain: what followed the newest item most often comes next.

Training histories `a b a b c`; `d c`::

    followed by      a  b  c  d          scores after `b`, popularity as the back-off
    a                .  2  .  .
    b                1  .  1  .          a: 1 + share   c: 1 + share   b, d: share alone
    d                .  .  1  .

Idea: the newest event says most about the next one, and counting says what.

Formula: `score(j) = c(i, j) + ½ c(j) / max c`, with `c(i, j)` how often `j` followed the newest
item `i` in training, and `c(j)` how often it occurred: any pair that was seen stands above all that
were not, popularity decides the rest. An empty history, and one whose newest item is unknown or was
never followed by anything, gets the popular items.

Source: the maximum-likelihood chain of Rendle, Freudenthaler & Schmidt-Thieme 2010, "Factorizing
Personalized Markov Chains", WWW, section 4.1, before factorising, and for all users together.

Differs from the paper: counts are not normalised, which leaves the order as it is.

Cost: time `O(E)` once for E events, and `O(N)` a query; memory for the pairs that occur. The length
of a history does not matter.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from scipy import sparse

from regard.classical.contract import ClassicalMethod, below_one, count_items
from regard.data.queries import Queries
from regard.data.split import TrainingPart
from regard.schema import FIRST_CODE
from regard.shapes import Codes, Offsets, Scores


class MarkovChain(ClassicalMethod):
    """Recommends what followed the newest item of a history, most often first.

    Example:
        >>> import polars as pl
        >>> from regard.data.interactions import Interactions
        >>> from regard.data.split import split_leave_last_out
        >>> log = pl.DataFrame({"user": [1] * 7, "item": list("ababcbc"), "position": range(7)})
        >>> split = split_leave_last_out(Interactions.of(log))
        >>> asked = split.test  # after `b`, among a, b, c: a followed once, c followed once
        >>> MarkovChain().fit(split.training).score(asked)[:, 2:].tolist()
        [[1.5, 0.5, 1.25]]
    """

    name = "markov"
    saved = ("starts", "followers", "transitions", "counts")

    def fit(self, training: TrainingPart) -> Self:
        """Count every pair of consecutive known items within one user's training part.

        Args:
            training: what may be looked at.

        Returns:
            The method itself, fitted.
        """
        source, follower = _transitions(training)
        size = training.vocabulary.size
        ones = np.ones(len(source), np.int32)
        table = sparse.csr_array((ones, (source, follower)), shape=(size, size))
        table.sum_duplicates()
        self._learned = {
            "starts": table.indptr.astype(np.int64),
            "followers": table.indices.astype(np.int32),
            "transitions": table.data.astype(np.int32),
            "counts": count_items(training),
        }
        vars(self).pop("_totals", None)  # those of an earlier fit
        return self

    def prepare(self, queries: Queries) -> "Counted":
        """Ready for any part of the catalogue; see `regard.evaluation.scorer.BlockScorer`."""
        back_off = below_one(self.arrays()["counts"]).astype(np.float32)
        return Counted(self.followers(queries), back_off)

    def _score(self, queries: Queries) -> Scores:
        return self.prepare(queries).block(0, len(self.arrays()["counts"]))

    def probabilities(self, queries: Queries) -> Scores:
        """How likely each item is to follow the newest one, rare evidence backed off.

        `p(j | i) = (c(i, j) + popularity(j)) / (c(i) + 1)`: one imagined transition, spread over
        all items by popularity, beside the ones that were counted.

        Source: the form of MacKay & Peto 1995, "A Hierarchical Dirichlet Language Model", with a
        mass of one for the lower order.

        Args:
            queries: whose histories to continue.

        Returns:
            `(B, N)` float32, rows sum to one; the special codes have none.
        """
        scale_B = (1 / (1 + self.evidence(queries))).astype(np.float32)
        scores_BN = np.multiply.outer(scale_B, self.popularity())
        row, follower, count = self.followers(queries).within(0, scores_BN.shape[1])
        scores_BN[row, follower] += scale_B[row] * count
        return scores_BN

    def popularity(self) -> Scores:
        """`(N,)` float32 share of each item of the training events; what rare evidence leans on."""
        counts = self.arrays()["counts"]
        shares: Scores = (counts / max(int(counts.sum()), 1)).astype(np.float32)
        return shares

    def evidence(self, queries: Queries) -> Offsets:
        """`(B,)` int64: how often the newest item of each history was followed by anything."""
        seen: Offsets = self._totals[queries.last_items]
        return seen

    def followers(self, queries: Queries) -> "Followers":
        """What followed the newest item of each history."""
        learned = self.arrays()
        starts, last = learned["starts"], queries.last_items
        return Followers(
            starts[last], starts[last + 1], learned["followers"], learned["transitions"]
        )

    @cached_property
    def _totals(self) -> Offsets:
        """`(N,)` int64 transitions from each item."""
        learned = self.arrays()
        before = np.concatenate([[0], np.cumsum(learned["transitions"], dtype=np.int64)])
        return np.diff(before[learned["starts"]])


@dataclass(frozen=True)
class Followers:
    """What followed the newest items of some queries, for any part of the catalogue.

    Attributes:
        begins: `(B,)` int64 where the followers of each newest item begin in the flat arrays.
        ends: `(B,)` int64 where they end (exclusive).
        codes: int32 followers of all items, ascending for each of them.
        counts: int32 how often.

    Example:
        >>> codes, counts = np.array([2, 5, 9, 4]), np.array([1, 3, 2, 7])
        >>> found = Followers(np.array([0, 3]), np.array([3, 4]), codes, counts)
        >>> [each.tolist() for each in found.within(4, 9)]
        [[0, 1], [5, 4], [3, 7]]
    """

    begins: Offsets
    ends: Offsets
    codes: Codes
    counts: Codes

    def within(self, start: int, stop: int) -> tuple[Offsets, Codes, Codes]:
        """Query number, item code and count of the followers from `start` to `stop` (exclusive)."""
        begins = self._bisected(start)
        lengths = self._bisected(stop) - begins
        row = np.repeat(np.arange(len(begins)), lengths)
        firsts = np.cumsum(lengths) - lengths
        entry = np.arange(len(row)) + np.repeat(begins - firsts, lengths)
        return row, self.codes[entry], self.counts[entry]

    def _bisected(self, code: int) -> Offsets:
        """`(B,)`: where the followers of each item that are not below a code begin."""
        low, high = self.begins, self.ends
        while (low < high).any():
            middle = (low + high) // 2
            # Where nothing is left to halve, the middle may lie beyond the end of the arrays.
            below = (low < high) & (self.codes.take(middle, mode="clip") < code)
            low, high = np.where(below, middle + 1, low), np.where(below, high, middle)
        return low


@dataclass(frozen=True)
class Counted:
    """Scores by counts for some queries, ready for any part of the catalogue.

    Attributes:
        followers: what followed the newest items.
        back_off_N: float32 below one; what decides where the counts are equal.
    """

    followers: Followers
    back_off_N: Scores

    @property
    def shape(self) -> tuple[int, int]:
        """`(B, N)`."""
        return len(self.followers.begins), len(self.back_off_N)

    def block(self, start: int, stop: int) -> Scores:
        """`(B, stop - start)` float32 scores of the codes from `start` to `stop` (exclusive)."""
        scores_BN = np.tile(self.back_off_N[start:stop], (self.shape[0], 1))
        row, code, count = self.followers.within(start, stop)
        scores_BN[row, code - start] += count
        return scores_BN


def _transitions(training: TrainingPart) -> tuple[Codes, Codes]:
    """Pairs of consecutive training items of one user, both known."""
    events = training.events()
    # A user's training part is a prefix, so an event has a predecessor unless it is the first.
    is_first = np.zeros(len(training.sequences.items) + 1, np.bool_)
    is_first[training.sequences.offsets] = True
    later = events[~is_first[events]]
    source, follower = training.sequences.items[later - 1], training.sequences.items[later]
    known = (source >= FIRST_CODE) & (follower >= FIRST_CODE)
    return source[known], follower[known]
