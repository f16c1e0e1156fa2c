"""What accuracy does not show: how much of the catalogue is used, and how popular it is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from regard.schema import FIRST_CODE
from regard.shapes import Codes, Floats, Offsets


@dataclass(frozen=True)
class BeyondAccuracy:
    """Which part of the catalogue the lists of length k are made of.

    Attributes:
        k: length of the lists.
        coverage: share of the catalogue that stands in at least one list.
        recommended: mean popularity percentile of what is recommended, 0 to 1.
        wanted: mean popularity percentile of the targets (the known ones), 0 to 1.

    Example:
        >>> print(BeyondAccuracy(10, 0.4, 0.95, 0.8))
        coverage@10 40.0 %, popularity tilt +0.150 (recommended 0.950, wanted 0.800)
    """

    k: int
    coverage: float
    recommended: float
    wanted: float

    @property
    def tilt(self) -> float:
        """How much more popular the lists are than what people turn to; 0 is faithful."""
        return self.recommended - self.wanted

    def __str__(self) -> str:
        return (
            f"coverage@{self.k} {100 * self.coverage:.1f} %, popularity tilt {self.tilt:+.3f} "
            f"(recommended {self.recommended:.3f}, wanted {self.wanted:.3f})"
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "k": self.k,
            "coverage": self.coverage,
            "popularity_recommended": self.recommended,
            "popularity_wanted": self.wanted,
            "popularity_tilt": self.tilt,
        }


def beyond_accuracy(lists_QK: Codes, targets_T: Codes, counts: Offsets) -> BeyondAccuracy:
    """Coverage and popularity tilt of recommended lists.

    Coverage is the catalogue coverage of Ge, Delgado-Battenfeld & Jannach, "Beyond Accuracy"
    (RecSys 2010). The tilt is the shift between what users want and what they are shown, as in
    Abdollahpouri et al., "The Unfairness of Popularity Bias in Recommendation" (2019), measured
    in percentiles, which a few very popular items cannot dominate.

    Args:
        lists_QK: int32 recommended codes; 0 where a list ran out.
        targets_T: int32 codes of the targets; unknown ones (1) have no popularity and are skipped.
        counts: `(N - 2,)` int64 occurrences of each item in the training part.

    Returns:
        Both measures at k, the width of the lists. Without any recommended item or known
        target, a percentile is 0.5, that of an average item.

    Example:
        Four items; everybody is shown the two most popular ones (percentiles 7/8 and 5/8).

        >>> lists = np.array([[2, 3], [2, 3]], np.int32)
        >>> found = beyond_accuracy(lists, np.array([4, 5], np.int32), np.array([9, 5, 2, 1]))
        >>> found.coverage, found.recommended, found.wanted, found.tilt
        (0.5, 0.75, 0.25, 0.5)
    """
    percentiles = popularity_percentiles(counts)
    shown = np.bincount(lists_QK.ravel(), minlength=len(counts) + FIRST_CODE)[FIRST_CODE:]
    known = targets_T[targets_T >= FIRST_CODE] - FIRST_CODE
    return BeyondAccuracy(
        lists_QK.shape[1],
        float((shown > 0).mean()),
        float(np.average(percentiles, weights=shown)) if shown.any() else 0.5,
        float(percentiles[known].mean()) if len(known) else 0.5,
    )


def popularity_percentiles(counts: Offsets) -> Floats:
    """Share of items less popular than each, equals counted half: the mean is always 0.5.

    Args:
        counts: `(N - 2,)` int64 occurrences of each item in the training part.

    Returns:
        `(N - 2,)` float64 between 0 and 1.

    Example:
        >>> popularity_percentiles(np.array([7, 7, 1, 0])).tolist()
        [0.75, 0.75, 0.375, 0.125]
    """
    ranked: Floats = (pl.Series(counts).rank("average").to_numpy() - 0.5) / len(counts)
    return ranked
