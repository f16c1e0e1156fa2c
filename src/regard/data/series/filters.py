"""Smoothers from signal processing, which presume complete and equally spaced points.

Series with missing values are refused by name: fill them first. So are series whose steps differ
by more than a thousandth, unless `by_points` says to count points and not seconds. Series of one
length are filtered together as the rows of a matrix, so the Python loop runs over the lengths (for
Butterworth: and steps) that occur.
"""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import numpy as np

from regard.data.series.arguments import require_one_of, require_positive, require_whole
from regard.data.series.panel import Panel
from regard.data.series.smoothing import Smoothed, Smoother
from regard.errors import ConfigurationError, DataError
from regard.optional import require
from regard.shapes import Floats, Offsets

_UNEVEN: Final = 1e-3
"""How much a step may differ from the first one of its series, as a share of it."""


@dataclass(frozen=True, kw_only=True)
class _Filter(Smoother):
    """A smoother of complete, equally spaced series.

    Attributes:
        by_points: count points, not seconds, however irregular the times are.
    """

    uses_step: ClassVar[bool] = False
    by_points: bool = False

    def smooth(self, panel: Panel) -> Smoothed:
        """See `Smoother.smooth`; `DataError` where a series is incomplete or unevenly spaced."""
        _require_complete(panel, self.name)
        steps = self._steps(panel)
        values, too_short = panel.values.copy(), np.zeros(len(panel), np.bool_)
        for series, places in _alike(panel, steps if self.uses_step else np.ones(len(panel))):
            step = float(steps[series[0]])
            # One point has no step.
            if places.shape[1] < 2 or places.shape[1] < self._fewest(step):
                too_short[series] = True
            else:
                values[places] = self._filtered(panel.values[places], step)
        return Smoothed(panel.with_values(values), too_short)

    @abstractmethod
    def _fewest(self, step: float) -> int:
        """The length of the shortest series that can be filtered."""

    @abstractmethod
    def _filtered(self, rows: Floats, step: float) -> Floats:
        """Filter the rows of a matrix, each a series of points that lie `step` apart."""

    def _steps(self, panel: Panel) -> Floats:
        """`(S,)` the spacing of each series: its first step, or 1 where points are counted."""
        if self.by_points or panel.times is None:
            return np.ones(len(panel))
        return _even_steps(panel, panel.times, self.name)


def _require_complete(panel: Panel, name: str) -> None:
    """Refuse missing values."""
    if panel.missing_P.any():
        point = int(np.flatnonzero(panel.missing_P)[0])
        raise DataError(
            f"{name} cannot see through gaps: series {panel.keys[int(panel.series_P[point])]!r} "
            f"misses its value of row {panel.rows[point]} ({int(panel.missing_P.sum())} missing in "
            "all); fill the panel first."
        )


def _even_steps(panel: Panel, times: Floats, name: str) -> Floats:
    """The first step of each series (1 where there is none); refuses steps that differ."""
    steps = np.ones(len(panel))
    long = panel.lengths > 1
    start = panel.offsets[:-1][long]
    steps[long] = times[start + 1] - times[start]
    series = panel.series_P
    each, inside = np.diff(times), series[1:] == series[:-1]
    first = steps[series[1:]]
    uneven = inside & ((np.abs(each - first) > _UNEVEN * first) | (first <= 0))
    if uneven.any():
        point = int(np.flatnonzero(uneven)[0])
        raise DataError(
            f"{name} needs equally spaced points, but series "
            f"{panel.keys[int(series[point])]!r} steps {each[point]:g} seconds before row "
            f"{panel.rows[point + 1]} and {first[point]:g} at its start; resample it, use the "
            "exponential smoother, or say by_points=True to count points instead."
        )
    return steps


def _alike(panel: Panel, step_S: Floats) -> Iterator[tuple[Offsets, Offsets]]:
    """Series of one length and step: their numbers, and the places of their points as a matrix."""
    order = np.lexsort((step_S, panel.lengths))
    changes = (np.diff(panel.lengths[order]) != 0) | (np.diff(step_S[order]) != 0)
    for series in np.split(order, np.flatnonzero(changes) + 1):
        if len(series):
            length = panel.lengths[series[0]]
            yield series, panel.offsets[series][:, None] + np.arange(length)


@dataclass(frozen=True, kw_only=True)
class SavitzkyGolay(_Filter):
    """The value at its middle of a polynomial fitted to each window (Savitzky & Golay, 1964).

    Keeps the height and width of peaks that a moving average flattens; `savgol_filter` of SciPy.

    Attributes:
        window: points in a window, odd; series that are shorter stay as they are.
        degree: of the polynomial, below the window.

    Example:
        >>> import polars as pl
        >>> panel = Panel.of(pl.DataFrame({"x": [0.0, 1.0, 4.0, 9.0, 16.0]}), value="x")
        >>> SavitzkyGolay(window=5, degree=2).smooth(panel).panel.values.round(9).tolist()
        [0.0, 1.0, 4.0, 9.0, 16.0]
    """

    name: ClassVar[str] = "savitzky-golay"
    has_causal: ClassVar[bool] = False
    window: int = 7
    degree: int = 2

    def _fewest(self, step: float) -> int:  # noqa: ARG002  # the same at any step
        return self.window

    def _filtered(self, rows: Floats, step: float) -> Floats:  # noqa: ARG002  # the same at any step
        from scipy.signal import savgol_filter

        smooth: Floats = savgol_filter(rows, self.window, self.degree, axis=-1)
        return smooth

    def _require_sense(self) -> None:
        require_whole(self.name, 3, window=self.window)
        require_whole(self.name, 0, degree=self.degree)
        if self.window % 2 == 0 or self.degree >= self.window:
            raise ConfigurationError(
                f"{self.name}: window is {self.window} and degree {self.degree}; the window must "
                "be odd and longer than the degree."
            )


@dataclass(frozen=True, kw_only=True)
class Butterworth(_Filter):
    """Only what swings slowly passes (Butterworth, 1930), as second-order sections.

    Looking both ways, the filter runs forwards and backwards (`scipy.signal.sosfiltfilt`): no lag,
    and twice the order. Causal, it runs forwards from a steady start (`sosfilt`), and lags.

    Attributes:
        period: the cut-off: swings shorter than this are damped; in seconds, or, without a clock or
            with `by_points`, in points. More than two steps.
        order: of the filter; higher cuts more sharply and rings more.

    Example:
        >>> import polars as pl
        >>> panel = Panel.of(pl.DataFrame({"x": [1.0, -1.0] * 20}), value="x")
        >>> float(abs(Butterworth(period=10).smooth(panel).panel.values[10:30]).max()) < 0.02
        True
    """

    name: ClassVar[str] = "butterworth"
    has_causal: ClassVar[bool] = True
    uses_step: ClassVar[bool] = True
    period: float
    order: int = 2

    def _fewest(self, step: float) -> int:
        return 2 if self.causal else self._padding(self._sections(step)) + 1

    def _filtered(self, rows: Floats, step: float) -> Floats:
        from scipy import signal

        sections = self._sections(step)
        if self.causal:
            steady = signal.sosfilt_zi(sections)[:, None, :] * rows[None, :, :1]
            smooth: Floats = signal.sosfilt(sections, rows, axis=-1, zi=steady)[0]
        else:
            padding = self._padding(sections)
            smooth = signal.sosfiltfilt(sections, rows, axis=-1, padlen=padding)
        return smooth

    def _sections(self, step: float) -> Floats:
        """The filter for points that lie `step` apart."""
        from scipy.signal import butter

        if self.period <= 2 * step:
            raise DataError(
                f"{self.name}: points that lie {step:g} apart cannot show a period of "
                f"{self.period:g}; it must be more than {2 * step:g}."
            )
        sections: Floats = butter(self.order, 2 * step / self.period, output="sos")
        return sections

    def _padding(self, sections: Floats) -> int:
        """How many mirrored points SciPy puts before and after a series by default."""
        one_sided = min((sections[:, 2] == 0).sum(), (sections[:, 5] == 0).sum())
        return int(3 * (2 * len(sections) + 1 - one_sided))

    def _require_sense(self) -> None:
        require_positive(self.name, period=self.period)
        require_whole(self.name, 1, order=self.order)


@dataclass(frozen=True, kw_only=True)
class Wavelet(_Filter):
    """Small wavelet coefficients are noise and are shrunk; large ones are the signal and stay.

    Keeps edges and bursts that a filter of one frequency blurs. The noise of each series is
    measured by the median of its finest coefficients. Needs the extra `series` (PyWavelets).

    Attributes:
        wavelet: a discrete wavelet of PyWavelets, such as "haar" (steps), "sym4" or "db8" (smooth).
        threshold: "universal" (Donoho & Johnstone, 1994), one for all levels, sure to remove pure
            noise; or "bayes" (Chang, Yu & Vetterli, 2000), one for each level, which keeps more.
        mode: "soft" shrinks what it keeps by the threshold, "hard" leaves it as it is.
        level: how many levels, at most; None takes all that the length of a series allows. A series
            that allows none stays as it is.

    Example:
        >>> import polars as pl
        >>> panel = Panel.of(pl.DataFrame({"x": [0.0] * 32 + [5.0] * 32}), value="x")
        >>> smooth = Wavelet(wavelet="haar").smooth(panel).panel.values
        >>> bool(np.allclose(smooth, panel.values))
        True
    """

    name: ClassVar[str] = "wavelet"
    has_causal: ClassVar[bool] = False
    wavelet: str = "sym4"
    threshold: Literal["universal", "bayes"] = "universal"
    mode: Literal["soft", "hard"] = "soft"
    level: int | None = None

    def _fewest(self, step: float) -> int:  # noqa: ARG002  # the same at any step
        taps: int = self._transform().Wavelet(self.wavelet).dec_len
        return 2 * (taps - 1)

    def _filtered(self, rows: Floats, step: float) -> Floats:  # noqa: ARG002  # the same at any step
        pywt = self._transform()
        deepest = pywt.dwt_max_level(rows.shape[1], pywt.Wavelet(self.wavelet).dec_len)
        level = deepest if self.level is None else min(self.level, deepest)
        coarse, *details = pywt.wavedec(rows, self.wavelet, level=level, axis=-1)
        sigma = np.median(np.abs(details[-1]), axis=-1, keepdims=True) / 0.6744897501960817
        shrunk = [
            _shrink(detail, self._threshold(detail, sigma, rows.shape[1]), self.mode)
            for detail in details
        ]
        # An odd length comes back with one point too many.
        smooth: Floats = pywt.waverec([coarse, *shrunk], self.wavelet, axis=-1)
        return smooth[:, : rows.shape[1]]

    def _threshold(self, detail: Floats, sigma: Floats, length: int) -> Floats:
        """`(series, 1)` below which a coefficient of this level is noise."""
        if self.threshold == "universal":
            universal: Floats = sigma * np.sqrt(2 * np.log(length))
            return universal
        energy = np.mean(detail**2, axis=-1, keepdims=True)
        signal = np.sqrt(np.maximum(energy - sigma**2, 0.0))
        everything = np.abs(detail).max(axis=-1, keepdims=True)
        return np.where(signal > 0, sigma**2 / np.where(signal > 0, signal, 1.0), everything)

    def _transform(self) -> Any:
        """PyWavelets, once it is known to know the wavelet."""
        pywt = require("pywt", extra="series", purpose="Wavelet shrinkage")
        known: list[str] = pywt.wavelist(kind="discrete")
        if self.wavelet not in known:
            raise ConfigurationError(
                f"{self.name}: wavelet is {self.wavelet!r}; PyWavelets knows the discrete wavelets "
                f"{', '.join(known)}."
            )
        return pywt

    def _require_sense(self) -> None:
        require_one_of(self.name, ("universal", "bayes"), threshold=self.threshold)
        require_one_of(self.name, ("soft", "hard"), mode=self.mode)
        require_whole(self.name, 1, level=self.level)


def _shrink(detail: Floats, threshold: Floats, mode: str) -> Floats:
    """Set small coefficients to zero, as `pywt.threshold`, but with a threshold for each row."""
    size = np.abs(detail)
    if mode == "hard":
        return np.where(size < threshold, 0.0, detail)
    return np.sign(detail) * np.maximum(size - threshold, 0.0)
