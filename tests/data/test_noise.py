"""Noise: as much as was asked for, exactly where the truth says, and nothing else touched."""

import math

import numpy as np
import polars as pl
import pytest
from dirty_logs import dirty_log
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.data.clean import clean
from regard.data.interactions import Interactions
from regard.data.noise import inject
from regard.data.rules import ConsecutiveRepeats, ExactDuplicates, NearDuplicates
from regard.data.synthetic import markov_world
from regard.data.truth import ADDED, Kind, Truth
from regard.errors import ColumnError, ConfigurationError, TooLittleDataError

EVERYTHING = {
    "insertions": 0.1, "swaps": 0.1, "duplicates": 0.05, "near_duplicates": 0.05, "missing": 0.1,
}  # fmt: skip
OF_SHARE = {
    "insertions": Kind.INSERTION, "swaps": Kind.SWAPPED, "duplicates": Kind.DUPLICATE,
    "near_duplicates": Kind.NEAR_DUPLICATE, "missing": Kind.MISSING,
}  # fmt: skip


def rated(users: int = 40, length: int = 20, seed: int = 0) -> pl.DataFrame:
    """A log with a rating and a session, its rows in no order of users."""
    table = markov_world(users, 15, length, seed=seed).log.collect().drop("row")
    chance = np.random.default_rng(seed)
    ratings = pl.Series("value", chance.integers(1, 6, len(table)).astype(float))
    sessions = pl.Series("session", np.arange(len(table)) // 3).cast(pl.String)
    table = table.with_columns(ratings, sessions)
    return table[chance.permutation(len(table))]


def ordered(table: pl.DataFrame) -> pl.DataFrame:
    """The same without a clock."""
    place = pl.col("time").rank("ordinal").over("user").cast(pl.Int64) - 1
    return table.with_columns(position=place).drop("time")


def with_truth(noisy: Interactions, truth: Truth) -> pl.DataFrame:
    return noisy.collect().join(truth.rows, on="row", validate="1:1")


def logs() -> st.SearchStrategy[Interactions]:
    """Small logs of a few users, with ties, with and without a clock."""
    row = st.tuples(st.integers(1, 3), st.sampled_from("abc"), st.integers(0, 4), st.integers(1, 5))
    tables = st.lists(row, min_size=1, max_size=30).map(
        lambda rows: pl.DataFrame(rows, ["user", "item", "at", "value"], orient="row")
    )
    return st.tuples(tables, st.sampled_from(["time", "position"])).map(
        lambda drawn: Interactions.of(drawn[0].rename({"at": drawn[1]}))
    )


shares = st.fixed_dictionaries({name: st.floats(0, 0.4) for name in OF_SHARE})


@given(logs(), shares, st.integers(0, 3), st.booleans())
@settings(max_examples=150, deadline=None)
def test_what_holds_of_any_noise(log, asked, seed, popular) -> None:
    try:
        noisy, truth = inject(log, **asked, seed=seed, popular=popular)
    except ConfigurationError:  # no room for so much; the messages have a test of their own
        return
    before, after = log.collect(), with_truth(noisy, truth)
    events = len(before)
    for name, kind in OF_SHARE.items():
        each = 2 if kind is Kind.SWAPPED else 1
        assert truth.counts()[kind] == each * round(asked[name] * events / each)
    assert after["row"].to_list() == list(range(len(after)))
    # Every original row is there once, in its old order but for swaps.
    own = after.filter(~pl.col("kind").is_in([kind.value for kind in ADDED]))
    assert own["origin"].sort().to_list() == before["row"].to_list()
    still = own.filter(pl.col("kind") == "original")["origin"]
    assert still.is_sorted()
    whole = own.filter(pl.col("kind") != "missing").join(
        before, left_on="origin", right_on="row", suffix="_was"
    )
    for column in ("user", "item", "value"):
        assert (whole[column] == whole[f"{column}_was"]).all()
    lost = own.filter(pl.col("kind") == "missing")
    assert lost["value"].is_null().all()
    assert own["value"].null_count() == len(lost)
    again, same = inject(log, **asked, seed=seed, popular=popular)
    assert again.collect().equals(noisy.collect())
    assert same.rows.equals(truth.rows)


@given(logs(), shares)
@settings(max_examples=60, deadline=None)
def test_histories_without_what_was_added_are_those_of_before_but_for_swaps(log, asked) -> None:
    try:
        noisy, truth = inject(log, **{**asked, "swaps": 0.0, "missing": 0.0})
    except ConfigurationError:
        return
    order = pl.DataFrame({"row": noisy.sorted()["row"]}).join(
        truth.rows, on="row", maintain_order="left"
    )
    own = order.filter(pl.col("kind") == "original")
    assert own["origin"].to_list() == log.sorted()["row"].to_list()


@pytest.mark.parametrize("clock", [True, False])
def test_each_kind_is_what_it_says(clock) -> None:
    table = rated() if clock else ordered(rated())
    log = Interactions.of(table)
    noisy, truth = inject(log, **EVERYTHING, seed=5)
    after, place = with_truth(noisy, truth), log.ordering
    by_kind = {kind: after.filter(pl.col("kind") == kind.value) for kind in Kind}
    events = len(table)
    assert len(after) == events + round(0.2 * events)
    # Not moved: what was neither swapped nor added has kept everything but perhaps a number.
    columns = ["user", "item", "session"] + ([place] if clock else [])
    still = pl.concat([by_kind[Kind.ORIGINAL], by_kind[Kind.MISSING]]).sort("origin")
    assert still.select(columns).equals(log.collect()[still["origin"]].select(columns))
    # Exact copies lie just below a row that equals them in all columns.
    alike = after.columns[: after.columns.index("row")]
    copies = by_kind[Kind.DUPLICATE]
    assert copies.select(alike).equals(after[copies["row"] - 1].select(alike))
    # Near ones differ from it in time alone, which is seconds later.
    near, above = by_kind[Kind.NEAR_DUPLICATE], after
    first = above.filter(~pl.col("kind").is_in([kind.value for kind in ADDED]))
    pairs = near.join(first, on="origin", suffix="_first")
    late = pairs[place] - pairs[f"{place}_first"]
    assert len(pairs) == len(near)
    assert (late > 0).all()
    assert (late < 10).all() if clock else (late == 1).mean() > 0.8
    assert (pairs["item"] == pairs["item_first"]).all()


def test_swapped_rows_stand_where_their_neighbour_stood() -> None:
    log = Interactions.of(rated())
    noisy, truth = inject(log, swaps=0.3)
    before, after = log.sorted(), noisy.sorted()
    assert before["user", "time"].equals(after["user", "time"])
    assert truth.counts()[Kind.SWAPPED] == round(0.3 * len(before) / 2) * 2
    origin = pl.DataFrame({"row": after["row"]}).join(truth.rows, on="row", maintain_order="left")
    place = {row: index for index, row in enumerate(before["row"])}
    steps = np.array([place[row] for row in origin["origin"]]) - np.arange(len(before))
    swapped = (origin["kind"] == "swapped").to_numpy()
    assert (np.abs(steps[swapped]) == 1).all()
    assert (steps[~swapped] == 0).all()


def test_equal_times_are_swapped_too() -> None:
    log = Interactions.of(pl.DataFrame({"user": [1] * 2, "item": ["a", "b"], "time": [5.0, 5.0]}))
    noisy, _ = inject(log, swaps=1.0)
    assert noisy.sorted()["item"].to_list() == ["b", "a"]


def test_insertions_lie_between_neighbours_and_keep_session_and_quantity() -> None:
    table = rated().with_columns(quantity=pl.col("session").cast(pl.Int64) % 9)
    noisy, truth = inject(Interactions.of(table), insertions=0.4, seed=2)
    after = with_truth(noisy, truth).sort("user", "time", "row")
    assert after["origin"].null_count() == truth.counts()[Kind.INSERTION] == round(0.4 * 800)
    kinds = after.group_by("user").agg(first=pl.col("kind").first(), last=pl.col("kind").last())
    assert (kinds["first"] == "original").all()
    assert (kinds["last"] == "original").all()
    above = (pl.col("session", "quantity") == pl.col("session", "quantity").shift(1)).over("user")
    inserted = after.with_columns(above).filter(pl.col("kind") == "insertion")
    assert inserted["session"].all()
    assert inserted["quantity"].all()


def test_popular_items_are_inserted_more_often_unless_told_otherwise() -> None:
    items = ["hit"] * 900 + [f"rare{n}" for n in range(100)]
    log = Interactions.of(pl.DataFrame({"user": 1, "item": items, "time": np.arange(1000.0)}))
    share = {}
    for popular in (True, False):
        noisy, truth = inject(log, insertions=0.5, popular=popular)
        added = with_truth(noisy, truth).filter(pl.col("kind") == "insertion")["item"]
        share[popular] = (added == "hit").mean()
    assert share[True] == pytest.approx(0.9, abs=0.05)
    assert share[False] < 0.05


@pytest.mark.parametrize("clock", [True, False])
def test_protected_events_stay_and_nothing_is_put_beside_them(clock) -> None:
    table = rated(users=10) if clock else ordered(rated(users=10))
    log = Interactions.of(table)
    held = log.sorted().group_by("user", maintain_order=True).tail(2)["row"]
    noisy, truth = inject(log, **EVERYTHING, only=~pl.col("row").is_in(held.implode()))
    after = with_truth(noisy, truth).sort("user", log.ordering, "row")
    own = after.filter(pl.col("origin").is_in(held.implode()))
    assert len(own) == len(held)
    assert (own["kind"] == "original").all()
    last = after.group_by("user", maintain_order=True).tail(2)
    assert last["origin"].to_list() == held.to_list()
    assert truth.counts()[Kind.INSERTION] == round(0.1 * (len(table) - len(held)))


def test_rows_without_user_item_or_time_are_left_alone() -> None:
    raw = dirty_log(400, seed=1).drop("quantity", "price")
    log = Interactions.of(raw)
    noisy, truth = inject(log, insertions=0.2, swaps=0.2, duplicates=0.2, near_duplicates=0.1)
    said = (
        pl.col("user").is_not_null() & pl.col("item").is_not_null() & pl.col("time").is_finite()
    ).fill_null(value=False)
    before = log.collect()
    mute = before.filter(~said)
    assert 0 < len(mute) < len(raw)
    rows = truth.rows.filter(pl.col("origin").is_in(mute["row"].implode()))
    assert (rows["kind"] == "original").all()
    after = noisy.collect().filter(pl.col("row").is_in(rows["row"].implode()))
    assert after.drop("row").equals(mute.drop("row"))
    assert truth.counts()[Kind.DUPLICATE] == round(0.2 * (len(raw) - len(mute)))


def test_no_noise_is_the_same_log() -> None:
    log = Interactions.of(rated())
    noisy, truth = inject(log)
    assert noisy.collect().equals(log.collect())
    assert truth.counts()[Kind.ORIGINAL] == 800


def test_the_seed_decides_and_one_kind_does_not_disturb_another() -> None:
    log = Interactions.of(rated())

    def swapped(**asked: float) -> list[int]:
        truth = inject(log, swaps=0.2, **asked)[1]
        return truth.rows.filter(pl.col("kind") == "swapped")["origin"].to_list()

    assert swapped() == swapped(insertions=0.5, missing=0.1)
    assert swapped() != swapped(seed=1)


def test_rules_are_judged_by_the_truth() -> None:
    log = Interactions.of(rated(users=60))
    noisy, truth = inject(log, insertions=0.1, duplicates=0.1, near_duplicates=0.1, seed=4)
    # `rated` may hold the same item twice in a row; hours apart, so only one rule minds.
    _, report = clean(noisy, [ExactDuplicates(), NearDuplicates(), ConsecutiveRepeats()])
    exact, near, repeats, together = truth.judge(report)
    assert exact.to_dict() == {
        "rule": "exact-duplicates", "removed": 120, "precision": 1.0, "recall": 1 / 3,
        "of_kind": {kind.value: 120 * (kind is Kind.DUPLICATE) for kind in Kind},
    }  # fmt: skip
    assert near.of_kind[Kind.NEAR_DUPLICATE] == 120
    # An insertion may stand seconds before the same item.
    assert near.precision == pytest.approx(1.0, abs=0.02)
    assert repeats.precision is not None
    assert repeats.precision < 0.5
    assert repeats.of_kind[Kind.ORIGINAL] > 0
    assert together.rule == "all"
    assert (
        together.removed
        == report.rows_removed
        == sum(each.removed for each in (exact, near, repeats))
    )
    caught = sum(together.of_kind[kind] for kind in ADDED)
    assert together.recall == caught / 360
    assert together.precision == caught / together.removed


def test_nothing_removed_and_nothing_added_have_no_shares() -> None:
    noisy, truth = inject(Interactions.of(rated(users=3)))
    _, report = clean(noisy, [ExactDuplicates()])
    assert {(each.precision, each.recall) for each in truth.judge(report)} == {(None, None)}


def test_rules_are_found_whatever_the_log_calls_its_columns() -> None:
    log = Interactions.of(rated().with_columns(rule=pl.lit("mine"), reason=pl.lit("none")))
    noisy, truth = inject(log, duplicates=0.1)
    _, report = clean(noisy, [ExactDuplicates()])
    assert truth.judge(report)[0].removed == 80


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"swaps": -0.1}, ConfigurationError, "swaps=-0.1 must be a share of 0 or more"),
        ({"insertions": math.nan}, ConfigurationError, "insertions=nan must be"),
        ({"seconds": 0.0}, ConfigurationError, "seconds=0.0 must be a positive number"),
        ({"duplicates": 1.5}, ConfigurationError, "asks for 1,200 of 800 events, .* room for 800"),
        ({"swaps": 0.9}, ConfigurationError, "swaps=0.9 asks for 720 of 800 events"),
        ({"only": pl.lit(value=False)}, TooLittleDataError, "no event with user, item and time"),
    ],
)
def test_what_makes_no_noise(asked, error, message) -> None:
    with pytest.raises(error, match=message):
        inject(Interactions.of(rated()), **asked)


def test_numbers_cannot_get_lost_where_there_are_none() -> None:
    with pytest.raises(ColumnError, match=r"missing=0.1 takes numbers away, .* quantity or price"):
        inject(markov_world(5, 5, 5).log, missing=0.1)


def test_insertions_need_neighbours() -> None:
    log = Interactions.of(pl.DataFrame({"user": [1, 2], "item": ["a", "b"], "time": [1.0, 2.0]}))
    with pytest.raises(ConfigurationError, match="two events of one user side by side"):
        inject(log, insertions=0.5)


def test_a_name_that_noise_needs() -> None:
    with pytest.raises(ColumnError, match="column '_kind', a name that noise needs"):
        inject(Interactions.of(rated().with_columns(_kind=pl.lit(1))), swaps=0.1)
