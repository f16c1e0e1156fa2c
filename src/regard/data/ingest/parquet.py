"""Parquet to a table."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import polars as pl

from regard.data.ingest.signatures import nature_of
from regard.data.ingest.table import Table
from regard.errors import SourceError

_PARQUET: Final = (b"PAR1", b"PARE")  # the second where the footer is encrypted
_HEAD: Final = 64


def open_parquet(path: Path) -> Table:
    """Read a Parquet file.

    Args:
        path: an existing file.

    Returns:
        The table with the columns and types of the file.

    Raises:
        SourceError: the file is empty or not sound Parquet.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "plays.parquet"
        >>> pl.DataFrame({"who": [7], "what": ["tea"]}).write_parquet(path)
        >>> open_parquet(path).frame.rows()
        [(7, 'tea')]
    """
    return Table(parquet_frame(path), str(path))


def parquet_frame(path: Path) -> pl.DataFrame:
    """The rows of a file, perhaps none; see `open_parquet`."""
    with failures_of_parquet(path):
        require_parquet(path)
        return pl.read_parquet(path, glob=False, hive_partitioning=False)


def require_parquet(path: Path) -> None:
    """Refuse a file that does not even begin like Parquet.

    Args:
        path: an existing file.

    Raises:
        SourceError: the file is empty or something else.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise SourceError(f"{path} is empty. Give a file with one row per interaction.")
    if not head.startswith(_PARQUET):
        if nature := nature_of(head):
            raise SourceError(f"{path} is no Parquet but {nature}.")
        raise SourceError(
            f"{path} cannot be read as Parquet: it begins like something else. Rename it after "
            "what it is, such as .csv, or fetch it again."
        )


@contextmanager
def failures_of_parquet(path: Path) -> Iterator[None]:
    """Turn what a reader says of a broken file into one sentence that names it.

    Args:
        path: of the file that is read.

    Raises:
        SourceError: it could not be read.
    """
    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as broken:
        reason = str(broken).splitlines()[0].rstrip(".").removeprefix("parquet: ")
        raise SourceError(
            f"{path} cannot be read as Parquet; it is cut off or damaged ({reason}). Fetch it or "
            "write it again."
        ) from broken
