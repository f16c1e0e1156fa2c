"""Results on disk that are whole or not there at all.

Everything is written beside its destination under a hidden name and renamed at the end, so that
neither a full disk nor Ctrl-C leaves half a file where somebody will look for a whole one::

    with atomic_file("report.json") as draft:      .regard-5c1f….json   being written
        draft.write_text(...)
                                                   report.json          after the block
"""

import errno
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import polars as pl

from regard.errors import StorageError

_ADVICE = {
    errno.ENOSPC: "Free some space",
    errno.EDQUOT: "Free some space",
    errno.EACCES: "Choose a folder that you may write to",
    errno.EPERM: "Choose a folder that you may write to",
    errno.EROFS: "Choose a folder that you may write to",
    errno.ENAMETOOLONG: "Choose a shorter name",
}


@contextmanager
def atomic_file(path: Path | str) -> Iterator[Path]:
    """Write one file so that it appears complete or not at all.

    A file that is already there stays as it is until the new one is complete; missing parent
    folders are made. A symbolic link is followed, and what it points at is replaced.

    Args:
        path: where the file shall be, relative or absolute.

    Yields:
        A path in the same folder, with the same suffix, to write to. It exists and is empty.

    Raises:
        StorageError: the file could not be written; what was there before is untouched.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with atomic_file(Path(folder, "note.txt")) as draft:
        ...         _ = draft.write_text("whole")
        ...     Path(folder, "note.txt").read_text()
        'whole'
    """
    with failures_of(path):
        target = resolved(path)
        if target.exists() and not target.is_file():
            raise StorageError(f"{path} is not a file and will not be replaced; name another file.")
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = _sibling(target)
        try:
            draft.touch(exist_ok=False)
            yield draft
            _flush(draft)
            draft.replace(target)
        finally:
            # The error that brought us here matters more than one of tidying up.
            with suppress(OSError):
                draft.unlink(missing_ok=True)
        _flush_folder(target.parent)


@contextmanager
def atomic_folder(path: Path | str, *, overwrite: bool = False) -> Iterator[Path]:
    """Write a folder so that it appears complete or not at all.

    Args:
        path: where the folder shall be, relative or absolute; an empty folder may be there.
        overwrite: replace whatever folder is there, once the new one is complete.

    Yields:
        An empty folder beside the destination to write into.

    Raises:
        StorageError: the folder could not be written, or a non-empty one is there and may not be
            overwritten; what was there before is untouched.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as place:
        ...     with atomic_folder(Path(place, "model")) as draft:
        ...         _ = Path(draft, "card.md").write_text("whole")
        ...     [file.name for file in Path(place, "model").iterdir()]
        ['card.md']
    """
    with failures_of(path):
        target = resolved(path)
        if amiss := refusal(target, overwrite=overwrite):
            raise StorageError(f"{path} {amiss}")
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = _sibling(target)
        try:
            draft.mkdir()
            yield draft
            _flush_tree(draft)
            if overwrite and target.exists():
                _swap(draft, target)
            else:
                # Refuses a folder that somebody filled while this one was being written.
                if target.exists():
                    target.rmdir()
                draft.rename(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        _flush_folder(target.parent)


@contextmanager
def failures_of(path: Path | str) -> Iterator[None]:
    """Turn what the operating system says into one sentence of ours: a `StorageError`."""
    try:
        yield
    except StorageError:
        raise
    except (OSError, pl.exceptions.PolarsError) as broken:
        number = _error_number(broken)
        if number is None and not isinstance(broken, OSError):
            raise
        reason = os.strerror(number) if number else str(broken) or type(broken).__name__
        advice = _ADVICE.get(number or 0, "Choose another place")
        raise StorageError(
            f"{path} could not be written ({reason}); nothing half-written was left behind. "
            f"{advice} and try again."
        ) from broken


def resolved(path: Path | str) -> Path:
    """Where a path leads, through all links.

    Args:
        path: relative or absolute; it need not be there.

    Raises:
        StorageError: it is a link that leads to itself.

    Example:
        >>> resolved("a/../b") == Path.cwd() / "b"
        True
    """
    try:
        return Path(path).resolve()
    except RuntimeError as loop:  # how Python up to 3.12 says it
        raise StorageError(f"{path} is a link that leads to itself; name another place.") from loop


def _error_number(broken: Exception) -> int | None:
    """What the system said: Polars passes it on in the text alone, and not always as OSError."""
    if isinstance(broken, OSError) and broken.errno:
        return broken.errno
    told = re.search(r"\(os error (\d+)\)", str(broken))
    return int(told[1]) if told else None


def refusal(target: Path, *, overwrite: bool) -> str | None:
    """Why a folder cannot be put there, known before any work is done.

    Args:
        target: resolved.
        overwrite: whether what is there may be replaced.

    Returns:
        The end of a sentence that begins with the path, or None where nothing is in the way.

    Example:
        >>> refusal(Path.cwd(), overwrite=True)
        'is the folder you are working in, or above it; name a new folder inside it.'
    """
    if target.exists() and not target.is_dir():
        return "is a file; name a folder that is not there yet."
    if Path.cwd().is_relative_to(target):
        return "is the folder you are working in, or above it; name a new folder inside it."
    if not overwrite and target.exists() and any(target.iterdir()):
        return "is there already and is not empty; name another folder or ask for overwrite."
    return None


def refuse_others(target: Path, ours: Callable[[Path], bool], what: str) -> None:
    """Refuse to put a result where something lies that is none of its kind.

    Args:
        target: a folder, there or not.
        ours: whether a folder is of the kind.
        what: the kind, for the message.

    Raises:
        StorageError: it has content of another kind, which nobody may replace.

    Example:
        >>> refuse_others(Path("no-such-folder"), lambda _: False, "bundle")
    """
    with failures_of(target):
        if target.is_dir() and any(target.iterdir()) and not ours(target):
            raise StorageError(
                f"{target} is there already, is not empty and is no {what}, so it will not be "
                "replaced; name another folder."
            )


def _sibling(target: Path) -> Path:
    """A hidden name in the same folder; it keeps the suffix, which some writers insist on."""
    return target.with_name(f".regard-{secrets.token_hex(8)}{target.suffix}")


def _swap(new: Path, target: Path) -> None:
    """Put a complete folder where another one is, and remove that one last."""
    old = _sibling(target)
    target.rename(old)
    try:
        new.rename(target)
    except BaseException:
        old.rename(target)
        raise
    try:
        shutil.rmtree(old)
    except OSError as broken:
        raise StorageError(
            f"{target} is complete, but the folder it replaced could not be removed from {old} "
            f"({broken.strerror}); remove it by hand."
        ) from broken


def _flush(file: Path) -> None:
    """Wait until a file's content is on the disk."""
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())


def _flush_tree(folder: Path) -> None:
    """Wait until a folder's files and names are on the disk."""
    for each in folder.rglob("*"):
        if each.is_dir():
            _flush_folder(each)
        else:
            _flush(each)
    _flush_folder(folder)


def _flush_folder(folder: Path) -> None:
    """Wait until a folder's names are on the disk, where the system lets folders be opened."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
