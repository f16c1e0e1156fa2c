"""The moment of a request, and networks that read the clock: honest from evaluation to answers."""

import time
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
import torch
from small_shops import order_only, recipe_for, shop_log

from regard.data.batches import TrainingBatches, query_batch
from regard.data.interactions import Interactions
from regard.data.split import Split, split_by_time, split_leave_last_out
from regard.errors import ConfigurationError, NeedsClockError
from regard.evaluation.ranking import rank_targets
from regard.recommender.comparing import compare_models
from regard.recommender.moments import seconds_of, times_of, told
from regard.recommender.recommender import Recommender

SIZES = {
    "hstu": {"width": 16, "blocks": 1, "longest": 8},
    "tisasrec": {"width": 16, "blocks": 1, "heads": 1, "longest": 8, "buckets": 16},
    "compose": {"mechanisms": ["linear", "time-interval"], "width": 16, "blocks": 1, "longest": 8},
}


def fitted_on(log: Interactions, model: str, **parts: object) -> Recommender:
    recipe = replace(recipe_for(model), options=SIZES.get(model, {}), memory="off")
    return Recommender.from_recipe(replace(recipe, **parts)).fit(log)


@pytest.fixture(scope="module")
def log() -> Interactions:
    return shop_log()


@pytest.fixture(scope="module")
def hstu(log: Interactions) -> Recommender:
    """One whose biases of time are large enough to be seen."""
    recommender = fitted_on(log, "hstu")
    with torch.no_grad():
        layer = recommender.learned.scorer.model.blocks[0].attention
        layer.by_time_T.copy_(torch.linspace(-2.0, 2.0, len(layer.by_time_T)))
    return recommender


@pytest.fixture(scope="module")
def tisasrec(log: Interactions) -> Recommender:
    return fitted_on(log, "tisasrec")


def splits(log: Interactions) -> list[Split]:
    return [split_leave_last_out(log), *(split_by_time(log, targets=t) for t in ("last", "first"))]


@pytest.mark.parametrize("cut", [0, 1, 2])
def test_an_evaluation_asks_at_the_time_of_the_target_and_knows_nothing_else_of_it(
    log: Interactions, cut: int
) -> None:
    split = splits(log)[cut]
    whole = split.events
    for every in (split.validation, split.test):
        queries = every.select(every.history_lengths > 0)
        batch = query_batch(queries, longest=8)
        for q, (length, times, asked) in enumerate(
            zip(batch.lengths, batch.times, batch.asked, strict=True)
        ):
            user, end = queries.users[q], queries.ends[q]
            own = slice(whole.offsets[user], whole.offsets[user + 1])
            rows = split.sequences.rows[queries.starts[q] : end][-length:]
            place = int(np.flatnonzero(whole.rows[own] == rows[-1])[0])
            later = whole.times[own][place + 1 :]
            assert asked[length - 1] in later
            assert (times[:length] <= asked[length - 1]).all()
            assert asked[: length - 1].tolist() == times[1:length].tolist()
            assert not times[length:].any()
            assert not asked[length:].any()


def test_the_target_itself_changes_no_score_only_its_time_does(
    hstu: Recommender, log: Interactions
) -> None:
    test = hstu.learned.split.test
    queries = test.select(test.history_lengths > 0)
    scores = hstu.learned.scorer.score(queries)
    sequences = queries.sequences
    items = sequences.items.copy()
    after = np.ones(len(items), np.bool_)
    for q in range(len(queries)):
        after[queries.starts[q] : queries.ends[q]] = False
    items[after] = 3
    other = replace(queries, sequences=replace(sequences, items=items), targets=queries.targets * 0)
    assert np.array_equal(hstu.learned.scorer.score(other), scores)
    later = replace(queries, times=queries.times + 1e7)
    assert not np.allclose(hstu.learned.scorer.score(later), scores, atol=1e-4)


def test_training_asks_each_event_at_the_time_of_the_next_one(log: Interactions) -> None:
    training = split_by_time(log).training
    batches = TrainingBatches(training, longest=8, tokens=256, seed=0, with_times=True).epoch(0)
    for batch in batches:
        for length, times, asked in zip(batch.lengths, batch.times, batch.asked, strict=True):
            assert asked[: length - 1].tolist() == times[1:length].tolist()
            assert asked[length - 1] >= times[length - 1]


def test_a_list_is_what_was_measured_where_it_is_asked_for_at_the_same_moment(
    hstu: Recommender,
) -> None:
    learned = hstu.learned
    queries = learned.split.test
    ranks = rank_targets(
        learned.answering, queries, catalogue_size=learned.vocabulary.size, seen="keep"
    )
    asked = 0
    for q in range(len(queries)):
        target = queries.targets[q]
        events = slice(queries.starts[q], queries.ends[q])
        if target < 2 or not queries.history_lengths[q]:
            continue
        answer = hstu.recommend(
            history=learned.vocabulary.decode(queries.sequences.items[events]),
            times=queries.sequences.times[events].tolist(),
            at=float(queries.times[q]),
            k=learned.vocabulary.size,
            seen="keep",
        )
        [item] = learned.vocabulary.decode(np.array([target]))
        assert answer.ids.index(item) + 1 == ranks.values[ranks.offsets[q]]
        asked += 1
    assert asked > 50


def test_a_user_is_asked_right_after_the_newest_event_or_at_a_moment(hstu: Recommender) -> None:
    first = hstu.recommend(user=1)
    assert "Asked right after the newest event (2020-" in first.notes[-1]
    [newest] = hstu.learned.histories.times[hstu.learned.histories.offsets[[2]] - 1][:1]
    user = hstu.learned.histories.users[1]
    now = hstu.recommend(user=user)
    same = hstu.recommend(user=user, at=float(newest))
    much_later = hstu.recommend(user=user, at="2031-01-31 12:00")
    assert [each.score for each in same] == [each.score for each in now]
    assert [each.score for each in much_later] != [each.score for each in now]
    assert same.notes == much_later.notes == ()


def test_lists_for_all_at_a_moment_are_the_lists_for_each(hstu: Recommender) -> None:
    for at in (None, "2031-01-31"):
        table = hstu.recommend_all([1, 2], at=at, k=3)
        for user in (1, 2):
            alone = hstu.recommend(user=user, at=at, k=3)
            rows = table.filter(pl.col("user") == user)
            assert rows["item"].to_list() == alone.ids
            np.testing.assert_allclose(
                rows["score"].to_numpy(), [each.score for each in alone], rtol=1e-5
            )


def test_an_unknown_item_is_the_newest_event_too(hstu: Recommender) -> None:
    """Whoever was seen yesterday is not asked as of last year, whatever was bought yesterday."""
    learned = hstu.learned
    ends = learned.events.offsets[1:]
    [user] = np.flatnonzero(learned.events.users == 902)
    newest = learned.events.times[ends[user] - 1]
    known = learned.histories.times[learned.histories.offsets[user + 1] - 1]
    assert newest > known
    assert told(float(newest)) in hstu.recommend(user=902).notes[-1]
    with pytest.raises(ConfigurationError, match="lies before the newest event"):
        hstu.recommend(user=902, at=float(known))


def test_an_explanation_is_of_the_answer_at_its_moment(hstu: Recommender) -> None:
    at = "2031-01-31 12:00"
    answer = hstu.recommend(user=1, at=at)
    why = hstu.explain(user=1, at=at)
    assert why.item == answer.ids[0]
    assert why.score == pytest.approx(answer.items[0].score, rel=1e-4)
    assert why.score != pytest.approx(hstu.explain(user=1, item=why.item).score, rel=1e-4)
    assert any("values are strengths" in note for note in why.notes)
    assert sum(event.attention for event in why.events) == pytest.approx(1.0)


@pytest.mark.parametrize("ask", ["recommend", "explain"])
def test_a_typed_history_says_when_or_is_read_without(
    hstu: Recommender, tisasrec: Recommender, ask: str
) -> None:
    history, times = [3, 4, 5], ["2021-01-01", "2021-01-02", "2021-01-02 09:30"]
    bare = getattr(hstu, ask)(history=history)
    assert "The history comes without times; hstu reads it by positions alone." in bare.notes
    assert "right after" in " ".join(getattr(hstu, ask)(history=history, times=times).notes)
    with pytest.raises(NeedsClockError, match=r"'tisasrec' .* Give times= with a moment"):
        getattr(tisasrec, ask)(history=history)
    assert getattr(tisasrec, ask)(history=history, times=times)
    with pytest.raises(NeedsClockError, match="from which no time can be counted"):
        getattr(hstu, ask)(history=history, at="2031-01-31")


def test_a_model_that_does_not_look_at_the_moment_says_so(tisasrec: Recommender) -> None:
    plain, at = tisasrec.recommend(user=1), tisasrec.recommend(user=1, at="2031-01-31")
    assert plain.notes == ()
    assert at.notes == (
        "tisasrec does not look at the moment of the request; at= changes nothing.",
    )
    assert plain.items == at.items


def test_strangers_are_answered_by_the_fallback_at_any_moment(tisasrec: Recommender) -> None:
    assert "fallback" in tisasrec.recommend(user="nobody", at="2031-01-31").answered_by
    assert "fallback" in tisasrec.recommend(history=["nothing"]).answered_by


@pytest.mark.parametrize("model", ["tisasrec", "compose"])
def test_a_network_that_needs_a_clock_refuses_a_log_without_one_before_it_learns(
    log: Interactions, model: str
) -> None:
    class Watcher:
        def step(self, done: float, loss: float, targets_per_second: float) -> None:
            raise AssertionError("training has begun")

        def epoch(self, epoch: object, *, best: bool) -> None:
            raise AssertionError("training has begun")

    recipe = replace(recipe_for(model), options=SIZES[model])
    with pytest.raises(NeedsClockError, match=rf"'{model}' reads the time .* such as 'sasrec'"):
        Recommender.from_recipe(recipe).fit(order_only(log), watcher=Watcher())


def test_a_comparison_leaves_it_out_by_name(log: Interactions) -> None:
    run = compare_models(order_only(log), recipe_for("markov"), ["tisasrec", "popularity"])
    [why] = run.left_out
    assert why.startswith("tisasrec: The model 'tisasrec' reads the time between events")


def test_hstu_learns_from_an_order_and_says_so_where_training_ends(log: Interactions) -> None:
    ordered = fitted_on(order_only(log), "hstu")
    history = ordered.learned.history
    assert "; the log has no clock: hstu reads positions alone" in str(history)
    assert type(history).from_dict(history.to_dict()) == history
    older = {name: value for name, value in history.to_dict().items() if name != "note"}
    assert type(history).from_dict(older).note == ""
    answer = ordered.recommend(user=1)
    assert answer.notes == ("The history comes without times; hstu reads it by positions alone.",)
    with pytest.raises(NeedsClockError, match="Leave the moment out"):
        ordered.recommend(user=1, at="2031-01-31")
    with pytest.raises(NeedsClockError, match="Leave the moment out"):
        ordered.recommend_all(at="now")


def test_with_a_clock_there_is_nothing_to_say(hstu: Recommender) -> None:
    assert hstu.learned.history.note == ""
    assert "clock" not in str(hstu.learned.history)


NOON = 1_769_860_800.0


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        ("2026-01-31 12:00", NOON),
        (" 2026-01-31 12:00 ", NOON),
        ("2026-01-31T13:00:00+01:00", NOON),
        ("2026-01-31", NOON - 43_200),
        (date(2026, 1, 31), NOON - 43_200),
        (datetime(2026, 1, 31, 12), NOON),
        (datetime(2026, 1, 31, 13, tzinfo=timezone(timedelta(hours=1))), NOON),
        (NOON, NOON),
        (0, 0.0),
    ],
)
def test_moments_as_people_write_them(moment: object, seconds: float) -> None:
    assert seconds_of(moment) == seconds


def test_now_is_now() -> None:
    assert time.time() - 5 < seconds_of("now") < time.time() + 5


@pytest.mark.parametrize(
    "moment",
    ["tea", "", "01/02/2026", "2026-02-30", "1769860800", float("nan"), float("inf"), True],
)
def test_what_is_no_moment_is_refused(moment: object) -> None:
    with pytest.raises(ConfigurationError, match=r"at=.* is no moment that can be read in one way"):
        seconds_of(moment)


def test_a_moment_that_no_calendar_has_is_told_in_seconds() -> None:
    assert told(1e300) == "1e+300 s"


def test_times_of_a_history_must_fit_it(hstu: Recommender) -> None:
    for times in (["2026-01-31"], "2026-01-31"):
        with pytest.raises(ConfigurationError, match="must be a list with a moment for each of"):
            hstu.recommend(history=[3, 4], times=times)
    with pytest.raises(ConfigurationError, match=r"times run backwards at '2026-01-30'; give"):
        times_of(["2026-01-31", "2026-01-30"], 2)
    with pytest.raises(ConfigurationError, match="times='tea' is no moment"):
        times_of(["tea"], 1)
    with pytest.raises(ConfigurationError, match="a user's are in the log"):
        hstu.recommend(user=1, times=["2026-01-31"])


def test_times_stay_with_their_items_where_an_unknown_one_is_left_out(hstu: Recommender) -> None:
    ours = hstu.recommend(history=[3, "caviar", 5], times=[1e9, 1e9 + 50, 1e9 + 60])
    theirs = hstu.recommend(history=[3, 5], times=[1e9, 1e9 + 60])
    assert ours.items == theirs.items
    gaps = [each.score for each in hstu.recommend(history=[3, 5], times=[1e9, 9e9])]
    assert any(a != b for a, b in zip(gaps, [each.score for each in theirs], strict=True))
    assert all(a.score >= b.score for a, b in pairwise(ours.items))
