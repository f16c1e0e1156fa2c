"""Numeric signals along a history or an item's days: many series at once, with gaps and noise."""

from typing import Any, Final

from regard.data.series.isolation import IsolationForest
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
from regard.errors import ConfigurationError

__all__ = [
    "IQR",
    "MAD",
    "OUTLIERS",
    "FittedDetector",
    "Hampel",
    "IsolationForest",
    "OutlierDetector",
    "Panel",
    "Screened",
    "ZScore",
    "restore",
]

OUTLIERS: Final[dict[str, type[OutlierDetector]]] = {
    "z-score": ZScore,
    "mad": MAD,
    "iqr": IQR,
    "hampel": Hampel,
    "isolation-forest": IsolationForest,
}
"""Every detector of outliers under the name that recipes use."""


def restore(values: dict[str, Any]) -> FittedDetector:
    """A fitted object from the plain values that its `to_dict` gave.

    Args:
        values: from JSON, say.

    Returns:
        A fitted object that answers as the one that was saved.

    Raises:
        ConfigurationError: the values name no kind that is known.

    Example:
        >>> import polars as pl
        >>> panel = Panel.of(pl.DataFrame({"x": [1.0, 2.0, 4.0]}), value="x")
        >>> restore(MAD().fit(panel).to_dict()).apply(panel).count
        0
    """
    name = values.get("name")
    if name not in OUTLIERS:
        raise ConfigurationError(
            f"{name!r} is no kind of fitted series object; known are {', '.join(OUTLIERS)}."
        )
    return OUTLIERS[name].fitted.from_dict(values)
