"""A site with small published logs, a cache that nobody else uses, and no other network."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from loopback import Recorder, Site, served
from published_logs import PUBLISHED

from regard.data.datasets import registry


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is reached directly, whatever the surroundings say."""
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def watcher() -> Recorder:
    return Recorder()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("REGARD_DATASETS", str(folder))
    return folder


@pytest.fixture
def site(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The published files on loopback; the known checksums are those of the small files."""
    files = {name: make() for name, make in PUBLISHED.items()}
    with served(Site(files)) as running:
        monkeypatch.setenv("REGARD_DATASETS_MIRROR", running.url)
        for name, known in registry.KNOWN.items():
            small = tuple(
                replace(each, md5=hashlib.md5(files[each.filename]).hexdigest())
                if each.md5 is not None
                else each
                for each in known.files
            )
            monkeypatch.setitem(registry.KNOWN, name, replace(known, files=small))
        yield running
