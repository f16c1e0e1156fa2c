"""A long curve by few of its points."""

from typing import Final

import numpy as np

from regard.shapes import Offsets

MOST_POINTS: Final = 160
"""Of a sampled curve: more than a picture can show apart."""


def few_places(count: int, most: int = MOST_POINTS) -> Offsets:
    """Places on a curve of many points, dense at its beginning, as a logarithmic axis shows them.

    Args:
        count: points of the whole curve.
        most: points to keep at most.

    Returns:
        Ascending places from 0 to `count - 1`, both ends included; all where they are few.

    Example:
        >>> few_places(3).tolist()
        [0, 1, 2]
        >>> few_places(1_000_000, 7).tolist()
        [0, 9, 99, 999, 9999, 99999, 999999]
    """
    if count <= most:
        return np.arange(count)
    return np.unique(np.geomspace(1, count, most).round().astype(np.int64)) - 1
