"""Counting methods against plain loops, behind one contract, blind to what lies after training."""

import dataclasses
import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save
from training_parts import DAY, HISTORIES, NAMES, SIZE, after, asked, build

from regard.classical import CLASSICAL, MarkovChain, Popularity, RecentPopularity
from regard.errors import BundleError, ConfigurationError, NeedsClockError, NotFittedError
from regard.evaluation.scorer import works_in_blocks


@pytest.fixture
def timed():
    """Three users over ten days; the last event of each lies after the training part."""
    histories = [[2, 3, 2, 4], [2, 3, 5], [2, 6, 6]]
    times = [[0.0, DAY, 5 * DAY, 10 * DAY], [DAY, 9 * DAY, 10 * DAY], [0.0, 9.5 * DAY, 10 * DAY]]
    return build(histories, [3, 2, 2], times)


@given(HISTORIES)
def test_popularity_counts_as_a_plain_loop_does(world):
    histories, kept = zip(*world, strict=True)
    training = build(histories, kept)
    counts = Counter(code for each, k in world for code in each[:k] if code > 1)
    scores = Popularity().fit(training).score(after(training))
    assert scores.dtype == np.float32
    assert scores.tolist() == [[float(counts[code]) for code in range(SIZE)]] * len(histories)


@given(HISTORIES)
def test_the_markov_chain_counts_as_a_plain_loop_does(world):
    histories, kept = zip(*world, strict=True)
    training = build(histories, kept)
    pairs = Counter(
        pair for each, k in world for pair in itertools.pairwise(each[:k]) if min(pair) > 1
    )
    counts = Counter(code for each, k in world for code in each[:k] if code > 1)
    most = max(counts.values(), default=1)
    scores = MarkovChain().fit(training).score(after(training))
    for row, (each, k) in zip(scores, world, strict=True):
        last = each[:k][-1] if each[:k] else 0
        expected = [pairs[last, code] + 0.5 * counts[code] / most for code in range(SIZE)]
        np.testing.assert_allclose(row, expected, rtol=1e-6)


def test_a_transition_seen_once_stands_above_any_popularity():
    favourite = [6] * 200_000
    training = build([favourite, [2, 3], [2]], [200_000, 2, 1])
    scores = MarkovChain().fit(training).score(after(training))
    assert scores[2].argmax() == 3
    assert scores[2, 6] > scores[2, 4]


def test_histories_that_tell_nothing_get_the_popular_items():
    training = build([[6, 6, 6, 2], [3, 1], [4], [5]], [4, 2, 0, 1])
    scores = MarkovChain().fit(training).score(after(training))
    order = np.argsort(Popularity().fit(training).score(after(training)), kind="stable")
    # Last item never followed; unknown last item; empty history.
    assert np.argsort(scores, kind="stable").tolist() == order.tolist()


def test_pairs_do_not_reach_from_one_user_to_the_next():
    training = build([[2, 3], [4, 5]], [2, 2])
    learned = MarkovChain().fit(training).arrays()
    assert learned["transitions"].tolist() == [1, 1]
    assert learned["followers"].tolist() == [3, 5]


def test_recent_popularity_counts_the_last_days_before_the_end_of_training(timed):
    # Training ends at 9.5 days; one day earlier lies between the events at 5 and 9 days.
    scores = RecentPopularity(days=1).fit(timed).score(after(timed))[0]
    # All of training: item 2 four times, 3 twice, 6 once. Last day: 3 and 6 once each.
    expected = [0, 0, 4, 2, 0, 0, 1]
    recent = [0, 0, 0, 1, 0, 0, 1]
    np.testing.assert_allclose(scores, np.array(recent) + 0.5 * np.array(expected) / 4)
    assert np.argsort(-scores, kind="stable")[:3].tolist() == [3, 6, 2]


def test_the_window_is_open_at_its_early_end(timed):
    learned = RecentPopularity(days=0.5).fit(timed).arrays()
    assert learned["recent"].sum() == 1
    assert RecentPopularity(days=4.6).fit(timed).arrays()["recent"].sum() == 3


def test_a_window_as_long_as_the_log_is_popularity(timed):
    learned = RecentPopularity(days=100).fit(timed).arrays()
    assert learned["recent"].tolist() == Popularity().fit(timed).arrays()["counts"].tolist()


def test_recent_popularity_needs_a_clock():
    with pytest.raises(NeedsClockError, match="Popularity of the last days needs the time"):
        RecentPopularity().fit(build([[2, 3]], [2]))


@pytest.mark.parametrize("days", [0, -1.0, float("nan"), float("inf")])
def test_a_window_without_length_is_refused(days):
    with pytest.raises(ConfigurationError, match="positive number of days"):
        RecentPopularity(days=days)


@pytest.mark.parametrize("name", NAMES)
class TestEveryMethod:
    def test_future_events_change_nothing(self, name, timed):
        sequences = timed.sequences
        later = ~timed.mask
        items = np.where(later, 5, sequences.items).astype(np.int32)
        times = np.where(later, 99 * DAY, sequences.times)
        changed = dataclasses.replace(
            timed, sequences=dataclasses.replace(sequences, items=items, times=times)
        )
        before = CLASSICAL[name]().fit(timed).score(after(timed))
        assert (CLASSICAL[name]().fit(changed).score(after(changed)) == before).all()

    def test_saved_arrays_give_the_same_scores(self, name, timed):
        method = CLASSICAL[name]().fit(timed)
        arrays = load(save(method.arrays()))
        options = dataclasses.asdict(method.config)
        again = CLASSICAL[name].from_arrays(arrays, **options)
        assert again.config == method.config
        assert (again.score(after(timed)) == method.score(after(timed))).all()

    def test_scores_are_a_fresh_array_of_the_promised_kind(self, name, timed):
        method = CLASSICAL[name]().fit(timed)
        queries = after(timed)
        scores = method.score(queries)
        assert scores.shape == (3, SIZE)
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()
        before = scores.copy()
        scores[:] = -7.0
        assert (method.score(queries) == before).all()

    def test_one_query_scores_as_it_does_among_others(self, name, timed):
        method = CLASSICAL[name]().fit(timed)
        queries = after(timed)
        together = method.score(queries)
        alone = np.concatenate([method.score(each) for each in queries.chunks(1)])
        assert (alone == together).all()

    def test_nothing_is_answered_before_fit(self, name, timed):
        method = CLASSICAL[name]()
        with pytest.raises(NotFittedError, match="call fit first"):
            method.score(after(timed))
        with pytest.raises(NotFittedError, match="call fit first"):
            method.arrays()

    def test_arrays_of_another_method_are_refused(self, name, timed):
        with pytest.raises(BundleError, match=r"holds the arrays .* received other"):
            CLASSICAL[name].from_arrays({"other": np.zeros(3)})

    def test_an_empty_training_part_still_answers(self, name):
        training = build([[2], [3]], [0, 0], [[0.0], [0.0]])
        scores = CLASSICAL[name]().fit(training).score(after(training))
        assert scores.shape == (2, SIZE)
        assert (scores == scores[0, 0]).all()

    def test_its_name_is_the_one_in_the_dictionary(self, name):
        assert CLASSICAL[name].name == name

    def test_fitted_again_it_forgets_what_it_knew(self, name, timed):
        other = build([[3, 3, 3, 3, 2], [6, 5]], times=[[0.0] * 5, [DAY, DAY]])
        method = CLASSICAL[name]().fit(other)
        method.score(after(other))
        again = method.fit(timed).score(after(timed))
        assert (again == CLASSICAL[name]().fit(timed).score(after(timed))).all()


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=30)
@given(HISTORIES, st.lists(st.integers(0, SIZE), max_size=4))
def test_any_block_holds_the_same_numbers(name, world, cuts):
    histories, kept = zip(*world, strict=True)
    training = build(histories, kept, [[0.0] * len(each) for each in histories])
    method = CLASSICAL[name]().fit(training)
    assert works_in_blocks(method)
    whole, read = method.score(after(training)), method.prepare(after(training))
    assert read.shape == whole.shape
    bounds = itertools.pairwise([0, *sorted(cuts), SIZE])
    blocks = [read.block(start, stop) for start, stop in bounds]
    assert np.array_equal(np.concatenate(blocks, axis=1), whole)


TASTES = [name for name in NAMES if name.values[0] not in {"popularity", "recent", "decayed"}]


@pytest.mark.parametrize("name", TASTES)
def test_whoever_has_the_items_of_one_taste_is_recommended_the_rest_of_it(name):
    chance = np.random.default_rng(5)
    half = 10
    tastes = np.repeat([0, 1], 150)
    histories = [(2 + taste * half + chance.permutation(half)[:6]).tolist() for taste in tastes]
    times = [(DAY * np.arange(6)).tolist()] * len(histories)
    training = build(histories, times=times, items=2 * half)
    options = {"als": {"factors": 2}, "ease": {"l2": 20.0}}.get(name, {})
    method = CLASSICAL[name](**options).fit(training)
    queries = after(training)
    scores = method.score(queries)
    scores[:, :2] = -np.inf
    scores[queries.seen(2 + 2 * half)] = -np.inf
    # Four items of each taste are left to every user, and all ten of the other taste.
    best = np.argsort(-scores, axis=1)[:, :4]
    assert ((best - 2) // half == tastes[:, None]).mean() > 0.98


@pytest.mark.parametrize("name", ["item-knn", "session-knn", "ease"])
def test_users_who_share_nothing_change_nothing(name):
    histories = [[2, 3], [2, 3, 4], [3, 4]]
    few = build(histories, times=[[5.0] * 2, [6.0] * 3, [7.0] * 2])
    strangers = [[5, 6], [6, 5, 6]]
    more = build(
        [*histories, *strangers], times=[[5.0] * 2, [6.0] * 3, [7.0] * 2, [8.0] * 2, [9.0] * 3]
    )
    before, later = (CLASSICAL[name]().fit(each).score(asked([2], [4, 3])) for each in (few, more))
    found = before > 0
    assert found.any()
    assert (found == (later > 0)).all()
    np.testing.assert_allclose(later[found], before[found], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("decayed", {"half_life": 0.0}, "positive number of days"),
        ("decayed", {"half_life": float("nan")}, "positive number of days"),
        ("kneser-ney", {"order": 0}, "order=0 must be 1, 2 or 3"),
        ("kneser-ney", {"order": 4}, "order=4 must be 1, 2 or 3"),
        ("kneser-ney", {"discount": 1.0}, "between 0 and 1"),
        ("item-knn", {"neighbours": 0}, "neighbours=0 must be 1 or more"),
        ("item-knn", {"shrink": -1.0}, "shrink=-1.0 must be 0 or more"),
        ("item-knn", {"half_life": 0.0}, "half_life=0.0 must be a positive"),
        ("session-knn", {"sample": 0}, "sample=0 must be 1 or more"),
        ("session-knn", {"reach": 0.0}, "reach=0.0 must be a positive"),
        ("session-knn", {"days": -1.0}, "days=-1.0 must be a positive"),
        ("ease", {"l2": 0.0}, "l2=0.0 must be positive"),
        ("als", {"factors": 0}, "factors=0 must be 1 or more"),
        ("als", {"alpha": float("inf")}, "alpha=inf must be positive"),
    ],
)
def test_an_option_without_sense_is_refused_by_name(name, options, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        CLASSICAL[name](**options)


@pytest.mark.parametrize("name", ["item-knn", "session-knn", "ease", "als"])
def test_a_history_from_another_catalogue_is_not_answered(name):
    learned = build([[2, 3], [3, 2]])
    if name == "als":
        method = CLASSICAL[name].from_arrays({"items": np.eye(SIZE, 3, dtype=np.float32)})
    else:
        method = CLASSICAL[name]().fit(learned)
    with pytest.raises(ValueError, match="index"):
        method.score(asked([2, SIZE]))


def test_an_heir_that_scores_otherwise_is_asked_for_whole_rows(timed):
    class Reversed(MarkovChain):
        def _score(self, queries):
            return -super()._score(queries)

    class Renamed(MarkovChain):
        name = "renamed"

    assert not works_in_blocks(Reversed().fit(timed))
    assert works_in_blocks(Renamed().fit(timed))


def test_a_chain_fitted_again_forgets_what_it_knew(timed):
    other = build([[3, 3, 3, 3, 2]], [5])
    chain = MarkovChain().fit(other)
    assert chain.evidence(after(other)).tolist() == [0]
    again = chain.fit(timed).evidence(after(timed))
    assert again.tolist() == MarkovChain().fit(timed).evidence(after(timed)).tolist()
    assert again.any()
