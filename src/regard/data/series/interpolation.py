"""Gaps closed by curves through the observed values around them.

Curves know the value after a gap, so none has a causal form: use them to repair a record, not to
compute what was known at a moment. Outside the observed values of a series they answer only where
`extrapolate` asks them to. Linear takes no loop; the others call SciPy once for each series that
has a gap, and take observed values at equal times as one, their mean.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from regard.data.series.arguments import require_whole
from regard.data.series.gaps import Filler, neighbours
from regard.data.series.grouped import means
from regard.data.series.levels import Levels
from regard.data.series.panel import Panel
from regard.errors import ConfigurationError
from regard.shapes import Floats, Offsets


@dataclass(frozen=True, kw_only=True)
class Interpolator(Filler):
    """A filler that draws a curve through what is observed.

    Attributes:
        extrapolate: answer before the first and after the last observed value too.
    """

    has_causal: ClassVar[bool] = False
    extrapolate: bool = False


@dataclass(frozen=True, kw_only=True)
class Linear(Interpolator):
    """A straight line between the two neighbours; beyond the ends, through the last two values.

    Example:
        >>> import polars as pl
        >>> frame = pl.DataFrame({"t": [0, 1, 4, 5], "x": [0.0, None, 8.0, None]})
        >>> panel = Panel.of(frame, value="x", time="t")
        >>> Linear().fit(panel).fill(panel).panel.values.tolist()
        [0.0, 2.0, 8.0, nan]
    """

    name: ClassVar[str] = "linear"

    def candidates(self, panel: Panel, levels: Levels | None) -> Floats:  # noqa: ARG002  # contract
        """See `Filler.candidates`."""
        left, right = neighbours(panel)
        before, after = left, right
        if self.extrapolate:
            # Beyond an end, the two nearest observed points lie on one side.
            before = np.where(left < 0, right, left)
            after = np.where(left < 0, _beyond(right), np.where(right < 0, _beyond(left), right))
        return _line(panel, before, after)


def _beyond(nearest: Offsets) -> Offsets:
    """The neighbour of a neighbour, in the same direction; -1 where either is missing."""
    return np.where(nearest < 0, -1, nearest[nearest])


def _line(panel: Panel, before: Offsets, after: Offsets) -> Floats:
    """The value at each point of the line through two others; NaN where one is not there."""
    place, values = panel.abscissa(), panel.values
    run, rise = place[after] - place[before], values[after] - values[before]
    at_once = np.where(place == place[before], 0.5, np.nan)
    share = np.where(run != 0, (place - place[before]) / np.where(run != 0, run, 1.0), at_once)
    return np.where((before < 0) | (after < 0), np.nan, values[before] + share * rise)


@dataclass(frozen=True, kw_only=True)
class _Curve(Interpolator):
    """A curve of SciPy or NumPy, computed series by series."""

    def candidates(self, panel: Panel, levels: Levels | None) -> Floats:  # noqa: ARG002  # contract
        """See `Filler.candidates`."""
        result = np.full(len(panel.values), np.nan)
        place, missing = panel.abscissa(), panel.missing_P
        gaps = np.bincount(panel.series_P[missing], minlength=len(panel))
        for series in np.flatnonzero((gaps > 0) & (gaps < panel.lengths)):
            inside = slice(panel.offsets[series], panel.offsets[series + 1])
            open_, known = missing[inside], ~missing[inside]
            knots, values = _distinct(place[inside][known], panel.values[inside][known])
            asked = place[inside][open_]
            # Epoch seconds are large; from the first knot on, fewer digits are lost.
            answers = self.curve(knots - knots[0], values, asked - knots[0])
            if not self.extrapolate:
                answers[(asked < knots[0]) | (asked > knots[-1])] = np.nan
            result[inside][open_] = answers
        return result

    @abstractmethod
    def curve(self, knots: Floats, values: Floats, asked: Floats) -> Floats:
        """The curve of one series.

        Args:
            knots: `(n,)` ascending places of observed values, at least one.
            values: `(n,)` what was observed there.
            asked: `(m,)` where the curve is asked.

        Returns:
            `(m,)` answers, NaN where the knots are too few.
        """


@dataclass(frozen=True, kw_only=True)
class PCHIP(_Curve):
    """A cubic curve that keeps the shape: it never leaves the range of two neighbouring values.

    Fritsch & Butland (1984), `scipy.interpolate.PchipInterpolator`; needs two observed values.

    Example:
        >>> import polars as pl
        >>> panel = Panel.of(pl.DataFrame({"x": [0.0, 0.0, None, 8.0, 8.0]}), value="x")
        >>> PCHIP().fit(panel).fill(panel).panel.values.tolist()
        [0.0, 0.0, 4.0, 8.0, 8.0]
    """

    name: ClassVar[str] = "pchip"

    def curve(self, knots: Floats, values: Floats, asked: Floats) -> Floats:
        """See `_Curve.curve`."""
        from scipy.interpolate import PchipInterpolator

        if len(knots) < 2:
            return np.full(len(asked), np.nan)
        answers: Floats = PchipInterpolator(knots, values)(asked)
        return answers


@dataclass(frozen=True, kw_only=True)
class CubicSpline(_Curve):
    """The smoothest cubic curve (not-a-knot); it swings beyond its neighbours where they jump.

    `scipy.interpolate.CubicSpline`; of two observed values a line, of three a parabola.
    """

    name: ClassVar[str] = "cubic-spline"

    def curve(self, knots: Floats, values: Floats, asked: Floats) -> Floats:
        """See `_Curve.curve`."""
        from scipy import interpolate

        if len(knots) < 2:
            return np.full(len(asked), np.nan)
        answers: Floats = interpolate.CubicSpline(knots, values)(asked)
        return answers


@dataclass(frozen=True, kw_only=True)
class Polynomial(_Curve):
    """The least-squares polynomial of the whole series: a trend, not a path through the points.

    Computed on Legendre polynomials over the range of the series, which stays well conditioned. A
    series whose observed points do not determine the polynomial stays as it is. Extrapolated, it
    runs away; see the tests.

    Attributes:
        degree: of the polynomial, 0 to 9.
    """

    name: ClassVar[str] = "polynomial"
    degree: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        require_whole(self.name, 0, degree=self.degree)
        if self.degree > 9:
            raise ConfigurationError(
                f"{self.name}: degree is {self.degree}; beyond 9 it follows noise, use a spline."
            )

    def curve(self, knots: Floats, values: Floats, asked: Floats) -> Floats:
        """See `_Curve.curve`."""
        if len(knots) <= self.degree:
            return np.full(len(asked), np.nan)
        # A single knot has no range to be scaled to; any range will do for a constant.
        domain = [knots[0], knots[-1] if len(knots) > 1 else knots[0] + 1.0]
        fitted, (_, rank, _, _) = np.polynomial.Legendre.fit(
            knots, values, self.degree, domain=domain, full=True
        )
        if rank <= self.degree:
            return np.full(len(asked), np.nan)
        answers: Floats = fitted(asked)
        return answers


def _distinct(places: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Equal places as one, with the mean of their values."""
    knots, which = np.unique(places, return_inverse=True)
    return knots, means(values, which, len(knots))
