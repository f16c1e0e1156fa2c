"""Delimited text whose columns are known beforehand, read with their types at once."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from regard.errors import SourceError


def read_typed(
    path: Path,
    schema: Mapping[str, pl.DataType | type[pl.DataType]],
    *,
    separator: str = ",",
    header: bool = False,
    encoding: str = "utf-8",
) -> pl.DataFrame:
    r"""Read a file of known columns; quotation marks in it mean nothing.

    A log of known form needs no search for its dialect, and no text that becomes numbers later.

    Args:
        path: an existing file, plain or compressed with gzip.
        schema: names and types of all columns, in their order.
        separator: between two fields.
        header: whether the first line holds exactly those names.
        encoding: how characters are written.

    Returns:
        The rows.

    Raises:
        SourceError: the file cannot be read, or has other columns.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "u.data"
        >>> _ = path.write_text("196\t242\t3\n")
        >>> schema = {"user": pl.Int64, "item": pl.Int64, "rating": pl.Int8}
        >>> read_typed(path, schema, separator="\t").rows()
        [(196, 242, 3)]
    """
    source: Path | bytes = path
    try:
        if encoding != "utf-8":
            source = path.read_bytes().decode(encoding).encode()
        if header:
            _require_names(path, tuple(schema), separator)
        return pl.read_csv(
            source,
            has_header=header,
            schema=dict(schema),
            separator=separator,
            quote_char=None,
            glob=False,
        )
    except (pl.exceptions.PolarsError, OSError, EOFError) as broken:
        reason = str(broken).splitlines()[0].rstrip(".") if str(broken) else "it is damaged"
        raise SourceError(
            f"{path} cannot be read as {', '.join(schema)}: {reason}. Give the file as it was "
            "published."
        ) from broken


def _require_names(path: Path, names: tuple[str, ...], separator: str) -> None:
    """Refuse a first line that says something else."""
    first = pl.read_csv(path, n_rows=0, infer_schema=False, separator=separator, glob=False)
    if tuple(first.columns) != names:
        raise SourceError(
            f"{path} begins with {separator.join(first.columns)!r}, where "
            f"{separator.join(names)!r} is published. Give the file as it was published."
        )
