"""The bytes of a file, compressed or not, unless a single line of it would fill the memory."""

import gzip
import io
import mmap
import zlib
from pathlib import Path
from typing import Final

from regard.data.ingest.signatures import GZIP, nature_of
from regard.errors import SourceError

LONGEST: Final = 1 << 26
"""Bytes of the longest line that is read; no record of a log comes near."""

_PIECE: Final = 1 << 20


def read_bytes(path: Path) -> bytes:
    """The whole file, decompressed where its name ends in `.gz`.

    A file without line breaks (an image of a disk, a JSON document on one line) is refused before
    it is read: whatever reads lines would need a multiple of its size.

    Args:
        path: an existing file.

    Returns:
        Its content; an empty file is empty, compressed or not.

    Raises:
        SourceError: it cannot be read, is not what its name says, or has a line of more than
            `LONGEST` bytes.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "plays.csv.gz"
        >>> _ = path.write_bytes(gzip.compress(b"who,what"))
        >>> read_bytes(path)
        b'who,what'
    """
    try:
        if path.suffix.lower() == ".gz":
            return _unpacked(path)
        _require_lines(path)
        return path.read_bytes()
    except OSError as broken:
        raise SourceError(
            f"{path} cannot be read: {broken.strerror or broken}. Check that it is there and that "
            "you may read it."
        ) from broken


def _require_lines(path: Path) -> None:
    """Refuse a file with an endless line; of any other, few pages are looked at."""
    size, start = path.stat().st_size, 0
    if size <= LONGEST:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        while start + LONGEST < size:
            last = text.rfind(b"\n", start, start + LONGEST + 1)
            if last < 0:
                last = text.rfind(b"\r", start, start + LONGEST + 1)
            if last < 0:
                raise _endless(path, start)
            start = last + 1


def _unpacked(path: Path) -> bytes:
    """What gzip packed, in pieces, so that an endless line is noticed before it fills memory."""
    with path.open("rb") as file:
        head = file.read(_PIECE)
    if not head:
        return head
    if not head.startswith(GZIP):
        nature = nature_of(head) or f"not compressed; rename it to end in {path.stem[-4:]}"
        raise SourceError(f"{path} ends in .gz but is {nature}.")
    content, open_since = io.BytesIO(), 0
    try:
        with gzip.open(path) as file:
            while piece := file.read(_PIECE):
                last = max(piece.rfind(b"\n"), piece.rfind(b"\r"))
                if last >= 0:
                    open_since = content.tell() + last + 1
                content.write(piece)
                if content.tell() - open_since > LONGEST:
                    raise _endless(path, open_since)
    except (EOFError, zlib.error, gzip.BadGzipFile) as broken:
        raise SourceError(
            f"{path} cannot be unpacked: it is cut off or damaged ({broken}). Fetch it again, or "
            "compress it again."
        ) from broken
    return content.getvalue()


def _endless(path: Path, start: int) -> SourceError:
    """The error for a line without an end."""
    return SourceError(
        f"{path} has a line of more than {LONGEST >> 20} MiB, from byte {start:,} on; no record of "
        "a log is so long. Write one row per line."
    )
