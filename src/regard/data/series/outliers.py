"""Values that do not belong: found by thresholds that were fitted on the training part.

A detector is a frozen configuration. `fit` learns its numbers for each group (one with fewer than
`min_points` observed values uses those of all groups pooled); `apply` judges any panel by them::

    values      10  11   9  10  95  10          fit on training: lower 5, upper 15
    outliers                     x
    "mark"      10  11   9  10  95  10          the panel as it was; only the mask says it
    "clip"      10  11   9  10  15  10          the nearest acceptable value
    "missing"   10  11   9  10 nan  10          for a filler to fill
    "remove"    10  11   9  10      10          the point is gone

A series without any spread has no outliers, and a missing value is none.
"""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, Literal, TypeAlias, get_args

import numpy as np

from regard.data.series.arguments import require_one_of, require_positive, require_whole
from regard.data.series.grouped import (
    MAD_TO_SIGMA,
    MEAN_AD_TO_SIGMA,
    quantiles,
    robust_sigmas,
    sigmas,
    varying,
)
from regard.data.series.levels import Levels
from regard.data.series.panel import Panel
from regard.data.series.windows import row_means, row_medians, windows
from regard.errors import ConfigurationError
from regard.shapes import Floats, Mask, Offsets

Action: TypeAlias = Literal["mark", "clip", "remove", "missing"]
"""What happens to an outlier."""
ACTIONS: Final[tuple[str, ...]] = get_args(Action)


@dataclass(frozen=True, eq=False)
class Screened:
    """What a detector made of a panel.

    Attributes:
        panel: the panel after the action.
        outliers_P: `(P,)` true where a value of the panel that was judged is an outlier.
        action: what was done about them.
    """

    panel: Panel
    outliers_P: Mask
    action: Action

    @property
    def count(self) -> int:
        """How many outliers there are."""
        return int(self.outliers_P.sum())


class FittedDetector(ABC):
    """A detector with its numbers; judging reads no more than these and the series itself."""

    action: Action

    @abstractmethod
    def judge(self, panel: Panel) -> tuple[Mask, Floats]:
        """Say of each point whether it is an outlier, and what would be acceptable.

        Args:
            panel: any panel with keys of the kind fitted.

        Returns:
            `(P,)` mask of outliers, and `(P,)` nearest acceptable values (read at outliers only).
        """

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `regard.data.series.detector_from_dict` reads them."""

    @classmethod
    @abstractmethod
    def from_dict(cls, values: dict[str, Any]) -> "FittedDetector":
        """What `to_dict` gave, as a fitted detector again."""

    def apply(self, panel: Panel) -> Screened:
        """Judge a panel and do what the action says.

        Args:
            panel: any panel with keys of the kind fitted, before or after the training part.

        Returns:
            The panel after the action, and the mask.
        """
        outliers, nearest = self.judge(panel)
        if self.action == "remove":
            after = panel.keep(~outliers)
        elif self.action == "mark":
            after = panel
        else:
            other = nearest if self.action == "clip" else np.nan
            after = panel.with_values(np.where(outliers, other, panel.values))
        return Screened(after, outliers, self.action)


@dataclass(frozen=True, kw_only=True)
class OutlierDetector(ABC):
    """A way to find outliers; its fields are its parameters, plain enough for JSON and TOML.

    Attributes:
        action: what happens to outliers: "mark", "clip", "remove" or "missing".
    """

    name: ClassVar[str]
    fitted: ClassVar[type[FittedDetector]]
    action: Action = "mark"

    def __post_init__(self) -> None:
        require_one_of(self.name, ACTIONS, action=self.action)
        self._require_sense()

    @abstractmethod
    def fit(self, panel: Panel) -> FittedDetector:
        """Learn the numbers from a panel.

        Args:
            panel: the training part and nothing else.

        Returns:
            The fitted detector. `TooLittleDataError` where no value is observed.
        """

    @abstractmethod
    def _require_sense(self) -> None:
        """Refuse parameters that make no sense."""


@dataclass(frozen=True, eq=False)
class FittedBounds(FittedDetector):
    """Every value outside a lower and an upper bound of its group is an outlier.

    Attributes:
        levels: two numbers a group, lower and upper; NaN where there is no bound.
        name: the detector that fitted them.
        action: what happens to outliers.
    """

    levels: Levels
    name: str
    action: Action

    def judge(self, panel: Panel) -> tuple[Mask, Floats]:
        """See `FittedDetector.judge`."""
        lower, upper = self.levels.of(panel)[panel.series_P].T
        # A comparison with NaN is false, so what has no bound or no value is never an outlier.
        low, high = panel.values < lower, panel.values > upper
        return low | high, np.where(low, lower, upper)

    def to_dict(self) -> dict[str, Any]:
        """See `FittedDetector.to_dict`."""
        return {"name": self.name, "action": self.action, "levels": self.levels.to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "FittedBounds":
        """See `FittedDetector.from_dict`."""
        return cls(Levels.from_dict(values["levels"]), values["name"], values["action"])


@dataclass(frozen=True, kw_only=True)
class _Bounds(OutlierDetector):
    """A detector whose numbers are a lower and an upper bound for each group.

    Attributes:
        min_points: groups with fewer observed values use the bounds of all groups pooled.
    """

    fitted: ClassVar[type[FittedDetector]] = FittedBounds
    min_points: int = 10

    def fit(self, panel: Panel) -> FittedBounds:
        """See `OutlierDetector.fit`."""
        return FittedBounds(
            Levels.fit(panel, self._bounds, self.min_points), self.name, self.action
        )

    @abstractmethod
    def _bounds(self, values_E: Floats, series_E: Offsets, groups: int) -> Floats:
        """`(G, 2)` lower and upper bounds; NaN where a series does not vary."""

    def _require_sense(self) -> None:
        require_whole(self.name, 1, min_points=self.min_points)


@dataclass(frozen=True, kw_only=True)
class ZScore(_Bounds):
    """More than `threshold` standard deviations from the mean.

    Right for what is roughly normal and has few outliers. In a heavy tail it marks what is
    ordinary; and outliers widen the deviation they are measured by: among n values no z-score can
    exceed sqrt(n - 1), so among 10 none exceeds 3.

    Attributes:
        threshold: how many standard deviations are still acceptable.

    Example:
        >>> import polars as pl
        >>> panel = Panel.of(pl.DataFrame({"x": [0.0, 1.0] * 20 + [9.0]}), value="x")
        >>> ZScore().fit(panel).apply(panel).outliers_P.nonzero()[0].tolist()
        [40]
    """

    name: ClassVar[str] = "z-score"
    threshold: float = 3.0

    def _bounds(self, values_E: Floats, series_E: Offsets, groups: int) -> Floats:
        center, sigma = sigmas(values_E, series_E, groups)
        return _around(center, self.threshold * sigma)

    def _require_sense(self) -> None:
        super()._require_sense()
        require_positive(self.name, threshold=self.threshold)


@dataclass(frozen=True, kw_only=True)
class MAD(_Bounds):
    """More than `threshold` robust sigmas from the median; up to half the values may be outliers.

    Iglewicz & Hoaglin, "How to Detect and Handle Outliers" (1993), who advise 3.5.

    Attributes:
        threshold: how many robust sigmas are still acceptable.

    Example:
        >>> import polars as pl
        >>> panel = Panel.of(pl.DataFrame({"x": [1.0, 2, 3, 4, 5, 90, 95]}), value="x")
        >>> MAD(action="clip").fit(panel).apply(panel).panel.values.round(2).tolist()
        [1.0, 2.0, 3.0, 4.0, 5.0, 14.38, 14.38]
    """

    name: ClassVar[str] = "mad"
    threshold: float = 3.5

    def _bounds(self, values_E: Floats, series_E: Offsets, groups: int) -> Floats:
        center, sigma = robust_sigmas(values_E, series_E, groups)
        return _around(center, self.threshold * sigma)

    def _require_sense(self) -> None:
        super()._require_sense()
        require_positive(self.name, threshold=self.threshold)


@dataclass(frozen=True, kw_only=True)
class IQR(_Bounds):
    """More than `factor` interquartile ranges outside the quartiles (Tukey's fences, 1977).

    A series whose quartiles are equal gets no bounds: it would call everything else an outlier.

    Attributes:
        factor: 1.5 for "outside", 3 for "far out".

    Example:
        >>> import polars as pl
        >>> panel = Panel.of(pl.DataFrame({"x": [1.0, 2, 3, 4, 30]}), value="x")
        >>> IQR(action="missing").fit(panel).apply(panel).panel.values.tolist()
        [1.0, 2.0, 3.0, 4.0, nan]
    """

    name: ClassVar[str] = "iqr"
    factor: float = 1.5

    def _bounds(self, values_E: Floats, series_E: Offsets, groups: int) -> Floats:
        low = quantiles(values_E, series_E, groups, 0.25)
        high = quantiles(values_E, series_E, groups, 0.75)
        reach = self.factor * varying(high - low, high)
        return np.stack([low - reach, high + reach], axis=1)

    def _require_sense(self) -> None:
        super()._require_sense()
        require_positive(self.name, factor=self.factor)


@dataclass(frozen=True, eq=False)
class FittedHampel(FittedDetector):
    """The Hampel identifier, which learns nothing: each window is its own measure.

    Attributes:
        settings: the detector.
    """

    settings: "Hampel"

    @property
    def action(self) -> Action:  # type: ignore[override]  # read from the settings, never set
        """What happens to outliers."""
        return self.settings.action

    def judge(self, panel: Panel) -> tuple[Mask, Floats]:
        """See `FittedDetector.judge`."""
        lower, upper = np.empty_like(panel.values), np.empty_like(panel.values)
        asked = self.settings
        for block, near in windows(panel, asked.window, causal=asked.causal):
            center = row_medians(near)
            deviation = np.abs(near - center[:, None])
            middle = varying(MAD_TO_SIGMA * row_medians(deviation), center)
            mean = varying(MEAN_AD_TO_SIGMA * row_means(deviation), center)
            reach = asked.threshold * np.where(np.isnan(middle), mean, middle)
            lower[block], upper[block] = center - reach, center + reach
        low, high = panel.values < lower, panel.values > upper
        return low | high, np.where(low, lower, upper)

    def to_dict(self) -> dict[str, Any]:
        """See `FittedDetector.to_dict`."""
        return {"name": self.settings.name, **asdict(self.settings)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "FittedHampel":
        """See `FittedDetector.from_dict`."""
        return cls(Hampel(**{name: value for name, value in values.items() if name != "name"}))


@dataclass(frozen=True, kw_only=True)
class Hampel(OutlierDetector):
    """More than `threshold` robust sigmas from the median of the neighbours (Hampel, 1974).

    Finds a spike on a level that moves, where bounds for the whole series are too wide. Sigma is
    that of the window, by MAD or, where more than half of it is one value, by the mean absolute
    deviation; a constant window has no outliers. Costs `O(P window log window)`.

    Attributes:
        window: points in a window, the point itself included; odd unless causal.
        threshold: how many robust sigmas are still acceptable.
        causal: judge by the past only (the point and those before it), as one must at that moment.

    Example:
        >>> import polars as pl
        >>> panel = Panel.of(pl.DataFrame({"x": [1.0, 2, 3, 40, 5, 6, 7, 8]}), value="x")
        >>> Hampel(window=5, action="clip").fit(panel).apply(panel).panel.values.round(2).tolist()
        [1.0, 2.0, 3.0, 13.9, 5.0, 6.0, 7.0, 8.0]
    """

    name: ClassVar[str] = "hampel"
    fitted: ClassVar[type[FittedDetector]] = FittedHampel
    window: int = 7
    threshold: float = 3.0
    causal: bool = False

    def fit(self, panel: Panel) -> FittedHampel:  # noqa: ARG002  # as every detector is called
        """Nothing is learned; see `OutlierDetector.fit`."""
        return FittedHampel(self)

    def _require_sense(self) -> None:
        require_whole(self.name, 3, window=self.window)
        require_positive(self.name, threshold=self.threshold)
        if not self.causal and self.window % 2 == 0:
            raise ConfigurationError(
                f"{self.name}: window is {self.window}; a window that looks both ways is odd."
            )


def _around(center: Floats, reach: Floats) -> Floats:
    """`(G, 2)` bounds at equal distances."""
    return np.stack([center - reach, center + reach], axis=1)
