"""Where results go: refused before any work is done, never half-written."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from regard.bundle.manifest import is_bundle
from regard.data.atomic import failures_of, resolved
from regard.errors import ConfigurationError, StorageError
from regard.optional import require


def parquet_file(path: Path, option: str) -> Path:
    """Refuse a name that does not say Parquet, since reading goes by the suffix.

    Args:
        path: to be written.
        option: that named it.

    Returns:
        The path.

    Raises:
        ConfigurationError: it has another suffix.
    """
    if path.suffix not in (".parquet", ".pq"):
        raise ConfigurationError(f"{option} {path} must end in .parquet; that is what is written.")
    return path


def page_file(path: Path | None) -> Path | None:
    """Refuse a page that cannot be made, before any work is done.

    Args:
        path: to be written, or None where no page is wanted.

    Returns:
        The path. Without Plotly, `MissingDependencyError` says how to install it.

    Raises:
        ConfigurationError: the name does not say HTML.
    """
    if path is None:
        return None
    if path.suffix not in (".html", ".htm"):
        raise ConfigurationError(f"--report {path} must end in .html; that is what is written.")
    require("plotly", extra="report", purpose="The HTML report")
    return path


def quarantine_beside(path: Path) -> Path:
    """Where removed rows go when nobody says so.

    Example:
        >>> quarantine_beside(Path("runs/clean.parquet")).name, quarantine_beside(Path("m")).name
        ('clean.quarantine.parquet', 'm.quarantine.parquet')
    """
    name = path.stem if path.suffix in (".parquet", ".pq") else path.name
    return path.with_name(f"{name}.quarantine.parquet")


def refuse_same(*paths: Path) -> None:
    """Refuse to write over what is read, or two results over each other.

    Raises:
        ConfigurationError: two of the paths are one.
    """
    met: set[str] = set()
    for path in paths:
        real = os.path.realpath(path)  # unlike Path.resolve, at ease with a link to itself
        if real in met:
            raise ConfigurationError(
                f"{path} is named twice; it would be overwritten. Name another."
            )
        met.add(real)


def refuse_anothers(quarantine: Path, owner: Path) -> None:
    """Refuse to replace the removed rows of another result: a clean log and a bundle share a name.

    Args:
        quarantine: to be written.
        owner: the other result whose removed rows would lie there.

    Raises:
        StorageError: both are there, or it cannot be seen whether they are.
    """
    with failures_of(quarantine):
        if quarantine.exists() and (owner.is_file() or is_bundle(owner)):
            raise StorageError(
                f"{quarantine} holds the rows that were removed for {owner} and will not be "
                "replaced; choose another name for --out."
            )


def free_folder(out: Path, *, replaceable: Callable[[Path], bool], advice: str) -> Path:
    """Refuse at once, and not after an hour of training, a folder that cannot be written.

    Args:
        out: the folder to be made.
        replaceable: whether a folder that is there, and not empty, may be replaced.
        advice: what to do where it may not.

    Returns:
        The folder, resolved.

    Raises:
        StorageError: something is there that may not be replaced, or nobody may look there.
    """
    with failures_of(out):
        target = resolved(out)
        if target.exists() and not target.is_dir():
            raise StorageError(f"{out} is a file; name a folder that is not there yet.")
        if Path.cwd().is_relative_to(target):
            raise StorageError(
                f"{out} is the folder you are working in, or above it; name a new one."
            )
        if target.exists() and any(target.iterdir()) and not replaceable(target):
            raise StorageError(f"{out} is there already and will not be replaced; {advice}.")
    return target


@contextmanager
def checkpoint_beside(target: Path, *, restart: bool) -> Iterator[Path]:
    """A file for checkpoints in a hidden folder beside a bundle, gone once the bundle is there.

    Args:
        target: the folder that the bundle will be.
        restart: discard what an earlier run left.

    Yields:
        The path of the file; where it exists, an earlier run was stopped.

    Raises:
        StorageError: the folder cannot be made.
    """
    folder = target.with_name(f".{target.name}.training")
    try:
        if restart:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as broken:
        raise StorageError(
            f"{folder} could not be made ({broken.strerror}); choose another folder."
        ) from broken
    try:
        yield folder / "checkpoint.pt"
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        with suppress(OSError):  # an empty folder is of no use; one with a checkpoint stays
            folder.rmdir()
