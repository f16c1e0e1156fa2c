"""The neighbours of every point as rows of a matrix: what rolling statistics are computed from.

Windows of three of one series, looking both ways and looking back only::

    values      1 2 3 4
    both ways   nan 1 2 | 1 2 3 | 2 3 4 | 3 4 nan
    causal      nan nan 1 | nan 1 2 | 1 2 3 | 2 3 4

A window never leaves its series. Costs `window` numbers for each point, in blocks of bounded
memory; unlike running sums, one huge value does not spoil the precision of all that follow.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from regard.data.series.panel import Panel
from regard.shapes import Floats

_BLOCK: Final = 1 << 20
"""Numbers in a block: 8 MB."""


def windows(panel: Panel, window: int, *, causal: bool) -> Iterator[tuple[slice, Floats]]:
    """Go through the windows of all points, block by block.

    Args:
        panel: the series.
        window: how many points a window holds; odd where it looks both ways.
        causal: look back only; the point itself is the last one.

    Yields:
        Which points, and `(points, window)` float64: their windows, NaN where a value is missing
        or the window reaches over an end of its series.

    Example:
        >>> import polars as pl
        >>> panel = Panel.of(pl.DataFrame({"x": [1.0, 2.0, 3.0]}), value="x")
        >>> [block.tolist() for _, block in windows(panel, 2, causal=True)]
        [[[nan, 1.0], [1.0, 2.0], [2.0, 3.0]]]
    """
    points = len(panel.values)
    reach = np.arange(window) - (window - 1 if causal else window // 2)
    series = panel.series_P
    step = max(1, _BLOCK // window)
    for start in range(0, points, step):
        block = slice(start, min(start + step, points))
        near = np.arange(block.start, block.stop)[:, None] + reach
        first, last = panel.offsets[series[block]], panel.offsets[series[block] + 1]
        inside = (near >= first[:, None]) & (near < last[:, None])
        yield block, np.where(inside, panel.values[np.where(inside, near, 0)], np.nan)


def row_medians(matrix: Floats) -> Floats:
    """Median of each row, missing values left out; NaN where a row has none.

    `numpy.nanmedian` does the same with a Python call for each row.

    Args:
        matrix: `(points, window)` float64.

    Returns:
        `(points,)` float64.

    Example:
        >>> row_medians(np.array([[3.0, np.nan, 1.0], [5.0, 9.0, 1.0]])).tolist()
        [2.0, 5.0]
    """
    ordered = np.sort(matrix, axis=1)
    counts = (~np.isnan(matrix)).sum(axis=1)
    low = np.take_along_axis(ordered, np.maximum(counts - 1, 0)[:, None] // 2, axis=1)[:, 0]
    high = np.take_along_axis(ordered, counts[:, None] // 2, axis=1)[:, 0]
    middle: Floats = np.where(counts % 2 == 1, low, 0.5 * low + 0.5 * high)
    return middle


def row_means(matrix: Floats) -> Floats:
    """Mean of each row, missing values left out; NaN where a row has none.

    Args:
        matrix: `(points, window)` float64.

    Returns:
        `(points,)` float64.

    Example:
        >>> row_means(np.array([[3.0, np.nan, 1.0], [np.nan, np.nan, np.nan]])).tolist()
        [2.0, nan]
    """
    missing = np.isnan(matrix)
    sums = np.where(missing, 0.0, matrix).sum(axis=1)
    counts = (~missing).sum(axis=1)
    result = np.full(len(matrix), np.nan)
    np.divide(sums, counts, out=result, where=counts > 0)
    return result
