"""Polars, DuckDB, pandas and PyArrow run the same rules to the same answer."""

from collections.abc import Callable
from typing import Any

import duckdb
import narwhals as nw
import polars as pl
import pytest
from dirty_logs import EARLIEST, LATEST, dirty_log
from polars.testing import assert_frame_equal

from regard.data.clean import clean, default_rules
from regard.data.datasets import online_retail
from regard.data.interactions import Interactions
from regard.data.repairs import REPAIRS
from regard.data.rules import RULES
from regard.data.rules.bursts import Bursts
from regard.data.rules.cancellations import Cancellations
from regard.data.rules.clockwork import Clockwork
from regard.data.rules.contract import Rule
from regard.data.rules.excluded_items import ExcludedItems
from regard.data.rules.implausible_times import ImplausibleTimes
from regard.data.rules.near_duplicates import NearDuplicates
from regard.data.rules.rare import RareUsersAndItems
from regard.data.rules.taken_back import TakenBack
from regard.data.rules.value_range import ValueRange
from regard.schema import Clock

Build = Callable[[pl.DataFrame], nw.LazyFrame[Any]]


def duckdb_relation(table: pl.DataFrame) -> nw.LazyFrame[Any]:
    """A relation of a connection of its own, which no other engine can join with."""
    return nw.from_native(duckdb.connect().from_arrow(table.to_arrow()))


ENGINES: dict[str, Build] = {
    "polars": lambda table: nw.from_native(table.lazy()),
    "duckdb": duckdb_relation,
    "pandas": lambda table: nw.from_native(
        table.to_pandas(use_pyarrow_extension_array=True)
    ).lazy(),
    "pyarrow": lambda table: nw.from_native(table.to_arrow()).lazy(),
}
OTHERS = [name for name in ENGINES if name != "polars"]

APART = {
    "excluded-items",
    "implausible-times",
    "rare-users-and-items",
    "value-range",
    "bursts",
    "clockwork",
    "near-duplicates",
    "taken-back",
    "robots",
}
ALL: tuple[Rule, ...] = (
    *(RULES[name]() for name in RULES if name not in APART),
    ImplausibleTimes(earliest=EARLIEST, latest=LATEST),
    ExcludedItems(pattern="POST|po.*"),
    RareUsersAndItems(user=2, item=12),
)
ALONE: tuple[Rule, ...] = (
    Bursts(per_minute=100, per_hour=220),
    Clockwork(rows=50, hours=2.0, gaps=0.7, items=1.0),
    NearDuplicates(seconds=0.5),
    TakenBack(),
    TakenBack(partial=True),
    ValueRange(column="price", least=0, most=1),
)
"""Rules that would leave others nothing to do in a log of so few users and items."""


def answer(engine: str, table: pl.DataFrame, rules: tuple[Rule, ...]) -> tuple[Any, ...]:
    """Kept rows, report and quarantine; the engine gets the rows in an order of its own."""
    shuffled = table.sample(fraction=1, shuffle=True, seed=len(engine))
    clock = Clock.TIME if "time" in table.columns else Clock.ORDER
    log = Interactions(ENGINES[engine](shuffled), clock, "a log")
    kept, report = clean(log, rules)
    return kept.collect(), report.quarantine, report.to_dict()


def assert_same(engine: str, table: pl.DataFrame, rules: tuple[Rule, ...]) -> None:
    kept, quarantine, report = answer(engine, table, rules)
    kept_polars, quarantine_polars, report_polars = answer("polars", table, rules)
    assert report == report_polars
    assert_frame_equal(kept, kept_polars)
    assert_frame_equal(quarantine, quarantine_polars)


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return dirty_log(3_000, 11).with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))


@pytest.mark.parametrize("engine", OTHERS)
def test_all_rules_together(engine: str, table: pl.DataFrame) -> None:
    assert_same(engine, table, ALL)
    report = answer(engine, table, ALL)[2]
    assert all(removal["rows"] for removal in report["removals"])


@pytest.mark.parametrize("engine", OTHERS)
@pytest.mark.parametrize("rule", [*ALL, *ALONE], ids=lambda rule: rule.name)
def test_each_rule_alone(engine: str, rule: Rule, table: pl.DataFrame) -> None:
    assert_same(engine, table, (rule,))


@pytest.mark.parametrize("engine", OTHERS)
def test_rules_in_the_other_order(engine: str, table: pl.DataFrame) -> None:
    assert_same(engine, table, ALL[::-1])


@pytest.mark.parametrize("engine", OTHERS)
def test_a_log_without_a_clock_and_with_numbers_for_ids(engine: str, table: pl.DataFrame) -> None:
    coded = table.with_columns(
        pl.col("user", "item").rank("dense").cast(pl.Int64), position=pl.col("row") % 50
    ).drop("time")
    assert_same(engine, coded, tuple(rule for rule in ALL if "time" not in rule.needs))


@pytest.mark.parametrize("engine", OTHERS)
def test_awkward_prefixes(engine: str, table: pl.DataFrame) -> None:
    for prefix in ("R-", "a.b", "Ö ", "+", "\\d"):
        sessions = [f"{prefix}12", f"x{prefix}12", prefix, None, f"{prefix}1\n"]
        few = table.head(5).with_columns(pl.Series("session", sessions))
        assert_same(engine, few, (Cancellations(prefix=prefix),))


@pytest.mark.parametrize("engine", OTHERS)
def test_repairs(engine: str, table: pl.DataFrame) -> None:
    """Cleaned after both repairs: the same rows, spellings and counts."""
    cases = pl.col("item").str.to_uppercase()
    mixed = table.with_columns(item=pl.when(pl.col("row") % 3 == 0).then(cases).otherwise("item"))
    answers = []
    for name in (engine, "polars"):
        shuffled = mixed.sample(fraction=1, shuffle=True, seed=len(name))
        log = Interactions(ENGINES[name](shuffled), Clock.TIME, "a log")
        kept, report = clean(log, ALL, repairs=[kind() for kind in REPAIRS.values()])
        answers.append((kept.collect(), report))
    (kept, report), (kept_polars, report_polars) = answers
    assert_frame_equal(kept, kept_polars)
    assert report.to_dict() == report_polars.to_dict()
    for mine, theirs in zip(report.mendings, report_polars.mendings, strict=True):
        assert mine.rows > 0
        assert_frame_equal(mine.spellings, theirs.spellings)


def test_pandas_with_nan_for_null(table: pl.DataFrame) -> None:
    """NumPy-backed pandas has no null but NaN: the same rows go, by the same rules."""
    rules = ALL[:-2]
    table = table.with_columns(pl.col("time", "price").fill_nan(None))
    columns = nw.from_native(table.to_pandas()).lazy()
    kept, report = clean(Interactions(columns, Clock.TIME, "a log"), rules)
    kept_polars, _, report_polars = answer("polars", table, rules)
    counts = [(each.rule, each.rows) for each in report.removals]
    assert counts == [(each["rule"], each["rows"]) for each in report_polars["removals"]]
    assert kept.collect()["row"].to_list() == kept_polars["row"].to_list()


@pytest.mark.parametrize("engine", OTHERS)
def test_online_retail(engine: str) -> None:
    names = {
        "CustomerID": "user",
        "StockCode": "item",
        "InvoiceDate": "time",
        "InvoiceNo": "session",
        "Quantity": "quantity",
        "UnitPrice": "price",
    }
    raw = pl.read_parquet(online_retail()).rename(names).with_row_index("row")
    seconds = pl.col("time").dt.epoch("s").cast(pl.Float64)
    table = raw.with_columns(seconds, pl.col("row").cast(pl.Int64))
    assert_same(engine, table, default_rules(Interactions.of(table))[:-1])
