"""Statistics of every series at once: one pass over flat arrays, no loop over series.

All functions take `E` observed values (no NaN), the number of the series of each, and how many
series there are (`G`); a series without a value has NaN. Pooled over all series, a statistic is
that of one series: `series_E` of zeros and `groups` of 1.
"""

from typing import Final

import numpy as np

from regard.shapes import Floats, Offsets

MAD_TO_SIGMA: Final = 1.482602218505602
"""1 / the 75 % point of the normal distribution: MAD times this estimates its sigma."""
MEAN_AD_TO_SIGMA: Final = 1.2533141373155001
"""The square root of pi / 2: the mean absolute deviation times this estimates sigma."""
NEGLIGIBLE: Final = 1e-12
"""A spread below this share of the level is rounding, and the series counts as constant."""


def means(values_E: Floats, series_E: Offsets, groups: int) -> Floats:
    """Mean of each series.

    Args:
        values_E: observed values.
        series_E: the series of each.
        groups: number of series.

    Returns:
        `(G,)` float64.

    Example:
        >>> means(np.array([1.0, 3.0, 5.0]), np.array([0, 0, 2]), 3).tolist()
        [2.0, nan, 5.0]
    """
    sums = np.bincount(series_E, weights=values_E, minlength=groups)
    counts = np.bincount(series_E, minlength=groups)
    result = np.full(groups, np.nan)
    np.divide(sums, counts, out=result, where=counts > 0)
    return result


def quantiles(values_E: Floats, series_E: Offsets, groups: int, share: float) -> Floats:
    """Quantile of each series, between order statistics linearly (type 7, NumPy's default).

    Args:
        values_E: observed values.
        series_E: the series of each.
        groups: number of series.
        share: which quantile, 0 to 1.

    Returns:
        `(G,)` float64.

    Example:
        >>> quantiles(np.array([3.0, 1.0, 2.0, 9.0]), np.array([0, 0, 0, 1]), 2, 0.25).tolist()
        [1.5, 9.0]
    """
    ordered = values_E[np.lexsort((values_E, series_E))]
    counts = np.bincount(series_E, minlength=groups)
    ends = np.cumsum(counts)
    filled = counts > 0
    places = (counts[filled] - 1) * share
    below = np.floor(places).astype(np.int64)
    above = np.minimum(below + 1, counts[filled] - 1)
    starts = (ends - counts)[filled]
    low, high = ordered[starts + below], ordered[starts + above]
    result = np.full(groups, np.nan)
    result[filled] = low + (high - low) * (places - below)
    return result


def sigmas(values_E: Floats, series_E: Offsets, groups: int) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each series (over n, as `scipy.stats.zscore`).

    Args:
        values_E: observed values.
        series_E: the series of each.
        groups: number of series.

    Returns:
        Two `(G,)` float64 arrays; the deviation is NaN where a series is constant.
    """
    center = means(values_E, series_E, groups)
    deviation = values_E - center[series_E]
    return center, varying(np.sqrt(means(deviation**2, series_E, groups)), center)


def robust_sigmas(values_E: Floats, series_E: Offsets, groups: int) -> tuple[Floats, Floats]:
    """Median and robust sigma of each series.

    Sigma comes from the median absolute deviation, or, where more than half of the values are one
    and the same, from the mean absolute deviation around the median (Iglewicz & Hoaglin, "How to
    Detect and Handle Outliers", 1993).

    Args:
        values_E: observed values.
        series_E: the series of each.
        groups: number of series.

    Returns:
        Two `(G,)` float64 arrays; sigma is NaN where a series is constant.

    Example:
        >>> center, sigma = robust_sigmas(np.array([1.0, 2.0, 3.0]), np.zeros(3, int), 1)
        >>> float(center[0]), round(float(sigma[0]), 4)
        (2.0, 1.4826)
    """
    center = quantiles(values_E, series_E, groups, 0.5)
    deviation = np.abs(values_E - center[series_E])
    middle = MAD_TO_SIGMA * quantiles(deviation, series_E, groups, 0.5)
    mean = MEAN_AD_TO_SIGMA * means(deviation, series_E, groups)
    return center, varying(np.where(np.isnan(varying(middle, center)), mean, middle), center)


def varying(scale: Floats, center: Floats) -> Floats:
    """The scale, or NaN where it is no more than rounding and the values count as constant.

    Args:
        scale: standard deviations or the like, of any shape.
        center: the level they were measured around.

    Returns:
        An array of the same shape.
    """
    return np.where(scale > NEGLIGIBLE * np.abs(center), scale, np.nan)
