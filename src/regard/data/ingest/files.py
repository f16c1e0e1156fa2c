"""One file to a table: its suffix decides how."""

import errno
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from regard.data.ingest.arrow import open_arrow
from regard.data.ingest.delimited import open_delimited
from regard.data.ingest.jsonlines import open_jsonlines
from regard.data.ingest.movielens import columns_of, open_movielens
from regard.data.ingest.parquet import open_parquet
from regard.data.ingest.recbole import ATOMIC, open_atomic
from regard.data.ingest.table import Table
from regard.errors import ConfigurationError, SourceError

_NOTHING_THERE: Final = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EINVAL)
"""The last one is how Windows says that a pattern is no path."""
DELIMITED: Final = (".csv", ".tsv", ".tab", ".txt", ".dat", ".data", ".psv")
"""Suffixes of delimited text, each also with `.gz` behind it."""
JSON_LINES: Final = (".jsonl", ".ndjson")
"""Suffixes of JSON lines, each also with `.gz` behind it."""
PARQUET: Final = (".parquet", ".pq")
"""Suffixes of Parquet."""
ARROW: Final = (".arrow", ".feather", ".ipc")
"""Suffixes of Arrow IPC."""

FORMATS: Final = {
    "delimited text": DELIMITED,
    "JSON lines": JSON_LINES,
    "Parquet": PARQUET,
    "Arrow": ARROW,
    "RecBole's atomic files": ATOMIC,
}
"""Names of formats, and their suffixes."""


@dataclass(frozen=True)
class TextForm:
    """How text is written, as far as the caller said so; the rest is found.

    Attributes:
        delimiter: what separates fields.
        encoding: how characters are written.
        decimal: the decimal sign.
        header: whether the first line holds names.
    """

    delimiter: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    header: bool | None = None

    def require_none(self, what: object, *, but: tuple[str, ...] = ()) -> None:
        """Refuse what was said about something that is no delimited text.

        Args:
            what: the source, for the message.
            but: options that have a meaning for it.

        Raises:
            ConfigurationError: an option was given.
        """
        given = [name for name, value in asdict(self).items() if value is not None]
        for name in given:
            if name not in but:
                raise ConfigurationError(
                    f"{name}= is for delimited text such as CSV; leave it out for {what}."
                )


def format_of(path: Path) -> str | None:
    """The name of a file's format by its suffix, or None where the suffix says nothing.

    Example:
        >>> format_of(Path("plays.csv.GZ")), format_of(Path("plays.xlsx"))
        ('delimited text', None)
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = suffixes[-1] if suffixes else ""
    if kind == ".gz" and len(suffixes) > 1 and suffixes[-2] in (*DELIMITED, *JSON_LINES):
        kind = suffixes[-2]
    return next((name for name, known in FORMATS.items() if kind in known), None)


def require_reachable(path: Path) -> None:
    """Refuse a path that the system will not look at; one where nothing is passes.

    Args:
        path: of a file, a folder or a pattern.

    Raises:
        SourceError: a folder on the way is closed to us, or a name is longer than there can be.

    Example:
        >>> require_reachable(Path("no-such-file.csv"))
    """
    try:
        path.stat()
    except OSError as closed:
        if closed.errno in _NOTHING_THERE:
            return
        raise SourceError(
            f"{path} cannot be looked at ({closed.strerror}). Check the path, and who may read it."
        ) from closed


def require_file(path: Path) -> None:
    """Refuse what is no file to read.

    Args:
        path: may lead anywhere.

    Raises:
        SourceError: nothing is there, a link leads nowhere, or it is a pipe or a device.

    Example:
        >>> require_file(Path("plays.xlsx"))
        Traceback (most recent call last):
        regard.errors.SourceError: plays.xlsx does not exist. Check the path.
    """
    if path.is_file():
        return
    if path.is_symlink() and not path.exists():
        raise SourceError(f"{path} is a link that leads nowhere. Check where it leads.")
    if path.exists():
        raise SourceError(f"{path} is no file but a pipe or a device. Write it to a file first.")
    raise SourceError(f"{path} does not exist. Check the path.")


def open_file(path: Path, form: TextForm) -> Table:
    """Open one file.

    Args:
        path: should exist.
        form: how text is written.

    Returns:
        The table, columns under their own names.

    Raises:
        SourceError: nothing that can be read is there.
        ConfigurationError: an option of delimited text was given for something else.

    Example:
        >>> open_file(Path("plays.xlsx"), TextForm())
        Traceback (most recent call last):
        regard.errors.SourceError: plays.xlsx does not exist. Check the path.
    """
    require_file(path)
    name = format_of(path)
    if name is None:
        known = "; ".join(f"{each} ({', '.join(suffixes)})" for each, suffixes in FORMATS.items())
        raise SourceError(
            f"{path} ends in {path.suffix.lower() or 'no suffix'!r}, which says no known format. "
            f"Known are {known}; text also with .gz."
        )
    return _OPENERS[name](path, form)


def _delimited(path: Path, form: TextForm) -> Table:
    names = None if form.delimiter is not None or form.header is not None else columns_of(path)
    if names is not None:
        return open_movielens(path, names, encoding=form.encoding, decimal=form.decimal)
    return open_delimited(path, **asdict(form))


def _json_lines(path: Path, form: TextForm) -> Table:
    form.require_none(path, but=("encoding",))
    return open_jsonlines(path, encoding=form.encoding)


def _parquet(path: Path, form: TextForm) -> Table:
    form.require_none(path)
    return open_parquet(path)


def _arrow(path: Path, form: TextForm) -> Table:
    form.require_none(path)
    return open_arrow(path)


def _atomic(path: Path, form: TextForm) -> Table:
    form.require_none(path, but=("delimiter", "encoding", "decimal"))
    return open_atomic(path, delimiter=form.delimiter, encoding=form.encoding, decimal=form.decimal)


_OPENERS: Final[dict[str, Callable[[Path, TextForm], Table]]] = dict(
    zip(FORMATS, (_delimited, _json_lines, _parquet, _arrow, _atomic), strict=True)
)
