"""From the name of a public log to its interactions."""

from dataclasses import replace
from pathlib import Path

from regard.data.datasets.cache import Raw, fetch, local
from regard.data.datasets.contract import Dataset
from regard.data.datasets.registry import dataset
from regard.data.datasets.retail import online_retail
from regard.data.datasets.watching import ConsoleWatcher, Watcher
from regard.data.ingest.addresses import DatasetAddress
from regard.data.ingest.table import Table
from regard.data.interactions import Interactions
from regard.errors import ConfigurationError


def load(
    name: str,
    *,
    path: Path | str | None = None,
    folder: Path | str | None = None,
    items: bool = True,
    users: bool = True,
) -> Interactions:
    """Read a public log, downloading it where it is not on this machine yet.

    The same as `regard.read("dataset:NAME")`: raw rows, nothing removed, ready for `regard.clean`.
    What one interaction is stands with the readers in `regard.data.datasets`: a rating of MovieLens
    or Amazon, a click of MIND, a line of an invoice of Online Retail.

    Args:
        name: one of `names()`.
        path: a copy to read instead: what was published, or the folder that it unpacks to.
        folder: where downloads are kept; `REGARD_DATASETS`, or else `~/.cache/regard/datasets`.
        items: whether to join what is known of items, where the dataset has it.
        users: the same for users.

    Returns:
        The log; `Interactions.notes` say how its files were checked.

    Raises:
        ConfigurationError: no dataset has that name.
        SourceError: it cannot be had, or is not what was published.
        StorageError: it cannot be written.

    Example:
        >>> load("online-retail").clock
        <Clock.TIME: 'time'>
    """
    from regard.data.ingest.read import read  # that one opens datasets by their addresses

    return read(
        _address(name, path, folder), items=None if items else False, users=None if users else False
    )


def path(name: str, *, path: Path | str | None = None, folder: Path | str | None = None) -> Path:
    """The raw file of a public log, or the folder of its files, downloaded where need be.

    Args:
        name: one of `names()`.
        path: a copy to take instead; an archive is unpacked into the cache.
        folder: where downloads are kept; see `load`.

    Returns:
        A file where the log is one (Amazon, Online Retail), else the folder of the raw files.

    Raises:
        ConfigurationError: no dataset has that name.
        SourceError: it cannot be had, or is not what was published.
        StorageError: it cannot be written.

    Example:
        >>> from regard.data.datasets.loading import path
        >>> path("online-retail").name
        'online-retail.parquet'
    """
    return raw_files(_address(name, path, folder)).place


def open_dataset(address: DatasetAddress) -> Table:
    """Open a public log as a table.

    Args:
        address: names it.

    Returns:
        The table, with those of items and users beside it.

    Raises:
        ConfigurationError: no dataset has that name.
        SourceError: it cannot be had, or is not what was published.
        StorageError: it cannot be written.

    Example:
        >>> open_dataset(DatasetAddress("online-retail")).frame.height
        541909
    """
    raw = raw_files(address)
    opened = dataset(address.name).opens(raw.files)
    return replace(opened, name=str(address), notes=(*raw.notes, *opened.notes))


def raw_files(address: DatasetAddress, watcher: Watcher | None = None) -> Raw:
    """The raw files of a public log, downloaded where they are not on this machine yet.

    Args:
        address: names it.
        watcher: is told the licence before a download, and how far it is; the standard error stream
            if omitted.

    Returns:
        The files.

    Raises:
        ConfigurationError: no dataset has that name.
        SourceError: it cannot be had, or is not what was published.
        StorageError: it cannot be written.
    """
    known: Dataset = dataset(address.name)
    if not known.files:
        if address.path is not None:
            raise ConfigurationError(
                f"{known.name} comes with the package; leave the path of a copy out."
            )
        shipped = online_retail()
        return Raw(shipped, {shipped.name: shipped})
    watcher = watcher or ConsoleWatcher()
    if address.path is not None:
        return local(known, address.path, folder=address.folder, watcher=watcher)
    return fetch(known, folder=address.folder, watcher=watcher)


def _address(name: str, path: Path | str | None, folder: Path | str | None) -> DatasetAddress:
    return DatasetAddress(
        name, None if path is None else Path(path), None if folder is None else Path(folder)
    )
