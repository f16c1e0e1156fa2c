"""Shards: whole sorted histories in files that are what the manifest says."""

import json
import re
from pathlib import Path

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from regard.data.interactions import Interactions
from regard.data.shards import MANIFEST, Manifest, read_manifest, read_shards, write_shards
from regard.data.split import split_by_time
from regard.data.synthetic import markov_world
from regard.errors import ConfigurationError, DataError, SourceError, TooLittleDataError
from regard.schema import Clock

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "Ö", "zoë", "a"]), st.integers(0, 5), st.integers(0, 9)
    ),
    min_size=1,
    max_size=60,
)


def log_of(rows: list[tuple[str, int, int]]) -> Interactions:
    table = pl.DataFrame(rows, schema=["user", "item", "time"], orient="row")
    backwards = pl.int_range(table.height - 1, -1, -1, dtype=pl.Int64, eager=True)
    return Interactions.of(table.with_columns(row=backwards), "plays")


def parts(folder: Path, manifest: Manifest) -> list[pl.DataFrame]:
    return [pl.read_parquet(folder / shard.file) for shard in manifest.shards]


@given(rows=ROWS, shards=st.integers(1, 7))
def test_shards_one_after_another_are_the_sorted_log(
    rows: list[tuple[str, int, int]], shards: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    log, folder = log_of(rows), tmp_path_factory.mktemp("shards") / "out"
    manifest = write_shards(log, folder, shards=shards)
    found = parts(folder, manifest)
    assert_frame_equal(pl.concat(found), log.sorted())
    for shard, part in zip(manifest.shards, found, strict=True):
        users = part["user"]
        assert (shard.rows, shard.users) == (part.height, users.n_unique())
        assert (shard.first, shard.last) == (users.min(), users.max())
    lasts = [shard.last for shard in manifest.shards[:-1]]
    assert all(a < b.first for a, b in zip(lasts, manifest.shards[1:], strict=True))
    assert len(found) <= shards
    assert sum(shard.users for shard in manifest.shards) == manifest.users


def test_shards_are_about_equally_large(tmp_path: Path) -> None:
    log = markov_world(users=200, items=30, length=20).log
    manifest = write_shards(log, tmp_path / "out", shards=4)
    assert len(manifest.shards) == 4
    assert np.ptp([shard.rows for shard in manifest.shards]) <= 40


def test_sequences_are_those_of_the_log_in_memory(tmp_path: Path) -> None:
    log = markov_world(users=60, items=20, length=30).log
    write_shards(log, tmp_path / "out", shards=3)
    here, there = split_by_time(log), split_by_time(read_shards(tmp_path / "out", verify=True))
    assert here.vocabulary.ids.equals(there.vocabulary.ids)
    for name in ("offsets", "items", "times", "rows"):
        left, right = getattr(here.events, name), getattr(there.events, name)
        np.testing.assert_array_equal(left, right)


def test_a_log_without_a_clock_and_one_of_another_engine(tmp_path: Path) -> None:
    table = pl.DataFrame({"user": [2, 1], "item": [1, 1], "position": [0, 0], "row": [0, 1]})
    arrow = Interactions(nw.from_native(table.to_arrow()).lazy(), Clock.ORDER, "arrow")
    write_shards(arrow, tmp_path / "out")
    read = read_shards(tmp_path / "out")
    assert read.clock is Clock.ORDER
    assert read.collect()["user"].to_list() == [2, 1]


def test_brackets_in_a_name_are_no_pattern(tmp_path: Path) -> None:
    logs = {name: markov_world(users=9, seed=len(name)).log for name in ("run[1]", "run1")}
    for name, log in logs.items():
        write_shards(log, tmp_path / name / "out", shards=2)
        assert_frame_equal(read_shards(tmp_path / name / "out").collect(), log.collect())
    found = read_shards(tmp_path / "run[1]" / "out").collect()
    assert_frame_equal(found, logs["run[1]"].collect())


def test_what_the_log_knows_comes_back(tmp_path: Path) -> None:
    log = log_of([("a", 1, 1)]).with_frame(log_of([("a", 1, 1)]).frame, "A note.")
    manifest = write_shards(log, tmp_path / "out")
    read = read_shards(tmp_path / "out")
    assert (read.notes, dict(read.roles)) == (("A note.",), dict(log.roles))
    assert read_manifest(tmp_path / "out") == manifest
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        MANIFEST,
        "shard-00000.parquet",
    ]


@pytest.mark.parametrize(
    ("table", "error", "says"),
    [
        ({"user": [None, 1], "item": [1, 1], "time": [1.0, 2.0]}, DataError, "1 rows without user"),
        ({"user": [1], "item": [None], "time": [1.0]}, DataError, "without item"),
        ({"user": [1], "item": [1], "time": [float("nan")]}, DataError, "without time"),
        ({"user": [], "item": [], "time": []}, TooLittleDataError, "holds no rows"),
    ],
)
def test_what_is_no_history_is_refused(
    table: dict[str, list[object]], error: type[Exception], says: str, tmp_path: Path
) -> None:
    frame = pl.DataFrame(table, schema={"user": pl.Int64, "item": pl.Int64, "time": pl.Float64})
    with pytest.raises(error, match=says):
        write_shards(Interactions.of(frame), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_number_of_shards_that_makes_no_sense(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="shards=0 must be"):
        write_shards(log_of([("a", 1, 1)]), tmp_path / "out", shards=0)


def test_damage_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    write_shards(log_of([("a", 1, 1), ("b", 2, 2)]), folder, shards=2)
    file = folder / "shard-00001.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[:60] + bytes([whole[60] ^ 1]) + whole[61:])
    read_shards(folder)  # the size is right, and nobody asked for more
    with pytest.raises(SourceError, match="is not what was written"):
        read_shards(folder, verify=True)
    file.write_bytes(whole[:-1])
    with pytest.raises(SourceError, match="is not what was written"):
        read_shards(folder)
    file.unlink()
    with pytest.raises(SourceError, match=re.escape("lacks shard-00001.parquet")):
        read_shards(folder)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no shards"):
        read_shards(tmp_path)
    write_shards(log_of([("a", 1, 1)]), tmp_path / "out")
    manifest = tmp_path / "out" / MANIFEST
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"version": 99}))
    with pytest.raises(SourceError, match="version 1, which this version"):
        read_shards(tmp_path / "out")


def test_a_folder_that_is_there_stays(tmp_path: Path) -> None:
    write_shards(log_of([("a", 1, 1)]), tmp_path / "out")
    with pytest.raises(OSError, match="is there already"):
        write_shards(log_of([("b", 1, 1)]), tmp_path / "out")
    write_shards(log_of([("b", 1, 1)]), tmp_path / "out", overwrite=True)
    assert read_shards(tmp_path / "out").collect()["user"].to_list() == ["b"]
