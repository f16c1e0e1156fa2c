"""An archive gives the wanted files and nothing else, whatever else is in it."""

import zipfile
from pathlib import Path

import pytest
from published_logs import zipped

from regard.data.datasets import locks
from regard.data.datasets.archive import members_of, unpack
from regard.data.datasets.checksums import digest_of
from regard.data.datasets.locks import held
from regard.errors import SourceError, StorageError

WANTED = {"log.csv": "log.csv", "items.csv": "items.csv"}


def archive_of(folder: Path, files: dict[str, bytes]) -> Path:
    path = folder / "logs.zip"
    path.write_bytes(zipped(files))
    return path


def test_only_wanted_files_come_out(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, {"a/b/log.csv": b"deep", "a/log.csv": b"log", "a/x.exe": b"x"})
    (tmp_path / "out").mkdir()
    unpack(archive, members_of(archive, WANTED, 100), tmp_path / "out")
    assert {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()} == {
        "log.csv": b"log"
    }


@pytest.mark.parametrize(
    "name",
    ["../log.csv", "/log.csv", "a/../../log.csv", "..\\log.csv", "C:\\log.csv", "C:/log.csv"],
)
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    archive = archive_of(tmp_path, {"log.csv": b"log", name: b"evil"})
    with pytest.raises(SourceError, match="a name that leads out of the archive"):
        members_of(archive, WANTED, 100)


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, {"log.csv": b"0" * 50_000_000})
    assert archive.stat().st_size < 100_000
    with pytest.raises(SourceError, match=r"unpack to 50,000,000 bytes, where at most 1,000,000"):
        members_of(archive, WANTED, 1_000_000)


def test_a_bomb_that_lies_about_its_size_is_not_unpacked(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, {"log.csv": b"0" * 5_000_000})
    raw = archive.read_bytes()
    honest = (5_000_000).to_bytes(4, "little")
    assert raw.count(honest) == 2  # in front of the file and in the directory at the end
    archive.write_bytes(raw.replace(honest, (1_000).to_bytes(4, "little")))
    members = members_of(archive, WANTED, 1_000_000)
    (tmp_path / "out").mkdir()
    with pytest.raises(SourceError, match="is damaged"):
        unpack(archive, members, tmp_path / "out")
    assert (tmp_path / "out" / "log.csv").stat().st_size <= 1_000


def test_damage_is_told(tmp_path: Path) -> None:
    archive = tmp_path / "logs.zip"
    with zipfile.ZipFile(archive, "w") as opened:  # stored, so that a byte can be changed
        opened.writestr("log.csv", b"user,item,time")
    archive.write_bytes(archive.read_bytes().replace(b"user,item", b"user.item"))
    members = members_of(archive, WANTED, 100)
    (tmp_path / "out").mkdir()
    with pytest.raises(SourceError, match=r"log.csv in .* is damaged"):
        unpack(archive, members, tmp_path / "out")


def test_encryption_is_told(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, {"log.csv": b"log"})
    members = members_of(archive, WANTED, 100)
    members["log.csv"].flag_bits |= 1
    with pytest.raises(SourceError, match="is encrypted"):
        unpack(archive, members, tmp_path)


@pytest.mark.parametrize("content", [b"", b"<html>moved</html>", zipped({"log.csv": b"a"})[:-30]])
def test_what_is_no_archive_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "logs.zip").write_bytes(content)
    with pytest.raises(SourceError, match="is no sound zip archive"):
        members_of(tmp_path / "logs.zip", WANTED, 100)


def test_a_lock_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[str] = []
    with held(tmp_path / ".lock", waiting=lambda: None):
        monkeypatch.setattr(locks.time, "sleep", lambda _: waited.append("slept"))
        answers = iter([False, False, True])
        monkeypatch.setattr(locks, "_locks", lambda *_: next(answers))
        with held(tmp_path / ".lock", waiting=lambda: waited.append("told")):
            pass
    assert waited == ["told", "slept"]


def test_a_lock_that_cannot_be_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        pytest.raises(StorageError, match="could not be made"),
        held(tmp_path / "no" / ".lock", waiting=lambda: None),
    ):
        pass
    import fcntl

    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with (
        pytest.raises(StorageError, match="cannot be locked"),
        held(tmp_path / ".lock", waiting=lambda: None),
    ):
        pass


def test_a_file_that_cannot_be_read_has_no_checksum(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        digest_of(tmp_path / "gone")
