"""A download ends whole and checked, or in one sentence; whatever the server and the disk do."""

import errno
import socket
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loopback import Cut, OtherPart, Recorder, Site, Stall, Status, served

from regard.data.datasets import download as download_module
from regard.data.datasets.download import Patience, download
from regard.errors import SourceError, StorageError

SOON = Patience(timeout=5.0, attempts=3, pause=0.0)
BODY = bytes(range(256)) * 40
GAMES = "amazon-2023-video-games"


def bring(site: Site, folder: Path, watcher: Recorder, patience: Patience = SOON) -> bytes:
    """Download `plays.bin` without any check."""
    target = folder / "plays.bin"
    url = f"{site.url}/plays.bin"
    download(
        url, target, check=lambda _: None, watcher=watcher, advice="or do without.",
        patience=patience,
    )  # fmt: skip
    return target.read_bytes()


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


@pytest.fixture
def plays(tmp_path: Path):
    with served(Site({"plays.bin": BODY})) as running:
        yield running


def test_a_file_arrives_whole(plays: Site, tmp_path: Path, watcher: Recorder) -> None:
    assert bring(plays, tmp_path, watcher) == BODY
    assert names(tmp_path) == {"plays.bin"}
    assert watcher.begun == [("plays.bin", len(BODY), 0)]
    assert watcher.received == len(BODY)


def test_a_broken_download_goes_on(plays: Site, tmp_path: Path, watcher: Recorder) -> None:
    plays.troubles = [Cut(5_000), Cut(2_000)]
    assert bring(plays, tmp_path, watcher) == BODY
    assert [each.get("Range") for each in plays.asked] == [None, "bytes=5000-", "bytes=7000-"]
    assert [each.get("If-Range") for each in plays.asked] == [None, '"one"', '"one"']
    assert watcher.received == len(BODY)
    assert watcher.begun[-1] == ("plays.bin", len(BODY), 7_000)
    assert "connection ended after 5,000 of 10,240 bytes" in watcher.said[0]


def test_the_next_run_goes_on_too(plays: Site, tmp_path: Path, watcher: Recorder) -> None:
    plays.troubles = [Cut(4_000)] + [Cut(0)] * 2
    with pytest.raises(SourceError, match=r"in 3 attempts.*0\.0 MB are kept.*or do without\."):
        bring(plays, tmp_path, watcher)
    assert names(tmp_path) == {"plays.bin.part", "plays.bin.part.version"}
    assert bring(plays, tmp_path, watcher) == BODY
    assert plays.asked[-1]["Range"] == "bytes=4000-"


def test_a_date_binds_a_range_where_there_is_no_tag(
    plays: Site, tmp_path: Path, watcher: Recorder
) -> None:
    plays.tag, plays.date = 'W/"weak"', "Tue, 24 Nov 2026 12:00:00 GMT"
    plays.troubles = [Cut(4_000)]
    assert bring(plays, tmp_path, watcher) == BODY
    assert plays.asked[1]["If-Range"] == plays.date


def test_without_a_version_it_starts_over(plays: Site, tmp_path: Path, watcher: Recorder) -> None:
    plays.tag = None
    plays.troubles = [Cut(4_000)]
    assert bring(plays, tmp_path, watcher) == BODY
    assert "Range" not in plays.asked[1]


def test_a_server_without_ranges_starts_over(
    plays: Site, tmp_path: Path, watcher: Recorder
) -> None:
    plays.ranges = False
    plays.troubles = [Cut(4_000)]
    assert bring(plays, tmp_path, watcher) == BODY
    assert watcher.begun[-1] == ("plays.bin", len(BODY), 0)


@pytest.mark.parametrize("binds", [True, False])
def test_a_changed_file_starts_over(
    plays: Site, tmp_path: Path, watcher: Recorder, binds: bool
) -> None:
    plays.troubles = [Cut(4_000)]
    with pytest.raises(SourceError):
        bring(plays, tmp_path, watcher, Patience(attempts=1))
    plays.files["plays.bin"] = BODY[::-1]
    plays.tag, plays.binds = '"two"', binds
    assert bring(plays, tmp_path, watcher) == BODY[::-1]


def test_another_part_than_the_wanted_starts_over(
    plays: Site, tmp_path: Path, watcher: Recorder
) -> None:
    plays.troubles = [Cut(4_000), OtherPart()]
    assert bring(plays, tmp_path, watcher) == BODY
    assert "another part" in watcher.said[1]
    assert "Range" not in plays.asked[2]


def test_more_than_there_is_starts_over(plays: Site, tmp_path: Path, watcher: Recorder) -> None:
    (tmp_path / "plays.bin.part").write_bytes(BODY + b"more")
    (tmp_path / "plays.bin.part.version").write_text('"one"')
    assert bring(plays, tmp_path, watcher) == BODY
    assert "416" in watcher.said[0]


def test_an_unknown_length_is_taken(plays: Site, tmp_path: Path, watcher: Recorder) -> None:
    plays.tells_length = False
    assert bring(plays, tmp_path, watcher) == BODY
    assert watcher.begun == [("plays.bin", None, 0)]


def test_passing_troubles_pass(plays: Site, tmp_path: Path, watcher: Recorder) -> None:
    plays.troubles = [Status(500), Status(503)]
    assert bring(plays, tmp_path, watcher) == BODY
    assert "the server answers 500" in watcher.said[0]


def test_a_lasting_trouble_ends(plays: Site, tmp_path: Path, watcher: Recorder) -> None:
    plays.troubles = [Status(503)] * 9
    with pytest.raises(SourceError, match=r"in 3 attempts: the server answers 503"):
        bring(plays, tmp_path, watcher)
    assert len(plays.asked) == 3
    assert names(tmp_path) == set()


def test_a_missing_file_is_not_asked_for_twice(
    plays: Site, tmp_path: Path, watcher: Recorder
) -> None:
    plays.files.clear()
    with pytest.raises(SourceError, match=r"answers 404 .*may have moved.*or do without"):
        bring(plays, tmp_path, watcher)
    assert len(plays.asked) == 1


def test_a_server_that_falls_silent(plays: Site, tmp_path: Path, watcher: Recorder) -> None:
    plays.troubles = [Stall(1.0)]
    short = replace(SOON, timeout=0.2)
    assert bring(plays, tmp_path, watcher, short) == BODY
    assert "does not answer" in watcher.said[0]
    assert plays.asked[1]["Range"] == f"bytes={len(BODY) // 2}-"


def test_no_server_at_all(tmp_path: Path, watcher: Recorder) -> None:
    with served(Site()) as gone:
        pass
    with pytest.raises(SourceError, match=r"in 3 attempts: Connection refused. Check the network"):
        bring(gone, tmp_path, watcher)


def test_no_name_server(tmp_path: Path, watcher: Recorder, monkeypatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    nowhere = SimpleNamespace(url="http://files.invalid")
    with pytest.raises(SourceError, match=r"in 3 attempts: Temporary failure in name res"):
        bring(nowhere, tmp_path, watcher)  # type: ignore[arg-type]  # only the URL is asked for


def test_a_pause_grows(plays: Site, tmp_path: Path, watcher: Recorder, monkeypatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(download_module.time, "sleep", slept.append)
    plays.troubles = [Status(500)] * 3
    assert bring(plays, tmp_path, watcher, Patience()) == BODY
    assert slept == [1.0, 2.0, 4.0]


def test_an_untrusted_certificate_is_no_passing_trouble(
    tmp_path: Path, watcher: Recorder, monkeypatch
) -> None:
    import ssl
    import urllib.error

    wrong = ssl.SSLCertVerificationError(1, "certificate verify failed")
    wrong.verify_message = "certificate has expired"

    def refuse(*_: object, **__: object) -> None:
        raise urllib.error.URLError(wrong)

    monkeypatch.setattr(download_module.urllib.request, "urlopen", refuse)
    with pytest.raises(SourceError, match=r"cannot be trusted \(certificate has expired\)"):
        bring(SimpleNamespace(url="https://x.invalid"), tmp_path, watcher)  # type: ignore[arg-type]  # as above


class FullDisk:
    """A file on a disk that is full after some bytes."""

    def __init__(self, stream, room: int) -> None:
        self.stream, self.room = stream, room

    def write(self, block: bytes) -> None:
        self.stream.write(block[: self.room])
        if len(block) > self.room:
            raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self) -> None:
        self.stream.flush()


def test_a_full_disk_keeps_what_is_there(
    plays: Site, tmp_path: Path, watcher: Recorder, monkeypatch
) -> None:
    whole = download_module._write
    full = lambda stream, *rest: whole(FullDisk(stream, 3_000), *rest)  # noqa: E731 - one line
    with monkeypatch.context() as patched:
        patched.setattr(download_module, "_write", full)
        with pytest.raises(StorageError, match=r"No space left on device.*Free some space and run"):
            bring(plays, tmp_path, watcher)
    assert "plays.bin" not in names(tmp_path)
    assert bring(plays, tmp_path, watcher) == BODY
    assert plays.asked[-1]["Range"] == "bytes=3000-"


def test_too_little_room_is_told_at_once(
    plays: Site, tmp_path: Path, watcher: Recorder, monkeypatch
) -> None:
    monkeypatch.setattr(
        download_module.shutil, "disk_usage", lambda _: SimpleNamespace(free=10_000)
    )
    with pytest.raises(StorageError, match=r"has 0\.0 MB free, and 0\.0 MB are to come"):
        bring(plays, tmp_path, watcher)
    assert names(tmp_path) == set()


def test_a_folder_that_cannot_be_written(plays: Site, tmp_path: Path, watcher: Recorder) -> None:
    (tmp_path / "plays.bin.part").mkdir()
    with pytest.raises(StorageError, match=r"could not be written.*REGARD_DATASETS"):
        bring(plays, tmp_path, watcher)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(st.integers(0, 4_000), max_size=3), ranges=st.booleans(), tag=st.booleans(),
    data=st.binary(min_size=0, max_size=9_000),
)  # fmt: skip
def test_any_breaks_end_in_the_same_bytes(
    tmp_path_factory, cuts: list[int], ranges: bool, tag: bool, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("any")
    site = Site({"plays.bin": data}, tag='"one"' if tag else None, ranges=ranges)
    site.troubles = [Cut(after) for after in cuts]
    with served(site):
        assert bring(site, folder, Recorder(), Patience(attempts=4, pause=0.0)) == data
    assert names(folder) == {"plays.bin"}
