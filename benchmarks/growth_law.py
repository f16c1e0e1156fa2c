"""How fast something grows: the exponent of a power law, and what the next point will take."""

from collections.abc import Sequence

import numpy as np


def upper_half(xs: Sequence[float]) -> list[int]:
    """Which points lie in the upper half, the middle one included: where growth shows."""
    order = sorted(range(len(xs)), key=lambda number: xs[number])
    return order[len(order) // 2 :]


def exponent(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    """The p of y ~ x^p by least squares on logarithms, over the upper half of the points.

    Args:
        xs: sizes, all above 0.
        ys: what was measured there.

    Returns:
        The exponent; None where fewer than two points above 0 are there.

    Example:
        >>> round(exponent([1, 10, 100, 1000], [5.0, 5.0, 7.0, 700.0]), 6)
        2.0
    """
    chosen = [number for number in upper_half(xs) if ys[number] > 0]
    if len(chosen) < 2:
        return None
    logs_x, logs_y = (np.log([each[number] for number in chosen]) for each in (xs, ys))
    return float(np.polyfit(logs_x, logs_y, 1)[0])


def expected(xs: Sequence[float], ys: Sequence[float], x: float) -> float:
    """What a size will take, on the straight line through the two largest ones so far.

    Args:
        xs: sizes so far, ascending.
        ys: what was measured there.
        x: the size to come.

    Returns:
        0 where nothing was measured; in proportion where one point was.

    Example:
        >>> expected([1, 2], [300.0, 400.0], 4)
        600.0
    """
    if not xs:
        return 0.0
    if len(xs) == 1:
        return ys[0] * x / xs[0]
    slope = (ys[-1] - ys[-2]) / (xs[-1] - xs[-2])
    return max(ys[-1], ys[-1] + slope * (x - xs[-1]))
