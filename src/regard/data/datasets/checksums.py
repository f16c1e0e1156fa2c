"""Whether a file is the one that was published, or at least the one that was downloaded."""

import hashlib
from pathlib import Path

from regard.data.atomic import atomic_file
from regard.errors import SourceError


def digest_of(path: Path, kind: str = "sha256") -> str:
    """The checksum of a file.

    Args:
        path: an existing file.
        kind: `"md5"` or `"sha256"`.

    Returns:
        Hexadecimal digits.

    Raises:
        SourceError: the file cannot be read.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a"
        >>> _ = path.write_bytes(b"")
        >>> digest_of(path, "md5")
        'd41d8cd98f00b204e9800998ecf8427e'
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(
                stream, lambda: hashlib.new(kind, usedforsecurity=False)
            ).hexdigest()
    except OSError as broken:
        raise SourceError(f"{path} cannot be read ({broken.strerror}).") from broken


def record_of(path: Path) -> Path:
    """Where the checksum of a first download is kept, in the form that `sha256sum -c` reads.

    Example:
        >>> record_of(Path("plays.csv.gz")).name
        'plays.csv.gz.sha256'
    """
    return path.with_name(f"{path.name}.sha256")


def record(path: Path, digest: str, name: str) -> None:
    """Keep the checksum of a first download.

    Args:
        path: the file's record, see `record_of`.
        digest: its sha256.
        name: the file's own name.
    """
    with atomic_file(path) as draft:
        draft.write_text(f"{digest}  {name}\n", "utf-8")


def require_recorded(path: Path) -> bool:
    """Check a file against the checksum of its first download.

    Args:
        path: a file in the cache.

    Returns:
        Whether there is a record.

    Raises:
        SourceError: the file has changed since.
    """
    kept = record_of(path)
    if not kept.is_file():
        return False
    expected = kept.read_text("utf-8").split(maxsplit=1)[0]
    found = digest_of(path)
    if found != expected:
        raise SourceError(
            f"{path} has changed since its first download (sha256 {found}, recorded was "
            f"{expected}). Remove it and {kept.name} to download it again."
        )
    return True


def require_published(path: Path, md5: str) -> None:
    """Check a file against the checksum that its publisher states.

    Args:
        path: a file in the cache.
        md5: what the publisher states.

    Raises:
        SourceError: it is another file.
    """
    found = digest_of(path, "md5")
    if found != md5:
        raise SourceError(
            f"{path} is not the file that was published (md5 {found}, published is {md5}). Remove "
            "it to download it again."
        )
