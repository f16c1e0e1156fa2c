"""The log as a typed table: who, what, and when or in which order."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import narwhals as nw
import polars as pl

from regard.data.ordering import in_history_order
from regard.errors import ColumnError, NeedsClockError, SourceError
from regard.schema import ITEM, POSITION, ROLES, ROW, TIME, USER, Clock

_NUMERIC_ROLES = (TIME, POSITION, "value", "quantity", "price")
_SECONDS = "seconds since 1970 as numbers. Convert it, or use regard.read, which understands times."


@dataclass(frozen=True)
class Interactions:
    """A log whose columns have names and types that later code can trust.

    The table is lazy: nothing is read before somebody needs it. Missing users, items and times
    are still in it as nulls (removing rows is the work of `regard.clean`, which counts them).

    Attributes:
        frame: a lazy Narwhals frame with the columns of `regard.schema`: `user` and `item`
            (integer or text), `time` (Float64, UTC seconds) or `position` (Int64), `row` (Int64),
            then whichever optional roles the log has, then its context columns.
        clock: whether the log carries real time or only an order.
        source: where it came from, for messages and reports.
        roles: role -> name of the source's column, for messages and reports.
        notes: what was decided while reading, one sentence each.

    Raises:
        ColumnError: the frame lacks a required column or one has a type that its role forbids.

    Example:
        >>> import polars as pl
        >>> log = Interactions.of(pl.DataFrame({"user": [1, 1], "item": ["a", "b"],
        ...                                     "time": [10.0, 20.0]}))
        >>> log.clock
        <Clock.TIME: 'time'>
        >>> log.collect().columns
        ['user', 'item', 'time', 'row']
    """

    frame: nw.LazyFrame[Any]
    clock: Clock
    source: str = "a frame"
    roles: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        schema = self.frame.collect_schema()
        ordering = TIME if self.clock is Clock.TIME else POSITION
        for name in (USER, ITEM, ordering, ROW):
            if name not in schema:
                raise ColumnError(
                    f"{self.source} has no column {name!r} (it has {', '.join(schema)}). Say which "
                    f"column plays that role, such as {name}='...'."
                )
        for name in (USER, ITEM):
            if not (schema[name].is_integer() or schema[name] == nw.String):
                raise ColumnError(
                    f"Column {name!r} of {self.source} holds {schema[name]}; ids must be whole "
                    "numbers or text. Cast it before reading."
                )
        for name in _NUMERIC_ROLES:
            if name in schema and not schema[name].is_numeric():
                needed = _SECONDS if name == TIME else "numbers."
                raise ColumnError(
                    f"Column {name!r} of {self.source} holds {schema[name]}; it must hold {needed}"
                )

    @classmethod
    def of(cls, frame: Any, source: str = "a frame") -> "Interactions":
        """Wrap a frame that already carries the names of `regard.schema`.

        Args:
            frame: of Polars, or of another engine in which it stays (a DuckDB relation, a PySpark
                DataFrame); columns `user`, `item`, and `time` or `position`. `row` is added when
                missing, where the rows have an order: those of DuckDB and Spark have none.
            source: what to call it in messages.

        Returns:
            The interactions; `Clock.TIME` where a `time` column is there.

        Raises:
            SourceError: it is no such frame.
            ColumnError: a column is not there, or of a type that its role forbids; times are
                seconds here, and `regard.read` takes all others.

        Example:
            >>> import duckdb
            >>> plays = duckdb.sql("select 7 as user, 'tea' as item, 10 as time, 0 as row")
            >>> Interactions.of(plays).collect().rows()
            [(7, 'tea', 10.0, 0)]
        """
        try:
            table = nw.from_native(frame)
        except TypeError as strange:
            raise SourceError(
                f"A {type(frame).__name__} is no dataframe. Give a frame of Polars, DuckDB or "
                "PySpark; regard.read takes files and other frames."
            ) from strange
        schema = table.collect_schema()
        names = schema.names()
        if ROW not in names:
            table = _numbered(table, source).select(*names, ROW)
        lazy = table.lazy()
        if TIME in names and schema[TIME].is_numeric():
            lazy = lazy.with_columns(nw.col(TIME).cast(nw.Float64))
        clock = Clock.TIME if TIME in names else Clock.ORDER
        roles: dict[str, str] = {name: name for name in names if name in ROLES}
        return cls(lazy, clock, source, roles)

    @property
    def ordering(self) -> str:
        """The column that orders a history: `time`, or `position` where there is no clock."""
        return TIME if self.clock is Clock.TIME else POSITION

    def columns(self) -> list[str]:
        """The names of all columns, without reading any row."""
        return self.frame.collect_schema().names()

    def has(self, role: str) -> bool:
        """Whether the log has a column for a role of `regard.schema`."""
        return role in self.columns()

    def require_clock(self, purpose: str) -> None:
        """Refuse by name what a log without real time cannot do.

        Args:
            purpose: what was asked, as the subject of the message's sentence.

        Raises:
            NeedsClockError: the log carries only an order.
        """
        if self.clock is not Clock.TIME:
            raise NeedsClockError(
                f"{purpose} needs the time of each interaction, but {self.source} carries only an "
                "order. Name a column of times, or use what needs an order alone "
                "(the leave-last-out protocol)."
            )

    def with_frame(self, frame: nw.LazyFrame[Any], *notes: str) -> "Interactions":
        """The same log with other rows; everything else is kept, notes are added."""
        return replace(self, frame=frame, notes=(*self.notes, *notes))

    def collect(self) -> pl.DataFrame:
        """Read all rows into a Polars frame, in the order of the source."""
        table = self._read()
        return table if table[ROW].is_sorted() else table.sort(ROW)

    def sorted(self) -> pl.DataFrame:
        """Read all rows, each user's history together and oldest first.

        Ties keep the order of the source (column `row`), never the order of item ids: sorting
        ties by id leaks and inflates NDCG (see `ARCHITECTURE.md`, decision 5).
        """
        # The log mostly lies in its own order, and almost in that of time.
        return in_history_order(self.collect(), self.ordering)

    def _read(self) -> pl.DataFrame:
        table = self.frame.collect("polars").to_native()
        assert isinstance(table, pl.DataFrame)  # noqa: S101 - for the type checker alone
        return table


def _numbered(frame: Any, source: str) -> Any:
    """Rows numbered as they lie, where they lie in an order at all."""
    number = nw.col(ROW).cast(nw.Int64)
    if isinstance(frame, nw.DataFrame):
        return frame.with_row_index(ROW).with_columns(number)
    if frame.implementation.is_polars():
        return nw.from_native(frame.to_native().with_row_index(ROW)).with_columns(number)
    engine = frame.implementation.name.lower()
    raise ColumnError(
        f"{source} has no column {ROW!r}, and the rows of a lazy {engine} frame have no order of "
        "their own that would decide between equal times. Number them from 0 in a column "
        f"{ROW!r}; for PySpark, regard.data.spark.number_rows(frame, by=[...]) does."
    )
