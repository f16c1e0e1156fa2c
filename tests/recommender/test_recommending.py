"""Answers, as somebody asks for them: known and unknown people, items and histories."""

import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from small_shops import ITEMS, NEWCOMER, USERS, order_only, recipe_for

from regard.classical import CLASSICAL, Popularity
from regard.data.interactions import Interactions
from regard.errors import (
    ConfigurationError,
    NotFittedError,
    UnknownItemError,
    UnknownUserError,
)
from regard.models import MODELS
from regard.models.attention_pooling import AttentionPooling
from regard.recommender.answers import Recommendation, Recommendations
from regard.recommender.memory import Gate, RememberingScorer
from regard.recommender.recommender import Recommender

POPULAR = "recent (fallback)"


def history_of(log: Interactions, user: int) -> list[int]:
    return log.sorted().filter(pl.col("user") == user)["item"].to_list()


def test_a_known_user_gets_a_list_with_titles(recommender: Recommender, log: Interactions) -> None:
    answer = recommender.recommend(17, k=ITEMS)
    assert (answer.user, answer.answered_by, answer.notes) == (17, recommender.title, ())
    assert [each.rank for each in answer] == list(range(1, len(answer) + 1))
    assert len(set(answer.ids)) == len(answer) == ITEMS
    assert [each.score for each in answer] == sorted((e.score for e in answer), reverse=True)
    had = set(history_of(log, 17))
    for each in answer:
        assert each.title == (None if each.item == 7 else f"Title {each.item}")
        assert each.seen == (each.item in had)


def test_an_id_typed_as_text_finds_one_that_is_a_number(recommender: Recommender) -> None:
    assert recommender.recommend("17").items == recommender.recommend(17).items
    assert recommender.recommend(np.int64(17)).items == recommender.recommend(17).items
    typed, given = (recommender.recommend(history=each) for each in (["3", "7"], [3, 7]))
    assert typed == given
    assert str(recommender.explain("17", "3")) == str(recommender.explain(17, 3))
    one, other = (recommender.recommend_all(each, k=3) for each in (["17", 4], [17, 4]))
    assert one.equals(other)


def test_a_history_of_anybody_is_answered(recommender: Recommender) -> None:
    answer = recommender.recommend(history=[3, 7, 3], k=5)
    assert (answer.user, answer.answered_by, answer.notes) == (None, recommender.title, ())
    assert len(answer) == 5
    assert {each.item for each in recommender.recommend(history=[3, 7], k=ITEMS) if each.seen} == {
        3,
        7,
    }


def test_unknown_items_of_a_history_are_named_and_left_out(recommender: Recommender) -> None:
    answer = recommender.recommend(history=[3, 999, 7, "caviar"], k=5)
    assert answer.items == recommender.recommend(history=[3, 7], k=5).items
    assert answer.answered_by == recommender.title
    assert answer.notes == ("Not known and left out: 999, caviar.",)


@pytest.mark.parametrize(
    ("asked", "trouble", "more"),
    [
        ({"user": "nobody"}, "User 'nobody' is not among the 63 users of this model", ()),
        ({"user": 12345}, "User 12345 is not among the 63 users of this model", ()),
        (
            {"user": NEWCOMER},
            f"The history of user {NEWCOMER} holds no item that this model knows",
            (),
        ),
        ({"history": []}, "The history holds no item that this model knows", ()),
        (
            {"history": [999, "caviar"]},
            "The history holds no item that this model knows",
            ("Not known and left out: 999, caviar.",),
        ),
    ],
)
def test_whoever_the_model_knows_nothing_of_gets_what_is_popular_and_is_told(
    recommender: Recommender,
    fitted: dict[str, Recommender],
    asked: dict[str, Any],
    trouble: str,
    more: tuple[str, ...],
) -> None:
    answer = recommender.recommend(**asked, k=6)
    assert answer.answered_by == POPULAR
    assert answer.notes == (*more, f"{trouble}; this is what is popular instead.")
    best = fitted["recent"].recommend(history=[3], k=6)
    assert answer.ids == best.ids
    with pytest.raises(UnknownUserError) as refused:
        recommender.recommend(**asked, fallback=False)
    assert str(refused.value).startswith(f"{trouble}. Give a history")
    with pytest.raises(UnknownUserError, match="there is nothing to explain from"):
        recommender.explain(**asked)


def test_a_log_without_a_clock_falls_back_on_popularity_of_all_time(log: Interactions) -> None:
    recommender = Recommender.from_recipe(recipe_for("markov")).fit(order_only(log))
    assert recommender.learned.protocol.name == "leave-last-out"
    assert recommender.recommend("nobody").answered_by == "popularity (fallback)"


def test_seen_items_are_kept_or_removed_as_asked(
    recommender: Recommender, log: Interactions
) -> None:
    had = set(history_of(log, 17))
    kept = recommender.recommend(17, k=ITEMS, seen="keep")
    removed = recommender.recommend(17, k=ITEMS, seen="remove")
    assert had <= set(kept.ids)
    assert set(removed.ids) == set(range(1, ITEMS + 1)) - had
    assert not any(each.seen for each in removed)
    assert removed.ids == [each.item for each in kept if not each.seen]
    assert recommender.recipe.evaluation.seen == "keep"
    assert recommender.recommend(17, k=ITEMS) == kept
    with pytest.raises(ConfigurationError, match="seen='hide' is not known; choose 'keep' or"):
        recommender.recommend(17, seen="hide")


def test_a_list_is_never_longer_than_the_catalogue(recommender: Recommender) -> None:
    assert len(recommender.recommend(17, k=10 * ITEMS)) == ITEMS
    assert len(recommender.recommend("nobody", k=10 * ITEMS)) == ITEMS
    everything = list(range(1, ITEMS + 1))
    nothing = recommender.recommend(history=everything, k=5, seen="remove")
    assert len(nothing) == 0
    assert nothing.to_frame().columns == ["rank", "item", "score", "title", "seen"]
    with pytest.raises(ConfigurationError, match="the history holds every item"):
        recommender.explain(history=everything, seen="remove")


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"user": 17, "k": 0}, "k=0 must be 1 or more"),
        ({"user": 17, "history": [3]}, "Give a user or a history"),
        ({}, "Give a user or a history"),
        ({"history": "85123A"}, r"history='85123A' is one text; give a list of item ids"),
    ],
)
def test_questions_that_make_no_sense_are_refused(
    recommender: Recommender, asked: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        recommender.recommend(**asked)


def test_lists_for_all_are_the_lists_for_each(recommender: Recommender) -> None:
    users = recommender.learned.histories.users
    assert len(users) == USERS
    for seen in ("keep", "remove"):
        lists = recommender.recommend_all(k=5, seen=seen)
        assert lists["user"].unique(maintain_order=True).to_list() == users.to_list()
        for (user,), rows in lists.group_by("user", maintain_order=True):
            each = recommender.recommend(user, k=5, seen=seen)
            assert rows["item"].to_list() == each.ids, user
            assert rows["rank"].to_list() == list(range(1, len(each) + 1))
            assert rows["score"].to_list() == pytest.approx([one.score for one in each], abs=1e-6)


def test_lists_for_some_come_in_the_order_asked(recommender: Recommender) -> None:
    lists = recommender.recommend_all([NEWCOMER, 3, NEWCOMER], k=2)
    assert lists["user"].to_list() == [NEWCOMER, NEWCOMER, 3, 3, NEWCOMER, NEWCOMER]
    nobody = recommender.recommend_all([], k=2)
    assert (nobody.height, nobody.columns) == (0, ["user", "rank", "item", "score"])
    with pytest.raises(UnknownUserError, match="User 'nobody' is not among the 63 users"):
        recommender.recommend_all([3, "nobody"])
    with pytest.raises(ConfigurationError, match="k=0 must be 1 or more"):
        recommender.recommend_all([3], k=0)


def test_explanations_are_about_the_first_recommendation_or_the_one_named(
    recommender: Recommender,
) -> None:
    first = recommender.explain(17)
    assert (first.item, first.place) == (recommender.recommend(17).ids[0], 1)
    assert first.title == (None if first.item == 7 else f"Title {first.item}")
    named = recommender.explain(17, 3)
    assert (named.item, named.title) == (3, "Title 3")
    assert named.place == recommender.recommend(17, k=ITEMS).ids.index(3) + 1
    about = recommender.explain(history=[3, 9, 4], seen="remove")
    assert about.item == recommender.recommend(history=[3, 9, 4], seen="remove", k=1).ids[0]
    assert [event.item for event in about.events] == [3, 9, 4]
    with pytest.raises(UnknownItemError, match="Item 999 is not among the 20 items"):
        recommender.explain(17, 999)
    with pytest.raises(ConfigurationError, match=r"Item 9 stands in the history.*seen='keep'"):
        recommender.explain(history=[3, 9, 4], item=9, seen="remove")


def test_only_a_network_that_remembers_speaks_of_its_memory(
    fitted: dict[str, Recommender],
) -> None:
    assert fitted["remembering"].title == "sasrec + memory"
    notes = fitted["remembering"].explain(17).notes
    times = int(re.search(r"followed by something ([\d,]+) times", notes[-1])[1].replace(",", ""))
    share = fitted["remembering"].learned.memory.gate.shares(np.array([times]))[0]
    assert f"the memory of transitions has a share of {100 * share:.0f} % in the" in notes[-1]
    for name in ("markov", "alone"):
        assert not any("memory" in note for note in fitted[name].explain(17).notes)


def test_an_item_that_was_had_already_says_how_it_was_weighed(
    fitted: dict[str, Recommender],
) -> None:
    remembering = fitted["remembering"]
    memory = remembering.learned.memory
    assert memory is not None
    assert memory.returns is not None
    assert memory.returns[0] < 1
    told = remembering.explain(history=[3, 9, 4], item=4, seen="keep").notes[-1]
    assert f"weighed by {memory.returns[0]:.2g}: people" in told
    assert told.endswith("as long ago more seldom than the network expects.")
    for name, item in (("remembering", 5), ("alone", 4)):
        notes = fitted[name].explain(history=[3, 9, 4], item=item, seen="keep").notes
        assert not any("weighed by" in note for note in notes)


def test_nothing_is_answered_before_fit() -> None:
    recommender = Recommender("markov")
    for ask in (
        lambda: recommender.recommend(1),
        lambda: recommender.recommend(history=[1]),
        recommender.recommend_all,
        recommender.evaluate,
        recommender.protocol,
        lambda: recommender.explain(1),
        lambda: recommender.save("never"),
        lambda: recommender.add_to_card(a=1),
        lambda: recommender.title,
    ):
        with pytest.raises(NotFittedError, match=r"This markov has learned nothing yet; call fit"):
            ask()


def test_an_answer_is_text_a_table_and_json() -> None:
    items = tuple(
        Recommendation(
            rank, f"T{rank}", 1.0 / rank, f"Tea {rank}" if rank > 150 else None, rank < 3
        )
        for rank in range(1, 201)
    )
    answer = Recommendations("anna", items, "markov", ("Mind the gap.",))
    lines = str(answer).splitlines()
    assert lines[0] == "For anna, by markov:"
    assert lines[1] == "  1. T1  (1.000, had before)"
    assert lines[200] == "200. T200  Tea 200  (0.005)"
    assert lines[-1] == "  Mind the gap."
    table = answer.to_frame()
    assert table.schema == {
        "rank": pl.Int64, "item": pl.String, "score": pl.Float64, "title": pl.String,
        "seen": pl.Boolean,
    }  # fmt: skip
    assert table["title"].null_count() == 150
    plain = json.loads(json.dumps(answer.to_dict()))
    assert (plain["user"], plain["items"][150]["title"]) == ("anna", "Tea 151")
    assert str(Recommendations(None, (), "markov")) == "For this history, by markov:"


def test_a_class_of_ones_own_is_as_good_as_a_name(log: Interactions) -> None:
    class Oldest(Popularity):
        """Recommends by the code alone."""

        name = "oldest"

    try:
        own = Recommender(Oldest).fit(log)
        assert own.name == "oldest"
        assert own.recommend(history=[3], k=3).answered_by == "oldest"
        with pytest.raises(ConfigurationError, match="called 'oldest' already"):
            Recommender(type("Other", (Popularity,), {"name": "oldest"}))
    finally:
        CLASSICAL.pop("oldest", None)
    with pytest.raises(ConfigurationError, match="dict is no model; derive it from"):
        Recommender(dict)


def test_a_network_of_ones_own_learns_and_answers(log: Interactions) -> None:
    class Small(AttentionPooling):
        """Attention pooling under another name."""

        name = "small"

    try:
        own = Recommender(Small, width=8, training={"epochs": 1}).fit(log)
        assert len(own.recommend(history=[3], k=2)) == 2
    finally:
        MODELS.pop("small", None)


def test_lists_for_all_without_the_fallback_leave_out_those_whom_it_would_answer(
    recommender: Recommender,
) -> None:
    everybody = recommender.recommend_all(k=3)
    known = recommender.recommend_all(k=3, fallback=False)
    gone = set(everybody["user"].to_list()) - set(known["user"].to_list())
    assert gone == {NEWCOMER}
    with pytest.raises(UnknownUserError):
        recommender.recommend(NEWCOMER, fallback=False)
    assert known.equals(everybody.filter(~pl.col("user").is_in(gone)))


def test_a_list_is_no_longer_than_the_catalogue(recommender: Recommender) -> None:
    assert recommender.recommend(17, k=10**15, seen="keep").ids == (
        recommender.recommend(17, k=ITEMS, seen="keep").ids
    )
    endless = replace(recommender.protocol(), ks=(10**15,))
    assert recommender.evaluate(protocol=endless).metrics[f"hit_rate@{10**15}"].mean <= 1


def test_a_memory_without_a_share_does_not_claim_one(fitted: dict[str, Recommender]) -> None:
    learned = fitted["remembering"].learned
    scorer = learned.scorer
    without = RememberingScorer(scorer.network, scorer.chain, Gate(0.0, 0.0), scorer.returns)
    silent = Recommender.from_recipe(fitted["remembering"].recipe)
    silent._learned = replace(learned, scorer=without)
    told = " ".join(silent.explain(17).notes)
    assert "the memory of transitions has no share in the answer" in told


def test_days_of_reasons_say_that_they_are_utc_where_the_log_had_another_zone(
    fitted: dict[str, Recommender],
) -> None:
    plain = fitted["markov"]
    assert not any("UTC" in note for note in plain.explain(17).notes)
    source = replace(plain.recipe.source, timezone="Asia/Tokyo")
    abroad = Recommender.from_recipe(replace(plain.recipe, source=source))
    abroad._learned = plain.learned
    assert abroad.explain(17).notes[-1] == "Days are those of UTC, not of Asia/Tokyo."


def test_an_id_that_pandas_made_a_float_is_the_same_user(
    fitted: dict[str, Recommender],
) -> None:
    for same in (17.0, np.float64(17), "17.0", "17"):
        answer = fitted["markov"].recommend(same)
        assert answer.ids == fitted["markov"].recommend(17).ids
        assert answer.answered_by == "markov"
    assert fitted["markov"].recommend(17.5).answered_by == POPULAR
    typed = fitted["markov"].recommend(history=[3.0, 9.0])
    assert typed.items == fitted["markov"].recommend(history=[3, 9]).items
