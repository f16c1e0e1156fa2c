"""Gaps: the right values, only where they were missing, learned on training only."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panels import futures, panel_of, panels, rmse
from scipy import interpolate

from regard.data.series import (
    FILLERS,
    PCHIP,
    CubicSpline,
    Forward,
    Linear,
    Mean,
    Median,
    Panel,
    Polynomial,
    Seasonal,
    filler_from_dict,
)
from regard.data.series.gaps import FittedFiller
from regard.errors import ConfigurationError, NeedsClockError, TooLittleDataError

NAN = np.nan
CAUSAL = [name for name, kind in FILLERS.items() if kind.has_causal]
CURVES = ["linear", "pchip", "cubic-spline", "polynomial"]
kinds = pytest.mark.parametrize("name", FILLERS)


def filler(name: str, **options: Any) -> Any:
    return FILLERS[name](**({"period": 7.0} if name == "seasonal" else {}), **options)


def observed(panel: Panel) -> bool:
    return not panel.missing_P.all()


# Reference values


@pytest.mark.parametrize(
    ("kind", "reference"),
    [
        (Linear(), interpolate.make_interp_spline),
        (PCHIP(), interpolate.PchipInterpolator),
        (CubicSpline(), interpolate.CubicSpline),
    ],
)
def test_curves_are_those_of_scipy_at_irregular_times(kind: Any, reference: Any) -> None:
    rng = np.random.default_rng(0)
    panels_of_two = panel_of(rng.normal(size=60), rng.normal(size=40))
    times = np.concatenate([np.sort(rng.uniform(0, 1e6, 60)), np.sort(rng.uniform(0, 1e6, 40))])
    gaps = rng.random(100) < 0.4
    gaps[[0, 59, 60, 99]] = False
    values = np.where(gaps, NAN, panels_of_two.values)
    panel = Panel(panels_of_two.keys, panels_of_two.offsets, values, times + 1.7e9, np.arange(100))
    done = kind.fit(panel).fill(panel)
    assert (done.filled_P == gaps).all()
    for part in (slice(0, 60), slice(60, 100)):
        t, x, open_ = times[part], values[part], gaps[part]
        curve = reference(t[~open_], x[~open_], **({"k": 1} if kind.name == "linear" else {}))
        np.testing.assert_allclose(done.panel.values[part][open_], curve(t[open_]), rtol=1e-5)


def test_the_polynomial_is_that_of_polyfit() -> None:
    x = np.random.default_rng(1).normal(size=30)
    x[[0, 5, 6, 29]] = NAN
    place = np.arange(30.0)
    seen = ~np.isnan(x)
    expected = np.polyval(np.polyfit(place[seen], x[seen], 3), place)
    done = Polynomial(degree=3, extrapolate=True).fit(panel_of(x)).fill(panel_of(x))
    np.testing.assert_allclose(done.panel.values[~seen], expected[~seen])


@given(panel=panels(clock=False))
@settings(max_examples=50)
def test_forward_is_that_of_pandas(panel: Panel) -> None:
    expected = pd.Series(panel.values).groupby(panel.series_P).ffill(limit=2).to_numpy()
    done = Forward(causal=True, longest_gap_points=2).fit(panel).fill(panel)
    np.testing.assert_array_equal(done.panel.values, expected)


def test_mean_and_median_are_those_of_the_group_and_short_groups_take_all() -> None:
    train = panel_of([1.0, 2, 9, NAN], [5.0, NAN])
    test = panel_of([NAN], [NAN], [NAN])
    mean = Mean().fit(train).fill(test).panel.values
    np.testing.assert_allclose(mean, [4, 17 / 4, 17 / 4])
    median = Median().fit(train).fill(test).panel.values
    np.testing.assert_allclose(median, [2, 3.5, 3.5])


def test_a_season_worked_by_hand() -> None:
    # Group 0: phases 1, 3 and 3, 5 -> means 2, 4. Group 1 (short): level 21 with the season -1, +1.
    train = panel_of([1.0, 3, 3, 5], [20.0, 22.0])
    test = panel_of([NAN, NAN], [NAN, NAN], [NAN, NAN])
    fitted = Seasonal(period=2, phases=2, min_points=4).fit(train)
    level = (
        2 + 4 + 4 + 4 - 2 + 2 * 21 + 0
    ) / 6  # of values without their season: 2, 2, 4, 4, 21, 21
    expected = [2, 4, 20, 22, level - 1, level + 1]
    np.testing.assert_allclose(fitted.fill(test).panel.values, expected)


def test_a_level_is_what_remains_without_the_season() -> None:
    train = panel_of([1.0, 3, 3, 5], [20.0, 22, 20])
    # Deviations from the groups' means: -2, 0, 0, 2 and -2/3, 4/3, -2/3.
    low, high = (-2 + 0 - 2 / 3 - 2 / 3) / 4, (0 + 2 + 4 / 3) / 3
    level = (20 - low + 22 - high + 20 - low) / 3
    fitted = Seasonal(period=2, phases=2, min_points=4).fit(train)
    found = fitted.fill(panel_of([], [NAN, NAN])).panel.values
    np.testing.assert_allclose(found, [level + low, level + high])


def test_a_phase_that_training_never_saw_stays_missing() -> None:
    done = Seasonal(period=3, phases=3).fit(panel_of([1.0, 2.0])).fill(panel_of([NAN] * 3))
    assert done.filled_P.tolist() == [True, True, False]


def test_weekdays_are_phases_of_utc() -> None:
    day = 86400.0
    week = panel_of(np.tile(np.arange(7.0), 4), step=day)
    fitted = Seasonal(period=7 * day, phases=7).fit(week)
    shifted = Panel(
        week.keys, np.array([0, 2]), np.full(2, NAN), np.array([9.5, 13.0]) * day, np.arange(2)
    )
    assert fitted.fill(shifted).panel.values.tolist() == [2.0, 6.0]


# What a known signal says


def holes(truth: np.ndarray, share: float = 0.3, seed: int = 2) -> Panel:
    gaps = np.random.default_rng(seed).random(len(truth)) < share
    gaps[[0, -1]] = False
    return panel_of(np.where(gaps, NAN, truth))


@pytest.mark.parametrize("name", ["linear", "pchip", "cubic-spline", "forward", "polynomial"])
def test_a_smooth_signal_is_better_than_its_mean(name: str) -> None:
    truth = 5 + np.cumsum(np.sin(np.arange(300) / 60) + 1) / 30
    panel = holes(truth)
    done = filler(name).fit(panel).fill(panel)
    mean = Mean().fit(panel).fill(panel).panel.values
    assert rmse(mean, truth) > 1.5 * rmse(done.panel.values, truth)


@pytest.mark.parametrize("name", ["mean", "median"])
def test_a_level_is_better_than_zero_and_a_median_withstands_spikes(
    name: str,
) -> None:
    truth = 10 + np.random.default_rng(3).normal(0, 1, 300)
    panel = holes(truth)
    done = filler(name).fit(panel).fill(panel)
    zero = np.nan_to_num(panel.values)
    assert rmse(zero, truth) > 1.5 * rmse(done.panel.values, truth)
    spiked = panel.with_values(np.where(np.arange(300) % 30 == 1, 200, panel.values))
    level = {n: filler(n).fit(spiked).fill(panel_of([NAN])).panel.values[0] for n in CAUSAL[:2]}
    assert abs(level["mean"] - 10) > 5 * abs(level["median"] - 10)


def test_a_season_is_better_than_a_mean_and_a_line() -> None:
    weekday = np.array([1.0, 2, 1, 3, 8, 9, 2])
    truth = np.tile(weekday, 40) + np.random.default_rng(4).normal(0, 0.2, 280)
    panel = holes(truth)
    error = {
        name: rmse(filler(name).fit(panel).fill(panel).panel.values, truth)
        for name in ("seasonal", "mean", "linear")
    }
    assert min(error["mean"], error["linear"]) > 1.5 * error["seasonal"]


# Where a method must not be used


def test_a_polynomial_must_not_be_extrapolated() -> None:
    truth = 10 + np.random.default_rng(5).normal(0, 1, 60)
    panel = panel_of(np.where(np.arange(60) < 40, truth, NAN))
    error = {
        name: rmse(filler(name, **options).fit(panel).fill(panel).panel.values, truth)
        for name, options in (("polynomial", {"degree": 5, "extrapolate": True}), ("mean", {}))
    }
    assert error["polynomial"] > 10 * error["mean"]
    assert filler("polynomial", degree=5).fit(panel).fill(panel).count == 0


def test_a_cubic_spline_must_not_be_used_across_a_jump() -> None:
    step = np.array([0.0, 0, 0, 0, 9, NAN, 9, 9, 9, 9])
    panel = panel_of(step)
    assert CubicSpline().fit(panel).fill(panel).panel.values.max() > 9.5
    assert PCHIP().fit(panel).fill(panel).panel.values.max() == 9


def test_a_mean_must_not_be_used_where_there_is_a_trend() -> None:
    truth = np.arange(100.0)
    panel = holes(truth)
    assert rmse(Mean().fit(panel).fill(panel).panel.values, truth) > 10 * rmse(
        Forward().fit(panel).fill(panel).panel.values, truth
    )


def test_forward_must_not_be_used_for_what_comes_and_goes() -> None:
    truth = np.tile([0.0, 0, 0, 0, 0, 0, 30], 20)  # demand on Saturdays
    panel = panel_of(np.where(np.arange(140) % 14 >= 7, NAN, truth))
    forward = Forward().fit(panel).fill(panel).panel.values
    assert forward.sum() > 3 * truth.sum()
    seasonal = Seasonal(period=7).fit(panel).fill(panel).panel.values
    np.testing.assert_allclose(seasonal, truth)


def test_a_season_must_not_be_used_where_the_level_moves_after_training() -> None:
    truth = np.tile([1.0, 2, 1, 3, 8, 9, 2], 20) + np.where(np.arange(140) < 70, 0, 50)
    panel = panel_of(np.where(np.arange(140) % 9 == 8, NAN, truth))
    fitted = Seasonal(period=7).fit(panel.before(70))
    seasonal = fitted.fill(panel).panel.values
    assert rmse(seasonal, truth) > 2 * rmse(Forward().fit(panel).fill(panel).panel.values, truth)


# Limits


def test_a_gap_in_points_is_filled_whole_or_not_at_all() -> None:
    panel = panel_of([NAN, 1.0, NAN, 3, NAN, NAN, 6, NAN, NAN])
    done = Linear(longest_gap_points=1, extrapolate=True).fit(panel).fill(panel)
    np.testing.assert_array_equal(done.panel.values, [0, 1, 2, 3, NAN, NAN, 6, NAN, NAN])


def test_a_gap_at_the_start_counts_all_its_points() -> None:
    panel = panel_of([1.0], [NAN, NAN, 3.0], [NAN, 4.0])
    done = Mean(longest_gap_points=1, min_points=1).fit(panel).fill(panel)
    assert done.filled_P.nonzero()[0].tolist() == [4]


def test_a_gap_in_seconds_lies_between_what_is_observed() -> None:
    panel = panel_of([1.0, NAN, 3, NAN, NAN, 6, NAN], step=10)
    done = Mean(longest_gap_seconds=20, min_points=1).fit(panel).fill(panel)
    assert done.filled_P.nonzero()[0].tolist() == [1, 6]
    causal = Mean(longest_gap_seconds=10, min_points=1, causal=True).fit(panel).fill(panel)
    assert causal.filled_P.nonzero()[0].tolist() == [1, 3, 6]


def test_seconds_need_a_clock() -> None:
    panel = panel_of([1.0, NAN], step=None)
    with pytest.raises(NeedsClockError, match="A limit of 5 seconds needs real time"):
        Forward(longest_gap_seconds=5).fit(panel).fill(panel)


def test_a_line_goes_on_only_when_asked() -> None:
    x = [NAN, NAN, 2.0, NAN, 6.0, 7.0, NAN]
    panel = panel_of(x, [NAN, 5.0], [])
    inside = Linear().fit(panel).fill(panel)
    assert inside.filled_P.nonzero()[0].tolist() == [3]
    beyond = Linear(extrapolate=True).fit(panel).fill(panel).panel.values
    np.testing.assert_array_equal(beyond, [-2, 0, 2, 4, 6, 7, 8, NAN, 5])


# Properties


@kinds
@pytest.mark.parametrize("extrapolate", [False, True])
@given(panel=panels().filter(observed))
@settings(max_examples=30)
def test_the_mask_says_what_changed_and_the_observed_stays(
    name: str, extrapolate: bool, panel: Panel
) -> None:
    options = {"extrapolate": True} if extrapolate and name in CURVES else {}
    done = filler(name, **options).fit(panel).fill(panel)
    seen = ~panel.missing_P
    np.testing.assert_array_equal(done.panel.values[seen], panel.values[seen])
    np.testing.assert_array_equal(done.filled_P, panel.missing_P & ~done.panel.missing_P)
    again = filler(name, **options).fit(panel).fill(done.panel)
    if name in ("mean", "median", "forward", "seasonal", "linear"):
        assert again.count == 0


@pytest.mark.parametrize("name", ["linear", "pchip"])
@given(panel=panels(clock=True))
@settings(max_examples=50)
def test_what_keeps_the_shape_stays_between_its_neighbours(name: str, panel: Panel) -> None:
    done = filler(name).fit(panel).fill(panel)
    for start, stop in zip(panel.offsets, panel.offsets[1:], strict=False):
        x, filled = done.panel.values[start:stop], done.filled_P[start:stop]
        if filled.any():
            known = panel.values[start:stop][~panel.missing_P[start:stop]]
            assert known.min() - 1e-9 <= x[filled].min()
            assert x[filled].max() <= known.max() + 1e-9


@pytest.mark.parametrize("name", CAUSAL)
@pytest.mark.parametrize("limit", ["longest_gap_points", "longest_gap_seconds"])
@given(panel=panels(clock=True).filter(observed), data=st.data())
@settings(max_examples=30)
def test_a_causal_filling_of_the_past_does_not_know_the_future(
    name: str, limit: str, panel: Panel, data: Any
) -> None:
    fitted = filler(name, causal=True, **{limit: 2}).fit(panel)
    other, past = data.draw(futures(panel))
    one, two = fitted.fill(panel), fitted.fill(other)
    np.testing.assert_array_equal(one.panel.values[past], two.panel.values[past])
    np.testing.assert_array_equal(one.filled_P[past], two.filled_P[past])
    alone = fitted.fill(panel.keep(past))
    np.testing.assert_array_equal(alone.panel.values, one.panel.values[past])


def test_a_limit_on_whole_gaps_knows_the_future_which_is_why_causal_has_another() -> None:
    short, long = panel_of([1.0, NAN, 3.0]), panel_of([1.0, NAN, NAN])
    whole = Forward(longest_gap_points=1)
    assert whole.fit(short).fill(short).filled_P[1] != whole.fit(long).fill(long).filled_P[1]


@pytest.mark.parametrize("name", ["mean", "median", "seasonal"])
@given(panel=panels().filter(observed), data=st.data())
@settings(max_examples=30)
def test_what_is_fitted_does_not_know_the_test_part(name: str, panel: Panel, data: Any) -> None:
    other, past = data.draw(futures(panel))
    if not panel.keep(past).missing_P.all():
        one = filler(name).fit(panel.keep(past)).to_dict()
        assert one == filler(name).fit(other.keep(past)).to_dict()


@kinds
@pytest.mark.parametrize("x", [[NAN], [1.0], [NAN, 1.0], [1.0, NAN], [NAN, NAN]])
def test_short_series_pass(name: str, x: Any) -> None:
    panel = panel_of(x, [], [3.0])
    done = filler(name).fit(panel).fill(panel)
    assert (done.filled_P <= panel.missing_P).all()


def test_equal_times_count_as_one() -> None:
    panel = Panel(
        panel_of([1]).keys,
        np.array([0, 5]),
        np.array([0.0, 2.0, NAN, 5.0, NAN]),
        np.array([0.0, 0.0, 2.0, 4.0, 4.0]),
        np.arange(5),
    )
    for kind in (PCHIP(), CubicSpline(), Polynomial(degree=1)):
        np.testing.assert_allclose(
            kind.fit(panel).fill(panel).panel.values, [0, 2, 3, 5, 5], atol=1e-9
        )
    # Nothing was observed after the last one, but it lies at the very moment of one that was.
    assert Linear().fit(panel).fill(panel).panel.values[2] == 3.5


def test_points_that_do_not_determine_a_polynomial_leave_it_alone() -> None:
    panel = Panel(
        panel_of([1]).keys,
        np.array([0, 5]),
        np.array([0.0, 2.0, 1.0, NAN, 5.0]),
        np.array([0.0, 1e-300, 2e-300, 1e5, 1e6]),
        np.arange(5),
    )
    assert Polynomial(degree=3).fit(panel).fill(panel).count == 0


# As plain values, and refusals


@kinds
def test_what_was_fitted_survives_json(name: str) -> None:
    x = np.where(np.arange(60) % 5 == 3, NAN, np.random.default_rng(6).normal(size=60))
    panel = panel_of(x, x[:5], [NAN])
    fitted = filler(name, longest_gap_points=3).fit(panel)
    again = filler_from_dict(json.loads(json.dumps(fitted.to_dict(), allow_nan=False)))
    np.testing.assert_array_equal(again.fill(panel).panel.values, fitted.fill(panel).panel.values)


@pytest.mark.parametrize("name", CURVES)
def test_a_curve_has_no_causal_form(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name}: it looks at what comes after a gap"):
        filler(name, causal=True)


@pytest.mark.parametrize(
    ("kind", "options", "sentence"),
    [
        (Mean, {"min_points": 0}, "mean: min_points is 0"),
        (Forward, {"longest_gap_seconds": -1}, "forward: longest_gap_seconds is -1"),
        (Linear, {"longest_gap_points": 1.5}, "linear: longest_gap_points is 1.5"),
        (Polynomial, {"degree": 10}, "beyond 9 it follows noise"),
        (Seasonal, {"period": 0}, "seasonal: period is 0"),
        (Seasonal, {"period": 1, "phases": 0}, "seasonal: phases is 0"),
    ],
)
def test_arguments_without_sense_are_refused(kind: Any, options: Any, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        kind(**options)


def test_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(TooLittleDataError, match="holds no observed value"):
        Mean().fit(panel_of([NAN]))
    with pytest.raises(ConfigurationError, match="never fitted"):
        FittedFiller(Mean()).fill(panel_of([NAN]))
    with pytest.raises(ConfigurationError, match="'zero' is no filler; known are mean, median"):
        filler_from_dict({"name": "zero"})
