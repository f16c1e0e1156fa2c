"""Outliers: the right ones, fitted on training only, and where a method must not be used."""

import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panels import futures, panel_of, panels, rmse
from scipy import stats
from sklearn import ensemble

from regard.data.series import (
    IQR,
    MAD,
    OUTLIERS,
    Hampel,
    IsolationForest,
    Panel,
    ZScore,
    detector_from_dict,
)
from regard.data.series.isolation import FittedForest
from regard.data.series.levels import Levels
from regard.data.series.outliers import ACTIONS
from regard.errors import ConfigurationError, DataError, TooLittleDataError

FAST: dict[str, dict[str, Any]] = {"isolation-forest": {"trees": 10}}
kinds = pytest.mark.parametrize("name", OUTLIERS)


def detector(name: str, **options: Any) -> Any:
    return OUTLIERS[name](**FAST.get(name, {}), **options)


def observed(panel: Panel) -> bool:
    return not panel.missing_P.all()


# Reference values


def test_z_scores_are_those_of_scipy() -> None:
    x = np.random.default_rng(0).normal(3, 2, 500)
    found = ZScore(threshold=2.0).fit(panel_of(x)).apply(panel_of(x)).outliers_P
    np.testing.assert_array_equal(found, np.abs(stats.zscore(x)) > 2)
    assert found.any()


def test_robust_scores_are_those_of_scipy() -> None:
    x = np.random.default_rng(1).standard_t(2, 501)
    sigma = stats.median_abs_deviation(x, scale="normal")
    found = MAD().fit(panel_of(x)).apply(panel_of(x)).outliers_P
    np.testing.assert_array_equal(found, np.abs(x - np.median(x)) > 3.5 * sigma)
    assert found.any()


def test_fences_are_those_of_numpy() -> None:
    series = [np.random.default_rng(n).standard_t(2, 50 + n) for n in range(5)]
    fitted = IQR().fit(panel_of(*series))
    for x, (low, high) in zip(series, fitted.levels.numbers, strict=True):
        q1, q3 = np.quantile(x, [0.25, 0.75])
        np.testing.assert_allclose([low, high], [q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1)])


def test_a_worked_example_where_more_than_half_is_one_value() -> None:
    # MAD is 0; mean absolute deviation is 14 / 7 = 2; bound is 3.5 * 1.2533 * 2 = 8.77.
    x = [5.0, 5, 5, 5, 5, 5, 19]
    fitted = MAD(min_points=1).fit(panel_of(x))
    np.testing.assert_allclose(fitted.levels.numbers, [[5 - 8.7732, 5 + 8.7732]], atol=1e-3)
    assert fitted.apply(panel_of(x)).outliers_P.tolist() == [False] * 6 + [True]


@pytest.mark.parametrize("causal", [False, True])
def test_hampel_is_a_loop_over_windows(causal: bool) -> None:
    x = np.random.default_rng(2).standard_t(2, 200)
    x[[20, 21, 60]] = np.nan
    expected = np.zeros(200, bool)
    for i in range(200):
        near = x[max(0, i - 6) : i + 1] if causal else x[max(0, i - 3) : i + 4]
        near = near[~np.isnan(near)]
        if len(near):
            middle = np.median(near)
            sigma = stats.median_abs_deviation(near, scale="normal")
            expected[i] = abs(x[i] - middle) > 3 * sigma
    found = Hampel(causal=causal).fit(panel_of(x)).apply(panel_of(x)).outliers_P
    np.testing.assert_array_equal(found[6:], expected[6:])
    assert found.any()


def test_the_intervals_are_the_verdict_of_the_forest() -> None:
    rng = np.random.default_rng(3)
    x = np.concatenate([rng.normal(-4, 0.3, 300), rng.normal(4, 0.3, 300), [0.0, 12.0]])
    fitted = IsolationForest(contamination=0.01).fit(panel_of(x))
    center, sigma = fitted.levels.numbers[0]
    place = ((x - center) / sigma)[:, None]
    forest = ensemble.IsolationForest(contamination=0.01, random_state=0).fit(place)
    found = fitted.apply(panel_of(x)).outliers_P
    np.testing.assert_array_equal(found, forest.predict(place) < 0)
    assert found[-2:].all()


# What a known signal says


@pytest.mark.parametrize("name", ["z-score", "mad", "iqr", "hampel", "isolation-forest"])
@pytest.mark.parametrize("action", ["clip", "missing"])
def test_a_level_with_spikes_comes_back(name: str, action: Any) -> None:
    rng = np.random.default_rng(4)
    truth = np.full(400, 10.0)
    noisy = truth + rng.normal(0, 0.5, 400)
    noisy[rng.choice(400, 6, replace=False)] += 30
    options = {"contamination": 0.015} if name == "isolation-forest" else {}
    panel = panel_of(noisy)
    after = detector(name, action=action, **options).fit(panel).apply(panel).panel.values
    kept = ~np.isnan(after)
    assert rmse(noisy, truth) > 1.5 * rmse(after[kept], truth[kept])


def test_hampel_sees_a_spike_on_a_moving_level_where_bounds_see_nothing() -> None:
    x = np.linspace(0, 100, 200)
    x[100] += 20
    panel = panel_of(x)
    assert Hampel().fit(panel).apply(panel).outliers_P.nonzero()[0].tolist() == [100]
    for name in ("z-score", "mad", "iqr"):
        assert detector(name).fit(panel).apply(panel).count == 0


def test_a_forest_sees_what_lies_between_clusters_where_bounds_see_nothing() -> None:
    x = np.concatenate([np.linspace(-5, -4, 100), np.linspace(4, 5, 100), [0.0]])
    panel = panel_of(x)
    assert IsolationForest(contamination=0.01).fit(panel).apply(panel).outliers_P[-1]
    assert MAD().fit(panel).apply(panel).count == 0
    clipped = IsolationForest(contamination=0.01, action="clip").fit(panel).apply(panel).panel
    assert abs(clipped.values[-1]) > 1


# Where a method must not be used


def test_a_z_score_must_not_be_used_on_few_points_or_heavy_tails() -> None:
    few = panel_of([1.0] * 9 + [1000.0])
    assert ZScore().fit(few).apply(few).count == 0  # no z-score of 10 points reaches 3
    assert MAD().fit(few).apply(few).count == 1
    income = np.random.default_rng(5).lognormal(0, 1, 5000)
    panel = panel_of(income)
    # Clipping what is ordinary in this tail lowers the mean that was to be kept.
    clipped = ZScore(action="clip").fit(panel).apply(panel).panel.values
    assert clipped.mean() < 0.98 * income.mean()
    assert ZScore().fit(panel).apply(panel).count > 5 * 0.0027 * 5000


def test_hampel_must_not_be_used_where_a_peak_recurs() -> None:
    # One busy day a week is no error, but in each window of seven it stands alone.
    demand = np.tile([1.0, 1.1, 0.9, 1.0, 1.2, 0.8, 10.0], 20)
    panel = panel_of(demand)
    after = Hampel(action="clip").fit(panel).apply(panel).panel.values
    assert after[6::7].max() < 2


def test_robust_bounds_must_not_be_used_on_demand_that_is_mostly_zero() -> None:
    demand = np.tile([0.0, 0, 0, 0, 0, 0, 30], 20)
    panel = panel_of(demand)
    assert MAD(action="clip").fit(panel).apply(panel).panel.values.sum() < 0.7 * demand.sum()


def test_a_forest_must_not_be_used_where_nothing_is_wrong() -> None:
    panel = panel_of(np.random.default_rng(6).uniform(0, 1, 1000))
    assert IsolationForest(contamination=0.05).fit(panel).apply(panel).count > 20
    assert IQR().fit(panel).apply(panel).count == 0


# Properties


@kinds
@given(panel=panels().filter(observed))
@settings(max_examples=25)
def test_the_mask_says_exactly_what_changed(name: str, panel: Panel) -> None:
    done = {a: detector(name, action=a).fit(panel).apply(panel) for a in ACTIONS}
    mask = done["mark"].outliers_P
    assert all((d.outliers_P == mask).all() for d in done.values())
    assert not mask[panel.missing_P].any()
    np.testing.assert_array_equal(done["mark"].panel.values, panel.values)
    clipped = done["clip"].panel.values
    np.testing.assert_array_equal(clipped[~mask], panel.values[~mask])
    assert (clipped[mask] != panel.values[mask]).all()
    assert (np.isnan(done["missing"].panel.values) == (mask | panel.missing_P)).all()
    np.testing.assert_array_equal(done["remove"].panel.values, panel.values[~mask])
    assert done["remove"].panel.lengths.sum() == (~mask).sum()


@pytest.mark.parametrize("name", ["z-score", "mad", "iqr"])
@given(panel=panels().filter(observed))
@settings(max_examples=40)
def test_clipping_by_bounds_twice_is_clipping_once(name: str, panel: Panel) -> None:
    fitted = detector(name, action="clip", min_points=3).fit(panel)
    once = fitted.apply(panel)
    assert fitted.apply(once.panel).count == 0


@kinds
@given(panel=panels().filter(observed), data=st.data())
@settings(max_examples=20)
def test_what_is_fitted_does_not_know_the_test_part(name: str, panel: Panel, data: Any) -> None:
    if name != "hampel":
        other, past = data.draw(futures(panel))
        if past.any() and not panel.keep(past).missing_P.all():
            one = detector(name).fit(panel.keep(past)).to_dict()
            assert one == detector(name).fit(other.keep(past)).to_dict()


@kinds
@given(panel=panels().filter(observed), data=st.data())
@settings(max_examples=25)
def test_a_judgement_of_the_past_does_not_know_the_future(
    name: str, panel: Panel, data: Any
) -> None:
    options: dict[str, Any] = {"causal": True} if name == "hampel" else {}
    fitted = detector(name, action="clip", **options).fit(panel)
    other, past = data.draw(futures(panel))
    one, two = fitted.apply(panel), fitted.apply(other)
    np.testing.assert_array_equal(one.outliers_P[past], two.outliers_P[past])
    np.testing.assert_array_equal(one.panel.values[past], two.panel.values[past])


@kinds
def test_a_constant_series_has_no_outliers_not_even_of_rounding(name: str) -> None:
    panel = panel_of([0.1] * 30, [1e9 / 3] * 30, [7.0])
    assert (
        detector(name, **({} if name == "hampel" else {"min_points": 5}))
        .fit(panel)
        .apply(panel)
        .outliers_P[:60]
        .sum()
        == 0
    )


@kinds
@pytest.mark.parametrize("x", [[1.0], [1.0, 2.0], [np.nan, 1.0], [[1.0], [], [np.nan]]])
def test_short_series_pass(name: str, x: Any) -> None:
    panel = panel_of(*(x if isinstance(x[0], list) else [x]))
    assert detector(name, action="clip").fit(panel).apply(panel).count == 0


def test_a_short_group_uses_the_bounds_of_all() -> None:
    long = np.tile([9.0, 10, 11], 10)
    fitted = MAD(min_points=5).fit(panel_of(long, [500.0, 501.0]))
    assert fitted.levels.keys.to_list() == ["k0"]
    later = fitted.apply(panel_of([10.0, 500.0], [10.0, 500.0], [10.0, 500.0]))
    assert later.outliers_P.tolist() == [False, True] * 3


def test_clipping_takes_the_bound_on_its_own_side() -> None:
    fitted = IQR(action="clip", min_points=1).fit(panel_of([1.0, 2, 3, 4, 5]))  # bounds -1 and 7
    assert fitted.apply(panel_of([-50.0, 3, 50])).panel.values.tolist() == [-1, 3, 7]


def test_an_edge_belongs_to_the_interval_below_it() -> None:
    levels = Levels(pl.Series([], dtype=pl.String), np.empty((0, 2)), np.array([0.0, 1.0]))
    fitted = FittedForest(levels, np.array([0.0, 1.0]), True, "clip")
    done = fitted.apply(panel_of([0.0, 0.5, 1.0, 1.5]))
    assert done.outliers_P.tolist() == [True, False, False, True]
    assert done.panel.values[3] == 1


@pytest.mark.parametrize("kind", [ZScore, MAD, IQR])
def test_rounding_is_no_spread(kind: Any) -> None:
    fitted = kind().fit(panel_of([0.1, np.nextafter(0.1, 1)] * 15))
    assert np.isnan(fitted.levels.numbers).all()


# As plain values


@kinds
def test_what_was_fitted_survives_json(name: str) -> None:
    x = np.random.default_rng(7).standard_t(1, 300)
    panel = panel_of(x, np.ones(20), x[:3])
    fitted = detector(name, action="clip").fit(panel)
    again = detector_from_dict(json.loads(json.dumps(fitted.to_dict(), allow_nan=False)))
    np.testing.assert_array_equal(again.apply(panel).panel.values, fitted.apply(panel).panel.values)
    assert again.apply(panel).count > 0


def test_groups_of_other_kinds_are_refused_and_wider_integers_are_not() -> None:
    levels = Levels(pl.Series([1, 2]), np.array([[1.0], [2.0]]), np.array([0.0]))
    wide = pl.DataFrame({"g": pl.Series([2, 2**63], dtype=pl.UInt64), "x": [0, 0]})
    assert levels.of(Panel.of(wide, group="g", value="x")).ravel().tolist() == [2.0, 0.0]
    with pytest.raises(DataError, match="Fitted groups are Int64, those of this panel String"):
        levels.of(panel_of([1.0]))


def test_a_forest_that_saw_only_constants_finds_nothing() -> None:
    fitted = IsolationForest().fit(panel_of([2.0] * 20))
    assert isinstance(fitted, FittedForest)
    assert fitted.apply(panel_of([2.0, 3.0])).count == 0


# Refusals


@pytest.mark.parametrize(
    ("kind", "options", "sentence"),
    [
        (ZScore, {"threshold": 0}, "z-score: threshold is 0; it must be a number above 0"),
        (ZScore, {"threshold": True}, "threshold is True"),
        (MAD, {"threshold": np.inf}, "mad: threshold is inf"),
        (
            MAD,
            {"action": "hide"},
            "action is 'hide'; it must be one of mark, clip, remove, missing",
        ),
        (IQR, {"factor": "1"}, "iqr: factor is '1'"),
        (IQR, {"min_points": 0}, "min_points is 0; it must be a whole number of at least 1"),
        (Hampel, {"window": 4}, "a window that looks both ways is odd"),
        (Hampel, {"window": 5.0}, "window is 5.0"),
        (IsolationForest, {"contamination": 0.6}, "it may be at most 0.5"),
        (IsolationForest, {"seed": -1}, "seed is -1"),
    ],
)
def test_arguments_without_sense_are_refused(kind: Any, options: Any, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        kind(**options)


def test_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(TooLittleDataError, match="holds no observed value"):
        ZScore().fit(panel_of([np.nan], []))


def test_an_unknown_fitted_object_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'fourier' is no detector; known are z-score"):
        detector_from_dict({"name": "fourier"})
