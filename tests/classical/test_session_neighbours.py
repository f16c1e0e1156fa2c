"""Session neighbours against the formula of STAN, one session after the other."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from training_parts import CODES, DAY, HISTORIES, SIZE, after, asked, build, prefixes

from regard.classical import SessionNeighbours, session_neighbours
from regard.classical.session_neighbours import SessionNeighboursConfig
from regard.errors import NeedsClockError


def newest(history, longest):
    """Known item -> events since it occurred last, of the newest events."""
    ages = {}
    for age, code in enumerate(history[::-1][:longest]):
        if code > 1:
            ages.setdefault(code, age)
    return ages


def by_definition(history, sessions, options):
    """Scores by the docstring; sessions as (history, moment), the most recent one first."""
    end = max((moment for _, moment in sessions), default=0.0)
    mine = newest(history, options.longest)
    near = []
    for number, (each, moment) in enumerate(sessions):
        theirs = newest(each, options.longest)
        shared = [code for code in mine if code in theirs]
        if shared:
            weight = sum(2 ** (-mine[code] / options.half_life) for code in shared)
            left = 1.0 if options.days is None else 2 ** (-(end - moment) / DAY / options.days)
            near.append((weight / math.sqrt(len(mine) * len(theirs)) * left, number, theirs))
    near = near[: options.sample]
    near.sort(key=lambda each: (-round(each[0], 12), each[1]))
    scores = np.zeros(SIZE)
    for nearness, _, theirs in near[: options.neighbours]:
        anchor = theirs[min((code for code in mine if code in theirs), key=mine.get)]
        for code, age in theirs.items():
            scores[code] += nearness * 2 ** (-abs(age - anchor) / options.reach)
    return scores


OPTIONS = st.builds(
    SessionNeighboursConfig,
    neighbours=st.integers(1, 4),
    sample=st.integers(1, 5),
    longest=st.integers(1, 6),
    half_life=st.sampled_from([0.7, 3.1]),
    reach=st.sampled_from([0.9, 2.3]),
    days=st.sampled_from([None, 1.7]),
)


@settings(max_examples=200)
@given(HISTORIES, st.lists(st.lists(CODES, max_size=6), min_size=1, max_size=3), OPTIONS)
def test_it_scores_as_the_formula_says(world, questions, options):
    histories, kept = zip(*world, strict=True)
    times = [
        [DAY * (user + place) for place in range(len(each))] for user, each in enumerate(histories)
    ]
    training = build(histories, kept, times)
    parts = enumerate(prefixes(world))
    sessions = [(each, DAY * (user + len(each) - 1)) for user, each in parts if each]
    sessions.sort(key=lambda each: -each[1])
    expected = np.array([by_definition(each, sessions, options) for each in questions])
    method = SessionNeighbours(**vars(options)).fit(training)
    scores = method.score(asked(*questions))
    np.testing.assert_allclose(scores[expected > 0], expected[expected > 0], rtol=1e-5)
    assert (scores[expected == 0] <= 0).all()


@given(HISTORIES)
def test_queries_a_few_at_a_time_score_as_all_at_once(world):
    training = build(*zip(*world, strict=True))
    method = SessionNeighbours().fit(training)
    whole = method.score(after(training))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(session_neighbours, "_QUERIES_AT_A_TIME", 2)
        assert np.array_equal(method.score(after(training)), whole)


def test_the_newest_item_decides_which_sessions_are_near():
    training = build([[2, 4], [3, 5]])
    scores = SessionNeighbours(half_life=1.0).fit(training).score(asked([2, 3], [3, 2]))
    assert scores[0, 5] > scores[0, 4] > 0
    assert scores[1, 4] > scores[1, 5] > 0


def test_what_lies_near_the_shared_item_counts_more():
    training = build([[6, 2, 3, 4, 5]])
    scores = SessionNeighbours(reach=1.0).fit(training).score(asked([3]))[0]
    np.testing.assert_allclose(scores[2:7] / scores[3], [0.5, 1.0, 0.5, 0.25, 0.25], rtol=1e-6)


def test_only_the_most_recent_sessions_are_sampled():
    histories, times = [[2, 3], [2, 4], [2, 5]], [[DAY] * 2, [3 * DAY] * 2, [2 * DAY] * 2]
    training = build(histories, times=times)
    scores = SessionNeighbours(sample=2).fit(training).score(asked([2]))[0]
    assert (scores[[4, 5]] > 0).all()
    assert scores[3] <= 0
    # Without a clock what stands further down the log is more recent.
    scores = SessionNeighbours(sample=1).fit(build(histories)).score(asked([2]))[0]
    assert scores[5] > 0 >= scores[4]


def test_old_sessions_fade_by_days():
    training = build([[2, 3], [2, 4]], times=[[0.0] * 2, [2 * DAY] * 2])
    scores = SessionNeighbours(days=1.0).fit(training).score(asked([2]))[0]
    assert scores[3] == pytest.approx(scores[4] / 4)


def test_fading_by_days_needs_a_clock():
    with pytest.raises(NeedsClockError, match="Sessions that fade by days need the time"):
        SessionNeighbours(days=3.0).fit(build([[2, 3]]))
