"""RecBole's atomic files to a table: tab-separated text whose header says `name:type`."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import polars as pl

from regard.data.ingest.columns import missing_to_null
from regard.data.ingest.delimited import open_delimited
from regard.data.ingest.table import Table
from regard.data.numerals import whole_numbers
from regard.errors import ColumnError, SourceError
from regard.schema import ITEM, USER

ATOMIC: Final = (".inter", ".item", ".user")
"""Suffixes of atomic files: the log, what is known of items, what is known of users."""

_TYPES: Final = ("token", "token_seq", "float", "float_seq")
_BESIDE: Final = {ITEM: ".item", USER: ".user"}


def open_atomic(
    path: Path,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
) -> Table:
    r"""Read an atomic file; a log says which files of items and users lie beside it.

    Sequences (`token_seq`, `float_seq`) stay text with blanks between their parts, as RecBole
    writes them. The format is described at https://recbole.io/docs/user_guide/data/atomic_files.html.

    Args:
        path: an existing `.inter`, `.item` or `.user`.
        delimiter: what separates fields; a tab if omitted, as RecBole has it.
        encoding: how characters are written; found from the bytes if omitted.
        decimal: the decimal sign; a point if omitted.

    Returns:
        The table, columns under their names without the type.

    Raises:
        SourceError: the file is no delimited text, or its header names no types.
        ColumnError: two columns have one name, or a `float` is no number.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "plays.inter"
        >>> _ = path.write_text("user_id:token\titem_id:token\trating:float\n7\ttea\t4\n")
        >>> open_atomic(path).frame.rows()
        [('7', 'tea', 4.0)]
    """
    table = open_delimited(
        path, delimiter=delimiter or "\t", encoding=encoding, decimal=decimal or ".", header=True
    )
    types = dict(_split(column, path) for column in table.frame.columns)
    if len(types) < table.frame.width:
        raise ColumnError(f"{path} has two columns of one name. Rename one of them.")
    frame = table.frame.rename(dict(zip(table.frame.columns, types, strict=True)))
    numbers = [name for name, kind in types.items() if kind == "float"]
    made = [_as_float(frame[name], table.decimal, path) for name in numbers]
    beside = _files_beside(path) if path.suffix.lower() == ATOMIC[0] else {}
    notes = (*table.notes, "Names and types of the columns are those of a RecBole atomic file.")
    return replace(table, frame=frame.with_columns(made), notes=notes, beside=beside)


def _split(column: str, path: Path) -> tuple[str, str]:
    """The name and the type in a cell of the header."""
    name, _, kind = column.rpartition(":")
    if not name or kind not in _TYPES:
        raise SourceError(
            f"{path} is no RecBole atomic file: its header says {column!r}, where name:type is "
            f"expected with one of the types {', '.join(_TYPES)}. Mend the header, or rename a "
            "plain table to end in .tsv."
        )
    return name, kind


def _as_float(texts: pl.Series, decimal: str, path: Path) -> pl.Series:
    """A column that the header calls `float`; whole numbers stay whole."""
    if (whole := whole_numbers(texts)) is not None:
        return whole.cast(pl.Float64)
    present = missing_to_null(texts)
    plain = present.str.replace(",", ".", literal=True) if decimal == "," else present
    numbers = plain.cast(pl.Float64, strict=False)
    wrong = numbers.is_null() & present.is_not_null()
    if wrong.any():
        row = int(wrong.arg_true()[0])
        raise ColumnError(
            f"{path}: column {texts.name!r} is of type float, but row {row} holds {texts[row]!r}. "
            "Mend the value, or say token in the header."
        )
    return numbers


def _files_beside(path: Path) -> dict[str, Path]:
    """The files of items and users that belong to a log."""
    named = {role: path.with_suffix(suffix) for role, suffix in _BESIDE.items()}
    return {role: file for role, file in named.items() if file.is_file()}
