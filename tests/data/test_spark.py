"""Spark, with two workers of their own, runs the same rules to the same answer."""

import warnings
from collections.abc import Iterator
from typing import Any

import narwhals as nw
import polars as pl
import pytest
from dirty_logs import dirty_log
from polars.testing import assert_frame_equal
from test_engines import ALL, ALONE

from regard.data.clean import clean
from regard.data.interactions import Interactions
from regard.data.rules.contract import Rule
from regard.data.spark.session import spark_session
from regard.errors import MissingDependencyError
from regard.schema import Clock

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::FutureWarning:pyspark")]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    pytest.importorskip("pyspark", reason="pyspark, of the extra spark, is not installed")
    try:
        session = spark_session("local-cluster[2,1,512]", settings={"spark.executor.memory": "512m"})
    except MissingDependencyError as missing:
        pytest.skip(str(missing))
    yield session
    session.stop()


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return dirty_log(3_000, 11).with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))


def on_spark(spark: Any, table: pl.DataFrame) -> Any:
    """The rows of a table in an order of Spark's own."""
    shuffled = table.sample(fraction=1, shuffle=True, seed=5)
    return spark.createDataFrame(shuffled.to_arrow()).repartition(3)


def assert_same(spark: Any, table: pl.DataFrame, rules: tuple[Rule, ...]) -> None:
    clock = Clock.TIME if "time" in table.columns else Clock.ORDER
    here = Interactions(nw.from_native(table.lazy()), clock, "a log")
    there = Interactions(nw.from_native(on_spark(spark, table)), clock, "a log")
    (kept, report), (kept_there, report_there) = clean(here, rules), clean(there, rules)
    assert report.to_dict() == report_there.to_dict()
    assert_frame_equal(kept.collect(), kept_there.collect())
    assert_frame_equal(report.quarantine, report_there.quarantine)


@pytest.mark.parametrize("rule", [*ALL, *ALONE], ids=lambda rule: rule.name)
def test_each_rule_alone(spark: Any, rule: Rule, table: pl.DataFrame) -> None:
    assert_same(spark, table, (rule,))


def test_all_rules_together(spark: Any, table: pl.DataFrame) -> None:
    assert_same(spark, table, ALL)
    assert_same(spark, table, ALL[::-1])
