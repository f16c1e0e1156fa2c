"""Popularity that fades, against a plain sum."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_parts import DAY, HISTORIES, SIZE, after, asked, build

from regard.classical import DecayedPopularity, Popularity
from regard.errors import NeedsClockError


@given(HISTORIES, st.floats(0.5, 50.0))
def test_it_adds_up_as_a_plain_loop_does(world, half_life):
    histories, kept = zip(*world, strict=True)
    times = [[place * DAY for place in range(len(each))] for each in histories]
    training = build(histories, kept, times)
    end = max((k - 1 for each, k in world for k in [min(k, len(each))]), default=0)
    expected = [0.0] * SIZE
    for each, k in world:
        for place, code in enumerate(each[:k]):
            expected[code] += 0.5 ** ((end - place) / half_life)
    scores = DecayedPopularity(half_life).fit(training).score(after(training))
    found = np.array(expected[2:]) > 0
    np.testing.assert_allclose(scores[0, 2:][found], np.array(expected[2:])[found], rtol=1e-6)
    assert (scores[0, 2:][~found] <= 0).all()
    assert (scores == scores[0]).all()


def test_yesterday_outweighs_what_was_more_popular_long_ago():
    training = build([[2, 2, 2, 3]], times=[[0.0, 0.0, 0.0, 10 * DAY]])
    old, new = (
        DecayedPopularity(half_life).fit(training).score(asked([2]))[0, 2:4].argmax()
        for half_life in (1000.0, 2.0)
    )
    assert (old, new) == (0, 1)


def test_a_half_life_far_longer_than_the_log_is_popularity():
    training = build([[2, 2, 3], [4, 2]], times=[[0.0, DAY, DAY], [0.0, DAY]])
    slow = DecayedPopularity(1e9).fit(training).score(asked([2]))[0, 2:5]
    np.testing.assert_allclose(
        slow, Popularity().fit(training).score(asked([2]))[0, 2:5], rtol=1e-6
    )


def test_what_has_faded_beyond_rounding_follows_popularity_of_all_time():
    times = [[0.0] * 3 + [1000 * DAY]]
    scores = DecayedPopularity(1.0).fit(build([[4, 3, 3, 2]], times=times)).score(asked([2]))[0]
    assert scores[2] == 1.0
    assert scores[2] > 0 >= scores[3] > scores[4]
    assert np.argsort(-scores, kind="stable")[:3].tolist() == [2, 3, 4]


def test_it_needs_a_clock():
    with pytest.raises(NeedsClockError, match="Popularity that fades needs the time"):
        DecayedPopularity().fit(build([[2, 3]]))
