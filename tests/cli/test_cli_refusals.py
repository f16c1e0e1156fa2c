"""Wrong input: one clear sentence on stderr, status 2, no traceback, nothing half-written."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from shop_logs import ONE_EPOCH, column_of, names_in, write_log
from typer.testing import Result

Run = Callable[..., Result]


def empty(folder: Path) -> Path:
    path = folder / "empty.csv"
    path.touch()
    return path


def header_only(folder: Path) -> Path:
    return column_of(folder / "header.csv", [])


def no_time(folder: Path) -> Path:
    return column_of(folder / "untimed.csv", [(1, "a"), (2, "b")], header="user,item")


def times_of_text(folder: Path) -> Path:
    return column_of(folder / "text.csv", [(1, "a", "noon"), (1, "b", "soon"), (2, "a", "late")])


def one_user(folder: Path) -> Path:
    return column_of(folder / "user.csv", [(1, f"i{n % 5}", 1.6e9 + n) for n in range(30)])


def one_item(folder: Path) -> Path:
    return column_of(folder / "item.csv", [(n % 6, "a", 1.6e9 + n) for n in range(30)])


def a_folder(folder: Path) -> Path:
    (folder / "logs.csv").mkdir()
    return folder / "logs.csv"


def binary(folder: Path) -> Path:
    path = folder / "binary.csv"
    path.write_bytes(bytes(range(256)) * 20)
    return path


WRONG = {
    empty: "empty.csv is empty",
    header_only: "header.csv has columns (user, item, time) but no rows",
    no_time: "No column of",
    times_of_text: "has 3 values that are not times (first: row 0, 'noon')",
    one_user: "has a single user",
    one_item: "has a single item",
    a_folder: "is a folder",
    binary: "is not text",
}


def assert_refused(result: Result, sentence: str) -> None:
    """One line, no traceback, nothing on stdout that a script could take for an answer."""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    assert sentence in lines[0]
    assert "Traceback" not in result.output


@pytest.mark.parametrize(("make", "sentence"), WRONG.items(), ids=[f.__name__ for f in WRONG])
def test_fit_refuses_a_wrong_log(
    regard: Run, tmp_path: Path, make: Callable[[Path], Path], sentence: str
) -> None:
    log = make(tmp_path)
    refused = regard("fit", log, "--out", tmp_path / "m", "--json", *ONE_EPOCH, status=2)
    assert_refused(refused, sentence)
    assert refused.stdout == ""
    assert names_in(tmp_path) == {log.name}


@pytest.mark.parametrize("make", [empty, header_only, no_time, times_of_text, a_folder, binary])
def test_clean_and_inspect_refuse_a_wrong_log(
    regard: Run, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    log = make(tmp_path)
    assert_refused(regard("inspect", log, status=2), WRONG[make])
    assert_refused(regard("clean", log, "--out", tmp_path / "c.parquet", status=2), WRONG[make])
    assert names_in(tmp_path) == {log.name}


def test_a_sentence_names_options_as_one_types_them(regard: Run, tmp_path: Path) -> None:
    told = regard("inspect", no_time(tmp_path), status=2).stderr
    assert "--time '...'" in told
    assert '--order "file"' in told


@pytest.mark.parametrize("command", ["recommend", "evaluate", "explain"])
@pytest.mark.parametrize("part", ["weights.safetensors", "histories/items.npy"])
def test_a_flipped_byte_is_found(
    regard: Run, bundle: Path, tmp_path: Path, command: str, part: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bundle, copy)
    damaged = bytearray((copy / part).read_bytes())
    damaged[-1] ^= 1
    (copy / part).write_bytes(damaged)
    person = [] if command == "evaluate" else ["--user", "u1"]
    assert_refused(regard(command, copy, *person, status=2), f"{part} is not what was written")


def test_no_bundle(regard: Run, tmp_path: Path) -> None:
    assert_refused(regard("evaluate", tmp_path / "none", status=2), "does not exist")
    assert_refused(regard("evaluate", tmp_path, status=2), "is not a bundle")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Give --user or --history"),
        (("--user", "u1", "--history", "T1"), "Give --user or --history"),
        (("--all",), "--all and --out RECS.parquet belong together"),
        (("--out", "lists.parquet"), "--all and --out RECS.parquet belong together"),
        (("--all", "--out", "lists.parquet", "--user", "u1"), "Give --all, or one of"),
        (("--all", "--out", "lists.csv"), "must end in .parquet"),
        (("--all", "--out", "l.parquet", "--times", "2026-01-31"), "Give --all, or one of"),
        (("--user", "u1", "--at", "1/2/2026"), "--at '1/2/2026' is no moment that can be read in"),
        (("--user", "u1", "--at", "1999-12-31"), "lies before the newest event of 1 of 1"),
        (("--user", "u1", "--times", "2026-01-31"), "a user's are in the log"),
        (("--history", "T1,T2", "--times", "2026-01-31"), "a moment for each of the 2 events"),
        (("--history", "T1", "--at", "2026-01-31"), "carries only an order"),
        (("--user", "u1", "--k", "0"), "k=0 must be 1 or more"),
        (("--user", "u1", "--seen", "perhaps"), "choose 'keep' or 'remove'"),
        (("--history", ",,", "--no-fallback"), "holds no item that this model knows"),
    ],
)
def test_recommend_refuses_what_makes_no_sense(
    regard: Run,
    bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert_refused(regard("recommend", bundle, *words, status=2), sentence)
    assert names_in(tmp_path) == set()


def test_explain_refuses_strangers(regard: Run, bundle: Path) -> None:
    assert_refused(
        regard("explain", bundle, "--user", "nobody", status=2), "is not among the 60 users"
    )
    refused = regard("explain", bundle, "--user", "u1", "--item", "caviar", status=2)
    assert_refused(refused, "Item 'caviar' is not among the 12 items")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--protocol", "leave-one-out"), "choose 'global-time', 'leave-last-out' or 'auto'"),
        (("--model", "sasrek"), "'sasrek' is not known"),
        (("--seen", "maybe"), "choose 'keep', 'remove' or 'auto'"),
        (("--set", "training.epoch=3"), "did you mean 'epochs'"),
        (("--set", "widht=3"), "did you mean 'width'"),
        (("--set", "width=many"), "must be int"),
        (("--set", "width"), "write KEY=VALUE"),
        (("--set", "cleaning.rule=3"), "names no part of a recipe"),
        (("--rule", "no-such"), "'no-such' is not known; choose from missing-user"),
        (("--exclude-items", "("), "is no regular expression"),
        (("--min-user", "0"), "must be a whole number of 1 or more"),
        (("--user", "nobody"), "has no column 'nobody' for --user"),
    ],
)
def test_fit_refuses_options_before_it_writes_anything(
    regard: Run, log: Path, tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    assert_refused(regard("fit", log, "--out", tmp_path / "m", *words, status=2), sentence)
    assert names_in(tmp_path) == {"log.csv"}


def test_fit_refuses_places_that_are_taken(
    regard: Run, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "diary.txt").write_text("dear diary")
    for words in ((), ("--overwrite",)):
        refused = regard("fit", log, "--out", mine, *words, status=2)
        assert_refused(refused, "will not be replaced")
    assert_refused(regard("fit", log, "--out", log, status=2), "is a file")
    monkeypatch.chdir(mine)
    assert_refused(regard("fit", log, "--out", ".", status=2), "the folder you are working in")
    assert names_in(tmp_path) == {"log.csv", "mine"}
    assert names_in(mine) == {"diary.txt"}


def test_fit_replaces_no_folder_that_only_looks_like_a_bundle(
    regard: Run, log: Path, tmp_path: Path
) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "manifest.json").write_text('{"name": "my web app"}')
    refused = regard("fit", log, "--out", app, "--overwrite", status=2)
    assert_refused(refused, "will not be replaced")
    assert names_in(app) == {"manifest.json"}


@pytest.mark.parametrize("command", ["fit", "clean", "prepare"])
@pytest.mark.parametrize("what", ["a name too long", "a link to itself", "a closed folder"])
def test_places_that_cannot_be_are_refused(
    regard: Run,
    log: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    what: str,
) -> None:
    place = tmp_path / ("n" * 300)
    if what == "a link to itself":
        place = tmp_path / "loop"
        place.symlink_to(place)
    if what == "a closed folder":
        place = tmp_path / "closed" / "out"
        close(place.parent, monkeypatch)
    suffix = ".parquet" if command == "clean" and what != "a link to itself" else ""
    source = log
    if command == "prepare":
        source = tmp_path / "log.parquet"
        pl.read_csv(log).write_parquet(source)
    out = place.with_name(place.name + suffix)
    before = names_in(tmp_path)
    refused = regard(command, source, "--out", out, status=2)
    assert_refused(refused, "")
    assert names_in(tmp_path) == before


@pytest.mark.parametrize("command", ["inspect", "clean", "fit", "prepare"])
def test_a_log_that_nobody_may_look_at_is_refused(
    regard: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    close(tmp_path / "closed", monkeypatch)
    out = [] if command == "inspect" else ["--out", tmp_path / "out.parquet"]
    refused = regard(command, tmp_path / "closed" / "log.csv", *out, status=2)
    assert_refused(refused, "cannot be looked at (Permission denied). Check the path, and who may")


def close(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that lets nobody look inside, root included, whom no mode keeps out."""
    folder.mkdir()
    stat = os.stat

    def closed(path: Any, *args: Any, **options: Any) -> os.stat_result:
        if isinstance(path, str | os.PathLike) and folder in Path(path).parents:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return stat(path, *args, **options)

    monkeypatch.setattr(os, "stat", closed)


def test_a_seed_beyond_what_generators_take_is_refused(
    regard: Run, log: Path, tmp_path: Path
) -> None:
    refused = regard("fit", log, "--out", tmp_path / "m", "--seed", 2**64, status=2)
    assert_refused(refused, "must be 0 or more, and below 2 to the 63")


def test_clean_refuses_to_write_over_the_log(regard: Run, tmp_path: Path) -> None:
    write_log(tmp_path / "log.csv")
    pl.read_csv(tmp_path / "log.csv").write_parquet(tmp_path / "log.parquet")
    before = (tmp_path / "log.parquet").read_bytes()
    refused = regard("clean", tmp_path / "log.parquet", "--out", tmp_path / "log.parquet", status=2)
    assert_refused(refused, "is named twice")
    out = tmp_path / "c.parquet"
    assert_refused(
        regard("clean", tmp_path / "log.parquet", "--out", out, "--quarantine", out, status=2),
        "is named twice",
    )
    assert_refused(
        regard("clean", tmp_path / "log.parquet", "--out", tmp_path / "c.csv", status=2),
        "must end in .parquet",
    )
    assert (tmp_path / "log.parquet").read_bytes() == before
    assert names_in(tmp_path) == {"log.csv", "log.parquet"}


def test_recipes_that_cannot_be_followed(regard: Run, tmp_path: Path) -> None:
    recipe = tmp_path / "run.toml"
    for text, sentence in (
        ("seed = 3\n", "names no log"),
        ("seed = \n", "cannot be read"),
        ("[source]\npath = 'gone.csv'\n", "gone.csv does not exist"),
        ("[trainning]\n", "did you mean 'training'"),
    ):
        recipe.write_text(text)
        assert_refused(regard("fit", recipe, "--out", tmp_path / "m", status=2), sentence)
    refused = regard("fit", tmp_path / "gone.toml", "--out", tmp_path / "m", status=2)
    assert_refused(refused, "gone.toml cannot be read")
    assert names_in(tmp_path) == {"run.toml"}


def test_usage_errors_have_status_2(regard: Run, log: Path) -> None:
    for words in (["fit", log], ["inspect"], ["dance"], ["inspect", log, "--colour", "red"]):
        refused = regard(*words, status=2)
        assert "Usage:" in refused.stderr
        assert refused.stdout == ""


def test_a_full_disk_leaves_nothing(
    regard: Run, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    for words in (
        ("clean", log, "--out", tmp_path / "c.parquet"),
        ("fit", log, "--out", tmp_path / "m", "--model", "popularity"),
    ):
        assert_refused(regard(*words, status=2), "(No space left on device); nothing half-written")
        assert names_in(tmp_path) == {"log.csv"}


def test_a_defect_says_that_it_is_one(
    regard: Run, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("no such\nkey")

    monkeypatch.setattr("regard.data.describe.describe", broken)
    told = regard("inspect", log, status=1).stderr
    assert told.startswith("defect: KeyError: ")
    assert len(told.strip().splitlines()) == 1
    assert "--debug" in told
    assert "Traceback" in regard("inspect", log, "--debug", status=1).stderr
    monkeypatch.setenv("REGARD_DEBUG", "1")
    assert "Traceback" in regard("inspect", log, status=1).stderr


def test_debug_keeps_the_status_of_a_users_error(regard: Run, tmp_path: Path) -> None:
    told = regard("inspect", tmp_path / "none.csv", "--debug", status=2).stderr
    assert "Traceback" in told
    assert told.strip().splitlines()[-1].startswith("error: ")


def test_ctrl_c_has_a_sentence_and_status_130(
    regard: Run, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("regard.data.describe.describe", stopped)
    told = regard("inspect", log, status=130)
    assert told.stderr == "stopped; run the same command to go on\n"
