"""Fingerprints: what must change them, and what must not."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regard.data.fingerprint as module
from regard.data.fingerprint import fingerprint
from regard.data.ingest import read
from regard.data.interactions import Interactions

TABLE = pl.DataFrame(
    {
        "user": [1, 2, None, 1],
        "item": ["tea", "", None, "milk"],
        "time": [1_500_000_000.0, 1_500_000_001.0, None, 1_500_000_002.5],
        "note": ["a", "b", "c", "d"],
    }
)


def of(table):
    return fingerprint(Interactions.of(table))


def test_a_known_value_so_that_no_release_changes_it_unnoticed():
    assert of(TABLE) == "845613a812404f04"


def test_the_format_of_the_file_does_not_matter(tmp_path):
    table = TABLE.with_columns(item=pl.Series(["tea", "x", None, "milk"]))
    table.write_parquet(tmp_path / "log.parquet", row_group_size=2)
    table.write_csv(tmp_path / "log.csv")
    table.write_csv(tmp_path / "log.tsv", separator="\t", quote_style="always")
    names = {fingerprint(read(tmp_path / f"log.{suffix}")) for suffix in ("parquet", "csv", "tsv")}
    assert names == {of(table)}
    assert len(of(table)) == 16


def test_chunks_context_and_widths_do_not_matter(monkeypatch):
    expected = of(TABLE)
    assert of(pl.concat([TABLE[:1], TABLE[1:]], rechunk=False)) == expected
    assert of(TABLE.drop("note")) == expected
    for width in (pl.Int8, pl.UInt16, pl.UInt64, pl.Int32):
        assert of(TABLE.with_columns(pl.col("user").cast(width))) == expected
    monkeypatch.setattr(module, "_SLICE", 3)
    assert of(TABLE) == expected


@pytest.mark.parametrize(
    "change",
    [
        pl.col("user").fill_null(0),
        pl.col("user").cast(pl.String),
        pl.col("item").fill_null(""),
        pl.col("item").str.to_uppercase(),
        pl.col("item").reverse(),
        pl.col("time") + 1e-6,
        pl.col("time").fill_null(0.0),
    ],
    ids=str,
)
def test_content_matters(change):
    assert of(TABLE.with_columns(change)) != of(TABLE)


def test_where_one_text_ends_and_the_next_begins_matters():
    one, other = TABLE[:2].with_columns(item=pl.Series(["ab", "c"])), pl.Series(["a", "bc"])
    assert of(one) != of(one.with_columns(item=other))


def test_an_order_is_not_a_time():
    table = TABLE.select("user", "item", position=pl.int_range(4))
    assert of(table) != of(table.rename({"position": "time"}))


@given(st.permutations(range(4)))
@settings(max_examples=24, deadline=None)
def test_the_order_of_rows_matters_and_the_order_of_storage_does_not(order):
    numbered = TABLE.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    assert of(numbered[order]) == of(TABLE)
    assert (of(TABLE[order]) == of(TABLE)) == (order == [0, 1, 2, 3])


def test_zero_has_one_sign():
    zeros = TABLE.with_columns(time=pl.lit(0.0))
    assert of(zeros) == of(zeros.with_columns(time=pl.lit(-0.0)))
