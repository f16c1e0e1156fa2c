"""Where files lie: on a file system of this machine, or at an address that only Spark reads."""

import glob
import re
from pathlib import Path
from typing import Final

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")


def is_address(place: Path | str) -> bool:
    """Whether a place is an address such as `s3a://bucket/log`, and no path.

    Example:
        >>> is_address("hdfs://name:9000/log"), is_address("/data/log")
        (True, False)
    """
    return _SCHEME.match(str(place)) is not None


def as_spark_reads(place: Path | str) -> str:
    """A place as Spark understands it, whatever its own file system is.

    Args:
        place: an address, a path or a pattern. A path that is there on this machine is local.

    Returns:
        An address for what is local, else the place itself.

    Example:
        >>> import tempfile
        >>> as_spark_reads(tempfile.gettempdir())
        'file:/...'
    """
    text = str(place)
    if is_address(text):
        return text
    local = Path(text).expanduser().absolute()
    there = local.exists() or bool(glob.glob(str(local)))  # noqa: PTH207 - a pattern of any depth
    return f"file:{local}" if there else text
