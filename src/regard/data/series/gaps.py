"""Missing values filled, with a mask that says which, and what was observed never altered.

A filler is a frozen configuration. `fit` learns its numbers on the training part, where it has any
(mean, median, seasonal profile); `fill` answers for any panel::

    values               1    nan  3    nan  nan  nan  nan  8    nan
    linear               1    2    3    4    5    6    7    8    nan     no extrapolation unasked
    longest gap 2        1    2    3    nan  nan  nan  nan  8    nan
    forward              1    1    3    3    3    3    3    8    8
    forward, causal, 2   1    1    3    3    3    nan  nan  8    8       by the age of what is known

How long a gap is, nobody knows before it ends. A causal filler therefore limits the age of the last
observed value, point by point; one that looks both ways leaves a gap that is too long as it is.
"""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np

from regard.data.series.arguments import require_positive, require_whole
from regard.data.series.grouped import means, quantiles
from regard.data.series.levels import Levels
from regard.data.series.panel import Panel
from regard.errors import ConfigurationError
from regard.shapes import Floats, Mask, Offsets


@dataclass(frozen=True, eq=False)
class Filled:
    """What a filler made of a panel.

    Attributes:
        panel: the panel with values where it could fill them; what stays missing is NaN.
        filled_P: `(P,)` true where a value was missing and is there now.
    """

    panel: Panel
    filled_P: Mask

    @property
    def count(self) -> int:
        """How many values were filled."""
        return int(self.filled_P.sum())


@dataclass(frozen=True, kw_only=True)
class Filler(ABC):
    """A way to fill gaps; its fields are its parameters, plain enough for JSON and TOML.

    Attributes:
        causal: fill from the past only, as one must at that moment; see the top of the file.
        longest_gap_seconds: leave gaps open that are longer than this between the observed values
            around them (at an end of a series: between the observed value and that end).
        longest_gap_points: leave gaps open of more missing points than this.
    """

    name: ClassVar[str]
    has_causal: ClassVar[bool]
    causal: bool = False
    longest_gap_seconds: float | None = None
    longest_gap_points: int | None = None

    def __post_init__(self) -> None:
        require_positive(self.name, longest_gap_seconds=self.longest_gap_seconds)
        require_whole(self.name, 1, longest_gap_points=self.longest_gap_points)
        if self.causal and not self.has_causal:
            raise ConfigurationError(
                f"{self.name}: it looks at what comes after a gap, so there is no causal form; use "
                "forward, mean, median or seasonal for features at a moment."
            )

    def fit(self, panel: Panel) -> "FittedFiller":
        """Learn the numbers, where this filler has any.

        Args:
            panel: the training part and nothing else.

        Returns:
            The fitted filler. `TooLittleDataError` where there is nothing to learn from.
        """
        return FittedFiller(self, self._learn(panel))

    @abstractmethod
    def candidates(self, panel: Panel, levels: Levels | None) -> Floats:
        """A value for each missing point, whatever the limits say.

        Args:
            panel: what shall be filled.
            levels: what was learned on the training part.

        Returns:
            `(P,)` float64, read at missing points only; NaN where there is no answer.
        """

    def _learn(self, panel: Panel) -> Levels | None:  # noqa: ARG002  # most learn nothing
        """The numbers of the training part."""
        return None


@dataclass(frozen=True, eq=False)
class FittedFiller:
    """A filler with its numbers.

    Attributes:
        settings: the filler.
        levels: what it learned for each group, or None where it learns nothing.

    Example:
        >>> import polars as pl
        >>> panel = Panel.of(pl.DataFrame({"x": [None, 1.0, None, None, 4.0]}), value="x")
        >>> done = Forward(longest_gap_points=1, causal=True).fit(panel).fill(panel)
        >>> done.panel.values.tolist(), done.filled_P.tolist()
        ([nan, 1.0, 1.0, nan, 4.0], [False, False, True, False, False])
    """

    settings: Filler
    levels: Levels | None = None

    def fill(self, panel: Panel) -> Filled:
        """Fill what can be filled; a candidate that is not finite leaves the point missing.

        Args:
            panel: any panel with keys of the kind fitted, before or after the training part.

        Returns:
            The filled panel and the mask. `NeedsClockError` where seconds limit the gaps of a
            panel without a clock.
        """
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            candidates = self.settings.candidates(panel, self.levels)
        filled = panel.missing_P & np.isfinite(candidates) & self._within_limits(panel)
        return Filled(panel.with_values(np.where(filled, candidates, panel.values)), filled)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `regard.data.series.filler_from_dict` reads them."""
        levels = None if self.levels is None else self.levels.to_dict()
        return {"name": self.settings.name, "settings": asdict(self.settings), "levels": levels}

    def _within_limits(self, panel: Panel) -> Mask:
        """Where a missing point lies in a gap that is not too long (or not too old yet)."""
        asked = self.settings
        allowed = np.ones(len(panel.values), np.bool_)
        if not len(allowed):
            return allowed
        previous, following = neighbours(panel)
        first, last = panel.offsets[panel.series_P], panel.offsets[panel.series_P + 1] - 1
        here = np.arange(len(allowed))
        if asked.longest_gap_points is not None:
            end = here + 1 if asked.causal else np.where(following < 0, last + 1, following)
            points = end - np.maximum(previous, first - 1) - 1
            allowed &= points <= asked.longest_gap_points
        if asked.longest_gap_seconds is not None:
            times = panel.clock(f"A limit of {asked.longest_gap_seconds} seconds")
            stop = here if asked.causal else np.where(following < 0, last, following)
            seconds = times[stop] - times[np.maximum(previous, first)]
            allowed &= seconds <= asked.longest_gap_seconds
        return allowed


def neighbours(panel: Panel) -> tuple[Offsets, Offsets]:
    """The nearest observed points of the same series before and after each point.

    Args:
        panel: any panel.

    Returns:
        Two `(P,)` int64 arrays of positions in the flat array, the point itself never among them;
        -1 where there is none.

    Example:
        >>> import polars as pl
        >>> panel = Panel.of(pl.DataFrame({"x": [1.0, None, 3.0]}), value="x")
        >>> [each.tolist() for each in neighbours(panel)]
        [[-1, 0, 0], [2, 2, -1]]
    """
    points = len(panel.values)
    if not points:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    seen, here = ~panel.missing_P, np.arange(points)
    first, stop = panel.offsets[panel.series_P], panel.offsets[panel.series_P + 1]
    up_to = np.maximum.accumulate(np.where(seen, here, -1))
    previous = np.concatenate([[-1], up_to[:-1]])
    from_on = np.minimum.accumulate(np.where(seen, here, points)[::-1])[::-1]
    following = np.concatenate([from_on[1:], [points]])
    return np.where(previous < first, -1, previous), np.where(following >= stop, -1, following)


@dataclass(frozen=True, kw_only=True)
class Mean(Filler):
    """The mean of the group's training values. Keeps the mean, shrinks the variance.

    Attributes:
        min_points: groups with fewer observed values take the mean of all groups pooled.
    """

    name: ClassVar[str] = "mean"
    has_causal: ClassVar[bool] = True
    min_points: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        require_whole(self.name, 1, min_points=self.min_points)

    def candidates(self, panel: Panel, levels: Levels | None) -> Floats:
        """See `Filler.candidates`."""
        level: Floats = _learned(levels).of(panel)[panel.series_P, 0]
        return level

    def _learn(self, panel: Panel) -> Levels:
        def column(values_E: Floats, series_E: Offsets, groups: int) -> Floats:
            return means(values_E, series_E, groups)[:, None]

        return Levels.fit(panel, column, self.min_points)


@dataclass(frozen=True, kw_only=True)
class Median(Mean):
    """The median of the group's training values: the mean where outliers would move it."""

    name: ClassVar[str] = "median"

    def _learn(self, panel: Panel) -> Levels:
        def column(values_E: Floats, series_E: Offsets, groups: int) -> Floats:
            return quantiles(values_E, series_E, groups, 0.5)[:, None]

        return Levels.fit(panel, column, self.min_points)


@dataclass(frozen=True, kw_only=True)
class Forward(Filler):
    """The last observed value: right for what stays until it is changed, such as a price.

    What lies before the first observed value stays missing.
    """

    name: ClassVar[str] = "forward"
    has_causal: ClassVar[bool] = True

    def candidates(self, panel: Panel, levels: Levels | None) -> Floats:  # noqa: ARG002  # contract
        """See `Filler.candidates`."""
        previous, _ = neighbours(panel)
        # -1 reads the last value of all, which the condition throws away.
        return np.where(previous >= 0, panel.values[previous], np.nan)


@dataclass(frozen=True, kw_only=True)
class Seasonal(Filler):
    """The group's training mean at the same phase of a period, such as a weekday.

    Phases that a group was never seen in, and all phases of a group with fewer than `min_points`
    observed values, take the group's level plus the season of all groups. Groups that training has
    not seen take level and season of all groups pooled.

    Attributes:
        period: length of a period in seconds (phases count from 1970-01-01 UTC), or, without a
            clock, in points from the start of each series.
        phases: how many equal parts a period is cut into; a week of days has 7.
        min_points: groups with fewer observed values have no season of their own.

    Example:
        >>> import polars as pl
        >>> train = Panel.of(pl.DataFrame({"x": [1.0, 9.0, 3.0, 9.0]}), value="x")
        >>> test = Panel.of(pl.DataFrame({"x": [None, None, 5.0]}), value="x")
        >>> Seasonal(period=2, phases=2, min_points=4).fit(train).fill(test).panel.values.tolist()
        [2.0, 9.0, 5.0]
    """

    name: ClassVar[str] = "seasonal"
    has_causal: ClassVar[bool] = True
    period: float
    phases: int = 7
    min_points: int = 14

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, period=self.period)
        require_whole(self.name, 1, phases=self.phases, min_points=self.min_points)

    def candidates(self, panel: Panel, levels: Levels | None) -> Floats:
        """See `Filler.candidates`."""
        profile: Floats = _learned(levels).of(panel)[panel.series_P, self._phase(panel)]
        return profile

    def _phase(self, panel: Panel) -> Offsets:
        """`(P,)` which part of its period each point lies in."""
        share = np.mod(panel.abscissa(), self.period) / self.period
        return np.minimum((share * self.phases).astype(np.int64), self.phases - 1)

    def _learn(self, panel: Panel) -> Levels:
        seen = ~panel.missing_P
        phase_E, own_E = self._phase(panel)[seen], panel.series_P[seen]
        around = panel.values[seen] - means(panel.values[seen], own_E, len(panel))[own_E]
        season = means(around, phase_E, self.phases)

        def pooled(values_E: Floats, series_E: Offsets, groups: int) -> Floats:
            return means(values_E - season[phase_E], series_E, groups)[:, None] + season

        def profile(values_E: Floats, series_E: Offsets, groups: int) -> Floats:
            cell = series_E * self.phases + phase_E
            own = means(values_E, cell, groups * self.phases).reshape(groups, self.phases)
            enough = np.bincount(series_E, minlength=groups) >= self.min_points
            known = enough[:, None] & ~np.isnan(own)
            return np.where(known, own, pooled(values_E, series_E, groups))

        # The mean over all groups at a phase would mix their levels with their season.
        fallback = Levels.fit(panel, pooled, 1).fallback
        return replace(Levels.fit(panel, profile, 1), fallback=fallback)


def _learned(levels: Levels | None) -> Levels:
    """The levels of a filler that cannot do without."""
    if levels is None:
        raise ConfigurationError("This filler was never fitted; call fit on the training part.")
    return levels
