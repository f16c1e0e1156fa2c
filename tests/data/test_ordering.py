"""History order is that of a plain sort, whatever ids and times look like."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.data.ordering import in_history_order

INTEGERS = st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3) | st.integers(0, 200_000)
TIMES = st.floats(allow_nan=False) | st.sampled_from([0.0, -0.0, 1.0])


@given(
    rows=st.lists(st.tuples(INTEGERS, TIMES), max_size=40)
    | st.lists(st.tuples(st.text(max_size=2), TIMES), max_size=40)
)
def test_the_order_is_that_of_sorting(rows: list[tuple[int | str, float]]) -> None:
    text = any(isinstance(user, str) for user, _ in rows)
    table = pl.DataFrame(
        {
            "user": pl.Series([user for user, _ in rows], dtype=pl.String if text else pl.Int64),
            "time": pl.Series([time for _, time in rows], dtype=pl.Float64),
            "row": pl.Series(range(len(rows)), dtype=pl.Int64),
        }
    )
    expected = sorted(range(len(rows)), key=lambda row: (*_key(rows[row]), row))
    assert in_history_order(table, "time")["row"].to_list() == expected


def _key(row: tuple[int | str, float]) -> tuple[object, float]:
    user, time = row
    return (user.encode() if isinstance(user, str) else user, time)


@pytest.mark.parametrize("dtype", [pl.UInt64, pl.Int8, pl.UInt32])
def test_ids_of_every_width(dtype: pl.DataType) -> None:
    high = pl.select(dtype.max()).item()
    table = pl.DataFrame({"user": [high, 0, high, 3], "position": [2, 1, 1, 0], "row": range(4)})
    table = table.with_columns(pl.col("user").cast(dtype))
    assert in_history_order(table, "position")["row"].to_list() == [1, 3, 2, 0]


@pytest.mark.parametrize("changed", [
    {"user": [2, None, 1]}, {"time": [2.0, None, 1.0]}, {"time": [2.0, np.nan, 1.0]},
    {"row": [2, 0, 1]},
])  # fmt: skip
def test_what_is_missing_or_out_of_order_is_sorted_all_the_same(changed: dict[str, list]) -> None:
    columns = {"user": [2, 1, 1], "time": [1.0, 1.0, 1.0], "row": [0, 1, 2]} | changed
    table = pl.DataFrame(columns)
    assert in_history_order(table, "time").equals(table.sort("user", "time", "row"))


@given(rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=20))
def test_what_lies_in_history_order_stays_as_it_is(rows: list[tuple[int, int]]) -> None:
    rows.sort()
    table = pl.DataFrame(rows, {"user": pl.Int64, "position": pl.Int64}, orient="row")
    table = table.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("row"))
    assert in_history_order(table, "position").equals(table)


@given(times=st.lists(st.integers(0, 3), max_size=6))
def test_users_who_lie_together_are_sorted_by_time_all_the_same(times: list[int]) -> None:
    table = pl.DataFrame({"user": [7] * len(times), "position": times, "row": range(len(times))})
    assert in_history_order(table, "position").equals(table.sort("position", "row"))
