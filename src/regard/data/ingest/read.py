"""The door: from any source to typed interactions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

import narwhals as nw
import polars as pl

from regard.data.ingest.addresses import is_address
from regard.data.ingest.columns import (
    as_context,
    as_flat,
    as_ids,
    as_numbers,
    as_text,
    missing_to_null,
)
from regard.data.ingest.frames import is_spark_frame
from regard.data.ingest.joining import known_of
from regard.data.ingest.sources import open_source
from regard.data.ingest.table import Table
from regard.data.interactions import Interactions
from regard.data.roles import PROPOSED, laid_out_by_clean, propose_roles
from regard.data.times import parse_times
from regard.errors import ColumnError, ConfigurationError, TimeError
from regard.schema import (
    EVENT,
    ITEM,
    POSITION,
    PRICE,
    QUANTITY,
    RESERVED,
    ROLES,
    ROW,
    SESSION,
    TIME,
    TITLE,
    USER,
    VALUE,
    Clock,
)

FILE_ORDER: Final = "file"
"""What `order=` says when rows are already in the order in which things happened."""

_SAMPLE_ROWS: Final = 10_000


@dataclass(frozen=True)
class Wish:
    """What the caller asked for.

    Attributes:
        given: role -> name of the column that plays it.
        order: `FILE_ORDER`, or a column that orders the log instead of a time.
        time_format: see `read`, as for the next two.
        time_unit: of times that are numbers.
        timezone: of times that carry none.
        tables: `item` and `user` -> a source with what is known of them, None or False.

    Raises:
        ConfigurationError: two wishes contradict each other.
    """

    given: Mapping[str, str]
    order: str | None = None
    time_format: str | None = None
    time_unit: str | None = None
    timezone: str = "UTC"
    tables: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if TIME in self.given and self.order is not None:
            raise ConfigurationError(
                "Give time= (real time) or order= (a mere order), not both: one of them orders the "
                "log."
            )
        if USER in self.given and self.given[USER] == self.given.get(ITEM):
            name = self.given[USER]
            raise ConfigurationError(f"user= and item= both name {name!r}; they must differ.")


@dataclass
class _Build:
    """The columns of the result while they are being made."""

    table: Table
    columns: dict[str, pl.Series] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read(
    source: Any,
    *,
    items: Any = None,
    users: Any = None,
    query: str | None = None,
    table: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    user: str | None = None,
    item: str | None = None,
    time: str | None = None,
    order: str | None = None,
    event: str | None = None,
    value: str | None = None,
    quantity: str | None = None,
    price: str | None = None,
    session: str | None = None,
    title: str | None = None,
    time_format: str | None = None,
    time_unit: str | None = None,
    timezone: str = "UTC",
    delimiter: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    header: bool | None = None,
) -> Interactions:
    """Read a log of who did what and when.

    Columns that you name play the roles you give them; for the other roles a column is proposed
    by its name and values, with the reason in `Interactions.notes`. Columns without a role come
    along as context; one whose name is taken by `regard.schema` gets an underscore at its end.
    Nothing is dropped: missing users, items and times are null, and removing them is the work of
    `regard.clean`. The source is read once, here.

    Args:
        source: path to delimited text (`.csv`, `.tsv`, `.txt`, `.dat`, ...), JSON lines (each also
            with `.gz`), Parquet, Arrow or a RecBole `.inter`; a folder of such files, or a pattern
            such as `log/year=*/*.parquet`; the URL of a database; a public log by its name such as
            `dataset:ml-1m` (see `regard.datasets`); or a dataframe of pandas, Polars
            (eager or lazy), Arrow, DuckDB. A PySpark DataFrame stays where it is: see
            `regard.data.spark`.
        items: a table with one row per item, any source that `source` may be, joined by id: its
            title plays that role where the log has none, its other columns become context. If
            omitted, the table that the format of the log puts beside it; False for none.
        users: the same for users.
        query: a `select`, for a database; values stand in it as `:name`.
        table: instead, the name of a table or view.
        parameters: the values of a query by name.
        user: column that says who.
        item: column that says what.
        time: column that says when.
        order: instead of a time, `"file"` if rows are in the order in which things happened, or a
            column of whole numbers that orders them.
        event: column with the kind of event.
        value: column with a number that says how much.
        quantity: column with a number of pieces.
        price: column with the price of a piece.
        session: column with the visit, basket or invoice.
        title: column with what the item is called.
        time_format: `strptime` format of times that are text.
        time_unit: `"s"`, `"ms"`, `"us"` or `"ns"`, for times that are numbers.
        timezone: IANA name of the zone of times that carry none.
        delimiter: what separates fields; found if omitted, as are the next three.
        encoding: how characters are written.
        decimal: `"."` or `","`.
        header: whether the first line holds the names of the columns.

    Returns:
        The log, every row of the source in it, numbered from 0 in `row`.

    Raises:
        SourceError: the source cannot be read as a table.
        ColumnError: a column is not there, is ambiguous or holds the wrong kind of values.
        TimeError: the times cannot be understood.
        ConfigurationError: options that contradict each other.

    Example:
        >>> import polars as pl
        >>> log = read(pl.DataFrame({"CustomerID": [7.0, None], "StockCode": ["85123A", "POST"],
        ...                          "InvoiceDate": ["2010-12-01 08:26", "2010-12-01 08:28"]}))
        >>> dict(log.roles)
        {'user': 'CustomerID', 'item': 'StockCode', 'time': 'InvoiceDate'}
        >>> log.collect()["user"].to_list()
        [7, None]
    """
    named = {
        USER: user, ITEM: item, TIME: time, EVENT: event, VALUE: value, QUANTITY: quantity,
        PRICE: price, SESSION: session, TITLE: title,
    }  # fmt: skip
    # Columns without names are numbers to pandas.
    given = {role: str(column) for role, column in named.items() if column is not None}
    wish = Wish(given, order, time_format, time_unit, timezone, {ITEM: items, USER: users})
    if is_spark_frame(source):
        from regard.data.spark.read import read_frame

        return read_frame(source, wish)
    opened = open_source(
        source, delimiter=delimiter, encoding=encoding, decimal=decimal, header=header,
        query=query, table=table, parameters=parameters,
    )  # fmt: skip
    return interactions_of(opened, wish)


def interactions_of(table: Table, wish: Wish) -> Interactions:
    """Find the roles of a table, make the columns, put them together."""
    roles, reasons = assign_roles(table, wish)
    build = _Build(table, notes=[*table.notes, *reasons])
    for role, column in roles.items():
        try:
            _add_role(build, role, column, wish)
        except (ColumnError, TimeError) as refused:  # which know the column, but not its source
            raise type(refused)(f"{table.name}: {refused}") from refused
    context = _context(build, set(roles.values()))
    for role in (ITEM, USER):
        context += _known(build, role, roles, wish, taken=[column.name for column in context])
    rows = pl.int_range(table.frame.height, dtype=pl.Int64, eager=True)
    if wish.order == FILE_ORDER:
        build.columns[POSITION] = rows
        build.notes.append("Rows are taken to be in the order in which things happened.")
    ordered = {role: build.columns[role] for role in ROLES if role in build.columns}
    columns = [series.alias(role) for role, series in ordered.items()]
    columns.insert(3, rows.alias(ROW))
    frame = pl.DataFrame([*columns, *context])
    clock = Clock.TIME if TIME in ordered else Clock.ORDER
    lazy = nw.from_native(frame.lazy())
    return Interactions(lazy, clock, table.name, roles, tuple(build.notes))


def assign_roles(table: Table, wish: Wish) -> tuple[dict[str, str], list[str]]:
    """Say which column plays which role: the caller's word first, then what names and values say.

    Args:
        table: all rows, or enough of them to judge by.
        wish: what the caller asked for.

    Returns:
        Role -> column, and the reasons for what was not given.

    Raises:
        ColumnError: a column is not there or ambiguous, or a role that is needed is not played.
    """
    frame, given = table.frame, _given(table, wish)
    skipped = {*given, TIME} if wish.order is not None else set(given)
    wanted = [role for role in PROPOSED if role not in skipped]
    free = [column for column in frame.columns if column not in given.values()]
    sample = frame.select(free).gather_every(max(1, frame.height // _SAMPLE_ROWS))
    numbers = pl.DataFrame([as_context(each, decimal=table.decimal) for each in sample])
    found = propose_roles(
        numbers, wanted=wanted, source=table.name, typed=table.typed,
        cleaned=table.typed and laid_out_by_clean(frame.columns),
    )  # fmt: skip
    both = given | {each.role: each.column for each in found}
    roles: dict[str, str] = {role: both[role] for role in ROLES if role in both}
    _require_roles(table, roles, wish)
    return roles, [each.note for each in found]


def _given(table: Table, wish: Wish) -> dict[str, str]:
    """The roles that were given, each played by a column that is there."""
    given = dict(wish.given)
    if wish.order is not None and wish.order != FILE_ORDER:
        given[POSITION] = wish.order
    for role, column in given.items():
        if column not in table.frame.columns:
            raise _no_such_column(table, role, column)
    return given


def _no_such_column(table: Table, role: str, column: str) -> ColumnError:
    """The error for a name that the table does not have."""
    names = {name.lower(): name for name in table.frame.columns}
    near = get_close_matches(column.lower(), list(names), 1)
    hint = f" Did you mean {names[near[0]]!r}?" if near else ""
    option = "order" if role == POSITION else role
    return ColumnError(
        f"{table.name} has no column {column!r} for {option}=; it has "
        f"{', '.join(map(repr, table.frame.columns))}.{hint}"
    )


def _require_roles(table: Table, roles: Mapping[str, str], wish: Wish) -> None:
    """Refuse a table in which the user, the item or the order could not be found."""
    has = f"(columns: {', '.join(map(repr, table.frame.columns))})"
    if table.frame.width == 1:
        raise ColumnError(
            f"{table.name} has only one column {has}; a log needs a user, an item and a time."
        )
    for role in (USER, ITEM):
        if role not in roles:
            hint = ""
            if role == USER and SESSION in roles:
                hint = f" To learn from sessions, say user={roles[SESSION]!r}."
            raise ColumnError(
                f"No column of {table.name} looks like the {role} {has}. Say which it is: "
                f"{role}='...'.{hint}"
            )
    if TIME not in roles and wish.order is None:
        raise ColumnError(
            f"No column of {table.name} looks like a time {has}. Say which it is with time='...'; "
            'or, where there is only an order, say order="file" if rows are already in it, or '
            "order='...' for a column of whole numbers that gives it."
        )


def _add_role(build: _Build, role: str, column: str, wish: Wish) -> None:
    """Make the column of one role."""
    source = build.table.frame[column]
    notes: tuple[str, ...] = ()
    if role in {USER, ITEM}:
        made, notes = as_ids(source, typed=build.table.typed)
    elif role == TIME:
        times = parse_times(
            missing_to_null(source),
            time_format=wish.time_format,
            time_unit=wish.time_unit,
            timezone=wish.timezone,
        )
        made, notes = times.seconds, times.notes
    elif role == POSITION:
        made = _as_positions(source)
    elif role in {VALUE, QUANTITY, PRICE}:
        made = as_numbers(source, decimal=build.table.decimal)
    else:
        made = as_text(source)
    build.columns[role] = made
    build.notes += notes


def _known(
    build: _Build, role: str, roles: dict[str, str], wish: Wish, *, taken: list[str]
) -> list[pl.Series]:
    """The columns of a table of items or users, one value per row; a title may become a role."""
    source = wish.tables.get(role)
    if source is None:
        source = build.table.beside.get(role)
    if source is None or source is False:
        return []
    if is_address(source):
        raise ConfigurationError(
            f"{role}s= cannot be a database. Join its tables in the query of the log, or read a "
            "dataframe and give that."
        )
    opened = source if isinstance(source, Table) else open_source(source)
    known = known_of(build.columns[role], opened, role=role, column=roles[role])
    build.notes += known.notes
    columns = list(known.columns)
    if known.title is not None and TITLE not in roles:
        roles[TITLE], build.columns[TITLE] = known.title.name, known.title
        build.notes.append(f"title = {known.title.name!r} of the table of items.")
    elif known.title is not None:
        columns.insert(0, known.title)
    names = {*RESERVED, *taken}
    renamed = []
    for column in columns:
        name = column.name
        while name in names:
            name += "_"
        names.add(name)
        renamed.append(column.alias(name))
    return renamed


def _as_positions(column: pl.Series) -> pl.Series:
    """Whole numbers that order a log."""
    ids, _ = as_ids(column)
    if not ids.dtype.is_integer():
        raise ColumnError(
            f"Column {column.name!r} holds {column.dtype}; order= needs whole numbers. Use time= "
            'for a column of times, or order="file".'
        )
    return ids.cast(pl.Int64)


def _context(build: _Build, used: set[str]) -> list[pl.Series]:
    """The columns without a role, under names that no role has."""
    names = set(RESERVED)
    columns = []
    for column in build.table.frame:
        if column.name in used:
            continue
        name = column.name
        while name in names or (name != column.name and name in build.table.frame.columns):
            name += "_"
        names.add(name)
        typed = build.table.typed
        made = as_flat(column) if typed else as_context(column, decimal=build.table.decimal)
        columns.append(made.alias(name))
    return columns
