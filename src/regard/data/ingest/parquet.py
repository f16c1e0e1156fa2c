"""Parquet to a table."""

from pathlib import Path

import polars as pl

from regard.data.ingest.table import Table
from regard.errors import SourceError


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
    if not path.stat().st_size:
        raise SourceError(f"{path} is empty. Give a file with one row per interaction.")
    try:
        return pl.read_parquet(path, glob=False, hive_partitioning=False)
    except (pl.exceptions.PolarsError, OSError) as broken:
        reason = str(broken).splitlines()[0].rstrip(".")
        raise SourceError(f"{path} cannot be read as Parquet: {reason}.") from broken
