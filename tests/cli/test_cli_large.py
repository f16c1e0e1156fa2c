"""`regard prepare`, and `regard fit` on disk: the same model as in memory."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from shop_logs import table
from typer.testing import Result

from regard.cli import large

Run = Callable[..., Result]
MARKOV = ("--model", "markov")


@pytest.fixture
def clicks(tmp_path: Path) -> Path:
    path = tmp_path / "clicks.parquet"
    once = table()
    pl.concat([once, once[:7]]).write_parquet(path)
    return path


def facts(bundle: Path) -> dict[str, Any]:
    card = json.loads((bundle / "card.json").read_text())
    names = ("fingerprint", "users", "items", "interactions", "split", "test")
    del card["test"]["seconds"]
    return {name: card[name] for name in names}


def test_fit_on_disk_is_fit_in_memory(regard: Run, clicks: Path, tmp_path: Path) -> None:
    ways = {
        "memory": ("fit", clicks, "--engine", "memory"),
        "streaming": ("fit", clicks, "--engine", "streaming"),
        "auto": ("fit", clicks),
    }
    for name, words in ways.items():
        regard(*words, "--out", tmp_path / name, *MARKOV)
    regard("prepare", clicks, "--out", tmp_path / "made")
    regard("fit", tmp_path / "made", "--out", tmp_path / "prepared", *MARKOV)
    found = {name: facts(tmp_path / name) for name in (*ways, "prepared")}
    for name, each in found.items():
        assert each == found["memory"], name
    removed = [pl.read_parquet(tmp_path / f"{name}.quarantine.parquet") for name in found]
    assert len(removed[0]) == 7
    assert all(each.equals(removed[0]) for each in removed)
    hidden = [each.name for each in tmp_path.iterdir() if each.name.startswith(".")]
    assert hidden == []


def test_prepare_tells_and_is_not_done_twice(
    regard: Run, regard_json: Callable[..., Any], clicks: Path, tmp_path: Path
) -> None:
    out = tmp_path / "made"
    told = regard("prepare", clicks, "--out", out, "--protocol", "leave-last-out").stdout
    assert "7 removed" in told
    assert "regard fit" in told
    assert "leave-last-out" in told
    found = regard_json("prepare", clicks, "--out", out, "--protocol", "leave-last-out")
    assert found["rows_removed"] == 7
    assert found["users"] == 60
    refused = regard("prepare", clicks, "--out", out, status=2).stderr
    assert "overwrite" in refused
    regard("prepare", clicks, "--out", out, "--overwrite", "--set", "split.min_count=2")


def test_a_folder_with_a_file_of_that_name_is_not_replaced(
    regard: Run, clicks: Path, tmp_path: Path
) -> None:
    out = tmp_path / "recipes"
    out.mkdir()
    for name, content in (("prepared.json", '{"format": 1}'), ("soup.txt", "onions")):
        (out / name).write_text(content)
    refused = regard("prepare", clicks, "--out", out, "--overwrite", status=2).stderr
    assert "only a prepared log can be" in " ".join(refused.split())
    assert (out / "soup.txt").read_text() == "onions"


def test_a_log_that_is_too_large_is_prepared_and_it_is_said(
    regard: Run, clicks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large, "available_memory", lambda: 100_000)
    told = regard("fit", clicks, "--out", tmp_path / "model", *MARKOV).stderr
    assert "prepared in shards on disk" in told


@pytest.mark.parametrize("words", [
    ("--engine", "spark"), ("--rule", "missing-user"), ("--user", "user_id"),
    ("--protocol", "leave-last-out"),
])  # fmt: skip
def test_a_prepared_log_cannot_be_changed(
    regard: Run, clicks: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    regard("prepare", clicks, "--out", tmp_path / "made")
    refused = regard("fit", tmp_path / "made", "--out", tmp_path / "m", *words, status=2).stderr
    assert "is prepared" in refused or "is not known" in refused


def test_the_recipe_of_a_prepared_log_runs_again(regard: Run, clicks: Path, tmp_path: Path) -> None:
    regard("prepare", clicks, "--out", tmp_path / "made", "--set", "split.min_count=2")
    regard("fit", tmp_path / "made", "--out", tmp_path / "first", *MARKOV)
    recipe = tmp_path / "first" / "recipe.toml"
    regard("fit", recipe, "--out", tmp_path / "again")
    assert facts(tmp_path / "again") == facts(tmp_path / "first")
    recipe_of_another = recipe.read_text().replace("min_count = 2", "min_count = 1")
    other = tmp_path / "other.toml"
    other.write_text(recipe_of_another)
    assert "is prepared" in regard("fit", other, "--out", tmp_path / "m", status=2).stderr


@pytest.mark.parametrize("command", ["inspect", "compare", "clean"])
def test_what_reads_no_prepared_log_says_so(
    regard: Run, clicks: Path, tmp_path: Path, command: str
) -> None:
    regard("prepare", clicks, "--out", tmp_path / "made")
    out = ["--out", tmp_path / "c.parquet"] if command == "clean" else []
    refused = regard(command, tmp_path / "made", *out, status=2).stderr
    assert "is a prepared log, which regard fit alone reads" in refused


def test_what_cannot_be_prepared(regard: Run, tmp_path: Path) -> None:
    table().write_csv(tmp_path / "log.csv")
    told = regard("prepare", tmp_path / "log.csv", "--out", tmp_path / "made", status=2).stderr
    assert "only Parquet can be read in parts" in " ".join(told.split())
    told = regard("prepare", "sqlite:///no.db", "--out", tmp_path / "made", status=2).stderr
    assert "A database cannot be read in shards" in " ".join(told.split())
    table().filter(pl.col("user_id") == "u1").write_parquet(tmp_path / "one.parquet")
    words = ("fit", tmp_path / "one.parquet", "--engine", "streaming", "--out", tmp_path / "m")
    told = regard(*words, "--protocol", "leave-last-out", *MARKOV, status=2).stderr
    assert "single user" in " ".join(told.split())


@pytest.mark.parametrize("words", [("--feature", "price=buckets"), ("--repair", "trim-ids")])
def test_what_shards_cannot_do_is_refused_before_anything_is_made(
    regard: Run, clicks: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    told = regard(
        "fit", clicks, "--engine", "streaming", "--out", tmp_path / "made", *words, status=2
    ).stderr
    assert "--engine memory" in " ".join(told.split())
    assert not (tmp_path / "made").exists()
