"""Trees over candidates: what they may learn from, what they make of it, and where others stand."""

import dataclasses
import itertools
import sys

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save
from training_parts import DAY, HISTORIES, SIZE, after, asked, build

pytest.importorskip("lightgbm", reason="boosted needs lightgbm, which is not installed")

from regard.classical import CLASSICAL, Boosted, MarkovChain, boosted
from regard.classical.held_out import held_out
from regard.classical.pairs import Features, Pairs, item_facts
from regard.data.interactions import Interactions
from regard.data.split import split_by_time, split_leave_last_out
from regard.errors import BundleError, ConfigurationError, MissingDependencyError, NeedsClockError
from regard.evaluation.metrics import measure
from regard.evaluation.protocol import Seen, Ties
from regard.evaluation.ranking import rank_targets

FEW = {"trees": 10, "leaves": 4}


def ndcg(scorer, queries, size, seen=Seen.REMOVE):
    ranks = rank_targets(scorer, queries, catalogue_size=size, seen=seen, ties=Ties.MEAN)
    return measure("ndcg@10", ranks).mean()


def two_rules(users=400, seed=1):
    """Half of the people go round three items of their own, the others from each item to the next.

    No source serves both kinds; but how many distinct items a history holds tells who is who, and
    of which item the first kind is in need is told by the events since they had it.
    """
    chance = np.random.default_rng(seed)
    items, histories, times = 40, [], []
    for user in range(users):
        length = int(chance.integers(6, 14))
        begin = 100 * DAY * chance.random()
        if user % 2:
            history = np.resize(2 + chance.permutation(items)[:3], length)
        else:
            history = 2 + (chance.integers(items) + 7 * np.arange(length)) % items
        histories.append(history.tolist())
        times.append((begin + DAY * np.arange(length)).tolist())
    return histories, times, items


class TestHeldOut:
    @settings(max_examples=60)
    @given(HISTORIES, st.floats(0.05, 0.9), st.booleans())
    def test_no_source_sees_what_the_trees_are_asked(self, world, share, clock):
        histories, kept = zip(*world, strict=True)
        times = [[DAY * (7 * u + n) for n in range(len(each))] for u, each in enumerate(histories)]
        training = build(histories, kept, times if clock else None)
        earlier, questions = held_out(training, share, most=1_000)
        allowed = set(training.events().tolist())
        learned = set(earlier.events().tolist())
        asked_at = questions.ends.tolist()
        assert learned <= allowed
        assert set(asked_at) <= allowed - learned
        assert questions.targets.tolist() == training.sequences.items[questions.ends].tolist()
        assert (questions.targets > 1).all()
        assert (questions.history_lengths > 0).all()
        if clock and asked_at and learned:
            moments = training.sequences.times
            assert moments[list(learned)].max() < moments[asked_at].min()

    def test_most_are_spread_evenly(self):
        training = build([[2, 3] * 50], times=[[DAY * n for n in range(100)]])
        _, all_of_them = held_out(training, 0.5, most=1_000)
        _, some = held_out(training, 0.5, most=5)
        assert len(all_of_them) == 50
        assert some.ends.tolist() == [50, 62, 74, 86, 99]

    def test_what_lies_after_training_changes_nothing(self):
        histories, times, items = two_rules(80)
        kept = [len(each) - 2 for each in histories]
        training = build(histories, kept, times, items)
        later = ~training.mask
        sequences = training.sequences
        changed = dataclasses.replace(
            training,
            sequences=dataclasses.replace(
                sequences,
                items=np.where(later, 5, sequences.items).astype(np.int32),
                times=np.where(later, sequences.times + 50 * DAY, sequences.times),
            ),
        )
        ours, theirs = (Boosted(**FEW).fit(each) for each in (training, changed))
        assert ours.arrays().keys() == theirs.arrays().keys()
        for name, value in ours.arrays().items():
            assert np.array_equal(
                value, theirs.arrays()[name], equal_nan=value.dtype.kind == "f"
            ), name


@pytest.fixture(scope="module")
def world():
    histories, times, items = two_rules()
    training = build(histories, times=times, items=items)
    return training, items + 2


class TestOrder:
    def test_what_is_no_candidate_stands_below_in_the_order_of_the_first_source(self, world):
        training, _ = world
        method = Boosted(sources=("markov", "popularity"), candidates=3, **FEW).fit(training)
        queries = after(training)
        scores, first = method.score(queries)[:, 2:], MarkovChain().fit(training).score(queries)
        found = scores >= 2
        assert found.any(axis=1).all()
        assert not found.all(axis=1).any()
        assert (np.abs(scores[~found]) <= 1).all()
        for row, others in enumerate(~found):
            ours, theirs = scores[row, others], first[row, 2:][others]
            # The same order and the same ties.
            assert np.array_equal(
                np.sign(np.subtract.outer(ours, ours)), np.sign(np.subtract.outer(theirs, theirs))
            )

    def test_every_source_has_its_best_unseen_among_the_candidates(self, world):
        training, _ = world
        method = Boosted(candidates=2, **FEW).fit(training)
        queries = after(training)
        found = method.score(queries) >= 2
        for name in ("markov", "item-knn", "popularity", "decayed"):
            scores = CLASSICAL[name]().fit(training).score(queries)
            scores[:, :2] = -np.inf
            scores[queries.seen(scores.shape[1])] = -np.inf
            assert found[np.arange(len(queries)), scores.argmax(axis=1)].all()

    def test_where_nobody_comes_back_seen_items_are_no_candidates(self):
        chance = np.random.default_rng(0)
        histories = [(2 + chance.permutation(12)[:8]).tolist() for _ in range(60)]
        training = build(histories, times=[[DAY * n for n in range(8)]] * 60, items=12)
        method = Boosted(**FEW).fit(training)
        queries = after(training)
        found = method.score(queries) >= 2
        assert not found[queries.seen(14)].any()
        assert found.sum(axis=1).tolist() == [4] * 60

    def test_where_people_come_back_what_they_had_is_a_candidate(self, world):
        training, size = world
        queries = after(training)
        found = Boosted(candidates=100, **FEW).fit(training).score(queries) >= 2
        assert found[queries.seen(size)].all()


class TestMoreCandidatesThanLightGBMRanks:
    def test_of_a_query_are_cut_to_the_target_and_the_best(self, world, monkeypatch):
        training, _ = world
        taught = []

        def remember(self, rows, labels, groups):
            taught.append((rows, labels, groups))
            return ""

        monkeypatch.setattr(Boosted, "_taught", remember)
        for most in (10_000, 5):
            monkeypatch.setattr(boosted, "_RANKED_AT_MOST", most)
            method = Boosted(sources=("markov", "popularity"), **FEW).fit(training)
        (whole, of_whole, _), (rows, labels, groups) = taught
        assert set(groups) == {5}
        assert len(rows) == len(labels) == groups.sum()
        assert labels.sum() == of_whole.sum() == len(groups)
        places = [method._known.names.index(f"{name} rank") for name in ("markov", "popularity")]
        assert (rows[labels == 0][:, places].min(axis=1) < 5).all()
        # Ranks are those among all candidates, as in an answer.
        assert {row.tobytes() for row in rows} <= {row.tobytes() for row in whole}

    def test_are_learned_from(self):
        items = 10_050
        histories = [[2 + user, 3 + user, 4 + user] for user in range(12)]
        training = build(histories, times=[[DAY * n for n in range(3)]] * 12, items=items)
        method = Boosted(sources=("popularity",), candidates=20_000, trees=2).fit(training)
        assert len(method.arrays()["trees"])
        assert (method.score(asked([2]))[0] >= 2).sum() > 10_000


def test_beats_each_of_its_sources_where_features_tell_whom_to_trust():
    histories, times, _ = two_rules()
    log = pl.DataFrame({
        "user": np.repeat(np.arange(len(histories)), [len(each) for each in histories]),
        "item": list(itertools.chain(*histories)),
        "time": list(itertools.chain(*times)),
    })  # fmt: skip
    split = split_by_time(Interactions.of(log), validation_share=0.1, test_share=0.2)
    size = split.vocabulary.size
    values = {
        name: ndcg(CLASSICAL[name]().fit(split.training), split.test, size, Seen.KEEP)
        for name in ("markov", "item-knn", "popularity", "decayed", "boosted")
    }
    best = max(value for name, value in values.items() if name != "boosted")
    assert values["boosted"] > 1.2 * best, values


class TestFeatures:
    def test_rows_are_what_a_loop_finds(self):
        histories = [[2, 3, 2, 4, 3], [5], []]
        times = [[0.0, DAY, 2 * DAY, 3 * DAY, 5 * DAY], [DAY], []]
        training = build(histories, times=times)
        queries = dataclasses.replace(after(training), times=np.array([6 * DAY, 6 * DAY, 6 * DAY]))
        sources = {name: CLASSICAL[name]().fit(training) for name in ("markov", "item-knn")}
        features = Features(sources, item_facts(training))
        pairs = Pairs(
            *map(np.array, zip(*itertools.product(range(3), range(2, SIZE)), strict=True))
        )
        scores = {name: each.score(queries) for name, each in sources.items()}
        table = features.of(queries, pairs, scores)
        assert table.shape == (15, len(features.names))
        column = dict(zip(features.names, table.T, strict=True))
        nan = float("nan")
        first = slice(0, 5)  # of the first user: items 2, 3, 4, 5, 6
        assert column["times in the history"][first].tolist() == [2, 2, 1, 0, 0]
        np.testing.assert_array_equal(column["events since"][first], [2, 0, 1, nan, nan])
        np.testing.assert_array_equal(column["days since"][first], [4, 1, 3, nan, nan])
        np.testing.assert_array_equal(column["length of the history"], [5] * 5 + [1] * 5 + [0] * 5)
        assert column["distinct items of the history"][::5].tolist() == [3, 1, 0]
        np.testing.assert_array_equal(
            column["days since its first event"][first], [5, 4, 2, 4, nan]
        )
        np.testing.assert_array_equal(column["days since its last event"][first], [3, 0, 2, 4, nan])
        shares = np.log(np.array([2, 2, 1, 1]) / 6)
        np.testing.assert_allclose(column["popularity"][:4], shares, rtol=1e-6)
        # After 3 came 2, once of once; after 4 came 3; after 2 came 3 and 4.
        np.testing.assert_array_equal(column["followed event 1"][first], [1, 0, 0, 0, 0])
        np.testing.assert_array_equal(column["followed event 2"][first], [0, 1, 0, 0, 0])
        np.testing.assert_array_equal(column["followed event 3"][first], [0, 0.5, 0.5, 0, 0])
        assert np.isnan(column["followed event 1"][10:]).all()  # who has no event
        assert column["markov rank"][first].tolist() == [0, 1, 2, 3, 4]
        assert column["markov score"][first].max() == 1

    def test_counts_twice_as_large_are_the_same_features(self):
        histories, times = [[2, 3, 4], [3, 4, 2]], [[0.0, DAY, 2 * DAY]] * 2
        tables = []
        for copies in (1, 2):
            training = build(histories * copies, times=times * copies)
            sources = {"markov": CLASSICAL["markov"]().fit(training)}
            sources["item-knn"] = CLASSICAL["item-knn"](shrink=0.0).fit(training)
            queries = after(training).select(slice(2))
            pairs = Pairs(np.array([0, 0, 1]), np.array([2, 4, 3]))
            scores = {name: each.score(queries) for name, each in sources.items()}
            table = Features(sources, item_facts(training)).of(queries, pairs, scores)
            tables.append(dict(zip(Features(sources, {}).names, table.T, strict=True)))
        for name in tables[0].keys() - {"markov score"}:
            np.testing.assert_allclose(tables[0][name], tables[1][name], err_msg=name)


@pytest.fixture(scope="module")
def method():
    histories, times, items = two_rules(100)
    return Boosted(**FEW).fit(build(histories, times=times, items=items))


class TestSaving:
    def test_arrays_are_plain_numbers_and_scores_come_back(self, method):
        again = Boosted.from_arrays(load(save(method.arrays())), **FEW)
        queries = asked([3, 4, 5], [8])
        assert (again.score(queries) == method.score(queries)).all()
        assert again.contributions(asked([3]), 5) == method.contributions(asked([3]), 5)

    def test_trees_that_are_none_are_refused(self, method):
        broken = {**method.arrays(), "trees": np.frombuffer(b"no trees", np.uint8)}
        with pytest.raises(BundleError, match="saved trees of boosted cannot be read"):
            Boosted.from_arrays(broken, **FEW)

    def test_arrays_of_other_sources_are_refused(self, method):
        with pytest.raises(BundleError, match=r"als\.items.*received"):
            Boosted.from_arrays(method.arrays(), sources=("als",))

    def test_the_same_log_gives_the_same_trees(self, method):
        histories, times, items = two_rules(100)
        again = Boosted(**FEW).fit(build(histories, times=times, items=items))
        assert np.array_equal(again.arrays()["trees"], method.arrays()["trees"])


def test_contributions_add_up_to_the_score():
    histories, times, items = two_rules(100)
    method = Boosted(**FEW).fit(build(histories, times=times, items=items))
    queries = asked([3, 4, 5])
    scores = method.score(queries)[0]
    sums = {code: sum(method.contributions(queries, code).values()) for code in (6, 12, 20)}
    names = set(method.contributions(queries, 6))
    assert {"markov rank", "popularity", "times in the history"} <= names
    # All but the same constant, which is no feature's.
    for one, other in itertools.pairwise(sums):
        assert sums[one] - sums[other] == pytest.approx(
            float(scores[one] - scores[other]), abs=1e-5
        )
    assert method.contributions(queries, 1) == {}
    first, share = next(iter(method.contributions(queries, 6).items()))
    assert f"mostly by {first} {share:+.2f}, " in method.reason(queries, 6)
    assert "No source proposed" in method.reason(queries, 1)


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            ({"candidates": 0}, "candidates=0 must be 1 or more"),
            ({"leaves": 1}, "leaves=1 must be 2 or more"),
            ({"trees": 0}, "trees=0 must be 1 or more"),
            ({"queries": 0}, "queries=0 must be 1 or more"),
            ({"seed": -1}, "seed=-1 must be 0 or more"),
            ({"held_out": 1.0}, "held_out=1.0 must lie between 0 and 1"),
            ({"rate": 0.0}, "rate=0.0 must be above 0"),
            ({"sources": ()}, "must name classical methods"),
            ({"sources": ("markow",)}, r"sources=\['markow'\] must name classical methods"),
            ({"sources": ("boosted",)}, r"sources=\['boosted'\] must name"),
        ],
    )
    def test_options_without_sense(self, options, sentence):
        with pytest.raises(ConfigurationError, match=sentence):
            Boosted(**options)

    def test_a_source_that_needs_a_clock(self):
        training = build([[2, 3, 4, 5, 6]] * 3)
        with pytest.raises(NeedsClockError, match="Popularity that fades"):
            Boosted(sources=("markov", "decayed"), **FEW).fit(training)
        assert "decayed.counts" not in Boosted(**FEW).fit(training).arrays()

    @pytest.mark.parametrize("act", ["fit", "require", "open"])
    def test_a_missing_package_is_named_with_its_extra(self, monkeypatch, act):
        training = build([[2, 3, 4]])
        arrays = Boosted(**FEW).fit(build([[2, 3, 4, 5, 6]] * 9)).arrays()
        monkeypatch.setattr(
            "regard.optional.importlib.util.find_spec",
            lambda name: None if name == "lightgbm" else sys.modules[name].__spec__,
        )
        with pytest.raises(MissingDependencyError, match=r"pip install 'regard\[rerank\]'"):
            {
                "fit": lambda: Boosted().fit(training),
                "require": Boosted().require,
                "open": lambda: Boosted.from_arrays(arrays, **FEW),
            }[act]()


def test_without_anything_to_hold_out_the_first_source_answers():
    training = build([[2], [3], [3]])
    method = Boosted().fit(training)
    assert not len(method.arrays()["trees"])
    queries = asked([2], [3])
    scores, first = method.score(queries), MarkovChain().fit(training).score(queries)
    assert np.array_equal(np.argsort(scores, kind="stable"), np.argsort(first, kind="stable"))
    assert method.contributions(asked([2]), 3) == {}


def test_a_log_without_a_clock_is_cut_by_histories():
    histories, _, _ = two_rules(60)
    log = pl.DataFrame({
        "user": np.repeat(np.arange(60), [len(each) for each in histories]),
        "item": list(itertools.chain(*histories)),
        "position": list(itertools.chain(*(range(len(each)) for each in histories))),
    })  # fmt: skip
    split = split_leave_last_out(Interactions.of(log))
    earlier, questions = held_out(split.training, 0.1, most=1_000)
    assert len(questions) >= 60
    assert (split.training.ends - earlier.ends >= 1).all()
    assert Boosted(**FEW).fit(split.training).score(split.test).shape[0] == 60
