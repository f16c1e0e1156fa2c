"""The wanted files of a zip archive, and nothing else of it."""

import gzip
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from regard.errors import SourceError

_ENCRYPTED: Final = 0x1
_BLOCK: Final = 1 << 20
_CHAFF: Final = "__MACOSX"  # a folder of resource forks, with the names of the real files


def is_sound(file: Path, name: str) -> bool:
    """Whether a file is what its name says, as far as that can be told without a checksum.

    A connection that ended early and a page of some proxy are the two that come under the name of
    an archive.

    Args:
        file: what arrived.
        name: ends in `.zip` or `.gz`.

    Returns:
        Whether the directory of the zip archive can be read, or the whole of the gzip file.

    Example:
        >>> import tempfile
        >>> page = Path(tempfile.mkdtemp()) / "Books.csv.gz.part"
        >>> _ = page.write_text("<html>Please log in.</html>")
        >>> is_sound(page, "Books.csv.gz")
        False
    """
    if name.endswith(".zip"):
        return zipfile.is_zipfile(file)
    try:
        with gzip.open(file) as opened:
            while opened.read(_BLOCK):
                pass
    except (OSError, EOFError, zlib.error):
        return False
    return True


def members_of(archive: Path, wanted: Mapping[str, str], most: int) -> dict[str, zipfile.ZipInfo]:
    """Find the wanted files in an archive, in whatever folder of it they lie.

    Args:
        archive: a zip archive.
        wanted: name outside -> last part of the name inside; the first must be there.
        most: bytes that the found files may have together.

    Returns:
        Name outside -> entry of the archive.

    Raises:
        SourceError: it is no sound archive, lacks the first file, holds names that lead out of
            it, or would unpack to more than it may.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with zipfile.ZipFile(folder / "logs.zip", "w") as archive:
        ...     archive.writestr("logs-2024/plays.csv", "user,item")
        >>> found = members_of(folder / "logs.zip", {"plays.csv": "plays.csv"}, 1_000)
        >>> unpack(folder / "logs.zip", found, folder)
        >>> (folder / "plays.csv").read_text()
        'user,item'
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as broken:
        reason = str(broken).rstrip(".")
        raise SourceError(f"{archive} is no sound zip archive: {reason}.") from broken
    _require_inside(archive, entries)
    found = {
        outside: entry
        for outside, inside in wanted.items()
        if (entry := _shallowest(entries, inside)) is not None
    }
    first = next(iter(wanted))
    if first not in found:
        raise SourceError(
            f"{archive} holds no {wanted[first]}, so it is another archive. Give the one that was "
            "published."
        )
    size = sum(entry.file_size for entry in found.values())
    if size > most:
        raise SourceError(
            f"{archive} would unpack to {size:,} bytes, where at most {most:,} are known to be "
            "right; it is not unpacked. Give the archive that was published."
        )
    return found


def unpack(archive: Path, members: Mapping[str, zipfile.ZipInfo], folder: Path) -> None:
    """Write files of an archive into a folder.

    Args:
        archive: a zip archive.
        members: name outside -> entry, from `members_of`.
        folder: where to; exists.

    Raises:
        SourceError: an entry is damaged, encrypted or compressed in a strange way.
    """
    for name, entry in members.items():
        if entry.flag_bits & _ENCRYPTED:
            raise SourceError(f"{entry.filename} in {archive} is encrypted. Unpack it yourself.")
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with (
                zipfile.ZipFile(archive) as opened,
                opened.open(entry) as source,
                target.open("wb") as stream,
            ):
                shutil.copyfileobj(source, stream)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as broken:
            raise SourceError(
                f"{entry.filename} in {archive} is damaged ({broken}). Remove the archive to "
                "download it again."
            ) from broken


def _require_inside(archive: Path, entries: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive with names that lead out of a folder; no published one has any."""
    for entry in entries:
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0][1:2]:
            raise SourceError(
                f"{archive} holds {entry.filename!r}, a name that leads out of the archive; it is "
                "not unpacked. Give the archive that was published."
            )


def _shallowest(entries: list[zipfile.ZipInfo], name: str) -> zipfile.ZipInfo | None:
    """The entry with a last name, of several the one in the fewest folders."""
    paths = {entry.filename: PurePosixPath(entry.filename).parts for entry in entries}
    same = [
        entry
        for entry in entries
        if not entry.is_dir()
        and paths[entry.filename][-1] == name
        and _CHAFF not in paths[entry.filename]
    ]
    return min(same, key=lambda entry: len(paths[entry.filename]), default=None)
