"""JSON lines to a table: one object per line, its keys the columns."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

import polars as pl

from regard.data.ingest.compressed import read_bytes
from regard.data.ingest.dialect import to_utf8
from regard.data.ingest.signatures import nature_of
from regard.data.ingest.table import Table
from regard.errors import SourceError

_SHOWN: Final = 80
_NUMBER: Final = r"^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$"


def open_jsonlines(path: Path, *, encoding: str | None = None) -> Table:
    r"""Read a file of JSON lines.

    A key that a line lacks is null there. Where a key holds text in some lines and other values
    in others, all of them become text; a note says so where they are numbers. Lists and objects
    keep their structure in the table.

    Args:
        path: an existing file, compressed with gzip where its name ends in `.gz`.
        encoding: how characters are written; UTF-8 if omitted, as JSON has it.

    Returns:
        The table, with a column for each key of any line.

    Raises:
        SourceError: the file is empty, a line is no JSON object, or a key holds values that have
            no type in common; names the line.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "plays.jsonl"
        >>> _ = path.write_text('{"who": 7, "what": "tea"}\n{"who": 8}\n')
        >>> open_jsonlines(path).frame.rows()
        [(7, 'tea'), (8, None)]
    """
    raw = read_bytes(path)
    if nature := nature_of(raw):
        raise SourceError(f"{path} is no JSON lines but {nature}.")
    data, _ = to_utf8(raw, name=str(path), encoding=encoding or "utf-8")
    if not data.strip():
        raise SourceError(f"{path} is empty. Give a file with one JSON object per line.")
    try:
        frame = pl.read_ndjson(data, infer_schema_length=None)
    except pl.exceptions.PolarsError as broken:
        _refuse(data, path, broken)
    exact = frame.with_columns(pl.col(pl.Int128).cast(pl.String))  # ids beyond 64 bits
    notes = ("Each line is a JSON object.", *_numbers_as_text(data, frame))
    return Table(exact, str(path), notes)


def _numbers_as_text(data: bytes, frame: pl.DataFrame) -> Iterator[str]:
    """A note for each key that holds numbers in some lines and text in others."""
    suspect = [
        column.name
        for column in frame
        if column.dtype == pl.String and column.str.contains(_NUMBER).any()
    ]
    if not suspect:
        return
    numbers = pl.read_ndjson(data, schema=dict.fromkeys(suspect, pl.Float64), ignore_errors=True)
    for column in numbers:
        there = column.is_not_null()
        if there.any():
            row, count = int(there.arg_true()[0]), int(there.sum())
            rows = "1 row" if count == 1 else f"{count:,} rows"
            yield (
                f"Key {column.name!r} holds numbers in {rows} (first: row {row}, "
                f"{frame[column.name][row]}) and other values elsewhere, so all of it is text."
            )


def _refuse(data: bytes, path: Path, broken: Exception) -> NoReturn:
    """Say which line is at fault; the fast reader knows only that one is."""
    first: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(data.decode().split("\n"), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line, parse_constant=_no_constant, parse_float=_finite)
        except RecursionError:
            raise SourceError(
                f"{path}, line {number}: lists and objects lie too deep in each other: "
                f"{line.strip()[:_SHOWN]!r}. Flatten the line."
            ) from broken
        except ValueError as wrong:
            raise SourceError(
                f"{path}, line {number}: this is no JSON ({_reason(wrong)}): "
                f"{line.strip()[:_SHOWN]!r}. Mend the line."
            ) from broken
        if not isinstance(values, dict):
            raise SourceError(
                f"{path}, line {number}: found {_kind(values)} where an object is expected, such "
                f'as {{"user": 7, "item": "tea"}}: {line.strip()[:_SHOWN]!r}. Write one object '
                "per line."
            ) from broken
        _require_alike(values, first, path, number, broken)
    reason = str(broken).splitlines()[0].rstrip(".")
    raise SourceError(f"{path} cannot be read as JSON lines: {reason}.") from broken


def _require_alike(
    values: dict[str, Any],
    first: dict[str, tuple[str, int]],
    path: Path,
    number: int,
    broken: Exception,
) -> None:
    """Refuse a key whose value is of another kind than in the first line that has it."""
    for key, value in values.items():
        if value is None:
            continue
        kind, line = first.setdefault(key, (_kind(value), number))
        if kind != _kind(value) and "text" not in {kind, _kind(value)}:
            raise SourceError(
                f"{path}, line {number}: {key!r} holds {_kind(value)}, but {kind} in line {line}. "
                "Write one kind of value under one key."
            ) from broken


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits} is larger than any number that can be kept")
    return number


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no value of JSON")


def _reason(wrong: ValueError) -> str:
    """What the parser of the standard library says, in the middle of a sentence."""
    if isinstance(wrong, json.JSONDecodeError):
        return wrong.msg[:1].lower() + wrong.msg[1:]
    return str(wrong)


def _kind(value: Any) -> str:
    """What a value of JSON is, in words."""
    if isinstance(value, bool):
        return "true or false"
    kinds = {str: "text", list: "a list", dict: "an object", type(None): "null"}
    return kinds.get(type(value), "a number")
