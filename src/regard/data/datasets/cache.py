"""The raw files of a dataset: from the cache, downloaded first where they are not there."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from regard.data.atomic import atomic_folder
from regard.data.datasets.archive import is_sound, members_of, unpack
from regard.data.datasets.checksums import (
    digest_of,
    record,
    record_of,
    require_published,
    require_recorded,
)
from regard.data.datasets.contract import Dataset, Published
from regard.data.datasets.download import Patience, download
from regard.data.datasets.locks import held
from regard.data.datasets.watching import Watcher
from regard.errors import ConfigurationError, SourceError, StorageError
from regard.settings import datasets_folder, datasets_mirror

_DIGITS: Final = 8  # of a checksum, in the name of the folder that an archive unpacks to


@dataclass(frozen=True)
class Raw:
    """The raw files of a dataset on this machine.

    Attributes:
        place: the file, where there is one, else the folder of the files.
        files: each file by its name.
        notes: what was checked, one sentence each.
    """

    place: Path
    files: Mapping[str, Path]
    notes: tuple[str, ...] = ()


def is_here(dataset: Dataset, folder: Path | None = None) -> bool:
    """Whether nothing must be downloaded any more.

    Args:
        dataset: any.
        folder: the cache; that of `regard.settings` if omitted.

    Returns:
        Whether all its files are in the cache, or came with the package.
    """
    place = _place(dataset, folder)
    return all((place / each.filename).is_file() for each in dataset.files)


def fetch(
    dataset: Dataset,
    *,
    folder: Path | None,
    watcher: Watcher,
    patience: Patience | None = None,
) -> Raw:
    """The raw files of a dataset, downloaded where they are not in the cache.

    Every file is checked each time: against the checksum of its publisher, or else against that of
    its first download. Two processes do not get into each other's way: one waits.

    Args:
        dataset: one that is published somewhere.
        folder: the cache; that of `regard.settings` if omitted.
        watcher: is told the licence and how far it is.
        patience: timeouts and attempts.

    Returns:
        The files.

    Raises:
        SourceError: they cannot be had, or are not the right ones.
        StorageError: they cannot be written.
    """
    place = _made(_place(dataset, folder))
    with held(place / ".lock", waiting=lambda: _tell_waiting(dataset, watcher)):
        if not is_here(dataset, folder):
            watcher.say(dataset.introduction())
        archives = {each: place / each.filename for each in dataset.files}
        notes = [_ensure(dataset, *each, watcher, patience) for each in archives.items()]
        return _opened(dataset, archives, place, tuple(notes))


def local(dataset: Dataset, path: Path, *, folder: Path | None, watcher: Watcher) -> Raw:
    """The raw files of a dataset from a copy that somebody has.

    Args:
        dataset: one that is published somewhere.
        path: what was published (a zip archive, a `.csv.gz`), a folder with it, or the folder that
            it unpacks to.
        folder: the cache, where archives are unpacked; that of `regard.settings` if omitted.
        watcher: is told where somebody else is at work.

    Returns:
        The files.

    Raises:
        SourceError: the path does not lead to the dataset.
    """
    path = path.expanduser()
    if not path.exists():
        raise SourceError(f"{path} does not exist. Give a copy of {_published(dataset)}.")
    archives = {each: path / each.filename for each in dataset.files}
    if path.is_file() and len(dataset.files) == 1:
        archives = {dataset.files[0]: path}
    elif path.is_file():
        raise SourceError(f"{path} is one file. Give a folder that holds {_published(dataset)}.")
    elif not all(each.is_file() for each in archives.values()):
        return Raw(path, _unpacked(dataset, path), (f"Files of {path} are read as they are.",))
    notes = tuple(_compared(each, file) for each, file in archives.items())
    if not any(each.members for each in dataset.files):
        return _opened(dataset, archives, path, notes)
    place = _made(_place(dataset, folder))
    with held(place / ".lock", waiting=lambda: _tell_waiting(dataset, watcher)):
        return _opened(dataset, archives, place, notes)


def web_address(published: Published) -> str:
    """Where a file is downloaded from: its publisher, or the mirror of `REGARD_DATASETS_MIRROR`.

    Raises:
        ConfigurationError: the address is none of the web.

    Example:
        >>> from regard.data.datasets.registry import dataset
        >>> web_address(dataset("ml-100k").files[0])
        'https://files.grouplens.org/datasets/movielens/ml-100k.zip'
    """
    mirror = datasets_mirror()
    url = published.url if mirror is None else f"{mirror.rstrip('/')}/{published.filename}"
    if urlsplit(url).scheme not in ("http", "https"):
        raise ConfigurationError(f"{url} is no address of the web; it must begin with https://.")
    return url


def _place(dataset: Dataset, folder: Path | None) -> Path:
    return (datasets_folder() if folder is None else folder.expanduser()) / dataset.name


def _made(place: Path) -> Path:
    """A folder that is there."""
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as broken:
        raise StorageError(
            f"{place} could not be made ({broken.strerror}). Choose another folder with "
            "REGARD_DATASETS."
        ) from broken
    return place


def _tell_waiting(dataset: Dataset, watcher: Watcher) -> None:
    watcher.say(f"another process is at work on {dataset.name}; waiting for it")


def _published(dataset: Dataset) -> str:
    return " and ".join(each.filename for each in dataset.files)


def _ensure(
    dataset: Dataset,
    published: Published,
    target: Path,
    watcher: Watcher,
    patience: Patience | None,
) -> str:
    """Have one file in the cache, and say how it was checked."""
    md5, kept = published.md5, record_of(target)
    if not target.is_file():
        url = web_address(published)
        advice = f"or name a copy that you have ({dataset.page}): dataset:{dataset.name}@PATH."
        check = partial(_require_right, target=target, md5=md5, url=url, advice=advice)
        download(url, target, check=check, watcher=watcher, advice=advice, patience=patience)
        if md5 is None:
            watcher.say(
                f"Nobody publishes a checksum of {target.name}; that of this first "
                f"download stands in {kept} and is checked from now on."
            )
    elif md5 is not None:
        require_published(target, md5)
    elif not require_recorded(target):
        record(kept, digest_of(target), target.name)
    if md5 is not None:
        return f"{target.name} has the md5 that its publisher states."
    return f"{target.name} is as it was first downloaded; nobody publishes its checksum."


def _require_right(whole: Path, *, target: Path, md5: str | None, url: str, advice: str) -> None:
    """Refuse a download that is not what was published; keep its checksum where none is known."""
    if md5 is not None and (found := digest_of(whole, "md5")) != md5:
        raise SourceError(
            f"{url} sent another file than was published (md5 {found}, published is {md5}), so it "
            f"was thrown away. Try again; if it stays so, ask the publisher, {advice}"
        )
    if md5 is None and not is_sound(whole, target.name):
        raise SourceError(
            f"{url} sent no sound {target.suffix} file, so it was thrown away. Try again; if it "
            f"stays so, look at what a browser shows there, {advice}"
        )
    if md5 is None:
        record(record_of(target), digest_of(whole), target.name)


def _compared(published: Published, file: Path) -> str:
    """What a copy is worth."""
    if published.md5 is None:
        return f"Nobody publishes a checksum of {published.filename}; {file} is taken as it is."
    if digest_of(file, "md5") == published.md5:
        return f"{file} has the md5 that its publisher states."
    return f"{file} does not have the md5 that the publisher of {published.filename} states."


def _opened(
    dataset: Dataset, archives: Mapping[Published, Path], place: Path, notes: tuple[str, ...]
) -> Raw:
    """The files themselves, unpacked where they come in archives."""
    plain = {each.filename: file for each, file in archives.items() if not each.members}
    if plain:
        return Raw(next(iter(plain.values())), plain, notes)
    contents = {
        file: members_of(file, each.names(), dataset.unpacked) for each, file in archives.items()
    }
    # The name binds what is unpacked to the archives that it came from.
    digests = "".join(digest_of(file) for file in contents)
    key = hashlib.sha256(digests.encode()).hexdigest()[:_DIGITS]
    folder = place / f"{dataset.name}-{key}"
    sizes = {
        folder / name: entry.file_size
        for members in contents.values()
        for name, entry in members.items()
    }
    if not all(file.is_file() and file.stat().st_size == size for file, size in sizes.items()):
        with atomic_folder(folder, overwrite=True) as draft:
            for file, members in contents.items():
                unpack(file, members, draft)
    return Raw(folder, {str(file.relative_to(folder).as_posix()): file for file in sizes}, notes)


def _unpacked(dataset: Dataset, folder: Path) -> dict[str, Path]:
    """The files in a folder that archives were unpacked to."""
    found: dict[str, Path] = {}
    for published in dataset.files:
        names = published.names() or {published.filename: published.filename}
        for name, last in names.items():
            places = (folder / name, folder / published.stem / last)
            here = next((file for file in places if file.is_file()), None)
            if here is not None:
                found[name] = here
        first = next(iter(names))
        if first not in found:
            raise SourceError(
                f"{folder} holds no {first}. Give {published.filename} itself, or the folder that "
                "it unpacks to."
            )
    return found
