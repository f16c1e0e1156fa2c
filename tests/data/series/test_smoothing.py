"""Smoothing: less noise, no look at the future where none is allowed, and where it does harm."""

from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
import pywt
from hypothesis import given, settings
from hypothesis import strategies as st
from panels import futures, panel_of, panels, rmse
from scipy import ndimage, signal

from regard.data.series import (
    SMOOTHERS,
    Butterworth,
    Exponential,
    MovingAverage,
    MovingMedian,
    Panel,
    SavitzkyGolay,
    Wavelet,
)
from regard.errors import ConfigurationError, DataError, MissingDependencyError

NAN = np.nan
NEEDED: dict[str, dict[str, Any]] = {
    "exponential": {"half_life": 3.0},
    "butterworth": {"period": 8},
}
CAUSAL = [name for name, kind in SMOOTHERS.items() if kind.has_causal]
FILTERS = ["savitzky-golay", "butterworth", "wavelet"]
kinds = pytest.mark.parametrize("name", SMOOTHERS)


def smoother(name: str, **options: Any) -> Any:
    return SMOOTHERS[name](**{**NEEDED.get(name, {}), **options})


def inputs(name: str) -> st.SearchStrategy[Panel]:
    return panels(missing=name not in FILTERS, regular=name in FILTERS)


# Reference values


def test_a_moving_average_and_median_are_those_of_scipy_and_pandas() -> None:
    x = np.random.default_rng(0).normal(size=100)
    inside = slice(3, -3)  # SciPy mirrors at the ends, ours shrinks
    average = MovingAverage(window=7).smooth(panel_of(x, x)).panel.values[:100]
    np.testing.assert_allclose(average[inside], ndimage.uniform_filter1d(x, 7)[inside])
    median = MovingMedian(window=7).smooth(panel_of(x, x)).panel.values[:100]
    np.testing.assert_allclose(median[inside], ndimage.median_filter(x, 7)[inside])
    x[[4, 5, 50]] = NAN
    for kind, reference in ((MovingAverage, "mean"), (MovingMedian, "median")):
        for causal, options in ((True, {}), (False, {"center": True})):
            rolling = pd.Series(x).rolling(5, min_periods=1, **options)
            expected = np.where(np.isnan(x), NAN, getattr(rolling, reference)())
            found = kind(window=5, causal=causal).smooth(panel_of(x, x)).panel.values
            np.testing.assert_allclose(found, np.tile(expected, 2))


def test_exponential_is_that_of_pandas_at_irregular_times() -> None:
    rng = np.random.default_rng(1)
    times = np.sort(rng.integers(0, 10**6, 200)).astype(np.float64)
    x = np.where(rng.random(200) < 0.1, NAN, rng.normal(size=200))
    two = panel_of(x, x)
    panel = Panel(two.keys, two.offsets, two.values, np.tile(times, 2), two.rows)
    found = Exponential(half_life=5000, causal=True).smooth(panel).panel.values
    expected = pd.Series(x).ewm(halflife="5000s", times=pd.to_datetime(times, unit="s")).mean()
    np.testing.assert_allclose(found, np.tile(np.where(np.isnan(x), NAN, expected), 2))


def test_exponential_both_ways_is_a_kernel() -> None:
    rng = np.random.default_rng(2)
    times, x = np.sort(rng.uniform(0, 100, 60)), rng.normal(size=60)
    panel = Panel(panel_of(x).keys, np.array([0, 60]), x, times, np.arange(60))
    kernel = 0.5 ** (np.abs(times[:, None] - times) / 4)
    expected = kernel @ x / kernel.sum(axis=1)
    np.testing.assert_allclose(Exponential(half_life=4).smooth(panel).panel.values, expected)


def test_filters_are_those_of_scipy_series_by_series() -> None:
    rng = np.random.default_rng(3)
    series = [rng.normal(size=n) for n in (40, 25, 40, 60)]
    panel = panel_of(*series, step=30)
    sections = signal.butter(3, 2 * 30 / 400, output="sos")
    steady = signal.sosfilt_zi(sections)
    expected = {
        SavitzkyGolay(window=9, degree=3): [signal.savgol_filter(x, 9, 3) for x in series],
        Butterworth(period=400, order=3): [signal.sosfiltfilt(sections, x) for x in series],
        Butterworth(period=400, order=3, causal=True): [
            signal.sosfilt(sections, x, zi=steady * x[0])[0] for x in series
        ],
    }
    for kind, answers in expected.items():
        done = kind.smooth(panel)
        assert not done.too_short_S.any()
        np.testing.assert_allclose(done.panel.values, np.concatenate(answers), atol=1e-12)


@pytest.mark.parametrize("mode", ["soft", "hard"])
@pytest.mark.parametrize("threshold", ["universal", "bayes"])
def test_wavelets_are_a_loop_over_pywavelets(mode: Any, threshold: Any) -> None:
    rng = np.random.default_rng(4)
    series = [np.sin(np.arange(n) / 9) + rng.normal(0, 0.3, n) for n in (101, 64, 101)]
    done = Wavelet(wavelet="db4", threshold=threshold, mode=mode).smooth(panel_of(*series))
    for number, x in enumerate(series):
        coarse, *details = pywt.wavedec(x, "db4")
        sigma = np.median(np.abs(details[-1])) / 0.6744897501960817
        shrunk = []
        for detail in details:
            t = sigma * np.sqrt(2 * np.log(len(x)))
            if threshold == "bayes":
                over = np.mean(detail**2) - sigma**2
                t = sigma**2 / np.sqrt(over) if over > 0 else np.abs(detail).max()
            shrunk.append(pywt.threshold(detail, t, mode))
        expected = pywt.waverec([coarse, *shrunk], "db4")[: len(x)]
        start, stop = done.panel.offsets[number : number + 2]
        # Both sides throw away a coefficient that equals the threshold, up to rounding.
        np.testing.assert_allclose(done.panel.values[start:stop], expected, atol=1e-9)


# What a known signal says


@kinds
@pytest.mark.parametrize("causal", [False, True])
def test_a_slow_signal_in_noise_comes_back(name: str, causal: bool) -> None:
    if causal and name not in CAUSAL:
        return
    truth = 3 * np.sin(np.arange(512) / 60)
    noisy = truth + np.random.default_rng(5).normal(0, 1, 512)
    options: dict[str, Any] = {"moving-average": {"window": 9}, "moving-median": {"window": 9}}
    options |= {"butterworth": {"period": 30}, "savitzky-golay": {"window": 21}}
    after = smoother(name, **options.get(name, {}), **({"causal": True} if causal else {}))
    assert rmse(noisy, truth) > 1.5 * rmse(after.smooth(panel_of(noisy)).panel.values, truth)


@pytest.mark.parametrize("threshold", ["universal", "bayes"])
@pytest.mark.parametrize("mode", ["soft", "hard"])
def test_wavelets_keep_steps(threshold: Any, mode: Any) -> None:
    truth = np.repeat([0.0, 8, 2, 6], 128)
    noisy = truth + np.random.default_rng(6).normal(0, 1, 512)
    after = Wavelet(wavelet="haar", threshold=threshold, mode=mode).smooth(panel_of(noisy))
    assert rmse(noisy, truth) > 1.5 * rmse(after.panel.values, truth)


# Where a method must not be used


def test_a_moving_average_must_not_be_used_on_a_step() -> None:
    truth = np.repeat([0.0, 10.0], 50)
    noisy = truth + np.random.default_rng(7).normal(0, 0.1, 100)
    panel = panel_of(noisy)
    assert rmse(MovingAverage(window=9).smooth(panel).panel.values, truth) > 5 * rmse(noisy, truth)
    assert rmse(MovingMedian(window=9).smooth(panel).panel.values, truth) < rmse(noisy, truth)


def test_a_moving_average_must_not_be_used_to_measure_peaks() -> None:
    peak = np.exp(-(((np.arange(60) - 30) / 4.0) ** 2))
    panel = panel_of(peak)
    assert MovingAverage(window=11).smooth(panel).panel.values.max() < 0.8
    assert SavitzkyGolay(window=11, degree=4).smooth(panel).panel.values.max() > 0.95


def test_a_median_must_not_be_used_where_bursts_are_the_signal() -> None:
    demand = np.zeros(100)
    demand[::10] = 7
    assert MovingMedian(window=5).smooth(panel_of(demand)).panel.values.sum() == 0


def test_a_low_pass_must_not_be_used_on_a_jump() -> None:
    truth = np.repeat([0.0, 10.0], 50)
    rings = Butterworth(period=10, order=6).smooth(panel_of(truth)).panel.values
    assert rings.min() < -0.3  # a demand below zero
    assert Wavelet(wavelet="haar").smooth(panel_of(truth)).panel.values.min() > -1e-9


def test_causal_smoothing_must_not_be_used_to_date_an_event() -> None:
    truth = np.exp(-(((np.arange(100) - 50) / 8) ** 2))
    panel = panel_of(truth)
    assert Exponential(half_life=5, causal=True).smooth(panel).panel.values.argmax() > 52
    assert Exponential(half_life=5).smooth(panel).panel.values.argmax() == 50


def test_wavelets_must_not_be_used_on_white_noise_that_is_the_signal() -> None:
    # Where day-to-day change is what matters, the universal threshold leaves none of it.
    x = np.random.default_rng(8).normal(0, 1, 256)
    after = Wavelet().smooth(panel_of(x)).panel.values
    assert np.diff(after).std() < 0.2 * np.diff(x).std()


# Properties


@pytest.mark.parametrize("name", CAUSAL)
@given(data=st.data())
@settings(max_examples=40)
def test_changing_the_future_changes_nothing_in_the_past(name: str, data: Any) -> None:
    panel = data.draw(inputs(name))
    other, past = data.draw(futures(panel))
    if name in FILTERS:
        other = other.with_values(np.nan_to_num(other.values))
    causal = smoother(name, causal=True)
    one, two = causal.smooth(panel).panel, causal.smooth(other).panel
    np.testing.assert_array_equal(one.values[past], two.values[past])
    alone = causal.smooth(panel.keep(past)).panel
    np.testing.assert_allclose(alone.values, one.values[past], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", CAUSAL)
def test_without_causal_the_future_does_change_the_past(name: str) -> None:
    x = np.random.default_rng(9).normal(size=40)
    y = x.copy()
    y[20:] += 5
    one, two = (smoother(name).smooth(panel_of(each)).panel.values for each in (x, y))
    assert (one[:20] != two[:20]).any()


@kinds
@given(data=st.data())
@settings(max_examples=30)
def test_series_do_not_touch_each_other_and_nothing_is_filled(name: str, data: Any) -> None:
    panel = data.draw(inputs(name))
    done = smoother(name).smooth(panel)
    np.testing.assert_array_equal(done.panel.missing_P, panel.missing_P)
    assert done.panel.times is panel.times
    for number in range(len(panel)):
        alone = panel.keep(panel.series_P == number)
        mine = smoother(name).smooth(alone).panel.values
        np.testing.assert_allclose(
            mine, done.panel.values[panel.series_P == number], rtol=1e-9, atol=1e-9
        )


@kinds
@pytest.mark.parametrize("length", [1, 2, 40, 41])
def test_a_constant_stays_a_constant(name: str, length: int) -> None:
    for causal in [False, True] if name in CAUSAL else [False]:
        done = smoother(name, causal=causal).smooth(panel_of([3.5] * length, [], [-1.0]))
        np.testing.assert_allclose(done.panel.values, [3.5] * length + [-1.0])


@kinds
@given(panel=panels(missing=False, regular=True), shift=st.integers(-50, 50))
@settings(max_examples=30)
def test_a_shifted_signal_is_smoothed_alike(name: str, panel: Panel, shift: int) -> None:
    one = smoother(name).smooth(panel).panel.values + shift
    two = smoother(name).smooth(panel.with_values(panel.values + shift)).panel.values
    if name != "wavelet":  # rounding moves a coefficient across its threshold
        np.testing.assert_allclose(one, two, atol=1e-9)
    assert len(one) == len(two)


def test_a_moving_median_of_a_step_is_already_smooth() -> None:
    panel = panel_of(np.repeat([1.0, 5.0, 2.0], 10))
    np.testing.assert_array_equal(MovingMedian().smooth(panel).panel.values, panel.values)


def test_a_huge_value_spoils_no_precision_after_it() -> None:
    x = np.concatenate([[1e300], np.full(50, 0.1)])
    for causal in (True, False):
        smooth = MovingAverage(window=3, causal=causal).smooth(panel_of(x, [0.3] * 5)).panel.values
        np.testing.assert_allclose(smooth[3:51], 0.1)
        np.testing.assert_allclose(smooth[51:], 0.3)
    other = Exponential(half_life=1, causal=True).smooth(panel_of(x, [0.3] * 5)).panel.values
    np.testing.assert_allclose(other[51:], 0.3)


def test_windows_are_taken_in_blocks() -> None:
    x = np.random.default_rng(10).normal(size=200)
    whole = MovingAverage().smooth(panel_of(x, x[:3])).panel.values
    with patch("regard.data.series.windows._BLOCK", 35):
        blocks = MovingAverage().smooth(panel_of(x, x[:3])).panel.values
    np.testing.assert_array_equal(whole, blocks)


# Short series, irregular times, gaps


def test_series_that_are_too_short_stay_and_are_named() -> None:
    panel = panel_of(np.arange(3.0) ** 2, np.arange(40.0) ** 2, [5.0], [])
    for name, short in (
        ("savitzky-golay", [True, False, True, True]),
        ("butterworth", [True, False, True, True]),
        ("wavelet", [True, False, True, True]),
        ("moving-average", [False] * 4),
    ):
        done = smoother(name).smooth(panel)
        assert done.too_short_S.tolist() == short
        if name in FILTERS:
            assert done.panel.values[:3].tolist() == [0, 1, 4]


def test_one_point_has_no_step_to_be_judged_by() -> None:
    panel = panel_of(np.sin(np.arange(40.0)), [1.0], step=0.1)
    for causal in (False, True):
        done = Butterworth(period=1.5, causal=causal).smooth(panel)
        assert done.too_short_S.tolist() == [False, True]


@pytest.mark.parametrize("name", FILTERS)
def test_irregular_times_are_refused_by_name_or_counted_as_points(name: str) -> None:
    x = np.random.default_rng(11).normal(size=40)
    times = np.arange(40.0)
    times[30:] += 0.5
    panel = Panel(panel_of(x).keys, np.array([0, 40]), x, times, np.arange(40))
    with pytest.raises(
        DataError, match=r"series 'k0' steps 1.5 seconds before row 30 and 1 at its"
    ):
        smoother(name).smooth(panel)
    counted = smoother(name, by_points=True).smooth(panel).panel.values
    np.testing.assert_array_equal(counted, smoother(name).smooth(panel_of(x)).panel.values)
    np.testing.assert_array_equal(
        counted, smoother(name).smooth(panel_of(x, step=None)).panel.values
    )
    still = Panel(panel.keys, panel.offsets, x, np.zeros(40), panel.rows)
    with pytest.raises(DataError, match="steps 0 seconds"):
        smoother(name).smooth(still)


@pytest.mark.parametrize("name", FILTERS)
def test_gaps_are_refused_by_name(name: str) -> None:
    with pytest.raises(
        DataError, match=r"series 'k1' misses its value of row 3 \(2 missing in all"
    ):
        smoother(name).smooth(panel_of([1.0, 2], [1.0, NAN, NAN]))


@pytest.mark.parametrize("name", [name for name in SMOOTHERS if name not in CAUSAL])
def test_what_has_no_causal_form_says_so(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name}: it looks both ways"):
        smoother(name, causal=True)


@pytest.mark.parametrize(
    ("kind", "options", "sentence"),
    [
        (MovingAverage, {"window": 4}, "moving-average: window is 4; a window that looks both"),
        (MovingMedian, {"window": 0}, "moving-median: window is 0"),
        (Exponential, {"half_life": 0}, "exponential: half_life is 0"),
        (SavitzkyGolay, {"window": 6}, "window is 6 and degree 2; the window must be odd"),
        (SavitzkyGolay, {"window": 3, "degree": 3}, "longer than the degree"),
        (Butterworth, {"period": 8, "order": 0}, "butterworth: order is 0"),
        (Butterworth, {"period": -8}, "butterworth: period is -8"),
        (Wavelet, {"threshold": "sure"}, "threshold is 'sure'; it must be one of universal, bayes"),
        (Wavelet, {"mode": "firm"}, "mode is 'firm'; it must be one of soft, hard"),
        (Wavelet, {"level": 0}, "wavelet: level is 0"),
    ],
)
def test_arguments_without_sense_are_refused(kind: Any, options: Any, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        kind(**options)


def test_what_only_the_data_show_is_refused_when_they_are_seen() -> None:
    panel = panel_of(np.arange(40.0), step=10)
    with pytest.raises(DataError, match="points that lie 10 apart cannot show a period of 20"):
        Butterworth(period=20).smooth(panel)
    with pytest.raises(ConfigurationError, match="wavelet is 'morl'; PyWavelets knows"):
        Wavelet(wavelet="morl").smooth(panel)
    with (
        patch("importlib.util.find_spec", return_value=None),
        pytest.raises(MissingDependencyError, match=r"regard\[series\]"),
    ):
        Wavelet().smooth(panel)


def test_a_level_that_is_too_deep_is_cut_to_what_the_length_allows() -> None:
    panel = panel_of(np.random.default_rng(12).normal(size=64))
    deep, whole = Wavelet(level=50).smooth(panel), Wavelet().smooth(panel)
    np.testing.assert_array_equal(deep.panel.values, whole.panel.values)
    flat = Wavelet(level=1).smooth(panel)
    assert (flat.panel.values != whole.panel.values).any()


def test_series_of_one_length_and_several_steps_have_filters_of_their_own() -> None:
    x = np.random.default_rng(13).normal(size=40)
    two = panel_of(x, x)
    times = np.concatenate([np.arange(40.0), 3 * np.arange(40.0)])
    panel = Panel(two.keys, two.offsets, two.values, times, two.rows)
    both = Butterworth(period=12).smooth(panel).panel.values
    np.testing.assert_array_equal(
        both[:40], Butterworth(period=12).smooth(panel_of(x)).panel.values
    )
    slow = Butterworth(period=12).smooth(panel_of(x, step=3)).panel.values
    np.testing.assert_allclose(both[40:], slow)
