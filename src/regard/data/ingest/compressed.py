"""The bytes of a file, compressed or not."""

import gzip
import zlib
from pathlib import Path

from regard.errors import SourceError


def read_bytes(path: Path) -> bytes:
    """The whole file, decompressed where its name ends in `.gz`.

    Args:
        path: an existing file.

    Returns:
        Its content; an empty file is empty, compressed or not.

    Raises:
        SourceError: it cannot be read, or is not what its name says.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "plays.csv.gz"
        >>> _ = path.write_bytes(gzip.compress(b"who,what"))
        >>> read_bytes(path)
        b'who,what'
    """
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if path.suffix.lower() == ".gz" and raw else raw
    except (OSError, EOFError, zlib.error) as broken:
        raise SourceError(f"{path} cannot be read: {broken}.") from broken
