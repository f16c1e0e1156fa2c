"""Repairs: ids of two spellings become one, nothing else changes, and the way back is known."""

import math
from pathlib import Path

import narwhals as nw
import polars as pl
import pytest
from dirty_logs import dirty_log, rows_of
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from regard.cli.app import app
from regard.data.clean import clean
from regard.data.interactions import Interactions
from regard.data.repairs import REPAIRS, MergeLetterCase, Repair, TrimIds
from regard.data.repairs.mend import mend
from regard.data.rules import ExactDuplicates, MissingItem
from regard.errors import ColumnError, ConfigurationError
from regard.recommender.recipe import Recipe

ALL: tuple[Repair, ...] = (TrimIds(), MergeLetterCase())


def log_of(**columns: object) -> Interactions:
    return Interactions.of(pl.DataFrame(columns))


def first_spellings(table: pl.DataFrame, column: str) -> list[str | None]:
    """Each id as it is spelled in the earliest row of its kind, by looking at the rows one by one.

    Not by lower case of Python: its rules for Turkish and Greek letters are finer.
    """
    told: dict[str, str] = {}
    rows = table.select("row", column, "time").rows()
    whole = [(r, i, t if t is not None and math.isfinite(t) else math.inf) for r, i, t in rows]
    for _, name, _ in sorted(whole, key=lambda each: (each[2], each[0])):
        if name is not None:
            told.setdefault(name.lower(), name)
    return [None if name is None else told[name.lower()] for name in table[column].to_list()]


@settings(max_examples=25)
@given(rows_of({
    "user": ["ann", "Ann", "ANN", "bob ", None], "item": ["a7", "A7", "é", "É", "", None],
    "time": [1.0, 2.0, 3.0, None, math.nan, math.inf],
}))  # fmt: skip
def test_the_first_spelling_stays(table: pl.DataFrame) -> None:
    table = table.with_row_index("row").cast({"row": pl.Int64})
    mended, (told,) = mend(Interactions.of(table), [MergeLetterCase()])
    after = mended.collect()
    for column in ("user", "item"):
        assert after[column].to_list() == first_spellings(table, column)
    assert_frame_equal(
        after.drop("user", "item"), table.drop("user", "item"), check_column_order=False
    )
    assert told.rows == sum(
        sum(a != b for a, b in zip(after[c].to_list(), table[c].to_list(), strict=True))
        for c in ("user", "item")
    )


@settings(max_examples=20)
@given(rows_of(), st.permutations(ALL))
def test_repairs_are_idempotent_and_keep_every_row(
    table: pl.DataFrame, repairs: list[Repair]
) -> None:
    once, _ = mend(Interactions.of(table), repairs)
    assert once.collect().height == table.height
    for repair in repairs[-1:]:
        again, (told,) = mend(once, [repair])
        assert told.rows == 0
        assert told.spellings.is_empty()
        assert_frame_equal(again.collect(), once.collect())


@settings(max_examples=25)
@given(rows_of())
def test_the_report_leads_back(table: pl.DataFrame) -> None:
    """Each mended id was one of the spellings that the report names, in as many rows as it says."""
    log = Interactions.of(table)
    for repair in ALL:
        mended, (told,) = mend(log, [repair])
        pairs = pl.concat([
            pl.DataFrame({"column": column, "before": log.collect()[column],
                          "after": mended.collect()[column]})
            for column in ("user", "item")
        ])  # fmt: skip
        changed = pairs.filter(pl.col("before") != pl.col("after"))
        counted = changed.group_by("column", "before", "after").agg(rows=pl.len().cast(pl.Int64))
        assert_frame_equal(told.spellings.drop("first_row"), counted, check_row_order=False)
        assert told.rows == changed.height
        assert len(told.samples) == min(3, told.spellings.height)
        assert told.samples == tuple(told.spellings.to_dicts()[:3])


@settings(max_examples=25)
@given(rows_of({"user": ["a", "A"], "item": ["x", "X", "x "], "time": [1.0, 2.0, 3.0, 4.0]}),
       st.integers(1, 4))  # fmt: skip
def test_no_later_row_has_a_say(table: pl.DataFrame, end: int) -> None:
    """A log that ends earlier gets the same spellings: nothing is learned from the test part."""
    table = table.with_row_index("row").cast({"row": pl.Int64})
    past = table.filter(pl.col("time") <= end)
    if past.is_empty():
        return
    whole = mend(Interactions.of(table), ALL)[0].collect().filter(pl.col("time") <= end)
    assert_frame_equal(mend(Interactions.of(past), ALL)[0].collect(), whole)


def test_rules_see_mended_ids_and_the_order_is_the_callers() -> None:
    log = log_of(user=[1, 1, 1], item=["tea", "TEA ", " "], position=[0, 0, 2])
    rules = [MissingItem(), ExactDuplicates()]
    kept, report = clean(log, rules, repairs=ALL)
    assert kept.collect()["item"].to_list() == ["tea"]
    assert [each.rows for each in report.removals] == [1, 1]
    assert [each.repair for each in report.mendings] == ["trim-ids", "merge-letter-case"]
    assert report.mendings[1].spellings.rows() == [("item", "TEA", "tea", 1, 1)]
    assert report.to_dict()["mendings"][0]["samples"][0]["before"] == "TEA "
    assert "Repair trim-ids: 2 spellings mended in 2 rows ('TEA ' -> 'TEA', ' ' -> '')." in str(
        report
    )
    other = clean(log, rules, repairs=ALL[::-1])[0]
    assert other.collect()["item"].to_list() == ["tea", "TEA"]


def test_numbers_have_no_spellings_and_columns_can_be_chosen() -> None:
    log = log_of(user=[1, 2], item=["a", "A"], position=[0, 1])
    assert mend(log, [TrimIds()])[1][0].rows == 0
    assert mend(log, [MergeLetterCase(columns=("user",))])[1][0].rows == 0
    assert mend(log, [MergeLetterCase(columns=("item",))])[1][0].rows == 1


@pytest.mark.parametrize("columns", [(), ("event",), "user", None])
def test_columns_that_make_no_sense(columns: object) -> None:
    with pytest.raises(ConfigurationError, match="give a list of 'user', 'item' or both"):
        TrimIds(columns=columns)  # type: ignore[arg-type] # on purpose


def test_a_column_of_our_own_name() -> None:
    log = log_of(user=[1], item=["a"], position=[0], _mended=[1])
    with pytest.raises(ColumnError, match=r"'_mended'.*rename or drop"):
        mend(log, [TrimIds()])
    assert mend(log, [])[0] is log


def test_the_log_stays_lazy() -> None:
    mended, _ = mend(Interactions.of(dirty_log(50, 1)), ALL)
    assert isinstance(mended.frame, nw.LazyFrame)


def test_recipes_name_repairs_and_refuse_others() -> None:
    values = {"repair": [{"repair": "trim-ids", "columns": ["item"]}]}
    recipe = Recipe.from_dict(values)
    assert recipe.repairs() == (TrimIds(columns=("item",)),)
    assert recipe.to_dict()["repair"] == values["repair"]
    assert "repair" not in Recipe().to_dict()
    assert Recipe.from_dict({"repair": [{"repair": name} for name in REPAIRS]}).repairs() == ALL
    with pytest.raises(ConfigurationError, match=r"Repair 'trim' is not known; choose from trim-"):
        Recipe.from_dict({"repair": [{"repair": "trim"}]})
    with pytest.raises(ConfigurationError, match="has no 'column'"):
        Recipe.from_dict({"repair": [{"repair": "trim-ids", "column": "item"}]})


def test_the_prompt_mends_and_a_bundle_remembers(tmp_path: Path) -> None:
    rows = "".join(f"u{n % 5},{'aA'[n % 2]}{n % 4},2024-01-{n % 28 + 1:02}\n" for n in range(200))
    path = tmp_path / "plays.csv"
    path.write_text("user,item,time\n" + rows)
    words = ["--repair", "trim-ids", "--repair", "merge-letter-case", "--model", "popularity"]
    out = tmp_path / "shop"
    done = CliRunner().invoke(app, ["fit", str(path), "--out", str(out), *words])
    assert done.exit_code == 0, done.output
    recipe = Recipe.from_toml(out / "recipe.toml")
    assert recipe.repairs() == ALL
    clean_out = ["clean", str(path), "--out", str(tmp_path / "c.parquet")]
    shown = CliRunner().invoke(app, [*clean_out, "--repair", "merge-letter-case"])
    assert "Repair merge-letter-case:" in shown.stdout
    wrong = CliRunner().invoke(app, [*clean_out, "--repair", "mend"])
    assert wrong.exit_code == 2
    assert "Repair 'mend' is not known" in wrong.stderr
