"""Numeric signals along a history or an item's days: many series at once, with gaps and noise."""

from typing import Any, Final, TypeVar

from regard.data.series.filters import Butterworth, SavitzkyGolay, Wavelet
from regard.data.series.gaps import (
    Filled,
    Filler,
    FittedFiller,
    Forward,
    Mean,
    Median,
    Seasonal,
)
from regard.data.series.interpolation import PCHIP, CubicSpline, Linear, Polynomial
from regard.data.series.isolation import IsolationForest
from regard.data.series.levels import Levels
from regard.data.series.outliers import (
    IQR,
    MAD,
    FittedDetector,
    Hampel,
    OutlierDetector,
    Screened,
    ZScore,
)
from regard.data.series.panel import Panel
from regard.data.series.smoothing import (
    Exponential,
    MovingAverage,
    MovingMedian,
    Smoothed,
    Smoother,
)
from regard.errors import ConfigurationError

__all__ = [
    "FILLERS",
    "IQR",
    "MAD",
    "OUTLIERS",
    "PCHIP",
    "SMOOTHERS",
    "Butterworth",
    "CubicSpline",
    "Exponential",
    "Filled",
    "Filler",
    "FittedDetector",
    "FittedFiller",
    "Forward",
    "Hampel",
    "IsolationForest",
    "Linear",
    "Mean",
    "Median",
    "MovingAverage",
    "MovingMedian",
    "OutlierDetector",
    "Panel",
    "Polynomial",
    "SavitzkyGolay",
    "Screened",
    "Seasonal",
    "Smoothed",
    "Smoother",
    "Wavelet",
    "ZScore",
    "detector_from_dict",
    "filler_from_dict",
]

_Kind = TypeVar("_Kind")

OUTLIERS: Final[dict[str, type[OutlierDetector]]] = {
    "z-score": ZScore,
    "mad": MAD,
    "iqr": IQR,
    "hampel": Hampel,
    "isolation-forest": IsolationForest,
}
"""Every detector of outliers under the name that recipes use."""


FILLERS: Final[dict[str, type[Filler]]] = {
    "mean": Mean,
    "median": Median,
    "forward": Forward,
    "linear": Linear,
    "pchip": PCHIP,
    "cubic-spline": CubicSpline,
    "polynomial": Polynomial,
    "seasonal": Seasonal,
}
"""Every filler of gaps under the name that recipes use."""


SMOOTHERS: Final[dict[str, type[Smoother]]] = {
    "moving-average": MovingAverage,
    "moving-median": MovingMedian,
    "exponential": Exponential,
    "savitzky-golay": SavitzkyGolay,
    "butterworth": Butterworth,
    "wavelet": Wavelet,
}
"""Every smoother under the name that recipes use."""


def detector_from_dict(values: dict[str, Any]) -> FittedDetector:
    """A fitted detector from the plain values that its `to_dict` gave.

    Args:
        values: from JSON, say.

    Returns:
        A detector that answers as the one that was saved.

    Raises:
        ConfigurationError: the values name no kind that is known.

    Example:
        >>> import polars as pl
        >>> panel = Panel.of(pl.DataFrame({"x": [1.0, 2.0, 4.0]}), value="x")
        >>> detector_from_dict(MAD().fit(panel).to_dict()).apply(panel).count
        0
    """
    return _named(OUTLIERS, values.get("name"), "detector").fitted.from_dict(values)


def filler_from_dict(values: dict[str, Any]) -> FittedFiller:
    """A fitted filler from the plain values that its `to_dict` gave.

    Args:
        values: from JSON, say.

    Returns:
        A filler that answers as the one that was saved.

    Raises:
        ConfigurationError: the values name no kind that is known.

    Example:
        >>> import polars as pl
        >>> panel = Panel.of(pl.DataFrame({"x": [1.0, None, 4.0]}), value="x")
        >>> saved = Median(min_points=2).fit(panel).to_dict()
        >>> filler_from_dict(saved).fill(panel).panel.values.tolist()
        [1.0, 2.5, 4.0]
    """
    kind = _named(FILLERS, values.get("name"), "filler")
    levels = values["levels"]
    learned = None if levels is None else Levels.from_dict(levels)
    return FittedFiller(kind(**values["settings"]), learned)


def _named(kinds: dict[str, type[_Kind]], name: Any, what: str) -> type[_Kind]:
    """The kind of a name, or a refusal that lists the names."""
    if name not in kinds:
        raise ConfigurationError(f"{name!r} is no {what}; known are {', '.join(kinds)}.")
    return kinds[name]
