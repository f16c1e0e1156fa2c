"""Arrow IPC, also called Feather, to a table."""

import re
from pathlib import Path
from typing import Final

import polars as pl

from regard.data.ingest.signatures import nature_of
from regard.data.ingest.table import Table
from regard.errors import SourceError

_FILE: Final = b"ARROW1"
_FEATHER_1: Final = b"FEA1"
_STREAM: Final = b"\xff\xff\xff\xff"  # opens every message of a stream
_END_OF_STREAM: Final = _STREAM + bytes(4)


def open_arrow(path: Path) -> Table:
    """Read Arrow IPC in its form for files (Feather 2) or for streams.

    Args:
        path: an existing file.

    Returns:
        The table with the columns and types of the file.

    Raises:
        SourceError: the file is empty, cut off, or no Arrow.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "plays.arrow"
        >>> pl.DataFrame({"who": [7], "what": ["tea"]}).write_ipc(path)
        >>> open_arrow(path).frame.rows()
        [(7, 'tea')]
    """
    return Table(arrow_frame(path), str(path))


def arrow_frame(path: Path) -> pl.DataFrame:
    """The rows of a file, perhaps none; see `open_arrow`."""
    try:
        raw = path.read_bytes()
        if not raw:
            raise SourceError(f"{path} is empty. Give a file with one row per interaction.")
        if raw.startswith(_FEATHER_1):
            raise SourceError(
                f"{path} is Feather of version 1, which nothing writes any more. Read it with "
                "pandas and write it again, or write Parquet."
            )
        if raw.startswith(_FILE):
            return pl.read_ipc(raw)
        if raw.startswith(_STREAM) and not raw.endswith(_END_OF_STREAM):
            raise SourceError(f"{path} is cut off: its stream of Arrow has no end. Write it again.")
        if nature := nature_of(raw):
            raise SourceError(f"{path} is no Arrow but {nature}.")
        return pl.read_ipc_stream(raw)
    except (pl.exceptions.PolarsError, OSError) as broken:
        # What stands in braces are the insides of a program, no help to anybody.
        reason = re.split(r"[({]| Error", str(broken).splitlines()[0])[0].strip(" .:")
        raise SourceError(
            f"{path} cannot be read as Arrow; it is cut off, damaged or something else ({reason}). "
            "Fetch it or write it again."
        ) from broken
