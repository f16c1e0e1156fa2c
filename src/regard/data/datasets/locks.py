"""One process at a time in a folder; a process that dies lets go by itself."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from regard.errors import StorageError

_EVERY: Final = 0.1  # seconds between two looks


@contextmanager
def held(path: Path, *, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock on a file, and wait while somebody else does.

    Args:
        path: the file, made where it is not there; it stays, since removing it would race.
        waiting: called once where one must wait.

    Yields:
        Nothing; the lock is held inside.

    Raises:
        StorageError: the file system cannot lock, or the file cannot be made.

    Example:
        >>> import tempfile
        >>> with held(Path(tempfile.mkdtemp()) / ".lock", waiting=lambda: None):
        ...     pass
    """
    with _opened(path) as stream:
        if not _locks(stream, path):
            waiting()
            while not _locks(stream, path):
                time.sleep(_EVERY)
        yield  # closing the file lets go


def _opened(path: Path) -> IO[bytes]:
    """The file, made where need be; one that may only be read can be locked as well."""
    try:
        return path.open("a+b")
    except OSError as broken:
        try:
            return path.open("rb")
        except OSError:
            raise StorageError(
                f"{path} could not be made ({broken.strerror}). Choose another folder with "
                "REGARD_DATASETS."
            ) from broken


if sys.platform == "win32":  # pragma: no cover - tests run elsewhere

    def _locks(stream: IO[bytes], path: Path) -> bool:
        """Try to lock; False where somebody else holds it."""
        import msvcrt

        try:
            stream.seek(0)
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        except OSError as broken:
            raise StorageError(f"{path} cannot be locked ({broken.strerror}).") from broken
        return True

else:

    def _locks(stream: IO[bytes], path: Path) -> bool:
        """Try to lock; False where somebody else holds it."""
        import fcntl

        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as broken:
            raise StorageError(
                f"{path} cannot be locked ({broken.strerror}). Choose a folder on another disk "
                "with REGARD_DATASETS."
            ) from broken
        return True
