"""A clean log and a bundle of one name: neither loses the rows that were removed for it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Run = Callable[..., Result]
FIT = ("--model", "popularity")


def test_fit_leaves_the_quarantine_of_a_clean_log_of_its_name(
    regard: Run, log: Path, tmp_path: Path
) -> None:
    regard("clean", log, "--out", tmp_path / "shop.parquet")
    quarantine = tmp_path / "shop.quarantine.parquet"
    before = quarantine.read_bytes()
    refused = regard(
        "fit", tmp_path / "shop.parquet", "--out", tmp_path / "shop", *FIT, status=2
    ).stderr
    assert "shop.quarantine.parquet holds the rows that were removed for" in refused
    assert quarantine.read_bytes() == before
    assert not (tmp_path / "shop").exists()


def test_clean_leaves_the_quarantine_of_a_bundle_of_its_name(
    regard: Run, log: Path, tmp_path: Path
) -> None:
    regard("fit", log, "--out", tmp_path / "shop", *FIT)
    out = tmp_path / "shop.parquet"
    refused = regard("clean", log, "--out", out, status=2).stderr
    assert "choose another name for --out" in refused
    assert not out.exists()
    regard("clean", log, "--out", out, "--quarantine", tmp_path / "elsewhere.parquet")


def test_a_folder_that_is_no_bundle_owns_no_quarantine(
    regard: Run, log: Path, tmp_path: Path
) -> None:
    (tmp_path / "clean").mkdir()
    for _ in range(2):
        regard("clean", log, "--out", tmp_path / "clean.parquet")


@pytest.mark.parametrize("again", [("--overwrite",), ()])
def test_a_result_may_replace_its_own(
    regard: Run, log: Path, tmp_path: Path, again: tuple[str, ...]
) -> None:
    verb = ("fit", log, "--out", tmp_path / "shop", *FIT)
    if not again:
        verb = ("clean", log, "--out", tmp_path / "shop.parquet")
    regard(*verb)
    regard(*verb, *again)
