"""Probabilities of a network and of counts, mixed for any part of the catalogue.

::

    log( (1 - share) * exp(score - log_sum)  +  share * (count + popularity) / (times + 1) )

`log_sum`, the logarithm of `Σ exp(score)` over all items, is found first, in one pass over the
catalogue that holds a small part of it at a time. The counts of few items are not zero, and only
those are touched. Who is mixed, and why: `regard.recommender.memory`.
"""

from dataclasses import dataclass

import numpy as np

from regard.classical.markov import Followers
from regard.evaluation.scorer import Prepared
from regard.schema import FIRST_CODE
from regard.shapes import Scores

_CODES_AT_A_TIME = 4_096
"""Always the same, so that sums are rounded alike whatever blocks are asked for afterwards."""


@dataclass(frozen=True)
class Mixture:
    """Some queries that a network and a chain have read.

    Attributes:
        network: scores of the network.
        log_sum_B1: float32 from `log_sum`.
        followers: what followed the newest items.
        popularity_N: float32 what the counts lean on.
        shares_B1: float32 shares of the counts.
        weights_B1: float32 the share of one transition among them.
    """

    network: Prepared
    log_sum_B1: Scores
    followers: Followers
    popularity_N: Scores
    shares_B1: Scores
    weights_B1: Scores

    @property
    def shape(self) -> tuple[int, int]:
        """`(B, N)`."""
        return self.network.shape

    def block(self, start: int, stop: int) -> Scores:
        """`(B, stop - start)` float32 log-probabilities of the codes from `start` to `stop`."""
        mixed_BN = _scores(self.network, start, stop)
        mixed_BN -= self.log_sum_B1
        # Without a share of counts this is the answer, and exp and log would only blur it.
        alone = np.flatnonzero(self.shares_B1 == 0)
        if len(alone) == len(mixed_BN):
            return mixed_BN
        network_alone = mixed_BN[alone]
        np.exp(mixed_BN, out=mixed_BN)
        mixed_BN *= 1 - self.shares_B1
        mixed_BN += self.weights_B1 * self.popularity_N[start:stop]
        row, code, count = self.followers.within(start, stop)
        mixed_BN[row, code - start] += self.weights_B1[row, 0] * count
        with np.errstate(divide="ignore"):
            np.log(mixed_BN, out=mixed_BN)
        mixed_BN[alone] = network_alone
        return mixed_BN


def log_sum(read: Prepared) -> Scores:
    """`log Σ exp` of the scores of each query over all items, the special codes left out.

    Args:
        read: what a network made of some queries.

    Returns:
        `(B, 1)` float32.

    Example:
        >>> from regard.evaluation.scorer import Whole
        >>> np.exp(log_sum(Whole(np.log([[9.0, 9.0, 0.5, 0.25]])))).round(3).tolist()
        [[0.75]]
    """
    rows, items = read.shape
    highest_B1, sum_B1 = np.full((rows, 1), -np.inf, np.float32), np.zeros((rows, 1))
    for start in range(0, items, _CODES_AT_A_TIME):
        scores_BN = _scores(read, start, min(start + _CODES_AT_A_TIME, items))
        higher_B1 = np.maximum(highest_B1, scores_BN.max(axis=1, keepdims=True))
        # Of a row without any candidate so far nothing can be subtracted.
        shift_B1 = np.where(higher_B1 == -np.inf, np.float32(0), higher_B1)
        scores_BN -= shift_B1
        np.exp(scores_BN, out=scores_BN)
        sum_B1 *= np.exp(highest_B1 - shift_B1)
        sum_B1 += scores_BN.sum(axis=1, keepdims=True, dtype=np.float64)
        highest_B1 = higher_B1
    with np.errstate(divide="ignore"):
        summed: Scores = (highest_B1 + np.log(sum_B1)).astype(np.float32)
    return summed


def _scores(read: Prepared, start: int, stop: int) -> Scores:
    """A block in which the special codes have no chance."""
    scores_BN = read.block(start, stop)
    scores_BN[:, : max(FIRST_CODE - start, 0)] = -np.inf
    return scores_BN
