"""What is scanned part after part is what is read in one go."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import regard
from regard.cli.app import app
from regard.data.ingest.scan import LargeLog, is_parquet, scan
from regard.data.interactions import Interactions
from regard.errors import ColumnError, ConfigurationError, DataError, SourceError, TimeError

ROWS = 50


def columns(rows: int = ROWS) -> pl.DataFrame:
    rng = np.random.default_rng(5)
    return pl.DataFrame({
        "user_id": rng.integers(0, 9, rows),
        "item_id": [f" {each}" if each else " " for each in rng.integers(0, 9, rows)],
        "timestamp": rng.integers(1_600_000_000, 1_700_000_000, rows),
        "rating": rng.integers(1, 6, rows).astype(float),
        "session": rng.integers(0, 9, rows).astype(float),
        "tags": [["a", "b"]] * rows,
        "row": ["context"] * rows,
    })  # fmt: skip


def require_same(path: Path | str, **options: str) -> LargeLog:
    whole = regard.read(path, **options).collect()
    log = scan(path, **options)
    assert log.rows == len(whole)
    for size in (1, 7, 1_000):
        assert pl.concat(log.parts(size)).equals(whole)
    some = ["row", "user"]
    assert pl.concat(log.parts(9, some)).equals(whole.select(some))
    assert log.head.columns() == whole.columns
    return log


def test_a_file_with_context_and_text(tmp_path: Path) -> None:
    columns().write_parquet(tmp_path / "log.parquet")
    log = require_same(tmp_path / "log.parquet")
    assert log.head.roles["session"] == "session"
    assert "decided by a sample" in log.head.notes[-1]


@pytest.mark.parametrize(
    "times",
    [
        pl.Series([1_600_000_000_000 + n for n in range(ROWS)]),
        pl.Series([1.6e9 + n / 2 for n in range(ROWS)]),
        pl.Series([20_111_201 + n % 9 for n in range(ROWS)]),
        pl.Series([f"2011-12-09 08:{n:02d}:00" for n in range(ROWS)]),
        pl.Series([f"{1_600_000_000 + n}" for n in range(ROWS)]),
        pl.Series([datetime(2020, 1, 1 + n % 28, tzinfo=UTC) for n in range(ROWS)]),
        pl.Series([datetime(2021, 3, 28, 2, n) for n in range(ROWS)]),
        pl.Series([datetime(2020, 1, 1 + n % 28).date() for n in range(ROWS)]),
    ],
    ids=["ms", "float", "compact", "text", "numbers-as-text", "utc", "skipped", "date"],
)
def test_times_of_every_form(tmp_path: Path, times: pl.Series) -> None:
    columns().with_columns(times.alias("timestamp")).write_parquet(tmp_path / "log.parquet")
    require_same(tmp_path / "log.parquet", timezone="Europe/Berlin")


def test_orders_and_options(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    columns().write_parquet(path)
    require_same(path, order="file", user="user_id")
    require_same(path, order="timestamp", value="rating")
    require_same(path, time="timestamp", time_unit="ms")


def test_folders_and_partitions(tmp_path: Path) -> None:
    table = columns()
    for number, year in enumerate((2023, 2024, 2025)):
        (tmp_path / f"year={year}").mkdir()
        part = table[number * 10 : number * 20]
        part.write_parquet(tmp_path / f"year={year}" / "part.parquet")
    require_same(tmp_path)
    require_same(f"{tmp_path}/year=202[34]/*.parquet")
    assert is_parquet(tmp_path)
    assert not is_parquet(tmp_path / "nothing")
    (tmp_path / "year=2026").mkdir()
    (tmp_path / "year=2026" / "part.csv").write_text("a,b\n1,2\n")
    assert not is_parquet(tmp_path)


def test_sessions_that_are_no_whole_numbers(tmp_path: Path) -> None:
    table = columns().with_columns(pl.Series("session", [1.0] * (ROWS - 1) + [1.5]))
    table.write_parquet(tmp_path / "log.parquet")
    require_same(tmp_path / "log.parquet")


def write(tmp_path: Path, **changed: pl.Series) -> Path:
    path = tmp_path / "log.parquet"
    columns(len(next(iter(changed.values())))).with_columns(**changed).write_parquet(path)
    return path


def test_units_that_change_beyond_the_sample_are_refused(tmp_path: Path) -> None:
    times = np.full(100_000, 1_600_000_000)
    times[70_001] *= 1_000
    path = write(tmp_path, timestamp=pl.Series(times))
    log = scan(path)
    with pytest.raises(TimeError, match=r"not row 1 \(1600000000000\).*counted from row 70,000"):
        list(log.parts(10_000))


def test_what_cannot_be_scanned(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        scan(tmp_path / "nothing.parquet")
    (tmp_path / "log.csv").write_text("user,item,time\n1,2,3\n")
    with pytest.raises(SourceError, match=r"sink_parquet"):
        scan(tmp_path / "log.csv")
    path = write(tmp_path, rating=pl.Series(["1"] * ROWS))
    with pytest.raises(ColumnError, match="holds text, but plays the role 'value'"):
        scan(path, value="rating")
    with pytest.raises(ConfigurationError, match="items= is not for a log that is read in parts"):
        scan(path, items="items.csv")
    with pytest.raises(ConfigurationError, match="not both"):
        scan(path, time="timestamp", order="file")
    (tmp_path / "two").mkdir()
    columns().write_parquet(tmp_path / "two" / "a.parquet")
    columns().drop("tags").write_parquet(tmp_path / "two" / "b.parquet")
    with pytest.raises(SourceError, match="other columns or types"):
        scan(tmp_path / "two")


def damaged(raw: bytes, way: str) -> bytes:
    footer = len(raw) - 8 - int.from_bytes(raw[-8:-4], "little")
    start, stop = {"page": (20, footer // 2), "footer": (footer, footer + 60)}.get(way, (0, 0))
    turned = raw[:start] + bytes(byte ^ 0xFF for byte in raw[start:stop]) + raw[stop:]
    return turned[: len(raw) // 2] if way == "cut" else turned


@pytest.mark.parametrize("way", ["cut", "page", "footer"])
def test_a_damaged_file_is_named(tmp_path: Path, way: str) -> None:
    sound, broken = tmp_path / "in" / "a.parquet", tmp_path / "in" / "b.parquet"
    sound.parent.mkdir()
    columns().write_parquet(sound)
    broken.write_bytes(damaged(sound.read_bytes(), way))
    for source in (broken, broken.parent):
        with pytest.raises(SourceError, match=r"b\.parquet cannot .*damaged .*Fetch it") as refused:
            list(scan(source).parts(10))
        assert "\n" not in str(refused.value)
    words = ["prepare", str(broken), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, words)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "b.parquet cannot be read as Parquet" in done.stderr


def test_what_is_no_parquet_inside(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    for content, told in ((b"", "is empty"), (b"user,item,time\n", "begins like something else")):
        path.write_bytes(content)
        with pytest.raises(SourceError, match=rf"a\.parquet .*{told}"):
            scan(path)


def test_a_file_that_changes_has_another_identity(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    columns().write_parquet(path)
    first = scan(path).identity
    assert scan(path).identity == first
    assert scan(path, order="file").identity != first
    columns(ROWS + 1).write_parquet(path)
    assert scan(path).identity != first


def test_rows_out_of_order_are_refused() -> None:
    table = pl.DataFrame({"user": [1, 1], "item": [1, 2], "position": [0, 1], "row": [1, 0]})
    with pytest.raises(DataError, match="do not lie in the order"):
        list(LargeLog.of(Interactions.of(table)).parts(1))
