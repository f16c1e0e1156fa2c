"""Removed rows on disk: complete, with their reason, or not there at all."""

import errno
import os
from pathlib import Path

import polars as pl
import pytest
from dirty_logs import dirty_log
from polars.testing import assert_frame_equal

from regard.data.clean import clean, default_rules
from regard.data.interactions import Interactions
from regard.data.report import CleaningReport
from regard.errors import StorageError


@pytest.fixture(scope="module")
def report() -> CleaningReport:
    return clean(Interactions.of(dirty_log(300, 8), source="shop.csv"))[1]


def test_what_is_written_can_be_read(report: CleaningReport, tmp_path: Path) -> None:
    report.write_quarantine(tmp_path / "out" / "quarantine.parquet")
    table = pl.read_parquet(tmp_path / "out" / "quarantine.parquet")
    assert_frame_equal(table, report.quarantine)
    assert table.columns[-3:] == ["row", "rule", "reason"]
    assert table["row"].is_sorted()
    assert table.null_count()["reason"].item() == 0


def test_reasons_belong_to_rules(report: CleaningReport) -> None:
    pairs = set(report.quarantine.select("rule", "reason").iter_rows())
    assert pairs == {(each.rule, each.reason) for each in report.removals if each.rows}


def test_kept_and_quarantined_make_the_log(tmp_path: Path) -> None:
    log = Interactions.of(dirty_log(300, 9))
    kept, report = clean(log)
    report.write_quarantine(tmp_path / "q.parquet")
    back = pl.read_parquet(tmp_path / "q.parquet").drop("rule", "reason")
    assert_frame_equal(pl.concat([kept.collect(), back]).sort("row"), log.collect())


def test_columns_of_the_log_keep_their_names(tmp_path: Path) -> None:
    rows = {"user": [1, None], "item": ["a", "b"], "position": [0, 1]}
    own = {"rule": ["x", "y"], "reason": [1, 2], "reason_": [3, 4]}
    _, report = clean(Interactions.of(pl.DataFrame(rows | own)))
    last = dict.fromkeys(report.quarantine.columns[-2:])
    assert list(last) == ["rule_", "reason__"]
    assert report.quarantine.select("rule", "reason", "reason_", *last).row(0) == (
        "y", 2, 4, "missing-user", "The user is missing."
    )  # fmt: skip


def test_a_quarantine_can_be_empty(tmp_path: Path) -> None:
    log = Interactions.of(pl.DataFrame({"user": [1], "item": ["a"], "position": [0]}))
    _, report = clean(log)
    report.write_quarantine(tmp_path / "q.parquet")
    table = pl.read_parquet(tmp_path / "q.parquet")
    assert table.is_empty()
    assert table.columns == ["user", "item", "position", "row", "rule", "reason"]


@pytest.mark.parametrize("previous", [None, b"old"])
def test_a_full_disk_leaves_what_was_there(
    report: CleaningReport,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    previous: bytes | None,
) -> None:
    target = tmp_path / "q.parquet"
    if previous is not None:
        target.write_bytes(previous)

    def half(self: pl.DataFrame, file: Path) -> None:
        file.write_bytes(b"PAR1 half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pl.DataFrame, "write_parquet", half)
    said = r"q\.parquet could not be written \(No space left on device\).*Free some space"
    with pytest.raises(StorageError, match=said):
        report.write_quarantine(target)
    assert [each.name for each in tmp_path.iterdir()] == ([target.name] if previous else [])
    assert not previous or target.read_bytes() == previous


def test_two_runs_with_the_same_rules_report_the_same() -> None:
    log = Interactions.of(dirty_log(300, 8))
    rules = default_rules(log)
    first, second = clean(log, rules)[1], clean(log, rules)[1]
    assert first.to_dict() == second.to_dict()
    assert str(first) == str(second)
    assert "quarantine" not in repr(first)
