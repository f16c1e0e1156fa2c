"""The numbers of a data report: worked by hand, and against loops that count one row at a time."""

import dataclasses
import datetime
import itertools
import json
import math
import statistics
from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import regard
from regard.data.clean import clean
from regard.data.doubts import Doubt
from regard.data.interactions import Interactions
from regard.data.overview.activity import activity_of
from regard.data.overview.days import dated
from regard.data.overview.histories import histories_of
from regard.data.overview.look import Missing
from regard.data.overview.popularity import popularity_of
from regard.data.overview.report import PARTS, DataReport, report
from regard.data.overview.sampling import MOST_POINTS, few_places
from regard.data.overview.series import DETECTOR, FILLER, some_series
from regard.data.rules import ExcludedItems
from regard.settings import data_folder

DAY = 86_400.0
MONDAY = 1_704_067_200.0
"""2024-01-01, a Monday."""


def log_of(**columns: object) -> Interactions:
    return Interactions.of(pl.DataFrame(columns), source="shop.csv")


@pytest.fixture
def shop() -> Interactions:
    """Ten rows, of which cleaning takes three."""
    return log_of(
        user=[1, 1, 1, 2, 2, 3, None, 1, 3, 3],
        item=["tea", "cup", "tea", "tea", "milk", "tea", "tea", "tea", "cup", None],
        time=[MONDAY + shift * DAY for shift in (0, 0, 1, 8, 8.5, 2, 3, 0, 2, 4)],
        price=[3.0, 4.0, 3.0, 3.0, 1.0, 3.0, 3.0, 3.0, -4.0, 1.0],
        note=[None, "x", " ", "x", "", "x", "x", None, "x", "x"],
    )


def test_a_small_log_worked_by_hand(shop: Interactions) -> None:
    found = report(shop, clean(shop))
    # Gone: no user (row 6), no item (9), a copy of row 0 (7), a negative price (8).
    assert found.cleaning is not None
    assert found.cleaning.rows_kept == 6
    numbers = {name: (before, after) for name, before, after in found.comparison()}
    assert numbers["rows"] == ("10", "6")
    assert numbers["users"] == ("3", "3")
    assert numbers["items"] == ("3", "3")
    assert numbers["first day"] == ("2024-01-01", "2024-01-01")
    assert numbers["last day"] == ("2024-01-09", "2024-01-09")
    assert numbers["days with events"] == ("6 of 9", "4 of 9")
    assert numbers["events of a user, median"] == ("3", "2")
    assert numbers["exact copies of an earlier row"] == ("1", "0")
    # Before: tea 6, cup 2, milk 1. Sorted 1, 2, 6: (2 (1 + 4 + 18) / 9 - 4) / 3 = 10 / 27.
    assert numbers["Gini coefficient of the items"] == ("0.370", "0.333")
    assert found.before.missing == {
        "user": Missing(1, 0), "item": Missing(1, 0), "time": Missing(0, 0),
        "price": Missing(0, 0), "note": Missing(2, 2),
    }  # fmt: skip
    assert found.latest is found.after
    assert found.latest.popularity is not None
    assert found.latest.popularity.counts == (4, 1, 1)
    assert [each.item for each in found.latest.popularity.top] == ["tea", "cup", "milk"]
    assert found.latest.popularity.half == 1
    assert found.latest.popularity.once == 2
    activity = found.latest.activity
    assert activity is not None
    assert activity.columns == ("2024-01-01", "2024-01-08")
    assert activity.calendar == ((2, 0), (1, 2), (1, 0), (0, 0), (0, 0), (0, 0), (0, 0))
    assert activity.silence == ("2024-01-04", "2024-01-08", 5)
    assert activity.busiest == ("2024-01-01", 2)
    assert activity.hours is not None
    assert (activity.hours[1][0], activity.hours[1][12]) == (2, 1)


MOMENTS = st.lists(
    st.integers(10_000, 15_000 * 24).map(lambda hour: 7.5e8 + 3_600 * hour), min_size=1
)


@given(MOMENTS)
def test_calendar_and_hours_are_those_of_a_loop(times: list[float]) -> None:
    log = log_of(user=[1] * len(times), item=["a"] * len(times), time=times)
    rows = dated(log, log.collect())
    found = activity_of(rows, 0)
    moments = [datetime.datetime.fromtimestamp(time, datetime.UTC) for time in times]
    # Hypothesis may reach beyond today, which only counts where nothing else is there.
    now = datetime.datetime.now(datetime.UTC)
    moments = [moment for moment in moments if moment <= now] or moments
    assert found is not None
    assert found.events == len(moments)
    days = Counter(moment.date() for moment in moments)
    assert found.active_days == len(days)
    assert found.busiest[1] == max(days.values())
    by_weekday = Counter(moment.weekday() for moment in moments)
    assert [sum(row) for row in found.calendar] == [by_weekday[day] for day in range(7)]
    assert len(found.columns) <= 106
    starts = [datetime.date.fromisoformat(start) for start in found.columns]
    for number, start in enumerate(starts):
        stop = starts[number + 1] if number + 1 < len(starts) else datetime.date.max
        inside = [moment for moment in moments if start <= moment.date() < stop]
        assert sum(row[number] for row in found.calendar) == len(inside)
    if found.hours is None:
        assert all(time % DAY == 0 for time in times)
    else:
        hours = Counter((moment.weekday(), moment.hour) for moment in moments)
        assert [list(row) for row in found.hours] == [
            [hours[day, hour] for hour in range(24)] for day in range(7)
        ]
    ordered = sorted(days)
    silences = [(b - a).days - 1 for a, b in itertools.pairwise(ordered)]
    assert (found.silence[2] if found.silence else 0) == max(silences, default=0)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=200))
def test_popularity_is_that_of_loops(items: list[int]) -> None:
    found = popularity_of(pl.DataFrame({"item": items}))
    assert found is not None
    counts = sorted(Counter(items).values(), reverse=True)
    many, total = len(counts), len(items)
    assert list(found.counts) == counts
    differences = sum(abs(a - b) for a in counts for b in counts)
    assert found.gini == pytest.approx(differences / (2 * many * total), abs=1e-12)
    for share, events in found.head:
        assert events == pytest.approx(sum(counts[: math.ceil(share * many)]) / total)
    assert sum(counts[: found.half]) * 2 >= total > sum(counts[: found.half - 1]) * 2
    assert found.once == counts.count(1)
    for place, (items_share, events_share) in enumerate(found.lorenz):
        assert items_share == pytest.approx(place / many)
        assert events_share == pytest.approx(sum(counts[::-1][:place]) / total)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=100))
def test_the_history_curve_counts_users_with_at_least_so_many(users: list[int]) -> None:
    found = histories_of(pl.DataFrame({"user": users}))
    assert found is not None
    counts = Counter(users).values()
    assert found.lengths == tuple(sorted(set(counts)))
    assert list(found.users) == [sum(n >= length for n in counts) for length in found.lengths]


def test_long_curves_are_sampled_with_both_ends() -> None:
    along = np.unique(np.random.default_rng(1).integers(1, 10**6, 5_000))
    places = few_places(along)
    assert len(places) <= MOST_POINTS
    assert (places[0], places[-1]) == (0, len(along) - 1)
    assert (np.diff(places) > 0).all()


def test_what_the_report_holds_stays_small_however_long_the_log() -> None:
    random = np.random.default_rng(2)
    rows = 60_000
    log = log_of(
        user=random.integers(0, 9_000, rows), item=random.zipf(1.2, rows) % 20_000,
        time=1e9 + random.random(rows) * 7e8, value=random.random(rows),
    )  # fmt: skip
    plain = json.dumps(report(log, clean(log)).to_dict(), allow_nan=False)
    assert len(plain) < 120_000
    again = json.loads(plain)
    assert set(again) == {
        "source", "before", "after", "cleaning", "series", "series_note", "doubts"
    }  # fmt: skip
    assert again["before"]["description"]["rows"] == rows
    assert len(again["before"]["popularity"]["ranks"]) <= MOST_POINTS


def daily(values: list[float | None], item: str = "tea") -> pl.DataFrame:
    """Rows of one item, one a day; a day of None has no row."""
    there = [(day, value) for day, value in enumerate(values) if value is not None]
    return pl.DataFrame(
        {
            "item": item,
            "day": pl.Series([day for day, _ in there], dtype=pl.Int32).cast(pl.Date),
            "price": [value for _, value in there],
        }
    )


def hampel_by_loop(values: list[float | None], window: int, threshold: float) -> list[int]:
    """Places farther from the median of their neighbours than the robust sigma allows."""
    found = []
    for place, value in enumerate(values):
        near = values[max(0, place - window // 2) : place + window // 2 + 1]
        near = [each for each in near if each is not None]
        if value is None:
            continue
        center = statistics.median(near)
        deviations = [abs(each - center) for each in near]
        sigma = 1.482602218505602 * statistics.median(deviations)
        sigma = sigma or math.sqrt(math.pi / 2) * statistics.mean(deviations)
        if sigma and abs(value - center) > threshold * sigma:
            found.append(place)
    return found


def test_gaps_and_outliers_are_those_of_loops() -> None:
    random = np.random.default_rng(3)
    values: list[float | None] = (10 + random.integers(0, 4, 60)).astype(float).tolist()
    values[20], values[41] = 90.0, -50.0
    values[5] = values[6] = None
    values[30:40] = [None] * 10
    [_, tea] = some_series(daily(values), {})
    assert tea.values == tuple(values)
    assert list(tea.outliers) == hampel_by_loop(values, DETECTOR.window, DETECTOR.threshold)
    assert {20, 41} <= set(tea.outliers)
    # Forward, from the past only, and no older than seven days.
    expected: list[float | None] = [None] * 60
    expected[5] = expected[6] = values[4]
    expected[30:37] = [values[29]] * 7
    assert list(tea.fills) == expected
    assert (tea.missing, tea.filled, tea.step) == (12, 9, "day")
    assert tea.detector == {"name": "hampel", **dataclasses.asdict(DETECTOR)}
    assert tea.filler == {"name": "forward", **dataclasses.asdict(FILLER)}
    assert FILLER.causal


def test_a_day_without_a_sale_sold_nothing_and_has_no_gap() -> None:
    values: list[float | None] = [3.0, 4.0, None, 5.0, 4.0, None, 3.0, 6.0]
    [events, pieces] = some_series(daily(values).rename({"price": "quantity"}), {})
    assert (events.how, pieces.how) == ("count", "sum")
    assert events.values == (1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0)
    assert pieces.values == (3.0, 4.0, 0.0, 5.0, 4.0, 0.0, 3.0, 6.0)
    assert set(events.fills) == set(pieces.fills) == {None}


def test_days_are_added_up_as_pandas_does() -> None:
    random = np.random.default_rng(4)
    rows = pl.DataFrame(
        {
            "item": random.choice(["a", "b", "c", "d"], 4_000, p=[0.6, 0.3, 0.09, 0.01]),
            "day": pl.Series(random.integers(19_000, 19_200, 4_000), dtype=pl.Int32).cast(pl.Date),
            "quantity": random.integers(1, 9, 4_000),
            "price": random.random(4_000),
        }
    )
    events, *of_items = some_series(rows, {"price": "EUR"})
    assert [(each.role, each.item) for each in of_items] == [
        ("quantity", "a"), ("price", "a"), ("quantity", "b")
    ]  # fmt: skip
    assert of_items[1].name == "EUR of a, mean of each day"
    frame = rows.to_pandas().set_index("day")
    frame.index = pd.DatetimeIndex(frame.index)
    assert list(events.values) == frame["item"].resample("D").count().tolist()
    for each in of_items:
        own = frame.loc[frame["item"] == each.item, each.role].resample("D")
        expected = own.sum(min_count=1) if each.how == "sum" else own.mean()
        assert [math.nan if v is None else v for v in each.values] == pytest.approx(
            expected.tolist(), nan_ok=True
        )


@pytest.mark.parametrize(
    ("every", "count", "step"),
    [(1, 300, "day"), (3, 100, "week"), (20, 40, "month"), (1, 500, "week")],
)
def test_the_step_leaves_few_points_and_few_holes(every: int, count: int, step: str) -> None:
    days = pl.Series([every * n for n in range(count)], dtype=pl.Int32).cast(pl.Date)
    [events] = some_series(pl.DataFrame({"item": "tea", "day": days}), {})
    assert events.step == step
    assert len(events.values) <= 400
    assert 2 * events.missing <= len(events.values)


def test_an_item_that_is_hardly_ever_there_is_shown_by_months() -> None:
    days = pl.Series([0, 90, 180, 270, 360], dtype=pl.Int32).cast(pl.Date)
    [events] = some_series(pl.DataFrame({"item": "tea", "day": days}), {})
    assert (events.step, len(events.values), events.values.count(0.0)) == ("month", 12, 7)


def test_a_log_of_centuries_shows_its_latest_years() -> None:
    days = pl.Series([365 * n for n in range(-900, 50)], dtype=pl.Int32).cast(pl.Date)
    [events] = some_series(pl.DataFrame({"item": "tea", "day": days}), {})
    assert (events.step, len(events.values)) == ("year", 400)
    assert events.moments[-1] == "2018-01-01"


def test_a_log_without_a_clock_says_so() -> None:
    found = report(log_of(user=[1, 1, 2], item=["a", "b", "a"], position=[0, 1, 0]))
    assert found.series == ()
    assert found.series_note == (
        "The log carries only an order, so there are no days to draw a series along."
    )
    assert found.latest.activity is None
    assert {name: before for name, before, _ in found.comparison()}["first day"] == "order only"


def test_without_numbers_only_events_are_counted() -> None:
    times = [MONDAY + day * DAY for day in range(6)]
    found = report(log_of(user=[1] * 6, item=["a"] * 6, time=times, value=[1.0] * 6))
    assert [each.name for each in found.series] == ["events of the whole log, count of each day"]
    assert found.series_note.startswith("The log has no column of numbers that differ")
    assert "Notes\n  - The log has no column" in str(found)


def test_few_days_are_no_series() -> None:
    found = report(log_of(user=[1], item=["a"], time=[MONDAY], value=[1.0]))
    assert found.series == ()
    assert found.series_note.startswith("Fewer than five days")


def test_numbers_that_are_none_do_not_enter_a_series() -> None:
    rows = daily([1.0, 2.0, math.inf, 3.0, math.nan, 2.0, 1.0, 4.0])
    [_, tea] = some_series(rows, {})
    assert tea.values == (1.0, 2.0, None, 3.0, None, 2.0, 1.0, 4.0)


@pytest.mark.parametrize("with_clock", [True, False])
def test_nothing_left_after_cleaning(shop: Interactions, with_clock: bool) -> None:
    if not with_clock:
        table = shop.collect().drop("time", "row").with_columns(position=pl.int_range(10))
        shop = Interactions.of(table)
    kept, cleaning = clean(shop)
    empty = kept.with_frame(kept.frame.head(0))
    found = report(shop, (empty, dataclasses.replace(cleaning, rows_kept=0)))
    assert found.after is not None
    assert (found.after.activity, found.after.popularity, found.after.histories) == (None,) * 3
    assert found.series == ()
    assert ("rows", "10", "0") in found.comparison()
    assert found.doubts[0].kind == "no-rows"
    assert found.doubts[0].remains
    assert str(found)
    json.dumps(found.to_dict(), allow_nan=False)


def test_no_rows_at_all() -> None:
    kinds = {"user": pl.Int64, "item": pl.String, "time": pl.Float64}
    found = report(Interactions.of(pl.DataFrame(schema=kinds)))
    assert [each.text for each in found.doubts] == ["There are no rows."]
    assert found.before.missing["user"] == Missing(0, 0)


@pytest.mark.parametrize(
    ("times", "first", "left_out"),
    [
        ([MONDAY, 0.0, None, 4e10, math.nan], "2024-01-01", 4),
        ([0.0, 5.0], "1970-01-01", 0),
        ([1e300, math.inf], None, None),
    ],
)
def test_times_that_no_calendar_holds_are_left_out(
    times: list[float | None], first: str | None, left_out: int | None
) -> None:
    found = report(log_of(user=[1] * len(times), item=["a"] * len(times), time=times)).latest
    if first is None:
        assert found.activity is None
    else:
        assert found.activity is not None
        assert (found.activity.first, found.activity.left_out) == (first, left_out)


def test_doubts_say_whether_they_remain() -> None:
    # Without the gift, everybody has a single event, which is doubtful only after cleaning.
    log = log_of(
        user=[user for user in range(6) for _ in range(4)] + [None] * 2,
        item=["tea", "gift", "gift", "gift"] * 6 + ["tea"] * 2, position=list(range(26)),
    )  # fmt: skip
    found = report(log, clean(log, [regard.default_rules(log)[0], ExcludedItems(pattern="gift")]))
    standing = {each.kind: each.remains for each in found.doubts}
    assert standing == {"missing-user": False, "one-item": True, "short-histories": True}
    assert [each.weight for each in found.doubts] == sorted(
        (each.weight for each in found.doubts), reverse=True
    )
    [missing] = [each for each in found.doubts if each.kind == "missing-user"]
    assert missing.evidence == {"rows": 2, "share": 2 / 26}
    assert missing.severity == "notable"
    assert "notable, settled by cleaning: 7.7 % of the rows have no user." in str(found)
    assert all(each.remains is None for each in report(log).doubts)


def test_findings_of_others_are_listed_where_the_doubts_are(shop: Interactions) -> None:
    found = report(shop)
    leak = Doubt(5.0, "leak", "Prices know the future.", {"rows": 3})
    told = dataclasses.replace(found, doubts=(leak, *found.doubts))
    assert "serious: Prices know the future." in str(told)
    assert told.to_dict()["doubts"][0]["evidence"] == {"rows": 3}
    assert "Prices know the future." in told._repr_html_()


def test_a_notebook_shows_tables_and_runs_nothing() -> None:
    hostile = "<script>alert(1)</script>"
    log = Interactions.of(
        pl.DataFrame({"user": ["A", "a", None], "item": [hostile, f" {hostile}", "b"],
                      "position": [0, 1, 2]}),
        source=hostile,
    )  # fmt: skip
    shown = report(log, clean(log))._repr_html_()
    assert "<script" not in shown
    assert shown.count("&lt;script&gt;alert(1)") == 3, "the source, and a doubt that names two ids"
    for wanted in ("<td>rows</td><td>3</td><td>2</td>", "missing-user", "settled by cleaning"):
        assert wanted in shown
    assert report(log)._repr_html_().count("<table>") == 2


def test_progress_is_told(shop: Interactions) -> None:
    told: list[str] = []
    report(shop, clean(shop), progress=told.append)
    assert tuple(told) == PARTS


@pytest.fixture(scope="module")
def retail() -> DataReport:
    from regard.data.datasets import online_retail

    raw = regard.read(online_retail(), timezone="Europe/London")
    return regard.report(raw, regard.clean(raw))


def test_a_real_shop(retail: DataReport) -> None:
    numbers = {name: (before, after) for name, before, after in retail.comparison()}
    assert numbers["rows"] == ("541,909", "392,692")
    activity = retail.latest.activity
    assert activity is not None
    assert sum(activity.calendar[5]) == 0, "the shop is closed on Saturdays"
    assert activity.silence == ("2010-12-24", "2011-01-03", 11)
    assert retail.doubts[0].kind == "missing-user"
    assert retail.doubts[0].remains is False
    assert retail.before.missing["title"].empty == 1_454
    assert [each.role for each in retail.series] == [None, "quantity", "price", "quantity"]


def test_films_are_shown_by_their_ratings() -> None:
    folder = data_folder()
    if folder is None:
        pytest.skip("REGARD_DATA names no folder with MovieLens-100K")
    found = report(regard.read(folder / "ml-100k.parquet"))
    assert [each.column for each in found.series] == [None, "rating", "rating", "rating"]
    assert all(1 <= v <= 5 for each in found.series[1:] for v in each.values if v is not None)
