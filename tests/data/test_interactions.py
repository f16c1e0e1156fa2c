"""The typed log: what it demands of a frame, and the order it hands out."""

import narwhals as nw
import polars as pl
import pytest

from regard.data.interactions import Interactions
from regard.errors import ColumnError, NeedsClockError
from regard.schema import Clock

GOOD = {"user": ["a", "b", "a"], "item": [7, 8, 9], "time": [3, 1, 3]}


def test_rows_are_numbered_and_times_are_seconds() -> None:
    log = Interactions.of(pl.DataFrame(GOOD | {"shop": ["x", "y", "z"]}).lazy(), "shop.csv")
    table = log.collect()
    assert table.columns == ["user", "item", "time", "shop", "row"]
    assert table["time"].dtype == pl.Float64
    assert table["row"].to_list() == [0, 1, 2]
    assert log.clock is Clock.TIME
    assert log.roles == {"user": "user", "item": "item", "time": "time"}
    assert log.has("shop")
    assert not log.has("price")


def test_row_numbers_that_are_there_are_kept() -> None:
    log = Interactions.of(pl.DataFrame(GOOD | {"row": [30, 10, 20]}))
    assert log.collect()["row"].to_list() == [10, 20, 30]


def test_sorted_is_history_order_and_ties_keep_the_order_of_the_rows() -> None:
    log = Interactions.of(pl.DataFrame(GOOD | {"row": [5, 1, 2]}))
    assert log.sorted()["item"].to_list() == [9, 7, 8]


def test_a_log_without_time_orders_by_position() -> None:
    frame = pl.DataFrame({"user": [1, 1], "item": [2, 3], "position": [9, 4]})
    log = Interactions.of(frame, "order.csv")
    assert log.ordering == "position"
    assert log.sorted()["item"].to_list() == [3, 2]
    with pytest.raises(NeedsClockError, match=r"A recency rule needs .* order.csv carries only"):
        log.require_clock("A recency rule")


@pytest.mark.parametrize("name", ["user", "item", "time"])
def test_refuses_a_frame_without_a_role(name: str) -> None:
    missing = "position" if name == "time" else name
    with pytest.raises(ColumnError, match=f"shop.csv has no column '{missing}' .*it has "):
        Interactions.of(pl.DataFrame(GOOD).drop(name), "shop.csv")


def test_refuses_ids_that_are_neither_numbers_nor_text() -> None:
    with pytest.raises(ColumnError, match="'item' of a frame holds Float64"):
        Interactions.of(pl.DataFrame(GOOD | {"item": [1.0, 2.0, 3.0]}))


@pytest.mark.parametrize("name", ["value", "quantity", "price"])
def test_refuses_text_where_numbers_belong(name: str) -> None:
    with pytest.raises(ColumnError, match=f"{name!r} of a frame holds String"):
        Interactions.of(pl.DataFrame(GOOD | {name: ["1", "2", "3"]}))


def test_refuses_a_moment_that_is_not_seconds() -> None:
    frame = pl.DataFrame(GOOD | {"row": [0, 1, 2]}).cast({"time": pl.Datetime})
    with pytest.raises(ColumnError, match="'time' of a frame holds Datetime"):
        Interactions(nw.from_native(frame.lazy()), Clock.TIME)


@pytest.mark.parametrize(
    "times",
    [
        pl.Series([1, 2, 3]).cast(pl.Datetime("us")),
        pl.Series([1, 2, 3]).cast(pl.Date),
        pl.Series([1, 2, 3]).cast(pl.Duration("ms")),
        pl.Series([1, 2, 3]).cast(pl.String),
        pl.Series([True, False, True]),
    ],
    ids=lambda times: str(times.dtype),
)
def test_moments_and_text_are_never_taken_for_seconds(times: pl.Series) -> None:
    frame = pl.DataFrame(GOOD).with_columns(times.alias("time"))
    kind = times.dtype.base_type().__name__
    message = f"'time' of plays holds {kind}.*seconds since 1970.* use regard.read"
    for each in (frame, frame.lazy()):
        with pytest.raises(ColumnError, match=message):
            Interactions.of(each, "plays")


def test_other_rows_keep_everything_else_and_add_notes() -> None:
    first = Interactions.of(pl.DataFrame(GOOD), "shop.csv")
    second = first.with_frame(first.frame.filter(nw.col("item") > 7), "one")
    assert second.collect()["item"].to_list() == [8, 9]
    assert second.with_frame(first.frame, "two").notes == ("one", "two")
    assert (second.source, second.roles, second.clock) == (first.source, first.roles, first.clock)
