"""The other door: a log that is too large for memory, read part after part.

`read` looks at all rows before it decides what they are; `scan` looks at a sample, decides, and
holds every later row to it: what would have made `read` decide otherwise is refused, never misread.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import narwhals as nw
import numpy as np
import polars as pl

from regard.data.ingest.columns import as_flat, as_ids, as_numbers, as_text, missing_to_null
from regard.data.ingest.files import format_of, require_reachable
from regard.data.ingest.folders import (
    common_keys,
    files_of,
    is_many,
    partition_values,
    partitions_of,
)
from regard.data.ingest.parquet import failures_of_parquet, require_parquet
from regard.data.ingest.read import Wish, interactions_of
from regard.data.ingest.table import Table
from regard.data.interactions import Interactions
from regard.data.parallel import each
from regard.data.timeforms import likely_formats
from regard.data.times import UNITS, other_units, parse_times
from regard.errors import ColumnError, ConfigurationError, DataError, SourceError, TimeError
from regard.schema import (
    EVENT,
    ITEM,
    POSITION,
    PRICE,
    QUANTITY,
    ROLES,
    ROW,
    SESSION,
    TIME,
    TITLE,
    USER,
    VALUE,
)

_STRETCHES: Final = 40
_SAMPLE_ROWS: Final = 400  # of each stretch
_EXACT: Final = 2.0**53

Make = Callable[[pl.Series], pl.Series]
"""What makes a column of the log from one of the source."""


@dataclass(frozen=True)
class LargeLog:
    """A log that is never wholly in memory.

    Attributes:
        head: a sample of it, typed: its columns, types, clock, roles and notes are those of the
            whole log.
        rows: how many it has.
        identity: short text that changes when the source does; it costs no reading of all rows.
        part: rows from one number on, so many, and perhaps only some columns of them.

    Example:
        >>> import polars as pl
        >>> log = LargeLog.of(Interactions.of(pl.DataFrame(
        ...     {"user": [1, 2, 1], "item": ["a", "b", "c"], "position": [0, 0, 1]})))
        >>> [table["item"].to_list() for table in log.parts(2)]
        [['a', 'b'], ['c']]
    """

    head: Interactions
    rows: int
    identity: str
    part: Callable[[int, int, Sequence[str] | None], pl.DataFrame] = field(repr=False)

    @classmethod
    def of(cls, log: Interactions) -> "LargeLog":
        """Interactions over a lazy Polars frame whose rows lie in the order of `row`.

        Args:
            log: over a frame in memory, or over `polars.scan_parquet`.

        Raises:
            DataError: the interactions lie in another engine.
        """
        lazy = nw.to_native(log.frame)
        if not isinstance(lazy, pl.LazyFrame):
            raise DataError(
                f"{log.source} lies in another engine than Polars; write it as Parquet and read it "
                "with regard.data.ingest.scan.scan."
            )
        rows = int(lazy.select(pl.len()).collect().item())

        def part(start: int, count: int, columns: Sequence[str] | None) -> pl.DataFrame:
            some = lazy if columns is None else lazy.select(columns)
            return some.slice(start, count).collect()

        return cls(log, rows, _identity(log, rows, part), part)

    def parts(
        self, rows: int, columns: Sequence[str] | None = None, *, start: int = 0
    ) -> Iterator[pl.DataFrame]:
        """The log, so many rows at a time, in the order of `row`.

        Args:
            rows: of each part; the last one may have fewer.
            columns: only these.
            start: number of the first row.

        Raises:
            DataError: rows do not lie in the order of `row`.
        """
        last = -1

        def read(begin: int) -> pl.DataFrame:
            return self.part(begin, min(rows, self.rows - begin), columns)

        for table in each(read, range(start, self.rows, rows)):
            if ROW in table.columns and len(table):
                ascending = table[ROW].is_sorted() and table[ROW][0] > last
                if not ascending:
                    raise DataError(
                        f"The rows of {self.head.source} do not lie in the order of the column "
                        f"{ROW!r}; sort them by it first."
                    )
                last = table[ROW][-1]
            yield table


def scan(source: Path | str, **options: Any) -> LargeLog:
    """Find out what a log in Parquet is, without reading more than a sample of it.

    Args:
        source: a Parquet file, a folder of them, or a pattern such as `log/year=*/*.parquet`.
        options: which column plays which role, and how times are to be read: those of
            `regard.read` from `user` to `timezone`.

    Returns:
        The log. Its parts are what `read` would have given.

    Raises:
        SourceError: there is no Parquet, or files of different columns.
        ColumnError: a column is not there, is ambiguous or holds the wrong kind of values.
        TimeError: the times cannot be understood.
        ConfigurationError: options that contradict each other, or that are for `read` alone.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "plays.parquet"
        >>> pl.DataFrame({"listener": [7, 8], "song": ["a", "b"],
        ...               "played": [1.7e9, 1.7e9 + 1]}).write_parquet(path)
        >>> log = scan(path, user="listener", time="played")
        >>> log.rows, log.part(1, 1, None).rows()
        (2, [(8, 'b', 1700000001.0, 1)])
    """
    wish = _wish(options)
    path = Path(source).expanduser()
    raw = _Raw.of(path)
    table = Table(raw.sample(), str(source))
    head = interactions_of(table, wish)
    makers = _makers(head, raw, wish)
    note = f"What the columns are was decided by a sample of {table.frame.height:,} rows."
    head = replace(head, notes=(*head.notes, note))
    part = partial(_typed, head, raw, makers)
    files = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in raw.files]
    return LargeLog(head, raw.rows, _digest(files, sorted(map(str, options.items()))), part)


def is_parquet(source: Path | str) -> bool:
    """Whether `scan` can read a source: Parquet, or a folder or pattern of it alone.

    Example:
        >>> is_parquet("no-such-folder/plays.csv")
        False
    """
    path = Path(source).expanduser()
    try:
        require_reachable(path)
        if not path.exists() and not is_many(path):
            return False
        files = files_of(path)[0] if is_many(path) else [path]
    except SourceError:
        return False
    return format_of(files[0]) == "Parquet"


def parquet_bytes(source: Path | str) -> int:
    """Size on disk of what `scan` would read."""
    path = Path(source).expanduser()
    files = files_of(path)[0] if is_many(path) else [path]
    return sum(file.stat().st_size for file in files)


def _wish(options: dict[str, Any]) -> Wish:
    """The options as a wish; those that a sample cannot serve are refused by name."""
    asked = {name: value for name, value in options.items() if value is not None}
    roles: tuple[str, ...] = tuple(role for role in ROLES if role != POSITION)
    given: dict[str, str] = {role: asked.pop(role) for role in roles if role in asked}
    known = ("order", "time_format", "time_unit", "timezone")
    for name in (name for name in asked if name not in known):
        raise ConfigurationError(
            f"{name}= is not for a log that is read in parts; leave it out, or read the log in "
            "memory."
        )
    return Wish(given, **asked)


# --- the source ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Raw:
    """Parquet files one after another, columns under their own names."""

    files: tuple[Path, ...]
    heights: tuple[int, ...]
    keys: pl.DataFrame
    """One row per file: what the names of its folders say."""

    @classmethod
    def of(cls, path: Path) -> "_Raw":
        require_reachable(path)
        if not path.exists() and not is_many(path):
            raise SourceError(f"{path} does not exist. Check the path.")
        files = files_of(path)[0] if is_many(path) else [path]
        if format_of(files[0]) != "Parquet":
            raise SourceError(
                f"{files[0]} is no Parquet, and only Parquet can be read in parts. Write it as "
                "Parquet first, such as with polars.scan_csv(...).sink_parquet(...)."
            )
        named = [partitions_of(file) for file in files] if is_many(path) else [{}]
        schemas = [_schema(file) for file in files]
        for file, schema in zip(files, schemas, strict=True):
            if schema != schemas[0]:
                raise SourceError(
                    f"{file} has other columns or types than {files[0]}. Bring the files to one "
                    "form first."
                )
        keys = [key for key in common_keys(named, files) if key not in schemas[0]]
        ones = [1] * len(files)
        heights = tuple(int(_item(file, pl.len())) for file in files)
        return cls(
            tuple(files),
            heights,
            pl.DataFrame([partition_values(key, named, ones) for key in keys]),
        )

    @property
    def rows(self) -> int:
        return sum(self.heights)

    def part(self, start: int, count: int, columns: Sequence[str]) -> pl.DataFrame:
        """Rows from `start` on; only the row groups that hold them are read."""
        found, before = [], 0
        for number, (file, height) in enumerate(zip(self.files, self.heights, strict=True)):
            begin, end = max(start - before, 0), min(start + count - before, height)
            if begin < end:
                table = _collected(_lazy(file).slice(begin, end - begin), file, columns)
                said = (self.keys[number, key] for key in self.keys.columns)
                fixed = zip(self.keys.iter_columns(), said, strict=True)
                added = [pl.lit(value, key.dtype).alias(key.name) for key, value in fixed]
                found.append(table.with_columns(added).select(columns))
            before += height
        if not found:
            empty = _collected(_lazy(self.files[0]).head(0), self.files[0], columns)
            added = [pl.lit(None, key.dtype).alias(key.name) for key in self.keys.iter_columns()]
            return empty.with_columns(added).select(columns)
        return pl.concat(found)

    def columns(self) -> list[str]:
        return [*_schema(self.files[0]).names(), *self.keys.columns]

    def sample(self) -> pl.DataFrame:
        """Some stretches of rows, evenly spread."""
        columns = self.columns()
        starts = np.unique(np.linspace(0, max(self.rows - _SAMPLE_ROWS, 0), _STRETCHES, dtype=int))
        if self.rows <= _STRETCHES * _SAMPLE_ROWS:
            return self.part(0, self.rows, columns)
        return pl.concat([self.part(int(each), _SAMPLE_ROWS, columns) for each in starts])

    def all_whole(self, column: str) -> bool:
        """Whether all numbers of a column are whole, which decides how they are written as text."""
        number = pl.col(column).cast(pl.Float64).fill_nan(None)
        whole = (number == number.floor()).all() & (number.abs() < _EXACT).all()
        return all(bool(_item(file, whole)) for file in self.files)


def _lazy(file: Path) -> pl.LazyFrame:
    return pl.scan_parquet(file, glob=False, hive_partitioning=False)


def _schema(file: Path) -> pl.Schema:
    """The columns of a file."""
    with failures_of_parquet(file):
        require_parquet(file)
        return _lazy(file).collect_schema()


def _item(file: Path, asked: pl.Expr) -> Any:
    """One value of a file."""
    with failures_of_parquet(file):
        return _lazy(file).select(asked).collect().item()


def _collected(lazy: pl.LazyFrame, file: Path, columns: Sequence[str]) -> pl.DataFrame:
    """The rows of a plan over a file, as far as the file has the columns."""
    with failures_of_parquet(file):
        own = set(lazy.collect_schema().names())
        return lazy.select(name for name in columns if name in own).collect()


# --- the columns ---------------------------------------------------------------------------------


def _makers(head: Interactions, raw: _Raw, wish: Wish) -> dict[str, tuple[str, Make]]:
    """Name of each column of the log -> the column of the source, and what makes it."""
    sample = raw.sample()
    found: dict[str, tuple[str, Make]] = {}
    for role, column in head.roles.items():
        found[role] = column, _maker(role, sample[column], raw, wish)
    others = [name for name in sample.columns if name not in head.roles.values()]
    context = [name for name in head.columns() if name not in ROLES and name != ROW]
    found |= {name: (column, as_flat) for name, column in zip(context, others, strict=True)}
    return found


def _maker(role: str, sample: pl.Series, raw: _Raw, wish: Wish) -> Make:
    """How a role is made, settled once and for all parts."""
    if role in {USER, ITEM}:
        return lambda column: as_ids(column, typed=True)[0]
    if role == POSITION:
        return lambda column: as_ids(column)[0].cast(pl.Int64)
    if role == TIME:
        return _clockmaker(sample, wish)
    if role in {VALUE, QUANTITY, PRICE}:
        if sample.dtype == pl.String:
            raise ColumnError(
                f"Column {sample.name!r} holds text, but plays the role {role!r}, which needs "
                "numbers. A log that is read in parts must have them as numbers already."
            )
        return as_numbers
    assert role in {EVENT, SESSION, TITLE}  # noqa: S101 - there are no other roles
    if sample.dtype.is_float():
        kind = pl.Int64 if raw.all_whole(sample.name) else pl.String
        return lambda column: as_text(column.fill_nan(None).cast(kind))
    return as_text


def _clockmaker(sample: pl.Series, wish: Wish) -> Make:
    """How times are read: the unit or format that the sample has, held against every part."""
    given = {"time_format": wish.time_format, "time_unit": wish.time_unit}
    if any(given.values()) or sample.dtype == pl.Datetime or sample.dtype == pl.Date:
        return lambda column: (
            parse_times(missing_to_null(column), **given, timezone=wish.timezone).seconds
        )
    settled = _settled(missing_to_null(sample), wish.timezone)

    def read(column: pl.Series) -> pl.Series:
        times = parse_times(missing_to_null(column), **settled, timezone=wish.timezone).seconds
        unit = settled.get("time_unit")
        if unit is not None and (strange := other_units(times, unit)) is not None:
            raise TimeError(
                f"Column {column.name!r} mixes units of time: a sample counts {unit!r}, but not "
                f"row {strange} ({column[strange]!r}). Bring them to one unit first, or force one "
                "with time_unit=."
            )
        return times

    return read


def _settled(sample: pl.Series, timezone: str) -> dict[str, str]:
    """The option of `parse_times` that reads a sample as it was read without any."""
    found = parse_times(sample, timezone=timezone).seconds
    if sample.dtype == pl.String:
        forms = list(likely_formats(sample.drop_nulls().head(_SAMPLE_ROWS).to_list()))
    else:
        forms = ["%Y%m%d", "%Y%m%d%H%M%S"]
    ways = [{"time_unit": unit} for unit in UNITS] + [{"time_format": form} for form in forms]
    for way in ways:
        try:
            if parse_times(sample, **way, timezone=timezone).seconds.equals(found):
                return way
        except (TimeError, ConfigurationError, pl.exceptions.PolarsError):
            continue
    return {}


def _typed(
    head: Interactions,
    raw: _Raw,
    makers: dict[str, tuple[str, Make]],
    start: int,
    count: int,
    columns: Sequence[str] | None = None,
) -> pl.DataFrame:
    """A part of the log as `read` would have made it."""
    names = head.columns() if columns is None else columns
    wanted = dict.fromkeys(makers[name][0] for name in names if name in makers)
    # One column at least, or the part would have no height.
    table = raw.part(start, count, list(wanted) or raw.columns()[:1])
    rows = pl.int_range(start, start + table.height, dtype=pl.Int64, eager=True)
    made = []
    try:
        for name in names:
            if name in makers:
                column, make = makers[name]
                made.append(make(table[column]).alias(name))
            else:  # the row, or a position that is the row (order="file")
                made.append(rows.alias(name))
    except (ColumnError, TimeError) as amiss:
        where = f"(Rows are counted from row {start:,} of {head.source}.)"
        raise type(amiss)(f"{amiss} {where}") from amiss
    return pl.DataFrame(made)


def _identity(
    log: Interactions, rows: int, part: Callable[[int, int, Sequence[str] | None], pl.DataFrame]
) -> str:
    """What tells one log from another, from a sample of it and the files that it names."""
    starts = np.unique(np.linspace(0, max(rows - _SAMPLE_ROWS, 0), _STRETCHES, dtype=int))
    hashes = [part(int(each), _SAMPLE_ROWS, None).hash_rows().to_list() for each in starts]
    path = Path(log.source)
    state = (path.stat().st_size, path.stat().st_mtime_ns) if path.is_file() else None
    return _digest(log.source, log.columns(), rows, hashes, state)


def _digest(*facts: object) -> str:
    return hashlib.blake2b(repr(facts).encode(), digest_size=8).hexdigest()
