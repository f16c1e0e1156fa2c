"""Files and folders that are whole or not there: faults at every step leave nothing behind."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from regard.data.atomic import atomic_file, atomic_folder
from regard.errors import StorageError

DISK_FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def disk_is_full(*_: object, **__: object) -> None:
    raise DISK_FULL


def write_file(path: Path, then: BaseException | None = None) -> None:
    with atomic_file(path) as draft:
        draft.write_text("new")
        if then is not None:
            raise then


def write_folder(
    path: Path | str, *, overwrite: bool = False, then: BaseException | None = None
) -> None:
    with atomic_folder(path, overwrite=overwrite) as draft:
        (draft / "new").write_text("x")
        if then is not None:
            raise then


class TestFile:
    def test_appears_only_at_the_end(self, tmp_path: Path) -> None:
        target = tmp_path / "log.parquet"
        with atomic_file(target) as draft:
            assert draft.parent == target.parent
            assert draft.suffix == ".parquet"
            pl.DataFrame({"a": [1, 2]}).write_parquet(draft)
            assert not target.exists()
        assert names(tmp_path) == ["log.parquet"]
        assert pl.read_parquet(target)["a"].to_list() == [1, 2]

    def test_replaces_a_file_and_makes_parents(self, tmp_path: Path) -> None:
        target = tmp_path / "a" / "b" / "note.txt"
        for text in ("old", "new"):
            with atomic_file(str(target)) as draft:
                draft.write_text(text)
        assert target.read_text() == "new"

    def test_relative_path_survives_a_change_of_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path)
        with atomic_file("note.txt") as draft:
            draft.write_text("x")
            monkeypatch.chdir(tmp_path / "elsewhere")
        assert (tmp_path / "note.txt").read_text() == "x"

    def test_follows_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "real.txt").write_text("old")
        (tmp_path / "link.txt").symlink_to(tmp_path / "real.txt")
        with atomic_file(tmp_path / "link.txt") as draft:
            draft.write_text("new")
        assert (tmp_path / "link.txt").is_symlink()
        assert (tmp_path / "real.txt").read_text() == "new"

    def test_honours_the_umask(self, tmp_path: Path) -> None:
        with atomic_file(tmp_path / "a") as draft:
            draft.write_text("x")
        (tmp_path / "b").write_text("x")
        assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode

    @pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, SystemExit])
    def test_any_exception_leaves_the_old_file(
        self, tmp_path: Path, error: type[BaseException]
    ) -> None:
        target = tmp_path / "note.txt"
        target.write_text("old")
        with pytest.raises(error):
            write_file(target, then=error())
        assert names(tmp_path) == ["note.txt"]
        assert target.read_text() == "old"

    def test_full_disk_while_writing(self, tmp_path: Path) -> None:
        said = r"could not be written \(No space left on device\).*Free some space"
        with pytest.raises(StorageError, match=said) as caught:
            write_file(tmp_path / "x", then=DISK_FULL)
        assert caught.value.__cause__ is DISK_FULL
        assert names(tmp_path) == []

    @pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of a file")
    @pytest.mark.parametrize("call", ["write_parquet", "write_csv", "write_ipc"])
    def test_no_room_for_what_polars_writes(self, tmp_path: Path, call: str) -> None:
        script = (
            "import resource, sys, polars as pl\n"
            "from regard.data.atomic import atomic_file\n"
            "from regard.errors import StorageError\n"
            "table = pl.DataFrame({'a': range(10_000)})\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
            "try:\n"
            "    with atomic_file(sys.argv[1]) as draft:\n"
            f"        table.{call}(draft)\n"
            "except StorageError as told:\n"
            "    print(told)\n"
        )
        command = [sys.executable, "-c", script, str(tmp_path / "x")]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert "x could not be written (File too large)" in said
        assert names(tmp_path) == []

    def test_an_error_of_polars_that_is_not_the_disk(self, tmp_path: Path) -> None:
        with pytest.raises(pl.exceptions.ComputeError, match="a wrong query"):
            write_file(tmp_path / "x", then=pl.exceptions.ComputeError("a wrong query"))
        assert names(tmp_path) == []

    def test_full_disk_while_flushing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "fsync", disk_is_full)
        with pytest.raises(StorageError, match="No space left"):
            write_file(tmp_path / "x")
        assert names(tmp_path) == []

    def test_refuses_what_is_not_a_file_before_any_work(self, tmp_path: Path) -> None:
        for place in (tmp_path, Path(os.devnull)):
            with pytest.raises(StorageError, match="not a file"), atomic_file(place):
                pytest.fail("the block must not run")

    def test_parent_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("")
        with (
            pytest.raises(StorageError, match="could not be written"),
            atomic_file(tmp_path / "a" / "b"),
        ):
            pytest.fail("the block must not run")

    def test_an_inner_storage_error_keeps_its_words(self, tmp_path: Path) -> None:
        with pytest.raises(StorageError, match=r"^mine$"), atomic_file(tmp_path / "x"):
            raise StorageError("mine")

    def test_error_without_words_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(StorageError, match="TimeoutError"), atomic_file(tmp_path / "x"):
            raise TimeoutError


class TestFolder:
    def test_appears_only_at_the_end(self, tmp_path: Path) -> None:
        target = tmp_path / "runs" / "model"
        with atomic_folder(target) as draft:
            (draft / "inner").mkdir()
            (draft / "inner" / "weights").write_text("w")
            assert not target.exists()
        assert (target / "inner" / "weights").read_text() == "w"
        assert names(target.parent) == ["model"]

    def test_fills_an_empty_folder(self, tmp_path: Path) -> None:
        (tmp_path / "model").mkdir()
        with atomic_folder(tmp_path / "model") as draft:
            (draft / "card").write_text("x")
        assert names(tmp_path / "model") == ["card"]

    def test_relative_path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        with atomic_folder("model/") as draft:
            (draft / "card").write_text("x")
        assert names(tmp_path / "model") == ["card"]

    def test_refuses_a_filled_folder(self, tmp_path: Path) -> None:
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / "mine").write_text("x")
        with (
            pytest.raises(StorageError, match="not empty; name another"),
            atomic_folder(tmp_path / "model"),
        ):
            pytest.fail("the block must not run")
        assert names(tmp_path / "model") == ["mine"]

    def test_refuses_a_folder_filled_meanwhile(self, tmp_path: Path) -> None:
        def theirs_comes_first() -> None:
            with atomic_folder(tmp_path / "model"):
                (tmp_path / "model").mkdir()
                (tmp_path / "model" / "theirs").write_text("x")

        with pytest.raises(StorageError, match="could not be written"):
            theirs_comes_first()
        assert names(tmp_path) == ["model"]
        assert names(tmp_path / "model") == ["theirs"]

    def test_overwrites_only_when_complete(self, tmp_path: Path) -> None:
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / "old").write_text("x")
        with atomic_folder(tmp_path / "model", overwrite=True) as draft:
            (draft / "new").write_text("x")
            assert names(tmp_path / "model") == ["old"]
        assert names(tmp_path / "model") == ["new"]
        assert names(tmp_path) == ["model"]

    @pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
    @pytest.mark.parametrize("overwrite", [False, True])
    def test_any_exception_leaves_what_was_there(
        self, tmp_path: Path, error: type[BaseException], overwrite: bool
    ) -> None:
        (tmp_path / "model").mkdir()
        if overwrite:
            (tmp_path / "model" / "old").write_text("x")
        with pytest.raises(error):
            write_folder(tmp_path / "model", overwrite=overwrite, then=error())
        assert names(tmp_path) == ["model"]
        assert names(tmp_path / "model") == (["old"] if overwrite else [])

    def test_full_disk_while_flushing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "fsync", disk_is_full)
        with pytest.raises(StorageError, match="Free some space"):
            write_folder(tmp_path / "model")
        assert names(tmp_path) == []

    def test_failed_swap_brings_the_old_folder_back(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / "old").write_text("x")
        rename = Path.rename

        def fails_for_the_new(self: Path, target: Path) -> Path:
            if (self / "new").exists():
                raise DISK_FULL
            return rename(self, target)

        monkeypatch.setattr(Path, "rename", fails_for_the_new)
        with pytest.raises(StorageError, match="No space"):
            write_folder(tmp_path / "model", overwrite=True)
        assert names(tmp_path) == ["model"]
        assert names(tmp_path / "model") == ["old"]

    def test_says_when_the_old_folder_stays(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / "old").write_text("x")
        rmtree = shutil.rmtree

        def cannot(path: Path, ignore_errors: bool = False) -> None:
            if not ignore_errors:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            rmtree(path, ignore_errors=True)

        monkeypatch.setattr(shutil, "rmtree", cannot)
        with pytest.raises(StorageError, match="is complete, but"):
            write_folder(tmp_path / "model", overwrite=True)
        assert names(tmp_path / "model") == ["new"]

    def test_refuses_a_file_and_the_working_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(StorageError, match="is a file"), atomic_folder(tmp_path / "file"):
            pytest.fail("the block must not run")
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        for place in (".", "..", "/"):
            with (
                pytest.raises(StorageError, match="working in"),
                atomic_folder(place, overwrite=True),
            ):
                pytest.fail("the block must not run")
