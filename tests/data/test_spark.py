"""Spark, with two workers of its own, gives what Polars and DuckDB give: rows, counts, codes."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import polars as pl
import pytest
from dirty_logs import dirty_log
from polars.testing import assert_frame_equal
from test_engines import ALL, ALONE
from typer.testing import CliRunner

import regard
from regard.cli.app import app
from regard.cli.clean import to_table
from regard.data.clean import clean, default_rules
from regard.data.datasets import online_retail
from regard.data.engines import held
from regard.data.interactions import Interactions
from regard.data.rules.bursts import Bursts
from regard.data.rules.cancellations import Cancellations
from regard.data.rules.clockwork import Clockwork
from regard.data.rules.contract import Rule
from regard.data.rules.excluded_items import ExcludedItems
from regard.data.shards import read_shards, write_shards
from regard.data.spark import clean_into, number_rows, read_files, spark_session
from regard.data.spark.cleaning import require_rows
from regard.data.vocabulary import Vocabulary
from regard.errors import (
    ColumnError,
    ConfigurationError,
    MissingDependencyError,
    SourceError,
    StorageError,
    TimeError,
    TooLittleDataError,
)
from regard.schema import Clock

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::FutureWarning:pyspark")]
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SETTINGS = {"spark.executor.memory": "512m", "spark.sql.shuffle.partitions": "3"}
SETTINGS["spark.sql.adaptive.coalescePartitions.enabled"] = "false"  # or little data is one part


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    pytest.importorskip("pyspark", reason="pyspark, of the extra spark, is not installed")
    try:
        session = spark_session("local-cluster[2,1,512]", settings=SETTINGS)
    except MissingDependencyError as missing:
        pytest.skip(str(missing))
    yield session
    session.stop()


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return dirty_log(3_000, 11).with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))


@pytest.fixture(scope="module")
def there(spark: Any, table: pl.DataFrame) -> Interactions:
    return on_spark(spark, table)


def on_spark(spark: Any, table: pl.DataFrame) -> Interactions:
    """A log whose rows lie on the executors in an order of Spark's own."""
    shuffled = table.sample(fraction=1, shuffle=True, seed=5).to_arrow()
    frame = spark.createDataFrame(shuffled).repartition(3).cache()
    return Interactions(nw.from_native(frame), clock_of(table), "a log")


def clock_of(table: pl.DataFrame) -> Clock:
    return Clock.TIME if "time" in table.columns else Clock.ORDER


def assert_same(there: Interactions, table: pl.DataFrame, rules: tuple[Rule, ...]) -> None:
    here = Interactions(nw.from_native(table.lazy()), clock_of(table), "a log")
    (kept, report), (kept_there, report_there) = clean(here, rules), clean(there, rules)
    assert report.to_dict() == report_there.to_dict()
    assert_frame_equal(kept.collect(), kept_there.collect())
    assert_frame_equal(report.quarantine, report_there.quarantine)


def parquet(folder: Path) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(file) for file in sorted(folder.glob("*.parquet"))])


# --- the rules -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [*ALL, *ALONE], ids=lambda rule: rule.name)
def test_each_rule_alone(rule: Rule, there: Interactions, table: pl.DataFrame) -> None:
    assert_same(there, table, (rule,))


@pytest.mark.parametrize("rules", [ALL, ALL[::-1]], ids=["in order", "reversed"])
def test_all_rules_together(
    rules: tuple[Rule, ...], there: Interactions, table: pl.DataFrame
) -> None:
    assert_same(there, table, rules)


def test_a_log_without_a_clock_and_with_numbers_for_ids(spark: Any, table: pl.DataFrame) -> None:
    coded = table.with_columns(
        pl.col("user", "item").rank("dense").cast(pl.Int64), position=pl.col("row") % 50
    ).drop("time")
    rules = tuple(rule for rule in (*ALL, *ALONE) if "time" not in rule.needs)
    assert_same(on_spark(spark, coded), coded, rules)


def test_ends_of_texts_and_far_times(spark: Any) -> None:
    """Java's `$` stands before a last line break too, and its long numbers end."""
    few = pl.DataFrame(
        {
            "user": ["a"] * 5 + ["b"],
            "item": ["POST", "POST\n", "POST\r", "POST\u2028", "POSTER", None],
            "session": ["C1", "C1\n", "C1\r\n", "C", "xC1", None],
            "time": [1e300, -1e300, 1e9, 1e9, 1e9, 1e9 + 1],
            "row": range(6),
        }
    )
    there = on_spark(spark, few)
    assert_same(there, few, (Cancellations(), ExcludedItems(pattern="POST")))
    assert_same(there, few, (Bursts(per_minute=2), Clockwork(rows=3, hours=4.0, items=2.5)))


def test_three_engines_agree_on_online_retail(spark: Any, tmp_path: Path) -> None:
    here = regard.read(online_retail())
    there = read_files(spark, online_retail())
    assert there.frame.implementation.is_pyspark()
    rules = (*default_rules(here), ExcludedItems(pattern="POST|D|M"))
    arrow = here.collect().to_arrow()
    ducks = Interactions(
        nw.from_native(duckdb.connect().from_arrow(arrow)), here.clock, here.source
    )
    kept, report = clean(here, rules)
    kept_ducks, report_ducks = clean(ducks, rules)
    report_spark = clean_into(there, tmp_path / "out", rules)
    assert report_spark.to_dict() == report.to_dict() == report_ducks.to_dict()
    assert_frame_equal(kept_ducks.collect(), kept.collect())
    kept_spark = parquet(tmp_path / "out" / "kept")
    assert_frame_equal(kept_spark, to_table(kept))
    codes = [
        Vocabulary.fit(each["item"]) for each in (kept.collect(), kept_ducks.collect(), kept_spark)
    ]
    assert codes[0].ids.equals(codes[1].ids)
    assert codes[0].ids.equals(codes[2].ids)
    assert_frame_equal(parquet(tmp_path / "out" / "quarantine"), report.quarantine)
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == report.to_dict()


def test_limits_are_learned_as_without_spark(there: Interactions, table: pl.DataFrame) -> None:
    here = Interactions(nw.from_native(table.lazy()), Clock.TIME, "a log")
    assert Bursts.learn(there) == Bursts.learn(here)
    assert Clockwork.learn(there, rows=20) == Clockwork.learn(here, rows=20)


# --- reading -------------------------------------------------------------------------------------


def written(folder: Path, form: str, table: pl.DataFrame) -> Path:
    """A log in two files whose order is not that of their sizes."""
    folder.mkdir()
    for name, part in (("a-2", table[:100]), ("a/b", table[100:])):
        if form == "csv":
            name = name.replace("/", ".")
        file = folder / f"{name.replace('/', '_')}.{form}"
        {"csv": part.write_csv, "jsonl": part.write_ndjson, "parquet": part.write_parquet}[form](
            file
        )
    return folder


@pytest.fixture(scope="module")
def plays() -> pl.DataFrame:
    """Local times around both clock changes of a year, ids that are numbers, blanks."""
    start = datetime(2021, 3, 27, 23)
    moments = [start + timedelta(minutes=37 * step) for step in range(150)]
    moments += [datetime(2021, 10, 31, 0) + timedelta(minutes=7 * step) for step in range(250)]
    return pl.DataFrame(
        {
            "who": [None if n % 41 == 0 else n % 13 for n in range(400)],
            "item_id": [" " if n % 37 == 0 else f"t{n % 7}" for n in range(400)],
            "played": moments,
            "rating": [n % 5 + 0.5 for n in range(400)],
            "row": ["x"] * 400,
            "shop": ["0" if n % 2 else "12" for n in range(400)],
        }
    )


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_files_are_read_as_without_spark(
    form: str, spark: Any, plays: pl.DataFrame, tmp_path: Path
) -> None:
    table = plays
    if form != "parquet":
        table = plays.with_columns(pl.col("played").dt.strftime("%d/%m/%Y %H:%M"))
    folder = written(tmp_path / "log", form, table)
    roles = {"user": "who", "timezone": "Europe/London"}
    here = regard.read(folder, **roles)
    there = read_files(spark, folder, **roles)
    assert dict(there.roles) == dict(here.roles)
    assert there.columns() == here.columns()
    assert_frame_equal(there.collect(), here.collect())


def test_folders_may_be_partitions_and_rows_the_order(spark: Any, tmp_path: Path) -> None:
    for year in (2023, 2024):
        place = tmp_path / "log" / f"year={year}"
        place.mkdir(parents=True)
        pl.DataFrame({"user": [1, 2], "item": ["a", "b"]}).write_parquet(place / "p.parquet")
    here = regard.read(tmp_path / "log", order="file").collect()
    there = read_files(spark, tmp_path / "log", order="file").collect()
    assert_frame_equal(there, here, check_dtypes=False)


@pytest.mark.parametrize(
    ("times", "options"),
    [
        ([1_600_000_000_000, 1_600_000_000_001, None], {}),
        ([20200131, 20200229, 20201231], {}),
        (["2020-01-31T08:15:00.25+02:00", "2020-01-31T08:15:00Z", None], {}),
        (["1600000000", "1600000001.5", "NA"], {}),
        (["March 3, 2020", "May 1, 2020", "Dec 31, 2020"], {}),
        (["31.01.2020", "1.2.2020", " "], {"timezone": "Europe/Berlin"}),
        ([5, 6, 7], {"time_unit": "s"}),
        (["03/04/2020 1:05 PM", "03/05/2020 12:00 AM", None], {"time_format": "%m/%d/%Y %I:%M %p"}),
    ],
)
def test_times_are_read_as_without_spark(
    times: list[Any], options: dict[str, str], spark: Any
) -> None:
    table = pl.DataFrame({"user": [1, 2, 3], "item": ["a", "b", "c"], "time": times})
    here = regard.read(table, **options).collect()
    frame = spark.createDataFrame(table.with_row_index("row").cast({"row": pl.Int64}).to_arrow())
    assert_frame_equal(regard.read(frame, **options).collect(), here)


@pytest.mark.parametrize(
    ("columns", "options", "error", "says"),
    [
        ({"time": ["01/02/20", "03/04/20"]}, {}, TimeError, "does not read as other engines"),
        ({"time": ["01/02/2020", "03/04/2020"]}, {}, TimeError, "day or the month first"),
        ({"time": ["2020-01-01", "tea"]}, {}, TimeError, r"1 value that is not a time .*'tea'"),
        ({"time": [1.6e9, 1.6e12]}, {}, TimeError, "mixes units"),
        ({"time": [1.6e9, float("inf")]}, {}, TimeError, "Remove them"),
        ({"time": [5, 6]}, {"time": "time"}, TimeError, "count no unit"),
        ({"user": [1.5, 2.0]}, {"user": "user"}, ColumnError, r"cannot be ids: 1 are"),
        ({"user": [True, False]}, {"user": "user"}, ColumnError, "ids must be whole numbers"),
        ({"price": ["1,5", "x"]}, {"price": "price"}, ColumnError, r"no numbers \(first: row 0"),
        ({"row": [1, 1]}, {}, ColumnError, "1 different numbers for 2 rows"),
        ({"row": ["a", "b"]}, {}, ColumnError, "must hold whole numbers"),
        ({}, {"items": "items.csv"}, ConfigurationError, "join that table in Spark"),
        ({}, {"user": "nobody"}, ColumnError, "has no column 'nobody'"),
    ],
)
def test_what_cannot_be_read_says_why(
    columns: dict[str, list[Any]],
    options: dict[str, str],
    error: type[Exception],
    says: str,
    spark: Any,
) -> None:
    whole = {"user": [1, 2], "item": ["a", "b"], "time": [1.6e9, 1.6e9], "row": [0, 1]}
    frame = spark.createDataFrame(pl.DataFrame(whole | columns).to_arrow())
    with pytest.raises(error, match=says):
        regard.read(frame, **options)


def test_files_that_cannot_be_read_say_why(spark: Any, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not there"):
        read_files(spark, tmp_path / "nothing")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "a.csv").write_text("user,item,time\n1,a,1600000000\n")
    with pytest.raises(ConfigurationError, match="items= is not for Spark"):
        read_files(spark, tmp_path / "two", items="x.csv")
    (tmp_path / "two" / "a.jsonl").write_text('{"user": 1}\n')
    with pytest.raises(SourceError, match="more than one format"):
        read_files(spark, tmp_path / "two")
    (tmp_path / "two" / "a.jsonl").rename(tmp_path / "two" / "a.xlsx")
    with pytest.raises(SourceError, match="neither Parquet nor"):
        read_files(spark, tmp_path / "two")
    (tmp_path / "headers").mkdir()
    (tmp_path / "headers" / "a.csv").write_text("user,item,time\n1,a,1600000000\n")
    (tmp_path / "headers" / "b.csv").write_text("item,user,time\na,1,1600000000\n")
    with pytest.raises(SourceError, match="a file with another header"):
        read_files(spark, tmp_path / "headers")
    (tmp_path / "empty.csv").write_text("\n")
    with pytest.raises(SourceError, match="is empty"):
        read_files(spark, tmp_path / "empty.csv")
    broken = tmp_path / "broken.csv"
    broken.write_text("user,item,time\n1,a,1600000000\n1,a\n")
    with pytest.raises(SourceError, match="more or fewer fields"):
        read_files(spark, broken)


@pytest.mark.parametrize(
    ("lines", "options"),
    [
        ("7;a;3;2,5;x\n8;b;1;1,25;007\n", {"user": "column_1", "item": "column_2"}),
        ('7.0,"a, b",3,"1",2\n8.0,"say ""hi""",1,NA,3\n', {"user": "column_1", "item": "column_2"}),
    ],
)
def test_text_without_a_header(
    lines: str, options: dict[str, str], spark: Any, tmp_path: Path
) -> None:
    (tmp_path / "log.csv").write_text(lines)
    options = {**options, "order": "column_3", "price": "column_4"}
    here = regard.read(tmp_path / "log.csv", **options).collect()
    assert_frame_equal(read_files(spark, tmp_path / "log.csv", **options).collect(), here)


def test_types_that_roles_ask_for(spark: Any) -> None:
    frame = spark.sql(
        "select cast(7.0 as double) as user, 5L as item, 10L as position, 1.5BD as price, "
        "array('a', 'b') as tags, cast(3.0 as float) as session, true as event, 0 as row"
    )
    log = regard.read(frame, user="user", item="item", order="position", session="session",
                      event="event")  # fmt: skip
    row = log.collect().row(0, named=True)
    assert row == {
        "user": 7, "item": 5, "position": 10, "row": 0, "event": "true", "price": 1.5,
        "session": "3", "tags": '["a","b"]',
    }  # fmt: skip
    with pytest.raises(ColumnError, match="which is no text"):
        regard.read(frame, user="user", item="item", order="position", session="tags")
    with pytest.raises(ColumnError, match="must hold numbers"):
        regard.read(frame, user="user", item="item", order="position", value="tags")
    with pytest.raises(TimeError, match="not a moment in time"):
        regard.read(frame, user="user", item="item", time="tags")


def test_a_session_in_another_time_zone_is_refused(spark: Any) -> None:
    frame = spark.sql("select 1 as user, 2 as item, timestamp_ntz'2020-01-01' as time, 0 as row")
    spark.conf.set("spark.sql.session.timeZone", "Europe/Berlin")
    try:
        with pytest.raises(ConfigurationError, match="works in the time zone 'Europe/Berlin'"):
            regard.read(frame)
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")
    with pytest.raises(ConfigurationError, match="leave time_unit= out"):
        regard.read(frame, time_unit="s")


def test_rows_are_numbered_in_a_stated_order(spark: Any) -> None:
    table = pl.DataFrame(
        {"user": range(500), "item": "a", "time": [1e9 + n % 50 for n in range(500)]}
    )
    frame = spark.createDataFrame(table.sample(fraction=1, shuffle=True, seed=1).to_arrow())
    with pytest.raises(ColumnError, match="has no column 'row'"):
        Interactions.of(frame)
    with pytest.raises(ColumnError, match="number_rows"):
        regard.read(frame)
    with pytest.raises(ColumnError, match="10 rows have the same time = "):
        number_rows(frame, "time")
    with pytest.raises(ColumnError, match="no column 'when'"):
        number_rows(frame, by="when")
    with pytest.raises(ColumnError, match="has a column 'row' already"):
        number_rows(frame.withColumnRenamed("item", "row"), by="user")
    numbered = Interactions.of(number_rows(frame, by=["time", "user"])).collect()
    assert_frame_equal(numbered.drop("row"), table.sort("time", "user"))
    assert numbered["row"].to_list() == list(range(500))


# --- writing -------------------------------------------------------------------------------------


def test_shards_of_both_engines_are_the_same(
    spark: Any, there: Interactions, table: pl.DataFrame, tmp_path: Path
) -> None:
    kept, _ = clean(Interactions(nw.from_native(table.lazy()), Clock.TIME, "a log"), ALL[:8])
    log = kept.collect()
    here = write_shards(kept, tmp_path / "here", shards=3)
    on = write_shards(on_spark(spark, log), tmp_path / "there", shards=3)
    assert [(s.rows, s.first, s.last) for s in here.shards] == [
        (s.rows, s.first, s.last) for s in on.shards
    ]
    assert here.columns == on.columns
    for shard in here.shards:
        left, right = (pl.read_parquet(tmp_path / side / shard.file) for side in ("here", "there"))
        assert_frame_equal(left, right)
    read = read_shards(tmp_path / "there", verify=True)
    assert_frame_equal(read.frame.collect("polars").to_native(), kept.sorted())
    assert {file.suffix for file in (tmp_path / "there").iterdir()} == {".json", ".parquet"}


def test_nothing_is_left_where_cleaning_fails(
    there: Interactions, table: pl.DataFrame, tmp_path: Path
) -> None:
    with pytest.raises(TooLittleDataError, match="Cleaning leaves none"):
        clean_into(there, tmp_path / "out", [ExcludedItems(pattern=r"[\s\S]*"), *ALL[:2]])
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(StorageError, match="is there already"):
        clean_into(there, tmp_path / "out", ALL[:2])
    assert [file.name for file in tmp_path.rglob("*")] == ["out", "mine.txt"]
    with pytest.raises(SourceError, match="is not on Spark"):
        clean_into(Interactions(nw.from_native(table.lazy()), Clock.TIME), tmp_path / "new")


def test_times_that_are_no_moments_stay_seconds(spark: Any, tmp_path: Path) -> None:
    odd = pl.DataFrame(
        {"user": [1, 2], "item": ["a", "b"], "time": [1e9 + 1e-7, 1e9], "row": [1, 0]}
    )
    clean_into(on_spark(spark, odd), tmp_path / "out", ALL[:2])
    kept = parquet(tmp_path / "out" / "kept")
    assert kept.rows() == [(2, "b", 1e9), (1, "a", 1e9 + 1e-7)]


def test_an_address_is_written_part_by_part(there: Interactions, tmp_path: Path) -> None:
    place = f"file:{tmp_path}/out"  # to Regard an address like any other
    report = clean_into(there, place, ALL[:2])
    assert parquet(tmp_path / "out" / "kept").height == report.rows_kept
    told = next((tmp_path / "out" / "report.json").glob("part-*"))
    assert json.loads(told.read_text()) == report.to_dict()
    with pytest.raises(StorageError, match="is there already"):
        clean_into(there, place, ALL[:2])


def test_a_disk_that_is_not_shared_is_noticed(spark: Any, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="holds 0 of the 5 rows"):
        require_rows(spark, f"file:{tmp_path}", 5)


def test_the_page_runs(spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples of docs/spark.md, with addresses of this machine."""
    page = (Path(__file__).parents[2] / "docs" / "spark.md").read_text("utf-8")
    blocks = [block for block in PYTHON.findall(page) if ">>>" not in block]
    assert len(blocks) == 2
    log = pl.DataFrame({"customer": [1, 2, 1], "sku": ["a", "b", "a"], "line": [0, 1, 2],
                        "loaded_at": [datetime(2024, 1, day) for day in (1, 2, 3)]})  # fmt: skip
    (tmp_path / "shop").mkdir()
    log.drop("line").write_parquet(tmp_path / "shop" / "purchases.parquet")
    spark.createDataFrame(log.to_arrow()).createOrReplaceTempView("purchases")
    code = "\n".join(blocks).replace("hdfs://head:9000/", f"file:{tmp_path}/")
    code = code.replace("spark://head:7077", spark.sparkContext.master)
    names: dict[str, Any] = {"regard": regard}
    exec(code.replace("shop/purchases", "shop/purchases.parquet")
         .replace("shop.purchases", "purchases"), names)  # fmt: skip
    assert names["report"].rows_kept == 3
    assert names["log"].collect()["item"].to_list() == ["a", "b", "a"]


def test_at_the_prompt(spark: Any, plays: pl.DataFrame, tmp_path: Path) -> None:
    folder, out = written(tmp_path / "log", "parquet", plays), tmp_path / "out"
    words = ["clean", str(folder), "--user", "who", "--rule", "missing-user", "--min-item", "3"]
    told = CliRunner().invoke(app, [*words, "--engine", "spark", "--out", str(out), "--json"])
    assert told.exit_code == 0, told.stderr
    here = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "here.parquet"), "--json"])
    there, here_ = json.loads(told.stdout), json.loads(here.stdout)
    for paths in ("out", "quarantine", "next"):
        del there[paths], here_[paths]
    assert there == here_
    assert_frame_equal(parquet(out / "kept"), pl.read_parquet(tmp_path / "here.parquet"))
    again = CliRunner().invoke(app, [*words, "--engine", "spark", "--out", str(out)])
    assert (again.exit_code, "is there already" in again.stderr) == (2, True)
    assert spark.range(3).count() == 3, "a session that ran before goes on"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--engine", "dask"), "choose polars or spark"),
        (("--master", "local"), "add --engine spark"),
        (("--engine", "spark", "--quarantine", "q.parquet"), "leave it out"),
        (("--engine", "spark", "--master", "spark://other:7077"), "runs already"),
    ],
)
def test_options_that_do_not_go_together(
    words: tuple[str, ...], says: str, spark: Any, tmp_path: Path
) -> None:
    told = CliRunner().invoke(app, ["clean", "x.csv", "--out", str(tmp_path / "o"), *words])
    assert (told.exit_code, says in told.stderr) == (2, True), told.stderr


def test_held_rows_go_to_the_checkpoint_folder(
    spark: Any, there: Interactions, tmp_path: Path
) -> None:
    spark.sparkContext.setCheckpointDir(str(tmp_path / "checkpoints"))
    held(there.frame)
    assert list((tmp_path / "checkpoints").rglob("part-*"))


@pytest.mark.skipif(os.name == "nt", reason="signals and process groups of POSIX")
def test_a_killed_run_leaves_nothing_that_looks_whole(tmp_path: Path) -> None:
    log = tmp_path / "log.parquet"
    pl.read_parquet(online_retail()).head(30_000).write_parquet(log)
    command = [sys.executable, "-m", "regard", "clean", str(log), "--engine", "spark"]
    process = subprocess.Popen(
        [*command, "--master", "local[1]", "--out", str(tmp_path / "out")],
        start_new_session=True,  # Java dies with it
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(".regard-*/kept")):
        assert process.poll() is None, "ended too early"
        assert time.monotonic() < deadline, "nothing was written within two minutes"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "out").exists()
    left = {path.name for path in tmp_path.iterdir()} - {"log.parquet"}
    assert all(name.startswith(".regard-") for name in left)
