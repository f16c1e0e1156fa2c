"""Evaluation as a user drives it, and worlds where the answer is known."""

import dataclasses
import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.classical import CLASSICAL, MarkovChain, Popularity
from regard.data.interactions import Interactions
from regard.data.split import split_by_time, split_leave_last_out
from regard.errors import ConfigurationError, ModelInputError, TooLittleDataError
from regard.evaluation.beyond import beyond_accuracy, popularity_percentiles
from regard.evaluation.comparison import compare
from regard.evaluation.evaluate import evaluate
from regard.evaluation.protocol import Protocol, Seen, Ties
from regard.randomness import stream

RULES = Protocol("leave-last-out", ks=(5, 10), resamples=500)


class Dice:
    """Scores nobody could learn anything from."""

    def __init__(self, items, seed):
        self.rng, self.size = stream(seed, "dice"), items + 2

    def score(self, queries):
        return self.rng.random((len(queries), self.size), np.float32)


def walk(users, items, length, certainty, seed=0):
    """A log where item `i` is followed by `i + 1` with a given probability, else by chance."""
    rng = stream(seed, "walk")
    items_UL = rng.integers(0, items, (users, length))
    follow_UL = rng.random((users, length)) < certainty
    for step in range(1, length):
        after = (items_UL[:, step - 1] + 1) % items
        items_UL[:, step] = np.where(follow_UL[:, step], after, items_UL[:, step])
    return Interactions.of(
        pl.DataFrame(
            {
                "user": np.repeat(np.arange(users), length),
                "item": items_UL.ravel(),
                "time": np.tile(np.arange(length) * 86_400.0, users),
            }
        )
    )


def judge(scorer, split, name, protocol=RULES):
    return evaluate(
        scorer, split.test, name=name, protocol=protocol, training=split.training,
        fingerprint=split.fingerprint, tie_share=split.tie_share,
    )  # fmt: skip


@pytest.fixture(scope="module")
def chain():
    """A world that a Markov chain can learn, and reports on it."""
    split = split_leave_last_out(walk(400, 50, 12, certainty=0.6))
    names = ("popularity", "recent", "markov")
    reports = [judge(CLASSICAL[name]().fit(split.training), split, name) for name in names]
    return split, [*reports, judge(Dice(50, 1), split, "dice")]


def test_the_markov_chain_wins_where_the_world_is_one(chain):
    _, reports = chain
    comparison = compare(reports, "markov")
    assert comparison.verdict.startswith("On ndcg@10, markov beats every baseline: ")
    assert all(each.decided and each.p_value < 0.01 for each in comparison.differences)
    # Its first guess is right whenever the world keeps its rule.
    accuracy = comparison.reports[2].metrics["accuracy"]
    assert accuracy.low < 0.6 + 0.4 / 50 < accuracy.high


def test_dice_score_like_dice():
    items = 50
    split = split_leave_last_out(walk(2_000, items, 6, certainty=0.0))
    found = judge(Dice(items, 4), split, "dice", dataclasses.replace(RULES, level=0.999)).metrics
    chance = {
        "hit_rate@10": 10 / items,
        "ndcg@10": sum(1 / np.log2(1 + np.arange(1, 11))) / items,
        "mrr": sum(1 / np.arange(1, items + 1)) / items,
        "accuracy": 1 / items,
    }
    for name, expected in chance.items():
        assert found[name].low <= expected <= found[name].high, name


def test_nothing_learned_on_noise_is_shown_to_differ_from_dice():
    split = split_leave_last_out(walk(1_000, 40, 8, certainty=0.0, seed=3))
    reports = [judge(MarkovChain().fit(split.training), split, "markov")]
    reports.append(judge(Dice(40, 2), split, "dice"))
    verdict = compare(reports, "markov").verdict
    assert verdict.startswith("On ndcg@10, markov is not shown to differ from dice (")
    assert verdict.endswith(": the interval holds zero.")


def test_a_candidate_that_loses_is_said_to_lose(chain):
    _, reports = chain
    verdict = compare(reports, "dice").verdict
    assert verdict.startswith("On ndcg@10, dice loses to markov (-")
    assert "dice beats" not in verdict


def test_a_report_says_under_which_rules_it_was_made(chain):
    split, reports = chain
    text = str(reports[0])
    assert str(reports[0].protocol) in text
    assert split.fingerprint in text
    assert "seen items kept; tied items count half" in text
    assert "0.0 % of consecutive events share their time" in text
    assert "400 users, 400 queries, 400 targets" in text
    assert str(reports[0].metrics["ndcg@10"]) in text
    assert max(map(len, reports[0].to_markdown().splitlines())) > 20
    for line in reports[0].to_markdown().splitlines()[2:12]:
        assert line.count("|") == 4


def test_results_are_json(chain):
    _, reports = chain
    comparison = compare(reports, "markov", "mrr")
    again = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    assert again["metric"] == "mrr"
    assert again["reports"][0]["metrics"]["ndcg@10"]["mean"] == reports[0].metrics["ndcg@10"].mean
    assert again["reports"][0]["protocol"]["seen"] == "keep"
    assert again["differences"][0]["baseline"] in {"popularity", "recent", "dice"}


def test_a_comparison_shows_everybody_best_first(chain):
    _, reports = chain
    comparison = compare(reports, "popularity")
    lines = str(comparison).splitlines()
    assert lines[2].split()[0] == "markov"
    assert comparison.differences[0].baseline == "markov"
    assert comparison.verdict in str(comparison)
    assert f"**{comparison.verdict}**" in comparison.to_markdown()
    assert comparison.reports[0].fingerprint in str(comparison)


def test_per_user_values_average_to_the_metrics(chain):
    _, reports = chain
    for name, interval in reports[0].metrics.items():
        assert reports[0].per_user[name].mean() == pytest.approx(interval.mean)
        assert interval.low <= interval.mean <= interval.high


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"protocol": dataclasses.replace(RULES, seen=Seen.REMOVE)}, "differ in protocol"),
        ({"fingerprint": "another"}, "differ in fingerprint"),
        ({"catalogue": 7}, "differ in catalogue"),
        ({"user_ids": pl.Series([1])}, "different users"),
        ({"name": "popularity"}, "a name of its own"),
    ],
)
def test_unlike_reports_do_not_meet_in_one_table(chain, change, message):
    _, reports = chain
    with pytest.raises(ConfigurationError, match=message):
        compare([reports[0], dataclasses.replace(reports[1], **change)], "popularity")


@pytest.mark.parametrize(
    ("candidate", "metric", "message"),
    [("nobody", "ndcg@10", "No report is named"), ("markov", "ndcg@3", "was not measured")],
)
def test_a_comparison_of_what_is_not_there_is_refused(chain, candidate, metric, message):
    with pytest.raises(ConfigurationError, match=message):
        compare(chain[1], candidate, metric)


def test_several_queries_of_a_user_weigh_as_one_user(asking, table_scorer, training_of):
    queries = asking([[2], [3]], [[2], [4]]).select(np.array([0, 0, 0, 1]))
    scores = np.zeros((2, 6), np.float32)
    scores[0, 2] = scores[1, 3] = 1.0  # right for the user asked three times, wrong for the other
    report = evaluate(
        table_scorer(scores), queries, name="x", protocol=RULES,
        training=training_of(queries, 4), fingerprint="f",
    )  # fmt: skip
    assert report.metrics["accuracy"].mean == 0.5
    assert (report.users, report.queries) == (2, 4)
    assert report.user_ids.to_list() == ["u0", "u1"]
    assert "order only, no clock" in str(report)


def test_cold_repeated_and_removed_targets_are_told(asking, table_scorer, training_of):
    queries = asking([[2], [3]], [[1, 2], [4, 5]])
    report = evaluate(
        table_scorer(np.tile(np.arange(6.0), (2, 1))), queries, name="x",
        protocol=Protocol("a test", seen=Seen.REMOVE, ties=Ties.WORST, ks=(1,), resamples=100),
        training=training_of(queries, 4), fingerprint="f",
    )  # fmt: skip
    shares = (report.cold_share, report.repeat_share, report.removed_share, report.tied_share)
    assert shares == (0.25, 0.25, 0.25, 0.0)
    assert report.metrics["recall@1"].mean == 0.25  # nothing of two, one of two
    assert "25.0 % cold (misses), 25.0 % repeats (25.0 % removed as seen: misses)" in str(report)


def test_a_time_split_with_all_targets_goes_through():
    split = split_by_time(walk(60, 12, 15, certainty=0.5), targets="all")
    report = judge(Popularity().fit(split.training), split, "popularity")
    assert report.targets > report.queries
    assert report.metrics["recall@10"].mean > 0.5


def test_nothing_to_ask_is_refused(asking, table_scorer, training_of):
    nobody = asking([], [])
    with pytest.raises(TooLittleDataError, match="no query to ask somebody"):
        evaluate(
            table_scorer(np.zeros((0, 6))), nobody, name="somebody", protocol=RULES,
            training=training_of(nobody, 4), fingerprint="f",
        )  # fmt: skip


def test_a_diverged_model_is_refused(asking, table_scorer, training_of):
    queries = asking([[2]], [[3]])
    with pytest.raises(ModelInputError, match="NaN"):
        evaluate(
            table_scorer(np.full((1, 6), np.nan)), queries, name="x", protocol=RULES,
            training=training_of(queries, 4), fingerprint="f",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ks": ()}, "Cut-offs"),
        ({"ks": (0, 5)}, "Cut-offs"),
        ({"ks": (10, 5)}, "Cut-offs"),
        ({"seen": "hide"}, "seen must be 'keep' or 'remove'; received 'hide'"),
        ({"ties": "best"}, "ties must be 'mean' or 'worst'"),
        ({"resamples": 10}, "at least 100"),
        ({"level": 95.0}, "between 0 and 1"),
    ],
)
def test_a_protocol_without_sense_is_refused(change, message):
    with pytest.raises(ConfigurationError, match=message):
        Protocol("a test", **change)


def test_a_protocol_understands_the_words_of_a_recipe():
    assert Protocol("a test", seen="remove", ks=[5]) == Protocol("a test", Seen.REMOVE, (5,))


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30))
def test_an_average_item_has_percentile_one_half(counts):
    found = popularity_percentiles(np.array(counts))
    assert found.mean() == pytest.approx(0.5)
    assert (np.argsort(found, kind="stable") == np.argsort(counts, kind="stable")).all()


def test_lists_of_chance_have_no_popularity_tilt():
    rng = np.random.default_rng(0)
    counts = np.sort(rng.zipf(1.5, 300))[::-1]
    lists = rng.integers(2, 302, (4_000, 10)).astype(np.int32)
    found = beyond_accuracy(lists, lists[:, 0], counts)
    assert found.coverage == 1.0
    assert found.recommended == pytest.approx(0.5, abs=0.01)
    assert found.tilt == pytest.approx(0.0, abs=0.02)


def test_lists_that_ran_out_and_cold_targets_have_no_popularity():
    found = beyond_accuracy(np.zeros((2, 3), np.int32), np.ones(2, np.int32), np.array([3, 1]))
    assert (found.coverage, found.recommended, found.wanted) == (0.0, 0.5, 0.5)


def test_reports_about_other_questions_are_not_compared():
    split = split_leave_last_out(walk(60, 12, 9, 0.8))
    rules = {"protocol": RULES, "training": split.training, "fingerprint": split.fingerprint}
    one = evaluate(Popularity().fit(split.training), split.test, name="one", **rules)
    other = evaluate(MarkovChain().fit(split.training), split.validation, name="other", **rules)
    assert one.user_ids.equals(other.user_ids)
    with pytest.raises(ConfigurationError, match="different users, moments or targets"):
        compare([one, other], "one")


def test_a_cut_off_beyond_the_catalogue_keeps_its_name():
    split = split_leave_last_out(walk(60, 4, 9, 0.8))
    report = judge(Popularity().fit(split.training), split, "popularity")
    assert [each.k for each in report.beyond] == [5, 10]
    assert report.beyond[0].coverage == report.beyond[1].coverage == 1.0
