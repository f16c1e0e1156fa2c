"""Many numeric series in one flat array with offsets, and the rows they came from.

Three items' daily prices as they lie in memory (`nan` = missing; `|` marks the offsets)::

    values   9.5 nan 9.9 | 3.0 | 7.0 7.5 7.0 nan
    times    0   1   2   | 5   | 0   2   3   9      days, here; seconds in truth
    rows     0   2   4   | 1   | 3   5   6   7      where each point stood in the frame
    offsets  0             3     4               8
"""

from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from narwhals.typing import IntoFrame
from numpy.typing import NDArray

from regard.errors import ColumnError, DataError, NeedsClockError, SourceError, TimeError
from regard.shapes import Floats, Mask, Offsets, Seconds

ONE_SERIES = "all"
"""The key of the only series of a panel that was built without a column of groups."""


@dataclass(frozen=True, eq=False)
class Panel:
    """Series of many groups, oldest point first, as flat arrays. `P` points, `S` series.

    Attributes:
        keys: `(S,)` own ids of the groups (integers or strings), each once.
        offsets: `(S + 1,)` int64; series `s` is `values[offsets[s]:offsets[s + 1]]`.
        values: `(P,)` float64; NaN is a missing value, infinity is refused.
        times: `(P,)` float64 UTC seconds, ascending within a series, or None without a clock.
        rows: `(P,)` int64 row of each point in the frame the panel came from.

    Raises:
        DataError: the arrays do not fit together, times run backwards, a value is infinite.

    Example:
        >>> import polars as pl
        >>> frame = pl.DataFrame({"item": ["a", "b", "a"], "day": [2.0, 0.0, 1.0],
        ...                       "price": [9.9, 3.0, None]})
        >>> panel = Panel.of(frame, group="item", time="day", value="price")
        >>> panel.keys.to_list(), panel.offsets.tolist(), panel.values.tolist()
        (['a', 'b'], [0, 2, 3], [nan, 9.9, 3.0])
        >>> panel.rows.tolist()
        [2, 0, 1]
    """

    keys: pl.Series
    offsets: Offsets
    values: Floats
    times: Seconds | None
    rows: Offsets

    def __post_init__(self) -> None:
        points = len(self.values)
        fits = len(self.offsets) == len(self.keys) + 1 and self.offsets[0] == 0
        if not fits or self.offsets[-1] != points or (np.diff(self.offsets) < 0).any():
            raise DataError(
                f"A panel of {len(self.keys)} series and {points} values does not fit offsets of "
                f"length {len(self.offsets)} that reach to {self.offsets.max(initial=0)}."
            )
        if len(self.rows) != points or (self.times is not None and len(self.times) != points):
            raise DataError("Values, times and rows of a panel must have one length.")
        if self.keys.n_unique() != len(self.keys):
            raise DataError("A panel names one of its series twice; each key must be there once.")
        self._require_finite()
        self._require_ascending()

    @classmethod
    def of(
        cls, frame: IntoFrame, *, value: str, group: str | None = None, time: str | None = None
    ) -> "Panel":
        """Build from a frame; its rows may stand in any order.

        Series come in the order in which their groups first appear. Within a series, points are
        sorted by time; equal times keep the order of the rows. Without a column of times, a series
        has the order of the rows.

        Args:
            frame: any frame that Narwhals knows (Polars, pandas, PyArrow, DuckDB, ...).
            value: column of numbers; null and NaN are missing values.
            group: column of integers or strings that says which series a row belongs to; None
                makes one series of the whole frame.
            time: column of moments (a date and time, a date, or a number of seconds); moments
                without a timezone are read as UTC.

        Returns:
            The panel.

        Raises:
            SourceError: not a frame.
            ColumnError: a column is missing or of the wrong kind, or a group is null.
            TimeError: a time is null, NaN or infinite.
            DataError: a value is infinite.
        """
        table = _read(frame, [name for name in (value, group, time) if name is not None])
        values = _numbers(table[value])
        times = None if time is None else _seconds(table[time])
        keys, series = _groups(table, group)
        order = np.lexsort((series,) if times is None else (times, series))
        offsets = np.concatenate([[0], np.cumsum(np.bincount(series, minlength=len(keys)))])
        return cls(
            keys,
            offsets.astype(np.int64),
            values[order],
            None if times is None else times[order],
            order.astype(np.int64),
        )

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def lengths(self) -> Offsets:
        """`(S,)` int64 number of points of each series, missing ones included."""
        return np.diff(self.offsets)

    @property
    def series_P(self) -> Offsets:
        """`(P,)` int64 number of the series that each point belongs to."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @property
    def missing_P(self) -> Mask:
        """`(P,)` true where the value is missing."""
        return np.isnan(self.values)

    def clock(self, asker: str) -> Seconds:
        """The times, or a refusal that names who needs them.

        Args:
            asker: the subject of the message's sentence.

        Returns:
            `(P,)` float64 UTC seconds.

        Raises:
            NeedsClockError: the panel carries only an order.
        """
        if self.times is None:
            raise NeedsClockError(
                f"{asker} needs real time, which this panel does not have; name the column of "
                "times when you build it."
            )
        return self.times

    def abscissa(self) -> Floats:
        """`(P,)` float64 place of each point: its seconds, or without a clock 0, 1, 2..."""
        if self.times is not None:
            return self.times
        return (np.arange(len(self.values)) - self.offsets[self.series_P]).astype(np.float64)

    def with_values(self, values: Floats) -> "Panel":
        """The same points with other values.

        Args:
            values: `(P,)` float64.

        Returns:
            A new panel that shares everything else.
        """
        return replace(self, values=values)

    def keep(self, keep_P: Mask) -> "Panel":
        """The panel without some points; every series stays, some perhaps without a point.

        Args:
            keep_P: `(P,)` true where a point stays.

        Returns:
            A new panel.
        """
        before = np.concatenate([[0], np.cumsum(keep_P, dtype=np.int64)])
        times = None if self.times is None else self.times[keep_P]
        return Panel(self.keys, before[self.offsets], self.values[keep_P], times, self.rows[keep_P])

    def before(self, moment: float) -> "Panel":
        """What was known before a moment: the part to fit on. Without a clock: `NeedsClockError`.

        Args:
            moment: UTC seconds; points at it or later are left out.

        Returns:
            A new panel; every series stays.

        Example:
            >>> import polars as pl
            >>> panel = Panel.of(pl.DataFrame({"t": [0.0, 5.0], "x": [1, 2]}), value="x", time="t")
            >>> panel.before(5.0).values.tolist()
            [1.0]
        """
        return self.keep(self.clock("Cutting a panel at a moment") < moment)

    def attach(self, frame: Any, **columns: NDArray[Any]) -> Any:
        """Put arrays of the panel beside the rows it came from.

        Args:
            frame: the frame the panel was built from: same rows, same order, in memory.
            columns: new name -> `(P,)` floats or Booleans in the order of the panel.

        Returns:
            The frame, of its own kind, with the new columns. Floats are null where they are NaN
            and where the panel has no point for a row (any more); Booleans are false there.

        Raises:
            DataError: the frame has too few rows, or an array is not as long as the panel.

        Example:
            >>> import polars as pl
            >>> frame = pl.DataFrame({"t": [2, 1], "x": [20.0, 10.0]})
            >>> panel = Panel.of(frame, value="x", time="t")
            >>> panel.attach(frame, doubled=panel.values * 2)["doubled"].to_list()
            [40.0, 20.0]
        """
        native = nw.from_native(frame, eager_only=True)
        if len(self.rows) and int(self.rows.max()) >= len(native):
            raise DataError(
                f"The panel has a point of row {int(self.rows.max())}, but the frame has only "
                f"{len(native)} rows; give the frame that the panel was built from."
            )
        for name, array in columns.items():
            if len(array) != len(self.rows):
                raise DataError(
                    f"Column {name!r} has {len(array)} values for a panel of {len(self.rows)}."
                )
            empty: Any = False if array.dtype == np.bool_ else np.nan
            spread = np.full(len(native), empty)
            spread[self.rows] = array
            native = native.with_columns(nw.new_series(name, spread, backend=native.implementation))
            if spread.dtype != np.bool_:
                known = nw.when(~nw.col(name).is_nan()).then(nw.col(name))
                native = native.with_columns(known.alias(name))
        return native.to_native()

    def to_frame(self) -> pl.DataFrame:
        """One row for each point: `group`, `time` (where there is a clock), `value`, `row`."""
        table = pl.DataFrame({"group": self.keys.gather(self.series_P)})
        if self.times is not None:
            table = table.with_columns(time=self.times)
        return table.with_columns(
            value=pl.Series(self.values).fill_nan(None), row=pl.Series(self.rows)
        )

    def _require_finite(self) -> None:
        """Refuse infinite values, and times that are no moments."""
        if np.isinf(self.values).any():
            point = int(np.flatnonzero(np.isinf(self.values))[0])
            raise DataError(
                f"The value of row {self.rows[point]} is {self.values[point]}; make it a number, "
                "or null where it is not known."
            )
        if self.times is not None and not np.isfinite(self.times).all():
            point = int(np.flatnonzero(~np.isfinite(self.times))[0])
            raise TimeError(
                f"The time of row {self.rows[point]} is missing or infinite; leave such rows out."
            )

    def _require_ascending(self) -> None:
        """Refuse times that run backwards within a series."""
        if self.times is None or len(self.times) < 2:
            return
        series = self.series_P
        backwards = (np.diff(self.times) < 0) & (series[1:] == series[:-1])
        if backwards.any():
            point = int(np.flatnonzero(backwards)[0]) + 1
            raise DataError(
                f"Times run backwards within series {self.keys[int(series[point])]!r} at point "
                f"{point} (time {self.times[point]}); sort each series by time, or let Panel.of."
            )


def _read(frame: Any, names: list[str]) -> pl.DataFrame:
    """The named columns as a Polars table in memory."""
    try:
        native = nw.from_native(frame)
    except TypeError as broken:
        raise SourceError(
            f"A {type(frame).__name__} is not a frame; give a Polars, pandas or PyArrow table."
        ) from broken
    columns = native.collect_schema().names()
    for name in names:
        if name not in columns:
            raise ColumnError(
                f"The frame has no column {name!r}; it has {', '.join(map(repr, columns))}."
            )
    chosen = native.select(list(dict.fromkeys(names)))
    eager = chosen.collect("polars") if isinstance(chosen, nw.LazyFrame) else chosen
    return eager.to_polars()


def _numbers(column: pl.Series) -> Floats:
    """A column of values as float64, missing ones as NaN."""
    if not (column.dtype.is_numeric() or column.dtype == pl.Null):
        raise ColumnError(
            f"Column {column.name!r} holds {column.dtype}, not numbers; convert it first."
        )
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy(writable=True)


def _seconds(column: pl.Series) -> Seconds:
    """A column of moments as UTC seconds."""
    kind = column.dtype
    if not (kind.is_numeric() or isinstance(kind, (pl.Date, pl.Datetime))):
        raise ColumnError(
            f"Column {column.name!r} holds {kind}, not moments; convert it to a date and time or "
            "to seconds first."
        )
    if column.null_count():
        row = int(column.is_null().arg_max() or 0)
        raise TimeError(
            f"The time of row {row} is missing in column {column.name!r}; leave such rows out."
        )
    if isinstance(kind, pl.Date):
        column = column.cast(pl.Datetime("us"))
    if isinstance(column.dtype, pl.Datetime):
        column = column.dt.epoch("us").cast(pl.Float64) / 1e6
    return column.cast(pl.Float64).to_numpy()


def _groups(table: pl.DataFrame, group: str | None) -> tuple[pl.Series, Offsets]:
    """The keys in order of appearance, and each row's number among them."""
    if group is None:
        return pl.Series([ONE_SERIES]), np.zeros(table.height, np.int64)
    column = table[group]
    if isinstance(column.dtype, (pl.Categorical, pl.Enum)):
        column = column.cast(pl.String)
    if not (column.dtype.is_integer() or column.dtype in (pl.String, pl.Null)):
        raise ColumnError(
            f"Column {group!r} holds {column.dtype}; groups must be integers or strings."
        )
    if column.null_count():
        row = int(column.is_null().arg_max() or 0)
        raise ColumnError(f"The group of row {row} is missing in column {group!r}; name it.")
    if column.dtype != pl.UInt64:  # hashed ids may need all 64 bits
        column = column.cast(pl.Int64 if column.dtype.is_integer() else pl.String)
    keys = column.unique(maintain_order=True).rename("key")
    numbers = pl.DataFrame({"key": keys, "number": np.arange(len(keys))})
    joined = (
        column.rename("key").to_frame().join(numbers, on="key", how="left", maintain_order="left")
    )
    return keys, joined["number"].cast(pl.Int64).to_numpy()
