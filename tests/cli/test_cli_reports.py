"""Pages of pictures from the prompt, in real processes and in this one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from shop_logs import column_of, names_in
from typer.testing import CliRunner

from regard.cli.app import app

SURROUNDINGS = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}


def run(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "regard", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=SURROUNDINGS, timeout=120)


def test_inspect_writes_a_page(log: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = run("inspect", log, "--report", page, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert told["report"] == str(page)
    text = page.read_text("utf-8")
    assert f"{told['rows']:,} rows: 60 users and 12 items" in text
    assert str(log.parent) not in text
    assert "What was cleaned" not in text
    assert names_in(tmp_path) == {"log.csv", "page.html"}


def test_clean_writes_a_page_of_both_sides(tmp_path: Path) -> None:
    rows = [(1, "<script>x</script>", 1_700_000_000 + 86_400 * day) for day in range(9)]
    log = column_of(tmp_path / "log.csv", [*rows, ("", "tea", 1_700_000_000)])
    page, out = tmp_path / "page.html", tmp_path / "clean.parquet"
    done = run("clean", log, "--out", out, "--report", page)
    assert done.returncode == 0, done.stderr
    assert f"Pictures      {page}" in done.stdout
    text = page.read_text("utf-8")
    assert "10 rows: 1 user and 2 items; 9 kept" in text
    assert "settled by cleaning" in text
    assert "<script>x" not in text
    assert pl.read_parquet(out).height == 9


def test_a_page_that_cannot_be_written_leaves_nothing(log: Path, tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    done = run("clean", log, "--out", tmp_path / "c.parquet", "--report", tmp_path / "page.html")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert names_in(tmp_path) == {"log.csv", "page.html"}


def test_the_page_does_not_change_what_is_told(log: Path, tmp_path: Path, regard_json) -> None:
    page, out = tmp_path / "page.html", tmp_path / "c.parquet"
    with_page = regard_json("inspect", log, "--report", page)
    assert with_page == {**regard_json("inspect", log), "report": str(page)}
    before = page.read_bytes()
    cleaned = regard_json("clean", log, "--out", out, "--report", page, "--rule", "missing-user")
    assert cleaned["report"] == str(page)
    assert page.read_bytes() != before
    assert "report" not in regard_json("clean", log, "--out", out)


@pytest.mark.parametrize("command", ["inspect", "clean"])
def test_a_page_needs_a_name_that_says_so(command: str, log: Path, tmp_path: Path, regard) -> None:
    out = ["--out", tmp_path / "c.parquet"] if command == "clean" else []
    refused = regard(command, log, *out, "--report", tmp_path / "page.pdf", status=2)
    assert "page.pdf must end in .html" in refused.stderr
    assert names_in(tmp_path) == {"log.csv"}


def test_the_log_is_not_written_over(tmp_path: Path, log: Path, regard) -> None:
    log = log.rename(tmp_path / "log.html")
    assert "is named twice" in regard("inspect", log, "--report", log, status=2).stderr


def test_without_plotly_nothing_is_begun(log: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    words = ["inspect", str(log), "--report", str(tmp_path / "page.html")]
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == 2
    assert "pip install 'regard[report]'" in refused.stderr
    assert names_in(tmp_path) == {"log.csv"}


def test_inspect_without_a_page_draws_nothing(log: Path) -> None:
    program = (
        "import sys\nfrom regard.cli.app import app\n"
        f"try: app(['inspect', {str(log)!r}])\nexcept SystemExit: pass\n"
        "print([m for m in ('plotly', 'torch', 'regard.viz', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=SURROUNDINGS
    )
    assert done.stdout.splitlines()[-1] == "[]"
