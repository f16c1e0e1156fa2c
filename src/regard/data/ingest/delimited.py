"""Delimited text (CSV, TSV and their kin) to a table, every line accounted for."""

from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from regard.data.ingest.compressed import read_bytes
from regard.data.ingest.dialect import (
    Dialect,
    comment_advice,
    find_decimal,
    find_dialect,
    first_cells,
    to_utf8,
)
from regard.data.ingest.structure import Structure, excerpt, line_of, structure_of
from regard.data.ingest.table import Table
from regard.errors import ColumnError, ConfigurationError, SourceError

_STAND_IN: Final = "\x1f"  # ASCII's own unit separator, for delimiters longer than one byte


def open_delimited(
    path: Path,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    header: bool | None = None,
) -> Table:
    r"""Read a delimited file as columns of text; nothing is dropped, and what is found is noted.

    Args:
        path: a file, compressed with gzip where its name ends in `.gz`.
        delimiter: what separates fields; found in a sample if omitted.
        encoding: how characters are written; found from the bytes if omitted.
        decimal: `"."` or `","`; found in the columns if omitted.
        header: whether the first line holds names; found in a sample if omitted. Columns without a
            name are called `column_1`, `column_2`, and so on.

    Returns:
        The table, every column String; an empty field is null.

    Raises:
        SourceError: the file is empty, is not text, or has a line that does not fit the others.
        ColumnError: two columns have one name.
        ConfigurationError: an option makes no sense.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "plays.csv"
        >>> _ = path.write_text("who;what\n007;tea\n")
        >>> open_delimited(path).frame.rows()
        [('007', 'tea')]
    """
    _check_options(delimiter, decimal)
    name = str(path)
    data, found = to_utf8(read_bytes(path), name=name, encoding=encoding)
    data = _normalise_lines(data)
    if not data.strip():
        raise SourceError(f"{name} is empty. Give a file with one row per interaction.")
    dialect = find_dialect(data, name=name, delimiter=delimiter, header=header)
    frame, padding = _without_padding(_parse(data, dialect, name))
    sign = decimal or find_decimal(frame)
    notes = (*dialect.notes(), f"Characters are {found}.", *padding)
    if sign == ",":
        notes = (*notes, "Numbers have a decimal comma.")
    return Table(frame, name, notes, sign, typed=False)


def _check_options(delimiter: str | None, decimal: str | None) -> None:
    """Refuse separators that cannot work."""
    if delimiter is not None and (not delimiter or set(delimiter) & set('\r\n"')):
        raise ConfigurationError(
            f"delimiter is {delimiter!r}; it must be one or more characters, none of them a "
            "quotation mark or a line break."
        )
    if decimal not in {None, ".", ","}:
        raise ConfigurationError(f"decimal is {decimal!r}; it must be '.' or ','.")


def _normalise_lines(data: bytes) -> bytes:
    """Lines that end in a line feed, one at the very end and no blank lines after it."""
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    sound = data.endswith(b"\n") and not data.endswith((b"\n\n", b"\n\r\n"))
    return data if sound else data.rstrip(b"\r\n") + b"\n"


def _parse(data: bytes, dialect: Dialect, name: str) -> pl.DataFrame:
    """Check that all lines have one number of fields, then let Polars read them."""
    separator = dialect.delimiter
    if len(separator.encode()) > 1:
        data, separator = _with_stand_in(data, separator, name), _STAND_IN
    found = structure_of(data, delimiter=separator, quoted=dialect.quoted, name=name)
    _require_even(data, found, name)
    width = int(found.fields[0])
    names = [f"column_{number}" for number in range(1, width + 1)]
    if dialect.header:
        first = data[: found.ends[0]].decode().rstrip("\r")
        names = _names(first, names, separator, dialect.quoted, name)
        data = data[found.ends[0] + 1 :]
    schema = dict.fromkeys(names, pl.String())
    if not data:
        return pl.DataFrame(schema=schema)
    quote = '"' if dialect.quoted else None
    try:
        frame = pl.read_csv(
            data, has_header=False, schema=schema, separator=separator, quote_char=quote
        )
    except pl.exceptions.PolarsError as broken:
        reason = str(broken).splitlines()[0].rstrip(".")
        raise SourceError(f"{name} cannot be read as delimited text: {reason}.") from broken
    if frame.height != len(found.ends) - dialect.header:
        raise SourceError(
            f"{name} has {len(found.ends) - dialect.header:,} lines of data, but {frame.height:,} "
            "could be read. Its quotation marks are probably unbalanced."
        )
    if separator != dialect.delimiter and dialect.quoted:
        frame = frame.select(pl.all().str.replace_all(_STAND_IN, dialect.delimiter, literal=True))
    return frame


def _without_padding(frame: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Columns without a blank that all their values begin with, as in `user, item, time`."""
    padded = [
        column.name
        for column in frame
        if column.drop_nulls().head(1).str.starts_with(" ").any()
        and column.str.starts_with(" ").all()
    ]
    if not padded:
        return frame, ()
    names = ", ".join(map(repr, padded))
    note = f"Every value of {names} begins with a blank, which is left away."
    return frame.with_columns(pl.col(padded).str.strip_prefix(" ")), (note,)


def _with_stand_in(data: bytes, delimiter: str, name: str) -> bytes:
    """The text with a delimiter of one byte, which is what fast readers understand."""
    if _STAND_IN.encode() in data:
        raise SourceError(
            f"{name} holds the control character 0x1f, so fields cannot be separated by "
            f"{delimiter!r}. Remove it first."
        )
    return data.replace(delimiter.encode(), _STAND_IN.encode())


def _require_even(data: bytes, found: Structure, name: str) -> None:
    """Refuse a file in which some record has another number of fields than the first."""
    expected = int(found.fields[0])
    uneven = np.flatnonzero(found.fields != expected)
    if not len(uneven):
        return
    record = int(uneven[0])
    start = found.start(record)
    others = f" ({len(uneven) - 1:,} more lines like it)" if len(uneven) > 1 else ""
    raise SourceError(
        f"{name}, line {line_of(data, start)}: found {int(found.fields[record])} fields where the "
        f"first line has {expected}: {excerpt(data, start)!r}{others}. {comment_advice(data)}Mend "
        "the line, or give the right delimiter=."
    )


def _names(first: str, numbered: list[str], separator: str, quoted: bool, name: str) -> list[str]:
    """The names in the header; a blank one is called by its number."""
    cells = first_cells(first, separator, quoted, name)
    names = [cell.strip() or number for cell, number in zip(cells, numbered, strict=True)]
    twice = sorted({each for each in names if names.count(each) > 1})
    if twice:
        raise ColumnError(
            f"{name} has two columns called {twice[0]!r}. Rename one, or say header=False if the "
            "first line is data."
        )
    return names
