"""`regard datasets` and `dataset:NAME`, typed at a prompt: here and in real processes."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from loopback import Cut, Site
from published_logs import ml_100k
from rich.console import Console
from typer.testing import CliRunner, Result

from regard.cli.app import app
from regard.cli.logs import read_log
from regard.cli.options import SourceOptions
from regard.cli.recipes import recipe_of
from regard.data.datasets import download
from regard.data.datasets.watching import ConsoleWatcher

GAMES = "amazon-2023-video-games"


def run(*words: object, status: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == status, f"{result.exit_code}: {result.stderr or result.stdout}"
    return result


def process(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "regard", *map(str, words)], capture_output=True, text=True,
        env={**os.environ, "COLUMNS": "200"}, timeout=120,
    )  # fmt: skip


def test_the_list(site: Site) -> None:
    shown = run("datasets").stdout
    for part in ("ml-100k", "1,000,209", "198.7 MB", "CC BY 4.0", "none stated", "about 814,600"):
        assert part in shown
    assert site.asked == []


def test_the_list_as_json(site: Site, cache: Path) -> None:
    run("datasets", "ml-1m")
    document = json.loads(run("datasets", "--json").stdout)
    assert document["folder"] == str(cache)
    here = {each["name"] for each in document["datasets"] if each["here"]}
    assert here == {"online-retail", "ml-1m"}
    hundred = next(each for each in document["datasets"] if each["name"] == "ml-100k")
    assert hundred["urls"] == ["https://files.grouplens.org/datasets/movielens/ml-100k.zip"]
    assert "Harper" in hundred["citation"]


def test_one_is_brought(site: Site, cache: Path) -> None:
    first = run("datasets", "ml-1m")
    assert "no redistribution" in first.stderr
    assert "Go on with    regard fit dataset:ml-1m --out ml-1m" in first.stdout
    assert str(cache / "ml-1m") in first.stdout
    again = run("datasets", "ml-1m")
    assert "no redistribution" in again.stdout
    document = json.loads(run("datasets", "ml-1m", "--json").stdout)
    assert Path(document["files"]["ratings.dat"]).is_file()
    assert document["next"] == "regard fit dataset:ml-1m --out ml-1m"


def test_a_copy_is_taken(tmp_path: Path, cache: Path) -> None:
    copy = tmp_path / "my copy.zip"
    copy.write_bytes(ml_100k())
    shown = run("datasets", "ml-100k", "--path", copy).stdout
    assert "does not have the md5" in shown
    assert f"regard fit 'dataset:ml-100k@{copy}' --out ml-100k" in shown
    described = json.loads(run("inspect", f"dataset:ml-100k@{copy}", "--json").stdout)
    assert described["rows"] == 6


def test_a_recipe_may_name_one(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "ml-100k.zip").write_bytes(ml_100k())
    path = f"dataset:ml-100k@{tmp_path / 'ml-100k.zip'}"
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f"[source]\npath = {path!r}\n")
    read = read_log(recipe_of(recipe, SourceOptions()))
    assert read.source == path
    assert read.collect().height == 6


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["datasets", "ml-2m"], "No dataset is called 'ml-2m'"),
        (["datasets", "--path", "x"], "--path is a copy of one dataset; name which one"),
        (["datasets", "ml-1m", "--path", "gone.zip"], "gone.zip does not exist"),
        (["inspect", "dataset:ml-9m"], "No dataset is called 'ml-9m'"),
        (["inspect", "dataset:ml-1m", "--table", "a"], "--table is for a database"),
    ],
)
def test_what_makes_no_sense(cache: Path, words: Sequence[str], message: str) -> None:
    refused = run(*words, status=2)
    assert message in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_real_process_downloads_and_fits(site: Site, cache: Path, tmp_path: Path) -> None:
    site.files["Video_Games.csv.gz"] = many_plays()
    site.troubles = [Cut(200)]
    brought = process("datasets", GAMES)
    assert brought.returncode == 0, brought.stderr
    assert "asks for the citation" in brought.stderr
    assert "trying again in 1 s" in brought.stderr
    assert "\x1b" not in brought.stderr  # no bar where nobody sees one
    bundle = tmp_path / "games"
    fitted = process(
        "fit", f"dataset:{GAMES}", "--model", "markov", "--out", bundle, "--protocol",
        "leave-last-out", "--json",
    )  # fmt: skip
    assert fitted.returncode == 0, fitted.stderr
    assert json.loads(fitted.stdout)["recipe"]["source"]["path"] == f"dataset:{GAMES}"
    assert len(site.asked) == 2
    assert json.loads(run("evaluate", bundle, "--json").stdout)


def test_a_real_process_refuses_another_file(site: Site, cache: Path) -> None:
    refused = process("inspect", "dataset:ml-100k")  # another process knows the real checksum
    assert refused.returncode == 2
    last = refused.stderr.strip().splitlines()[-1]
    assert last.startswith("error: http://127.0.0.1")
    assert "published is 0e33842e24a9c977be4e0107933c0723" in last
    assert refused.stdout == ""


def test_without_a_network(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGARD_DATASETS_MIRROR", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setattr(download.time, "sleep", lambda _: None)
    refused = run("datasets", GAMES, status=2)
    assert "Connection refused. Check the network" in refused.stderr
    assert f"dataset:{GAMES}@PATH" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_bar_is_drawn_where_there_is_a_terminal() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    watcher = ConsoleWatcher(console)
    watcher.advance(5)  # nothing has begun
    watcher.begin("ml-1m.zip", 6_000_000, 3_000_000)
    watcher.advance(3_000_000)
    watcher.end()
    assert "ml-1m.zip" in console.file.getvalue()  # type: ignore[attr-defined]  # it is StringIO


def many_plays() -> bytes:
    """Ratings enough to fit a model: 30 users with 8 games each."""
    import gzip

    lines = ["user_id,parent_asin,rating,timestamp"]
    for user in range(30):
        for step in range(8):
            game, at = (user + step * (1 + user % 3)) % 20, 1_600_000_000 + 997 * step + user
            lines.append(f"U{user:03},G{game:03},{1 + step % 5}.0,{at}000")
    return gzip.compress("\n".join(lines).encode(), mtime=0)
