"""What a log needs of memory and of disk, said before any work is done."""

import os
import shutil
import sys
from pathlib import Path
from typing import Final

from regard.errors import StorageError

IN_MEMORY: Final = 10.0
"""Bytes that cleaning and splitting in memory need for each byte of typed log: an estimate on the
safe side, since a log that is prepared without need only costs time."""
_FINAL: Final = 28  # bytes of an event in the flat arrays, and of its user
_MARGIN: Final = 1.1


def available_memory() -> int:
    """Bytes that can be had now; half of what is built in, where the system does not say.

    Example:
        >>> available_memory() > 0
        True
    """
    if (kilobytes := _listed(Path("/proc/meminfo"), "MemAvailable")) is not None:
        return kilobytes * 1024
    if hasattr(os, "sysconf"):
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2)
    return 4 * 2**30


def peak_megabytes() -> float:
    """Largest resident memory of this process so far, in 2^20 bytes.

    Linux hands the peak of the process that starts another one on to it in `getrusage`, so that is
    asked only where there is no `/proc`.

    Example:
        >>> peak_megabytes() > 1
        True
    """
    if (kilobytes := _listed(Path("/proc/self/status"), "VmHWM")) is not None:
        return kilobytes / 2**10
    if sys.platform == "win32":  # it has no getrusage
        return 0.0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak / 2**20 if sys.platform == "darwin" else peak / 2**10)


def _listed(file: Path, name: str) -> int | None:
    """A number of kilobytes as Linux lists it; None where no system lists it."""
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), None)


def require_disk(folder: Path, rows: int, row_bytes: float, copies: int) -> None:
    """Refuse to begin what the disk cannot hold.

    Args:
        folder: where shards and results will lie; it, or a folder above it, exists.
        rows: of the log.
        row_bytes: of a typed row.
        copies: how often a row may lie there at a time.

    Raises:
        StorageError: too little is free.

    Example:
        >>> require_disk(Path("."), rows=10, row_bytes=32.0, copies=2)
    """
    needed = int(rows * (copies * row_bytes + _FINAL) * _MARGIN)
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise StorageError(
            f"Preparing {rows:,} rows in {folder} takes up to {_gigabytes(needed)} of disk, but "
            f"{_gigabytes(free)} are free there. Free some space, or name a folder elsewhere."
        )


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:,.1f} GB"
