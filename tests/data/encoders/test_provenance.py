"""Fitted encoders remember what they were fitted on."""

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.data.encoders.fitted import VERSION, Encoders
from regard.data.encoders.provenance import Provenance
from regard.data.fingerprint import fingerprint
from regard.data.interactions import Interactions
from regard.errors import BundleVersionError

TABLE = pl.DataFrame({"user": [1, 2, 1], "item": list("aba"), "time": [3.0, 9.0, 5.0]})
SPEC = {"item": "categories"}


def test_rows_newest_time_and_fingerprint() -> None:
    log = Interactions.of(TABLE)
    assert Encoders.fit(log, SPEC).learned_from == Provenance(3, 9.0, fingerprint(log))


def test_a_log_without_a_clock() -> None:
    log = Interactions.of(TABLE.drop("time").with_columns(position=pl.Series([0, 0, 1])))
    assert Encoders.fit(log, SPEC).learned_from == Provenance(3, None, fingerprint(log))


@pytest.mark.parametrize("lacking", ["user", "time"])
def test_a_table_that_lacks_a_role(lacking: str) -> None:
    assert Encoders.fit(TABLE.drop(lacking), SPEC).learned_from == Provenance(3, None, None)


def test_times_of_a_calendar_have_no_fingerprint() -> None:
    moments = TABLE.with_columns(pl.from_epoch(pl.col("time").cast(pl.Int64)))
    assert Provenance.of(moments) == Provenance(3, None, None)


def test_times_that_are_none_are_not_the_newest() -> None:
    odd = TABLE.with_columns(time=pl.Series([3.0, float("nan"), float("inf")]))
    assert Provenance.of(odd).latest == 3.0


def test_it_is_stored_and_read_again(tmp_path: Path) -> None:
    encoders = Encoders.fit(TABLE, SPEC)
    encoders.save(tmp_path / "encoders")
    assert Encoders.load(tmp_path / "encoders").learned_from == encoders.learned_from
    stored = json.loads((tmp_path / "encoders" / "encoders.json").read_text("utf-8"))
    assert (stored["version"], stored["learned_from"]["rows"]) == (VERSION, 3)


def test_brackets_in_a_name_are_no_pattern(tmp_path: Path) -> None:
    for name, spec in (("run[1]", SPEC), ("run1", {"user": "categories"})):
        encoders = Encoders.fit(TABLE, spec)
        encoders.save(tmp_path / name)
        assert Encoders.load(tmp_path / name) == encoders
    assert Encoders.load(tmp_path / "run[1]") == Encoders.fit(TABLE, SPEC)


def test_version_1_did_not_know(tmp_path: Path) -> None:
    encoders = Encoders.fit(TABLE, SPEC)
    encoders.save(tmp_path / "encoders")
    file = tmp_path / "encoders" / "encoders.json"
    stored = json.loads(file.read_text("utf-8"))
    del stored["learned_from"]
    file.write_text(json.dumps(stored | {"version": 1}))
    old = Encoders.load(tmp_path / "encoders")
    assert old.learned_from is None
    assert old.fitted == encoders.fitted
    again = tmp_path / "again"
    old.save(again)
    assert Encoders.load(again) == old


@pytest.mark.parametrize("origin", [3, {"rows": 3}])
def test_damaged_provenance_is_refused(tmp_path: Path, origin: object) -> None:
    Encoders.fit(TABLE, SPEC).save(tmp_path / "encoders")
    file = tmp_path / "encoders" / "encoders.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | {"learned_from": origin}))
    with pytest.raises(BundleVersionError, match="cannot be read"):
        Encoders.load(tmp_path / "encoders")


@given(st.integers(0, 2))
def test_any_other_row_is_another_provenance(row: int) -> None:
    numbers = pl.int_range(pl.len())
    other = TABLE.with_columns(item=pl.when(numbers == row).then(pl.lit("z")).otherwise("item"))
    assert Provenance.of(other) != Provenance.of(TABLE)
