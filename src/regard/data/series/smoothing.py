"""Noise taken out of a signal, looking both ways or, where a method can, back only.

A smoother learns nothing: it reads each series and nothing else. With `causal=True` the value at a
moment depends on that moment and the past alone, so that it may serve as a feature there; without,
it repairs a record and has no lag::

    values                     1  1  1  9  1  1  1
    moving median of 3         1  1  1  1  1  1  1
    moving average of 3        1  1  3.7 3.7 3.7 1  1
    the same, causal           1  1  1  3.7 3.7 3.7 1

What is missing stays missing: filling is the work of fillers.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from regard.data.series.arguments import require_positive, require_whole
from regard.data.series.panel import Panel
from regard.data.series.windows import row_means, row_medians, windows
from regard.errors import ConfigurationError
from regard.shapes import Floats, Mask


@dataclass(frozen=True, eq=False)
class Smoothed:
    """What a smoother made of a panel.

    Attributes:
        panel: the panel with smoothed values.
        too_short_S: `(S,)` true for series with too few points for the method; they are as they
            were.
    """

    panel: Panel
    too_short_S: Mask


@dataclass(frozen=True, kw_only=True)
class Smoother(ABC):
    """A way to smooth; its fields are its parameters, plain enough for JSON and TOML.

    Attributes:
        causal: look at the past only.
    """

    name: ClassVar[str]
    has_causal: ClassVar[bool]
    causal: bool = False

    def __post_init__(self) -> None:
        if self.causal and not self.has_causal:
            raise ConfigurationError(
                f"{self.name}: it looks both ways, and there is no causal form; use "
                "moving-average, moving-median, exponential or butterworth for features at a "
                "moment."
            )
        self._require_sense()

    @abstractmethod
    def smooth(self, panel: Panel) -> Smoothed:
        """Smooth every series of a panel.

        Args:
            panel: any panel.

        Returns:
            The panel with smoothed values at the same points.
        """

    @abstractmethod
    def _require_sense(self) -> None:
        """Refuse parameters that make no sense."""


@dataclass(frozen=True, kw_only=True)
class _Window(Smoother):
    """A smoother of the points around each point; windows shrink at the ends of a series.

    Costs `O(P window)`, in blocks of bounded memory.

    Attributes:
        window: points in a window, the point itself included; odd unless causal.
    """

    has_causal: ClassVar[bool] = True
    middle: ClassVar[Callable[[Floats], Floats]]
    window: int = 5

    def smooth(self, panel: Panel) -> Smoothed:
        """See `Smoother.smooth`."""
        values = np.empty_like(panel.values)
        for block, near in windows(panel, self.window, causal=self.causal):
            values[block] = type(self).middle(near)
        values[panel.missing_P] = np.nan
        return Smoothed(panel.with_values(values), np.zeros(len(panel), np.bool_))

    def _require_sense(self) -> None:
        require_whole(self.name, 1, window=self.window)
        if not self.causal and self.window % 2 == 0:
            raise ConfigurationError(
                f"{self.name}: window is {self.window}; a window that looks both ways is odd."
            )


@dataclass(frozen=True, kw_only=True)
class MovingAverage(_Window):
    """The mean of the points around. Right for noise around what changes slowly; blurs a step.

    Example:
        >>> import polars as pl
        >>> panel = Panel.of(pl.DataFrame({"x": [0.0, 3.0, 6.0, None]}), value="x")
        >>> MovingAverage(window=3).smooth(panel).panel.values.tolist()
        [1.5, 3.0, 4.5, nan]
    """

    name: ClassVar[str] = "moving-average"
    middle: ClassVar[Callable[[Floats], Floats]] = staticmethod(row_means)


@dataclass(frozen=True, kw_only=True)
class MovingMedian(_Window):
    """The median of the points around. Keeps a step sharp and forgets a spike.

    Example:
        >>> import polars as pl
        >>> panel = Panel.of(pl.DataFrame({"x": [0.0, 0.0, 9.0, 0.0, 5.0, 5.0]}), value="x")
        >>> MovingMedian(window=3).smooth(panel).panel.values.tolist()
        [0.0, 0.0, 0.0, 5.0, 5.0, 5.0]
    """

    name: ClassVar[str] = "moving-median"
    middle: ClassVar[Callable[[Floats], Floats]] = staticmethod(row_medians)


@dataclass(frozen=True, kw_only=True)
class Exponential(Smoother):
    """The mean of all points, each weighted by how near in time it is: half for each half-life.

    Points that lie far apart smooth each other little, so irregular times need no resampling. As
    `pandas.Series.ewm(halflife=..., times=...).mean()`, for all series at once: a scan of
    `O(P log L)` for series of up to `L` points (Hillis & Steele, 1986), no loop over points.
    Looking both ways, the weights are those of a two-sided exponential.

    Attributes:
        half_life: in seconds, or, without a clock, in points.

    Example:
        >>> import polars as pl
        >>> frame = pl.DataFrame({"t": [0, 10, 20], "x": [0.0, 3.0, 3.0]})
        >>> panel = Panel.of(frame, value="x", time="t")
        >>> Exponential(half_life=10, causal=True).smooth(panel).panel.values.round(3).tolist()
        [0.0, 2.0, 2.571]
    """

    name: ClassVar[str] = "exponential"
    has_causal: ClassVar[bool] = True
    half_life: float

    def smooth(self, panel: Panel) -> Smoothed:
        """See `Smoother.smooth`."""
        untouched = np.zeros(len(panel), np.bool_)
        if not len(panel.values):
            return Smoothed(panel, untouched)
        seen = ~panel.missing_P
        pairs = np.stack([np.where(seen, panel.values, 0.0), seen.astype(np.float64)])
        decay = self._decay(panel)
        longest = int(panel.lengths.max())
        sums = _decayed_sums(pairs, decay, longest)
        if not self.causal:
            backwards = np.concatenate([decay[1:], [0.0]])[::-1]
            # Each point is in both sums, and counts once.
            sums += _decayed_sums(pairs[:, ::-1], backwards, longest)[:, ::-1] - pairs
        values = np.full(len(panel.values), np.nan)
        np.divide(sums[0], sums[1], out=values, where=seen)
        return Smoothed(panel.with_values(values), untouched)

    def _decay(self, panel: Panel) -> Floats:
        """What is left at each point of the weight at the one before; 0 where a series begins."""
        apart = np.diff(panel.abscissa(), prepend=0.0)
        first = np.diff(panel.series_P, prepend=-1) != 0
        return np.where(first, 0.0, np.exp2(-np.where(first, 0.0, apart) / self.half_life))

    def _require_sense(self) -> None:
        require_positive(self.name, half_life=self.half_life)


def _decayed_sums(numbers: Floats, decay: Floats, longest: int) -> Floats:
    """Sums over the past: `s[i] = numbers[i] + decay[i] * s[i - 1]`, by doubling the reach.

    Args:
        numbers: `(rows, P)` what is summed.
        decay: `(P,)` between 0 and 1; 0 where nothing of the past shall count.
        longest: how far back a sum may have to reach, in points.
    """
    sums, left = numbers.copy(), decay
    reach = 1
    while reach < longest:
        further = sums.copy()
        further[:, reach:] += left[reach:] * sums[:, :-reach]
        fainter = np.zeros_like(left)
        fainter[reach:] = left[reach:] * left[:-reach]
        sums, left = further, fainter
        reach *= 2
    return sums
