"""What a file really is, told by its first bytes rather than by its name."""

from typing import Final

GZIP: Final = b"\x1f\x8b"
"""How everything begins that gzip wrote."""

_NATURES: Final = (
    (b"par1", "a Parquet file; rename it to end in .parquet"),
    (b"arrow1", "an Arrow file; rename it to end in .arrow"),
    (GZIP, "compressed with gzip; rename it to end in .gz"),
    (b"pk\x03\x04", "a ZIP archive or spreadsheet; extract it or export it as CSV"),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard; decompress it"),
    (b"bzh", "compressed with bzip2; decompress it"),
    (b"\xfd7zxz\0", "compressed with xz; decompress it"),
    (b"sqlite format 3\0", "a SQLite database; give its address, sqlite:/// and the path"),
    (b"version https://git-lfs", "a pointer of Git LFS; fetch the file itself with: git lfs pull"),
    (b"<!doctype html", "a web page; download the file itself"),
    (b"<html", "a web page; download the file itself"),
)
_LONGEST: Final = max(len(mark) for mark, _ in _NATURES)


def nature_of(head: bytes) -> str | None:
    """What begins with these bytes, and what to do with it.

    Args:
        head: a file, or at least its first bytes.

    Returns:
        Words that follow "is", or None for what may be text.

    Example:
        >>> nature_of(b"PAR1...")
        'a Parquet file; rename it to end in .parquet'
        >>> nature_of(b"user,item") is None
        True
    """
    start = head[:_LONGEST].lower()
    return next((nature for mark, nature in _NATURES if start.startswith(mark)), None)
