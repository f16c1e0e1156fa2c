"""The cache keeps what was published, checked each time, for any number of processes."""

import errno
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from loopback import Recorder, Site, Stall
from published_logs import ml_1m

from regard.data.datasets import archive as archive_module
from regard.data.datasets import cache as cache_module
from regard.data.datasets.cache import fetch, is_here, web_address
from regard.data.datasets.checksums import digest_of, record_of
from regard.data.datasets.download import Patience
from regard.data.datasets.registry import dataset
from regard.errors import ConfigurationError, SourceError, StorageError

SOON = Patience(timeout=5.0, attempts=3, pause=0.0)
GAMES = "amazon-2023-video-games"


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_the_licence_comes_before_the_first_download_only(
    site: Site, cache: Path, watcher: Recorder
) -> None:
    known = dataset("ml-1m")
    assert not is_here(known)
    fetch(known, folder=None, watcher=watcher)
    assert watcher.said[0] == known.introduction()
    assert "no redistribution" in watcher.said[0]
    assert "Harper" in watcher.said[0]
    assert is_here(known)
    again = Recorder()
    fetch(known, folder=None, watcher=again)
    assert again.said == []
    assert again.begun == []
    assert len(site.asked) == 1


def test_the_folder_may_be_named(
    site: Site, cache: Path, tmp_path: Path, watcher: Recorder
) -> None:
    raw = fetch(dataset("ml-1m"), folder=tmp_path / "own", watcher=watcher)
    assert raw.place.is_relative_to(tmp_path / "own" / "ml-1m")
    assert not cache.exists()


def test_another_file_than_was_published_is_thrown_away(
    site: Site, cache: Path, watcher: Recorder
) -> None:
    site.files["ml-1m.zip"] = ml_1m() + b" "
    with pytest.raises(SourceError, match=r"sent another file than was published \(md5 .*thrown"):
        fetch(dataset("ml-1m"), folder=None, watcher=watcher)
    assert names(cache / "ml-1m") == {".lock"}
    site.files["ml-1m.zip"] = ml_1m()
    fetch(dataset("ml-1m"), folder=None, watcher=watcher)


def test_a_file_that_went_bad_is_refused(site: Site, cache: Path, watcher: Recorder) -> None:
    fetch(dataset("ml-1m"), folder=None, watcher=watcher)
    archive = cache / "ml-1m" / "ml-1m.zip"
    archive.write_bytes(archive.read_bytes() + b" ")
    with pytest.raises(SourceError, match=r"is not the file that was published.*Remove it"):
        fetch(dataset("ml-1m"), folder=None, watcher=watcher)
    archive.unlink()
    fetch(dataset("ml-1m"), folder=None, watcher=watcher)


def test_an_unpacked_file_that_was_cut_is_unpacked_again(
    site: Site, cache: Path, watcher: Recorder
) -> None:
    raw = fetch(dataset("ml-1m"), folder=None, watcher=watcher)
    raw.files["ratings.dat"].write_bytes(b"1::")
    again = fetch(dataset("ml-1m"), folder=None, watcher=watcher)
    assert again.files["ratings.dat"].read_bytes().startswith(b"1::50::5::")


def test_where_no_checksum_is_published_the_first_is_kept(
    site: Site, cache: Path, watcher: Recorder
) -> None:
    raw = fetch(dataset(GAMES), folder=None, watcher=watcher)
    record = record_of(raw.place)
    assert record.read_text() == f"{digest_of(raw.place)}  Video_Games.csv.gz\n"
    assert "Nobody publishes a checksum of Video_Games.csv.gz" in watcher.said[-1]
    assert "as it was first downloaded" in raw.notes[0]
    raw.place.write_bytes(b"other")
    with pytest.raises(SourceError, match=r"has changed since its first download.*Remove it and"):
        fetch(dataset(GAMES), folder=None, watcher=watcher)
    record.unlink()
    fetch(dataset(GAMES), folder=None, watcher=watcher)
    assert record.read_text().split()[0] == digest_of(raw.place)


@pytest.mark.parametrize("name", ["Video_Games.csv.gz", "MINDsmall_train.zip"])
@pytest.mark.parametrize("kind", ["a page", "cut short"])
def test_what_is_no_archive_is_not_kept(
    site: Site, cache: Path, watcher: Recorder, name: str, kind: str
) -> None:
    known = dataset(GAMES if name.endswith("gz") else "mind-small")
    whole = site.files[name]
    site.files[name] = b"<html>log in</html>" if kind == "a page" else whole[: len(whole) // 2]
    site.tells_length = False
    with pytest.raises(SourceError, match=r"sent no sound \.(gz|zip) file, so it was thrown away"):
        fetch(known, folder=None, watcher=watcher)
    assert names(cache / known.name) == {".lock"}
    site.files[name] = whole
    fetch(known, folder=None, watcher=watcher)


def test_a_cache_that_may_only_be_read_serves(
    site: Site, cache: Path, watcher: Recorder, monkeypatch
) -> None:
    fetch(dataset("ml-1m"), folder=None, watcher=watcher)
    really = Path.open

    def only_read(path: Path, mode: str = "r", *rest: object, **how: object):
        if set(mode) & set("wa+"):
            raise PermissionError(13, "Permission denied")
        return really(path, mode, *rest, **how)

    monkeypatch.setattr(Path, "open", only_read)
    assert fetch(dataset("ml-1m"), folder=None, watcher=watcher).files["ratings.dat"].is_file()
    with pytest.raises(StorageError, match=r"\.lock could not be made \(Permission denied\)"):
        fetch(dataset("ml-20m"), folder=None, watcher=watcher)


def test_a_disk_that_fills_while_unpacking(
    site: Site, cache: Path, watcher: Recorder, monkeypatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(archive_module.shutil, "copyfileobj", full)
        with pytest.raises(StorageError, match=r"No space left.*nothing half-written was left"):
            fetch(dataset("ml-1m"), folder=None, watcher=watcher)
    assert names(cache / "ml-1m") == {".lock", "ml-1m.zip"}
    fetch(dataset("ml-1m"), folder=None, watcher=watcher)
    assert len(site.asked) == 1


def test_both_archives_of_mind_are_needed(site: Site, cache: Path, watcher: Recorder) -> None:
    del site.files["MINDsmall_dev.zip"]
    with pytest.raises(SourceError, match=r"MINDsmall_dev.zip could not be downloaded.*404"):
        fetch(dataset("mind-small"), folder=None, watcher=watcher)
    assert (cache / "mind-small" / "MINDsmall_train.zip").is_file()


def test_threads_download_once(site: Site, cache: Path) -> None:
    site.troubles = [Stall(0.3)]
    watchers = [Recorder() for _ in range(4)]
    threads = [
        threading.Thread(
            target=fetch, args=(dataset("ml-1m"),),
            kwargs={"folder": None, "watcher": each, "patience": SOON},
        )
        for each in watchers
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(bool(each.begun) for each in watchers) == 1
    assert any("another process is at work" in text for each in watchers for text in each.said)
    assert is_here(dataset("ml-1m"))


def test_processes_do_not_spoil_each_other(site: Site, cache: Path) -> None:
    program = f"import regard; print(regard.datasets.load('{GAMES}', items=False).collect().height)"
    site.troubles = [Stall(0.5)]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    ended = [each.communicate(timeout=60) for each in running]
    assert [each.returncode for each in running] == [0, 0], ended
    assert [out.strip() for out, _ in ended] == ["6"] * 2
    assert names(cache / GAMES) == {".lock", "Video_Games.csv.gz", "Video_Games.csv.gz.sha256"}


def test_a_cache_that_cannot_be_made(tmp_path: Path, monkeypatch, watcher: Recorder) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"could not be made .*REGARD_DATASETS"):
        fetch(dataset("ml-1m"), folder=tmp_path / "file", watcher=watcher)
    monkeypatch.setenv("REGARD_DATASETS", str(tmp_path / "file"))
    with pytest.raises(ConfigurationError, match=r"is not a folder"):
        fetch(dataset("ml-1m"), folder=None, watcher=watcher)


def test_no_home_folder(monkeypatch) -> None:
    def homeless(_: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("REGARD_DATASETS", raising=False)
    monkeypatch.setattr(Path, "expanduser", homeless)
    with pytest.raises(ConfigurationError, match="name a folder with REGARD_DATASETS"):
        cache_module.datasets_folder()


def test_a_mirror_must_be_of_the_web(monkeypatch) -> None:
    published = dataset("ml-1m").files[0]
    monkeypatch.setenv("REGARD_DATASETS_MIRROR", "https://mirror.example.org/logs/")
    assert web_address(published) == "https://mirror.example.org/logs/ml-1m.zip"
    monkeypatch.setenv("REGARD_DATASETS_MIRROR", "file:///etc")
    with pytest.raises(ConfigurationError, match="is no address of the web"):
        web_address(published)
