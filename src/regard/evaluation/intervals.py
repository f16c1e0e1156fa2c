"""How sure a mean over users is, and whether two recommenders differ at all.

Users are the unit: they answer independently, while the queries of one user do not.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regard.errors import ConfigurationError, TooLittleDataError
from regard.randomness import stream
from regard.shapes import Floats

_BLOCK_BYTES = 64 * 2**20
"""Resamples are drawn in blocks of at most about this size."""


@dataclass(frozen=True)
class Interval:
    """A mean over users and the range in which it would lie for other users of the same kind.

    Attributes:
        mean: the mean of the users that were asked.
        low: lower end.
        high: upper end.

    Example:
        >>> print(Interval(0.107, 0.102, 0.112))
        0.1070 [0.1020, 0.1120]
    """

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.4f} [{self.low:.4f}, {self.high:.4f}]"

    def to_dict(self) -> dict[str, float]:
        """The three numbers by name."""
        return {"mean": self.mean, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Difference:
    """A candidate against one baseline, user by user.

    Attributes:
        candidate: name of the recommender that is judged.
        baseline: name of the one it is held against.
        interval: mean of candidate minus baseline over the users, with its range.
        p_value: of the two-sided paired test; how often chance alone gives a mean this far from 0.
        better: share of users for whom the candidate is better.
        worse: share of users for whom it is worse; the rest is equal.

    Example:
        >>> Difference("a", "b", Interval(0.01, -0.01, 0.03), 0.3, 0.5, 0.4).decided
        False
    """

    candidate: str
    baseline: str
    interval: Interval
    p_value: float
    better: float
    worse: float

    @property
    def decided(self) -> bool:
        """Whether the interval excludes zero, so that the sign can be trusted."""
        return self.interval.low > 0 or self.interval.high < 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "candidate": self.candidate,
            "baseline": self.baseline,
            **self.interval.to_dict(),
            "p_value": self.p_value,
            "better": self.better,
            "worse": self.worse,
        }


def bootstrap_intervals(
    values_UV: Floats, *, level: float = 0.95, resamples: int = 2_000, seed: int = 0
) -> list[Interval]:
    """Percentile bootstrap over users of several means at once.

    Every column sees the same resampled users. Source: Efron & Tibshirani, "An Introduction to
    the Bootstrap" (1993), chapter 13. A resample is drawn as the number of times each user
    occurs in it, so that all means are one matrix product.

    Args:
        values_UV: float64, one row for each user, one column for each quantity.
        level: confidence level.
        resamples: how often users are drawn anew.
        seed: seed of the draws.

    Returns:
        One interval for each column.

    Raises:
        TooLittleDataError: no user was asked.

    Example:
        >>> values = np.array([[0.0], [1.0], [0.0], [1.0]])
        >>> print(bootstrap_intervals(values, resamples=500)[0])
        0.5000 [0.0000, 1.0000]
    """
    users = len(values_UV)
    if not users:
        raise TooLittleDataError("No user was asked, so there is nothing to be sure about.")
    rng = stream(seed, "bootstrap")
    block = max(1, _BLOCK_BYTES // (24 * users))
    means = np.concatenate(
        [
            _resampled_means(values_UV, min(block, resamples - start), rng)
            for start in range(0, resamples, block)
        ]
    )
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    mean = values_UV.mean(axis=0)
    return [Interval(*map(float, each)) for each in zip(mean, low, high, strict=True)]


def paired_difference(
    candidate_U: Floats,
    baseline_U: Floats,
    *,
    names: tuple[str, str] = ("candidate", "baseline"),
    level: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
) -> Difference:
    """Compare two recommenders on the same users.

    The p-value is that of the paired permutation (sign-flip) test of the mean: were both alike,
    each user's difference could as well have the other sign. It tests the mean that the table
    shows and assumes no distribution. Smucker, Allan & Carterette, "A Comparison of Statistical
    Significance Tests for Information Retrieval Evaluation" (CIKM 2007) recommend it and advise
    against Wilcoxon's, which drops the many users whose difference is zero and tests another
    quantity. Few users: all sign patterns are counted; otherwise as many random ones as
    `resamples`, so that p is at least `1 / (resamples + 1)`. Same as
    `scipy.stats.permutation_test(..., permutation_type="samples")`, against which it is tested;
    written out because random bits and a matrix product take a second for 200,000 users where
    shuffling takes minutes.

    Args:
        candidate_U: float64, the candidate's value for each user.
        baseline_U: float64, the baseline's value for the same users in the same order.
        names: what to call the two.
        level: confidence level of the interval.
        resamples: bootstrap resamples, and sign patterns of the test.
        seed: seed of both.

    Returns:
        Mean difference, bootstrap interval, p-value.

    Raises:
        ConfigurationError: the two do not speak of equally many users.
        TooLittleDataError: there is no user.

    Example:
        >>> better = np.array([0.5, 0.6, 0.9, 0.7, 0.8, 0.6])
        >>> found = paired_difference(better, better - 0.1)
        >>> round(found.interval.mean, 3), found.p_value  # 2 of the 2**6 sign patterns
        (0.1, 0.03125)
    """
    if candidate_U.shape != baseline_U.shape:
        raise ConfigurationError(
            f"{names[0]} has values of {len(candidate_U):,} users and {names[1]} of "
            f"{len(baseline_U):,}; a paired comparison needs the same users."
        )
    difference_U = candidate_U - baseline_U
    [interval] = bootstrap_intervals(
        difference_U[:, None], level=level, resamples=resamples, seed=seed
    )
    return Difference(
        *names,
        interval,
        _sign_flip_p_value(difference_U, resamples, seed),
        float((difference_U > 0).mean()),
        float((difference_U < 0).mean()),
    )


def _resampled_means(values_UV: Floats, rows: int, rng: np.random.Generator) -> Floats:
    """`(rows, V)` means of users drawn with replacement."""
    users = len(values_UV)
    drawn = rng.integers(0, users, (rows, users), dtype=np.int64)
    # Counting row by row keeps the counters of one resample in the cache.
    times = np.stack([np.bincount(row, minlength=users) for row in drawn]).astype(np.float64)
    means: Floats = times @ values_UV / users
    return means


def _sign_flip_p_value(difference_U: Floats, resamples: int, seed: int) -> float:
    """Share of sign patterns whose sum lies as far from zero as the one observed."""
    moved = difference_U[difference_U != 0]  # where both are equal, a sign changes nothing
    patterns = 2 ** len(moved)  # a Python integer: it does not overflow
    # Equal sums may differ in the last bits, according to the order of addition.
    far = abs(moved.sum()) - 1e-9 * np.abs(moved).sum()
    if patterns <= resamples:
        every = np.arange(patterns)[:, None] >> np.arange(len(moved)) & 1
        return float((np.abs(_signed_sums(every, moved)) >= far).mean())
    rng = stream(seed, "sign flips")
    block = max(1, _BLOCK_BYTES // (2 * len(moved)))
    as_far = 0
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        packed = rng.integers(0, 256, (rows, -(-len(moved) // 8)), dtype=np.uint8)
        bits = np.unpackbits(packed, axis=1, count=len(moved))
        as_far += int((np.abs(_signed_sums(bits, moved)) >= far).sum())
    # The observed pattern is one of those possible, hence the two ones (Phipson & Smyth 2010).
    return (as_far + 1) / (resamples + 1)


def _signed_sums(bits: NDArray[Any], moved: Floats) -> Floats:
    """Sums with plus where a bit is 1 and minus where it is 0, one for each row of bits."""
    # einsum converts the bits in small buffers; `@` would first copy them all to float64.
    sums: Floats = 2.0 * np.einsum("rn,n->r", bits, moved) - moved.sum()
    return sums
