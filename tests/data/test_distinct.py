"""Rows are told apart exactly as grouping tells them apart, whatever they hold."""

import math

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from regard.data import distinct
from regard.data.distinct import count_distinct, sharing_a_hash

NUMBERS = st.sampled_from([None, 0.0, -0.0, 1.5, math.nan, math.inf]) | st.floats()
ROWS = st.lists(st.tuples(st.integers(0, 3) | st.none(), st.text("ab", max_size=2), NUMBERS))


def table_of(rows: list[tuple[int | None, str, float | None]]) -> pl.DataFrame:
    schema = {"user": pl.Int64, "item": pl.String, "time": pl.Float64}
    return pl.DataFrame(rows, schema, orient="row")


@given(rows=ROWS)
def test_as_many_as_grouping_finds(rows: list[tuple[int | None, str, float | None]]) -> None:
    table = table_of(rows)
    expected = table.group_by(pl.all()).len().height
    assert count_distinct(table) == expected


@given(rows=ROWS)
def test_equal_rows_share_their_hash(rows: list[tuple[int | None, str, float | None]]) -> None:
    table = table_of(rows)
    equal = table.select(pl.struct(pl.all()).is_duplicated()).to_series()
    assert (sharing_a_hash(table) | ~equal).all()


def test_rows_that_only_share_a_hash_are_different(monkeypatch) -> None:
    everything = lambda table: pl.Series([True] * table.height)  # noqa: E731 - the worst of hashes
    monkeypatch.setattr(distinct, "sharing_a_hash", everything)
    assert count_distinct(pl.DataFrame({"user": [1, 2, 1, 3]})) == 3


def test_columns_that_cannot_be_hashed_are_counted_too() -> None:
    assert count_distinct(pl.DataFrame({"tags": [["a"], ["b"], ["a"]]})) == 2
    assert count_distinct(pl.DataFrame({"user": pl.Series([], dtype=pl.Int64)})) == 0
