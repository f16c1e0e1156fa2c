"""Intervals and the paired test against SciPy, exact counts and simulated truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from regard.errors import ConfigurationError, TooLittleDataError
from regard.evaluation import intervals
from regard.evaluation.intervals import bootstrap_intervals, paired_difference


def test_the_interval_is_that_of_scipy():
    values = np.random.default_rng(2).exponential(size=60)
    [ours] = bootstrap_intervals(values[:, None], resamples=20_000)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert ours.mean == pytest.approx(values.mean())
    # Both are random: the quantiles of 20,000 draws are known to about 1 % of their spread.
    spread = values.std() / np.sqrt(60)
    assert ours.low == pytest.approx(theirs.low, abs=0.06 * spread)
    assert ours.high == pytest.approx(theirs.high, abs=0.06 * spread)


def test_intervals_cover_the_truth_as_often_as_they_say():
    worlds, users = 400, 80
    values = np.random.default_rng(11).normal(3.0, 2.0, (users, worlds))
    found = bootstrap_intervals(values, level=0.9, resamples=1_000)
    covered = np.mean([each.low <= 3.0 <= each.high for each in found])
    # Binomial standard error 0.015; the percentile interval is a little narrow for 80 users.
    assert 0.84 <= covered <= 0.94


def test_each_column_has_the_interval_it_would_have_alone():
    values = np.random.default_rng(0).random((30, 3))
    together = bootstrap_intervals(values, resamples=200, seed=4)
    for column, interval in enumerate(together):
        [alone] = bootstrap_intervals(values[:, [column]], resamples=200, seed=4)
        assert alone.to_dict() == pytest.approx(interval.to_dict())


def test_the_block_size_changes_nothing(monkeypatch):
    values = np.random.default_rng(0).random((30, 2))
    whole = bootstrap_intervals(values, resamples=300)
    monkeypatch.setattr(intervals, "_BLOCK_BYTES", 24 * 30 * 7)
    parts = bootstrap_intervals(values, resamples=300)
    assert [each.low for each in whole] == pytest.approx([each.low for each in parts])


def test_the_seed_decides():
    values = np.random.default_rng(0).random((30, 1))
    assert bootstrap_intervals(values, seed=1) == bootstrap_intervals(values, seed=1)
    assert bootstrap_intervals(values, seed=1) != bootstrap_intervals(values, seed=2)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_an_interval_holds_its_mean_and_stays_in_range(values):
    [found] = bootstrap_intervals(np.array(values)[:, None], resamples=100)
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9


def test_no_user_no_interval():
    with pytest.raises(TooLittleDataError, match="No user was asked"):
        bootstrap_intervals(np.zeros((0, 1)))


def test_the_exact_p_value_of_a_small_sample():
    # All six users better: 2 of the 64 sign patterns lie as far from zero.
    better = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert paired_difference(better, np.zeros(6)).p_value == pytest.approx(2 / 64)
    # One user worse by the smallest difference: sums >= 19 come from {} and {1}: 2 on each side.
    assert paired_difference(better * [-1, 1, 1, 1, 1, 1], np.zeros(6)).p_value == pytest.approx(
        4 / 64
    )


@pytest.mark.parametrize("users", [5, 10, 40])
def test_the_p_value_is_that_of_scipy(users):
    rng = np.random.default_rng(users)
    a, b = rng.random(users).round(1), rng.random(users).round(1) - 0.1  # ties and zeros
    theirs = stats.permutation_test(
        (a - b,), np.mean, permutation_type="samples", vectorized=True, n_resamples=20_000,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    ours = paired_difference(a, b, resamples=20_000)
    # Exact on both sides up to 2**14 patterns; else two random counts, standard error 0.0035.
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=1e-9 if users <= 10 else 0.015)


def test_the_block_size_changes_no_p_value(monkeypatch):
    rng = np.random.default_rng(0)
    a, b = rng.random(40), rng.random(40)
    whole = paired_difference(a, b, resamples=1_000).p_value
    monkeypatch.setattr(intervals, "_BLOCK_BYTES", 2 * 40 * 8)
    assert paired_difference(a, b, resamples=1_000).p_value == pytest.approx(whole, abs=0.06)


def test_the_p_value_of_a_large_sample_is_near_the_t_test():
    rng = np.random.default_rng(8)
    a, b = rng.random(500), rng.random(500)
    ours = paired_difference(a, b, resamples=5_000).p_value
    assert ours == pytest.approx(stats.ttest_rel(a, b).pvalue, abs=0.03)


def test_p_values_are_even_where_nothing_differs():
    rng = np.random.default_rng(1)
    found = [
        paired_difference(rng.random(40), rng.random(40), resamples=199).p_value for _ in range(150)
    ]
    assert stats.kstest(found, "uniform").pvalue > 0.01


def test_swapping_the_two_turns_the_sign_alone():
    rng = np.random.default_rng(3)
    a, b = rng.random(50), rng.random(50)
    one, other = paired_difference(a, b), paired_difference(b, a)
    assert one.interval.mean == -other.interval.mean
    assert one.interval.low == pytest.approx(-other.interval.high)
    assert (one.better, one.worse) == (other.worse, other.better)
    assert one.p_value == pytest.approx(other.p_value, abs=0.03)


def test_equal_recommenders_do_not_differ():
    same = np.random.default_rng(3).random(50)
    found = paired_difference(same, same.copy())
    assert (found.interval.mean, found.p_value, found.decided) == (0.0, 1.0, False)
    one_differs = same.copy()
    one_differs[0] += 1.0
    assert paired_difference(one_differs, same).p_value == 1.0


def test_differences_that_add_up_to_nothing_tell_nothing():
    """In floats .1 + .2 - .3 is not zero; every pattern of signs is as far from it."""
    assert 0.1 + 0.2 - 0.3 != 0
    found = paired_difference(np.array([0.1, 0.2, 0.0]), np.array([0.0, 0.0, 0.3]))
    assert found.p_value == 1.0


def test_other_users_cannot_be_paired():
    with pytest.raises(ConfigurationError, match="x has values of 3 users and y of 2"):
        paired_difference(np.zeros(3), np.zeros(2), names=("x", "y"))
