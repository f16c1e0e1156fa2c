"""What followed the last item most often: a first-order Markov chain.

Training histories `a b a b c`; `d c`::

    followed by      a  b  c  d          scores after `b`, popularity as the back-off
    a                .  2  .  .
    b                1  .  1  .          a: 1 + share   c: 1 + share   b, d: share alone
    d                .  .  1  .
"""

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

    The score is the number of times the transition was seen in training, plus at most a half
    for popularity: any transition that was seen stands above all that were not. An empty history,
    and one whose newest item is unknown or was never followed by anything, gets the popular items.

    Source: the maximum-likelihood chain of Rendle, Freudenthaler & Schmidt-Thieme, "Factorizing
    Personalized Markov Chains" (WWW 2010), section 4.1, before factorising, and for all users
    together. Differs in that counts are not normalised, which leaves the order as it is.

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
        return self

    def _score(self, queries: Queries) -> Scores:
        back_off = below_one(self.arrays()["counts"]).astype(np.float32)
        scores_BN = np.tile(back_off, (len(queries), 1))
        row, follower, count = self._followers(queries)
        scores_BN[row, follower] += count
        return scores_BN

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
        counts = self.arrays()["counts"]
        popularity = (counts / max(int(counts.sum()), 1)).astype(np.float32)
        scores_BN = np.tile(popularity, (len(queries), 1))
        row, follower, count = self._followers(queries)
        scores_BN[row, follower] += count
        scores_BN /= 1 + self.evidence(queries)[:, None].astype(np.float32)
        return scores_BN

    def evidence(self, queries: Queries) -> Offsets:
        """`(B,)` int64: how often the newest item of each history was followed by anything."""
        learned = self.arrays()
        totals = np.concatenate([[0], np.cumsum(learned["transitions"], dtype=np.int64)])
        starts, last = learned["starts"], queries.last_items
        seen: Offsets = totals[starts[last + 1]] - totals[starts[last]]
        return seen

    def _followers(self, queries: Queries) -> tuple[Offsets, Codes, Codes]:
        """What followed each newest item: query number, item code and count, side by side."""
        learned = self.arrays()
        last = queries.last_items
        begin, end = learned["starts"][last], learned["starts"][last + 1]
        row = np.repeat(np.arange(len(last)), end - begin)
        firsts = np.cumsum(end - begin) - (end - begin)
        entry = np.arange(len(row)) + np.repeat(begin - firsts, end - begin)
        return row, learned["followers"][entry], learned["transitions"][entry]


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
