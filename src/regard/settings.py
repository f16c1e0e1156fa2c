"""What the surroundings may decide: environment variables, read when asked and never at import."""

import os
from pathlib import Path

from regard.errors import ConfigurationError


def data_folder() -> Path | None:
    """The folder of benchmark data named by `REGARD_DATA`, or None where it is not set.

    Returns:
        An existing folder, or None.

    Raises:
        ConfigurationError: the variable names something that is not a folder.

    Example:
        >>> from unittest.mock import patch
        >>> with patch.dict(os.environ, REGARD_DATA="/nowhere"):
        ...     data_folder()
        Traceback (most recent call last):
        regard.errors.ConfigurationError: REGARD_DATA names '/nowhere', which is not a folder...
    """
    named = os.environ.get("REGARD_DATA")
    if not named:
        return None
    folder = Path(named)
    if not folder.is_dir():
        raise ConfigurationError(
            f"REGARD_DATA names {named!r}, which is not a folder. Point it at the folder of the "
            "data files, or unset it."
        )
    return folder


def datasets_folder() -> Path:
    """Where downloaded public logs are kept: `REGARD_DATASETS`, or else `~/.cache/regard/datasets`.

    Returns:
        A folder, which need not be there yet.

    Raises:
        ConfigurationError: the variable names something that is not a folder, or it is not set and
            there is no home folder.

    Example:
        >>> from unittest.mock import patch
        >>> with patch.dict(os.environ, REGARD_DATASETS="/big/disk"):
        ...     datasets_folder().as_posix()
        '/big/disk'
    """
    named = os.environ.get("REGARD_DATASETS")
    try:
        folder = Path(named or "~/.cache/regard/datasets").expanduser()
    except RuntimeError as homeless:
        raise ConfigurationError(
            "There is no home folder to keep datasets in; name a folder with REGARD_DATASETS."
        ) from homeless
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(
            f"{folder} is not a folder, so no datasets can be kept in it. Name one with "
            "REGARD_DATASETS."
        )
    return folder


def datasets_mirror() -> str | None:
    """Whence to download public logs instead of from their publishers: `REGARD_DATASETS_MIRROR`.

    A mirror holds the files under the names that their publishers gave them; checksums stay those
    of the publishers.

    Returns:
        An address that names of files are put behind, or None.

    Example:
        >>> datasets_mirror() is None
        True
    """
    return os.environ.get("REGARD_DATASETS_MIRROR") or None


def threads() -> int | None:
    """How many threads to compute with, from `REGARD_THREADS`; None leaves it to the libraries.

    Returns:
        A positive number of threads, or None.

    Raises:
        ConfigurationError: the variable is not a positive whole number.

    Example:
        >>> threads() is None
        True
    """
    named = os.environ.get("REGARD_THREADS")
    if not named:
        return None
    if not named.isdigit() or int(named) < 1:
        raise ConfigurationError(
            f"REGARD_THREADS is {named!r}; it must be a positive whole number, such as 2."
        )
    return int(named)
