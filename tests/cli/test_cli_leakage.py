"""What sees the future, as commands say it: real processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from shop_logs import table, write_log

MARKOV = ("--model", "markov", "--protocol", "leave-last-out")
MORE = "What these mean and what to do: docs/leakage.md"


def run(*words: object, status: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "regard", *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"},
        timeout=120,
    )
    assert done.returncode == status, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def shifted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log with a column that stands a row too early."""
    path = tmp_path_factory.mktemp("shifted") / "log.csv"
    following = pl.col("item_id").shift(-1).over("user_id")
    table().sort("user_id", "timestamp").with_columns(next_click=following).write_csv(path)
    return path


def test_inspect_shows_the_section(shifted: Path) -> None:
    told = run("inspect", shifted)
    assert f"Does anything see the future? {shifted}, global time: validation from" in told
    assert "  leak  telling-columns" in told
    assert "Column 'next_click' tells the next item" in told
    found = json.loads(run("inspect", shifted, "--json"))
    leak, *others = found["leakage"]["findings"]
    assert (leak["name"], leak["severity"]) == ("telling-columns", "leak")
    assert leak["evidence"]["column"] == "next_click"
    assert "next_click" in leak["samples"][0]
    assert all(each["severity"] != "leak" for each in others)
    assert "doubts" in found


def test_inspect_says_why_a_log_cannot_be_split(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user,item,time\n1,a,1500000000\n2,b,1500000001\n")
    assert "This log cannot be split: " in run("inspect", path)
    refused = json.loads(run("inspect", path, "--json"))["leakage"]["refused"]
    assert refused


def test_fit_and_evaluate_warn_in_a_line_each(shifted: Path, tmp_path: Path) -> None:
    told = run("fit", shifted, *MARKOV, "--out", tmp_path / "m")
    lines = [line for line in told.splitlines() if line.startswith(("leak  ", "risk  "))]
    assert [line.split(":")[0] for line in lines] == [
        "leak  telling-columns",
        "risk  training-after-targets",
    ]
    assert told.index("leak  telling-columns") < told.index(MORE) < told.index("ndcg")
    card = json.loads((tmp_path / "m" / "card.json").read_text("utf-8"))
    assert card["leakage"]["findings"][0]["severity"] == "leak"
    again = run("evaluate", tmp_path / "m")
    assert "risk  training-after-targets" in again
    assert MORE in again
    measured = json.loads(run("evaluate", tmp_path / "m", "--json"))["leakage"]
    assert [each["name"] for each in measured["findings"]] == ["training-after-targets"]
    assert "give the log" in measured["left_out"]["telling-columns"]


def test_fit_puts_it_into_its_document(shifted: Path, tmp_path: Path) -> None:
    found = json.loads(run("fit", shifted, *MARKOV, "--out", tmp_path / "m", "--json"))
    assert found["leakage"]["findings"][0]["name"] == "telling-columns"


def test_evaluate_remembers_the_rules_of_cleaning(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.csv")
    by_time = ("--model", "markov", "--protocol", "global-time")
    rare = ("--rule", "rare-users-and-items")
    run("fit", log, *by_time, *rare, "--out", tmp_path / "m")
    found = json.loads(run("evaluate", tmp_path / "m", "--json"))["leakage"]["findings"]
    assert "rules-ahead" in [each["name"] for each in found]


def test_compare_warns_too(shifted: Path) -> None:
    words = ("compare", shifted, *MARKOV, "--against", "popularity")
    told = run(*words)
    assert told.index("popularity") < told.index("risk  training-after-targets")
    found = json.loads(run(*words, "--json"))
    assert found["leakage"]["findings"][0]["severity"] == "leak"


def test_a_clean_log_is_not_warned_of(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.csv")
    told = run("fit", log, "--model", "markov", "--out", tmp_path / "m")
    assert "docs/leakage.md" not in told
