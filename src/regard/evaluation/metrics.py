"""Metrics as functions of ranks: one number for each query, averaged per user first.

Throughout, query `q` has targets `R_q` with ranks `r`, and a list of the k best items. A target
that is no candidate (cold, or removed as seen) has an infinite rank: it counts among the targets
and is never hit.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np

from regard.errors import ConfigurationError
from regard.evaluation.ranking import Ranks
from regard.shapes import Floats, Mask, Offsets

Metric: TypeAlias = Callable[[Ranks, int], Floats]
"""Ranks and a cut-off k to one value for each query, `(Q,)` float64 from 0 to 1."""


def hit_rate(ranks: Ranks, k: int) -> Floats:
    """Whether any target stands among the first k: `1[min r <= k]`.

    Args:
        ranks: ranks of the targets.
        k: cut-off.

    Returns:
        `(Q,)` float64, 0 or 1.

    Raises:
        ConfigurationError: k is below 1.

    Example:
        Targets at ranks 1 and 4; at 3; one that is no candidate.

        >>> ranks = Ranks(np.array([1.0, 4.0, 3.0, np.inf]), np.array([0, 2, 3, 4]))
        >>> hit_rate(ranks, 2).tolist()
        [1.0, 0.0, 0.0]
    """
    return (_hits(ranks, k) > 0).astype(np.float64)


def recall(ranks: Ranks, k: int) -> Floats:
    """Share of the targets that stand among the first k: `hits / |R_q|`.

    Divided by all targets, also where more than k of them make 1 unreachable.

    Args:
        ranks: ranks of the targets.
        k: cut-off.

    Returns:
        `(Q,)` float64.

    Raises:
        ConfigurationError: k is below 1.

    Example:
        >>> ranks = Ranks(np.array([1.0, 4.0, 3.0]), np.array([0, 2, 3]))
        >>> recall(ranks, 3).tolist()  # one of two; one of one
        [0.5, 1.0]
    """
    return _hits(ranks, k) / ranks.counts


def precision(ranks: Ranks, k: int) -> Floats:
    """Share of the first k places that hold a target: `hits / k`.

    Args:
        ranks: ranks of the targets.
        k: cut-off.

    Returns:
        `(Q,)` float64.

    Raises:
        ConfigurationError: k is below 1.

    Example:
        >>> ranks = Ranks(np.array([1.0, 4.0, 3.0]), np.array([0, 2, 3]))
        >>> precision(ranks, 4).tolist()  # two of four places; one of four
        [0.5, 0.25]
    """
    return _hits(ranks, k) / k


def f1(ranks: Ranks, k: int) -> Floats:
    """Harmonic mean of precision and recall: `2 hits / (k + |R_q|)`.

    Source: van Rijsbergen, "Information Retrieval" (2nd edition, 1979), chapter 7, E with equal
    weights. Substituting both definitions gives the form above, which is 0 without a hit.

    Args:
        ranks: ranks of the targets.
        k: cut-off.

    Returns:
        `(Q,)` float64.

    Raises:
        ConfigurationError: k is below 1.

    Example:
        Precision 2/4 and recall 2/2: `2 * .5 * 1 / 1.5`.

        >>> f1(Ranks(np.array([1.0, 4.0]), np.array([0, 2])), 4).round(4).tolist()
        [0.6667]
    """
    return 2.0 * _hits(ranks, k) / (k + ranks.counts)


def ndcg(ranks: Ranks, k: int) -> Floats:
    """Normalised discounted cumulative gain with binary gains.

    `DCG = sum over hits of 1 / log2(1 + r)`, divided by the DCG of the best list possible, which
    holds `min(k, |R_q|)` targets on top. Source: Järvelin & Kekäläinen, "Cumulated Gain-Based
    Evaluation of IR Techniques" (TOIS 2002), with the discount `log2(1 + r)` of Burges et al.
    (2005), which every recent paper uses.

    Args:
        ranks: ranks of the targets.
        k: cut-off.

    Returns:
        `(Q,)` float64.

    Raises:
        ConfigurationError: k is below 1.

    Example:
        Ranks 1 and 3 of two targets: `(1 + 1/2) / (1 + 1/log2(3))`; rank 3 of one: `1/2`.

        >>> ranks = Ranks(np.array([1.0, 3.0, 3.0]), np.array([0, 2, 3]))
        >>> ndcg(ranks, 10).round(4).tolist()
        [0.9197, 0.5]
    """
    gains = np.where(_within(ranks, k), 1.0 / np.log2(1.0 + ranks.values), 0.0)
    most = min(k, int(ranks.counts.max(initial=1)))
    ideal = np.cumsum(1.0 / np.log2(np.arange(2, most + 2)))
    best: Floats = ideal[np.minimum(k, ranks.counts) - 1]
    return _sum_by_query(gains, ranks) / best


def mrr(ranks: Ranks, k: int | None = None) -> Floats:
    """Reciprocal rank of the best target, 0 beyond the cut-off: `1[min r <= k] / min r`.

    Source: Voorhees, "The TREC-8 Question Answering Track Report" (1999).

    Args:
        ranks: ranks of the targets.
        k: cut-off; the whole catalogue if omitted.

    Returns:
        `(Q,)` float64.

    Raises:
        ConfigurationError: k is below 1.

    Example:
        >>> ranks = Ranks(np.array([2.0, 4.0, 20.0, np.inf]), np.array([0, 2, 3, 4]))
        >>> mrr(ranks).tolist(), mrr(ranks, 10).tolist()
        ([0.5, 0.05, 0.0], [0.5, 0.0, 0.0])
    """
    reciprocal = 1.0 / ranks.values
    if k is not None:
        reciprocal = np.where(_within(ranks, k), reciprocal, 0.0)
    best: Floats = np.maximum.reduceat(reciprocal, ranks.offsets[:-1])
    return best


def accuracy(ranks: Ranks) -> Floats:
    """Whether the very first item is a target: the hit rate at 1.

    Args:
        ranks: ranks of the targets.

    Returns:
        `(Q,)` float64, 0 or 1.

    Example:
        >>> accuracy(Ranks(np.array([1.0, 1.5]), np.array([0, 1, 2]))).tolist()
        [1.0, 0.0]
    """
    return hit_rate(ranks, 1)


METRICS: dict[str, Metric] = {
    "hit_rate": hit_rate,
    "recall": recall,
    "precision": precision,
    "f1": f1,
    "ndcg": ndcg,
    "mrr": mrr,
}
"""Metrics asked at each cut-off, as `name@k`."""

UNCUT: dict[str, Callable[[Ranks], Floats]] = {"accuracy": accuracy, "mrr": mrr}
"""Metrics asked once, without a cut-off."""


def metric_names(ks: Iterable[int]) -> list[str]:
    """The names of all metrics at some cut-offs.

    Example:
        >>> metric_names([5])[:2], metric_names([5])[-2:]
        (['hit_rate@5', 'recall@5'], ['accuracy', 'mrr'])
    """
    return [f"{name}@{k}" for name in METRICS for k in ks] + list(UNCUT)


def measure(name: str, ranks: Ranks) -> Floats:
    """Compute one metric by its name.

    Args:
        name: such as `ndcg@10`, or `accuracy`.
        ranks: ranks of the targets.

    Returns:
        `(Q,)` float64.

    Raises:
        ConfigurationError: no metric has that name.

    Example:
        >>> measure("ndcg@10", Ranks(np.array([3.0]), np.array([0, 1]))).tolist()
        [0.5]
    """
    word, at, cut = name.partition("@")
    if not at and name in UNCUT:
        return UNCUT[name](ranks)
    if word not in METRICS or not (cut.isascii() and cut.isdigit()):
        raise ConfigurationError(
            f"There is no metric {name!r}; name one of {', '.join(UNCUT)}, or one of "
            f"{', '.join(METRICS)} with a cut-off, such as ndcg@10."
        )
    return METRICS[word](ranks, int(cut))


def average_per_user(values_Q: Floats, users_Q: Offsets) -> Floats:
    """One value for each user, so that users weigh equally however often they are asked.

    Args:
        values_Q: one value for each query.
        users_Q: int64 index of each query's user.

    Returns:
        `(U,)` float64 means, users by ascending index.

    Example:
        >>> average_per_user(np.array([1.0, 0.0, 1.0]), np.array([4, 4, 2])).tolist()
        [1.0, 0.5]
    """
    _, index = np.unique(users_Q, return_inverse=True)
    return np.bincount(index, weights=values_Q) / np.bincount(index)


def _within(ranks: Ranks, k: int) -> Mask:
    """`(T,)` Boolean: which targets stand among the first k."""
    if k < 1:
        raise ConfigurationError(f"A cut-off is a whole number from 1; received {k}.")
    return ranks.values <= k


def _hits(ranks: Ranks, k: int) -> Floats:
    """`(Q,)` float64: how many targets stand among the first k."""
    return _sum_by_query(_within(ranks, k).astype(np.float64), ranks)


def _sum_by_query(values_T: Floats, ranks: Ranks) -> Floats:
    """`(Q,)` float64 sums; no query is empty, which `reduceat` would get wrong."""
    return np.add.reduceat(values_T, ranks.offsets[:-1])
