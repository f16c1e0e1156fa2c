"""A long curve by few of its points."""

from typing import Final

import numpy as np

from regard.shapes import Offsets

MOST_POINTS: Final = 160
"""Of a sampled curve: more than a picture can show apart."""


def few_places(along: Offsets, most: int = MOST_POINTS) -> Offsets:
    """Places on a curve of many points, evenly apart on a logarithmic axis.

    Args:
        along: `(P,)` ascending whole numbers above zero: where each point lies on that axis.
        most: points to keep at most.

    Returns:
        Ascending places from 0 to `P - 1`, both ends included; all where they are few.

    Example:
        >>> few_places(np.array([1, 2, 5])).tolist()
        [0, 1, 2]
        >>> few_places(np.arange(1, 1_000_001), 7).tolist()
        [0, 9, 99, 999, 9999, 99999, 999999]
    """
    if len(along) <= most:
        return np.arange(len(along))
    asked = np.geomspace(along[0], along[-1], most).round().astype(np.int64)
    return np.unique(np.searchsorted(along, asked))
