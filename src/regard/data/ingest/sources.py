"""Any source to a table: the suffix of a path decides, and everything else is a dataframe."""

from pathlib import Path
from typing import Any, Final

from regard.data.ingest.delimited import open_delimited
from regard.data.ingest.frames import open_frame
from regard.data.ingest.movielens import columns_of, open_movielens
from regard.data.ingest.parquet import open_parquet
from regard.data.ingest.recbole import ATOMIC, open_atomic
from regard.data.ingest.table import Table
from regard.errors import ConfigurationError, SourceError

DELIMITED: Final = (".csv", ".tsv", ".tab", ".txt", ".dat", ".data", ".psv")
"""Suffixes of delimited text, each also with `.gz` behind it."""
PARQUET: Final = (".parquet", ".pq")
"""Suffixes of Parquet."""


def open_source(
    source: Any,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    header: bool | None = None,
) -> Table:
    """Open a path or a dataframe, its columns under their own names.

    Args:
        source: path to delimited text or Parquet, or a dataframe that Narwhals takes.
        delimiter: see `open_delimited`; the same holds for the other options.
        encoding: how characters are written.
        decimal: the decimal sign.
        header: whether the first line holds names.

    Returns:
        The table.

    Raises:
        SourceError: nothing that can be read is there.
        ConfigurationError: an option of delimited text was given for something else.

    Example:
        >>> import polars as pl
        >>> open_source(pl.DataFrame({"who": [7]})).name
        'a polars frame'
    """
    options = {
        "delimiter": delimiter, "encoding": encoding, "decimal": decimal, "header": header
    }  # fmt: skip
    path = Path(source).expanduser() if isinstance(source, str | Path) else None
    kind = None if path is None else _kind(path)
    if path is not None and kind in DELIMITED:
        names = None if delimiter is not None or header is not None else columns_of(path)
        if names is not None:
            return open_movielens(path, names, encoding=encoding, decimal=decimal)
        return open_delimited(
            path, delimiter=delimiter, encoding=encoding, decimal=decimal, header=header
        )
    if path is not None and kind in ATOMIC and header is None:
        return open_atomic(path, delimiter=delimiter, encoding=encoding, decimal=decimal)
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise ConfigurationError(
            f"{given[0]}= is for delimited text such as CSV; leave it out for "
            f"{path if path is not None else 'a dataframe'}."
        )
    return open_frame(source) if path is None else open_parquet(path)


def _kind(path: Path) -> str:
    """The suffix that tells how to read an existing file."""
    if path.is_dir():
        raise SourceError(f"{path} is a folder. Give the path of one file in it.")
    if not path.exists():
        raise SourceError(f"{path} does not exist. Check the path.")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = suffixes[-1] if suffixes else ""
    if kind == ".gz" and len(suffixes) > 1 and suffixes[-2] in DELIMITED:
        kind = suffixes[-2]
    if kind not in (*DELIMITED, *ATOMIC, *PARQUET):
        raise SourceError(
            f"{path} ends in {kind or 'no suffix'!r}, which says no known format. Known are "
            f"{', '.join(DELIMITED)} (each also with .gz), {', '.join(ATOMIC)} and "
            f"{', '.join(PARQUET)}."
        )
    return kind
