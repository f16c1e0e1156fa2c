"""Descriptions: numbers that can be checked by hand, and doubts in their order."""

import itertools
import json
import time

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.data.datasets import online_retail
from regard.data.describe import describe
from regard.data.doubts import share_in_words
from regard.data.ingest import read
from regard.data.interactions import Interactions
from regard.schema import Clock
from regard.settings import data_folder

DAY = 86_400.0
NOON = 1_700_000_000.0  # 2023-11-14T22:13:20Z


def log_of(**columns):
    return Interactions.of(pl.DataFrame(columns, strict=False))


def test_numbers_worked_by_hand():
    page = describe(
        log_of(
            user=["a", "a", "a", "b", "b", None],
            item=["x", "x", "y", "x", None, "z"],
            time=[NOON, NOON, NOON + 60, NOON + 60, None, NOON],
            quantity=[1, 1, 0, -2, 5, 5],
            price=[1.0, 1.0, 0.0, 2.0, 2.0, 2.0],
        )
    )
    assert (page.rows, page.users, page.items) == (6, 2, 3)
    assert page.span == ("2023-11-14T22:13:20+00:00", "2023-11-14T22:14:20+00:00")
    assert page.missing == {"user": 1, "item": 1, "time": 1, "quantity": 0, "price": 0}
    assert page.duplicates == 1
    assert page.repeats == pytest.approx(1 / 4)  # of four whole rows, one is a's second x
    assert page.ties == pytest.approx(1 / 2)  # a has two neighbouring pairs, b's x stands alone
    assert page.tick == 1
    assert (page.lengths.min, page.lengths.median, page.lengths.max) == (2, 2.5, 3)
    assert page.lengths.mean == 2.5
    assert page.non_positive == {"quantity": 2, "price": 1}
    assert page.density == pytest.approx(3 / 6)
    assert (page.odd_times.future, page.odd_times.ancient) == (0, 0)


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(0, 6)), min_size=1, max_size=40
    )
)
@settings(max_examples=60, deadline=None)
def test_ties_and_repeats_agree_with_counting_one_by_one(rows):
    users, items, times = map(list, zip(*rows, strict=True))
    log = log_of(user=users, item=items, time=[NOON + each for each in times])
    ties = neighbours = 0
    for one, other in itertools.pairwise(log.sorted().rows(named=True)):
        if one["user"] == other["user"]:
            neighbours += 1
            ties += one["time"] == other["time"]
    page = describe(log)
    assert page.ties == pytest.approx(ties / neighbours if neighbours else 0.0)
    pairs = set(zip(users, items, strict=True))
    assert page.repeats == pytest.approx(1 - len(pairs) / len(rows))
    assert page.duplicates == len(rows) - len(set(rows))
    counts = np.unique(users, return_counts=True)[1]
    assert page.lengths.p90 == pytest.approx(np.quantile(counts, 0.9))
    digits = [len(f"{count:b}") for count in counts]
    assert page.lengths.doublings == tuple(digits.count(d + 1) for d in range(max(digits)))


@pytest.mark.parametrize(("tick", "word"), [(DAY, "day"), (3600.0, "hour"), (60.0, "minute")])
def test_the_tick_of_the_clock_names_the_ties(tick, word):
    times = [DAY * 18_000 + tick, DAY * 18_000 + tick]
    page = describe(log_of(user=[1, 1], item=[1, 2], time=times))
    assert page.tick == tick
    assert any(f"share the same {word}: their order is the file's" in each for each in page.doubts)


def test_fractions_of_a_second():
    assert describe(log_of(user=[1], item=[1], time=[NOON + 0.5])).tick is None


def test_a_log_with_an_order_only():
    log = Interactions.of(pl.DataFrame({"user": [1, 1], "item": [1, 2], "position": [0, 1]}))
    page = describe(log)
    assert log.clock is Clock.ORDER
    assert page.span is page.tick is page.odd_times is None
    assert page.to_dict()["span"] == "order only"
    assert "order only" in str(page)


def test_a_log_without_any_whole_row():
    schema = {"user": pl.Int64, "item": pl.String, "time": pl.Float64}
    rows = [(None, "a", None), (None, None, None)]
    page = describe(Interactions.of(pl.DataFrame(rows, schema, orient="row")))
    assert (page.users, page.density, page.ties, page.repeats) == (0, 0.0, 0.0, 0.0)
    assert page.lengths is None
    assert page.span is None
    assert page.doubts[0] == "100.0 % of the rows have no user."
    assert "no user" in str(page)


def test_a_log_without_rows():
    empty = pl.DataFrame(schema={"user": pl.Int64, "item": pl.Int64, "time": pl.Float64})
    assert describe(Interactions.of(empty)).doubts == ("There are no rows.",)


def doubts(**columns):
    return " ".join(describe(log_of(**columns)).doubts)


def test_ids_that_are_probably_one_thing():
    found = doubts(
        user=["ann", "ann ", "bob"] * 2,
        item=["85123A", "85123a", "71053", "85123A", "x", "nan"],
        time=[NOON + 7 * each for each in range(6)],
    )
    assert "1 item ids differ only in letter case, such as 85123A / 85123a." in found
    assert "1 user ids differ only in blanks around them, such as ann / ann" in found
    assert "1 row has the item 'nan', which may stand for a missing value." in found


def test_titles_that_do_not_tell_items_apart():
    found = doubts(
        user=[1, 1, 2, 2],
        item=["a", "b", "c", "c"],
        time=[NOON + each for each in range(4)],
        title=["Tea", "Tea", "Salt", "Pepper"],
    )
    assert "1 titles belong to several items, such as 'Tea': a / b." in found
    assert "1 items carry several titles, such as 'c': Pepper / Salt." in found


def test_times_that_can_hardly_be_true():
    future = time.time() + 9 * DAY
    page = describe(log_of(user=[1, 1, 1], item=[1, 2, 3], time=[5.0, NOON, future]))
    assert (page.odd_times.ancient, page.odd_times.future) == (1, 1)
    assert "1 row has a time in the future." in page.doubts
    assert "1 row has a time before 1990." in page.doubts
    placeholder = [10 * 365 * DAY + each for each in range(2 * int(DAY) + 0, 2 * int(DAY) + 20)]
    users = list(range(40))
    dated = describe(log_of(user=users, item=users, time=placeholder + [NOON] * 20))
    assert dated.odd_times.placeholder == "1980-01-01"
    assert dated.odd_times.placeholder_rows == 20
    assert any("20 rows are dated 1980-01-01" in each for each in dated.doubts)


def test_times_beyond_the_calendar():
    page = describe(log_of(user=[1], item=[1], time=[1e15]))
    assert page.span[1] == "1000000000000000 seconds since 1970"


def test_one_that_outweighs_the_others():
    users = [0] * 12 + list(range(1, 13))
    found = doubts(user=users, item=list(range(24)), time=[NOON + each for each in range(24)])
    assert "One user, 0, has half (50.0 %) of the rows." in found


def test_what_says_nothing():
    found = doubts(user=[1, 1], item=[5, 5], time=[NOON, NOON + 1], value=[1.0, 1.0])
    for sentence in ("There is only one user.", "There is only one item.", "Every value is 1.0"):
        assert sentence in found


def test_shares_in_words():
    assert share_in_words(0.249) == "a quarter (24.9 %)"
    assert share_in_words(0.66) == "two thirds (66.0 %)"
    assert share_in_words(0.2) == "20.0 %"


def test_the_raw_shop_of_the_demo():
    page = describe(read(online_retail(), timezone="Europe/London"))
    assert (page.rows, page.users, page.items) == (541_909, 4_372, 4_070)
    assert page.missing["user"] == 135_080
    assert page.missing["title"] == 1_454
    assert page.non_positive == {"quantity": 10_624, "price": 2_517}
    assert page.duplicates == 5_268
    assert page.span[0].startswith("2010-12-01T08:26")
    assert page.doubts[0] == "A quarter (24.9 %) of the rows have no user."
    assert any("647 items carry several titles" in each for each in page.doubts)
    assert page.reasons["user"].startswith("(sure 0.95)")
    assert json.loads(json.dumps(page.to_dict()))["missing"]["user"] == 135_080
    text = str(page)
    for part in ("541,909 rows", "CustomerID", "135,080 missing", "Doubts", "Europe/London"):
        assert part in text


def test_a_clean_log_raises_few_doubts():
    folder = data_folder()
    if folder is None:
        pytest.skip("REGARD_DATA is not set, so the benchmark data cannot be found")
    page = describe(read(folder / "ml-1m-timed.parquet"))
    assert page.ties == pytest.approx(259_297 / 484_651)
    assert page.doubts == (
        "53.5 % of the consecutive events share the same second: their order is the file's.",
    )
    played = describe(read(folder / "ifdb-played.parquet"))
    assert played.odd_times.placeholder == "1980-01-01"
    assert played.odd_times.placeholder_rows == 1_648
