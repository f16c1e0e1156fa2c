"""Addresses of databases and of public logs, and what of them may be shown."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_DATASET: Final = "dataset:"
_SECRETS: Final = ("password", "passwd", "pwd", "sslpassword", "token", "secret")


@dataclass(frozen=True)
class DatasetAddress:
    """A public log by its name, as `dataset:ml-1m` or `dataset:ml-1m@~/Downloads/ml-1m.zip`.

    Attributes:
        name: one of `regard.datasets.names()`.
        path: a copy to read instead of a download.
        folder: where downloads are kept; that of `regard.settings` if None.
    """

    name: str
    path: Path | None = None
    folder: Path | None = None

    def __str__(self) -> str:
        return f"{_DATASET}{self.name}" + (f"@{self.path}" if self.path is not None else "")


def dataset_address(source: Any) -> DatasetAddress | None:
    """The public log that a source names, or None where it names something else.

    Args:
        source: what `regard.read` takes.

    Returns:
        The address.

    Example:
        >>> found = dataset_address("dataset:ml-1m@copy.zip")
        >>> found.name, found.path.name, str(found)
        ('ml-1m', 'copy.zip', 'dataset:ml-1m@copy.zip')
        >>> dataset_address("plays.csv") is None
        True
    """
    if isinstance(source, DatasetAddress):
        return source
    if not (isinstance(source, str) and source.startswith(_DATASET)):
        return None
    name, _, path = source.removeprefix(_DATASET).partition("@")
    return DatasetAddress(name, Path(path) if path else None)


def is_address(source: Any) -> bool:
    """Whether a source is a URL rather than a path or a dataframe.

    Example:
        >>> is_address("sqlite:///shop.db"), is_address("shop.db")
        (True, False)
    """
    return isinstance(source, str) and _ADDRESS.match(source) is not None


def without_password(address: str) -> str:
    """An address that may be printed and kept; a path is handed back as it is.

    Whatever stands between the name of the user and the last `@` goes, so that a password with
    signs that a URL forbids leaves nothing behind; so do options that hold secrets.

    Args:
        address: a URL or a path.

    Returns:
        The address without a password.

    Example:
        >>> without_password("postgresql://ann:s3cret@db.example.org/shop?password=x&sslmode=require")
        'postgresql://ann@db.example.org/shop?sslmode=require'
    """
    if not is_address(address):
        return address
    scheme, _, rest = address.partition("://")
    if not rest.startswith("/"):
        before, at, after = rest.rpartition("@")
        rest = before.partition(":")[0] + at + after
    place, _, options = rest.partition("?")
    kept = [each for each in options.split("&") if each.partition("=")[0].lower() not in _SECRETS]
    shown = "&".join(each for each in kept if each)
    return f"{scheme}://{place}" + (f"?{shown}" if shown else "")
