"""A table or a query of a database to a table, in chunks and without a write.

SQLAlchemy speaks to the database: names of tables are looked up there and quoted by it, values
travel as bound parameters, and rows stream from a cursor on the server.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from regard.data.ingest.addresses import without_password
from regard.data.ingest.cells import column_of
from regard.data.ingest.table import Table
from regard.errors import ColumnError, ConfigurationError, MissingDependencyError, SourceError
from regard.optional import require

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, CursorResult, Engine, Executable

CHUNK: Final = 50_000
"""Rows that are fetched at a time."""

_SHOWN: Final = 10
_READING: Final = "Reading from a database"
_QUESTION: Final = re.compile(r" Is the server running[^?]*\?")  # the driver's; the advice answers
_FAILURES: Final = {
    "connect": (
        "cannot be connected to",
        "Check that the server runs, and the host, port, user, password and database of the URL.",
    ),
    "open": ("cannot be read", "Check that it is a database, whole, and that you may read it."),
    "query": ("refuses the query", "Mend the query."),
    "table": ("cannot read its table {table}", "Check that it is still there and may be read."),
    "fetch": ("broke off while it was read, so nothing is kept", "Read it again."),
}
"""What failed at each stage, and what to do."""


def open_sql(
    address: str,
    *,
    query: str | None = None,
    table: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Table:
    """Read the rows of a table or of a query.

    PostgreSQL is read in one transaction that cannot write and sees one state of the database;
    SQLite in a connection that cannot write. Without an `ORDER BY` the order of rows is that of
    the database, which decides between equal times.

    Args:
        address: URL of SQLAlchemy, such as `sqlite:///shop.db` or
            `postgresql://ann@db.example.org/shop`. PostgreSQL takes a password that is left out
            from the environment (`PGPASSWORD`) or from `~/.pgpass`.
        query: a `select`; values stand in it as `:name`.
        table: instead of a query, the name of a table or view, also `schema.name`.
        parameters: the values of a query by name.

    Returns:
        The table with the columns and types of the database.

    Raises:
        SourceError: the database cannot be reached, has no such table, or the query fails.
        ColumnError: two columns of the result have one name, or one holds values that do not go
            together.
        ConfigurationError: neither or both of query and table, or parameters that do not fit.
        MissingDependencyError: SQLAlchemy or the driver of the database is not installed.

    Example:
        >>> import sqlite3, tempfile
        >>> path = Path(tempfile.mkdtemp()) / "shop.db"
        >>> with sqlite3.connect(path) as shop:
        ...     _ = shop.execute("create table plays (who, what)")
        ...     _ = shop.execute("insert into plays values (7, 'tea'), (8, 'milk')")
        >>> shop.close()
        >>> asked = "select * from plays where who = :who"
        >>> open_sql(f"sqlite:///{path}", query=asked, parameters={"who": 8}).frame.rows()
        [(8, 'milk')]
    """
    if (query is None) == (table is None):
        raise ConfigurationError(
            f"Give query= or table=, one of them, to say which rows of {without_password(address)} "
            "to read."
        )
    if table is not None and parameters:
        raise ConfigurationError("parameters= are the values of a query=; leave them out.")
    require("sqlalchemy", extra="sql", purpose=_READING)
    url = _url(address)
    name = without_password(address)
    engine = _engine(url, name)
    try:
        frame = _read(engine, url, name, query, table, parameters or {})
    finally:
        engine.dispose()
    what = f"query of {name}" if table is None else f"table {table!r} of {name}"
    note = f"Rows come from the {what}, in the order in which the database gave them."
    return Table(frame, f"the {what}", (note,))


def _url(address: str) -> "URL":
    """The parts of an address; PostgreSQL speaks through psycopg."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import SQLAlchemyError

    try:
        url = make_url(address)
    except (SQLAlchemyError, ValueError):
        raise SourceError(
            f"{without_password(address)} is no URL of a database. Write it like "
            "postgresql://ann@db.example.org/shop or sqlite:///shop.db, and signs such as @ or / "
            "in a name or password as %40 or %2F."
        ) from None  # the cause could show the password
    plain = url.drivername in {"postgresql", "postgres"}
    return url.set(drivername="postgresql+psycopg") if plain else url


def _engine(url: "URL", name: str) -> "Engine":
    """What makes connections; none is made yet."""
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.exc import NoSuchModuleError

    if url.get_backend_name() == "sqlite":
        return _sqlite(url, name)
    try:
        return create_engine(url, poolclass=NullPool)
    except NoSuchModuleError:
        raise SourceError(
            f"{name} names {url.drivername!r}, which is no database that can be read. Give a URL "
            "such as postgresql://ann@db.example.org/shop or sqlite:///shop.db, or a path."
        ) from None
    except ImportError as missing:
        raise MissingDependencyError(
            f"{_READING} at {name} needs {missing.name}, which is not installed. For PostgreSQL "
            "install it with: pip install 'regard[sql]'"
        ) from missing


def _sqlite(url: "URL", name: str) -> "Engine":
    """A file that is there, opened for reading only; plain SQLite would make a missing one."""
    import sqlite3

    from sqlalchemy import NullPool, create_engine

    path = Path(url.database or ":memory:").expanduser()
    if not path.is_file():
        raise SourceError(f"{name} leads to no file ({path}). Check the path behind sqlite:///.")
    target = f"{path.resolve().as_uri()}?mode=ro"
    return create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(target, uri=True), poolclass=NullPool
    )


def _read(
    engine: "Engine",
    url: "URL",
    name: str,
    query: str | None,
    table: str | None,
    parameters: Mapping[str, Any],
) -> pl.DataFrame:
    """All rows; every failure of the database becomes a sentence."""
    from sqlalchemy.exc import SQLAlchemyError

    stage = "connect"
    try:
        with engine.connect() as connection:
            stage = "open"
            _only_read(connection, engine)
            if table is not None:
                statement = _whole_table(connection, table, name)
            else:
                statement = _query(query or "", parameters)
            stage = "query" if table is None else "table"
            how = {"stream_results": True, "yield_per": CHUNK}
            with connection.execute(statement, dict(parameters), execution_options=how) as result:
                stage = "fetch"
                return _fetch(result, name)
    except SQLAlchemyError as failed:
        deed, advice = _FAILURES[stage]
        deed = deed.format(table=repr(table))
        raise SourceError(f"{name} {deed}: {_reason(failed, url)}. {advice}") from failed


def _only_read(connection: "Connection", engine: "Engine") -> None:
    """One transaction that sees one state and cannot write; times in UTC."""
    if engine.dialect.name == "postgresql":
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        connection.exec_driver_sql("SET TIME ZONE 'UTC'")


def _query(query: str, parameters: Mapping[str, Any]) -> "Executable":
    """A query whose values are bound, never written into it."""
    from sqlalchemy import text

    statement = text(query)
    wanted = set(statement.compile().params)
    if wanted != set(parameters):
        missing, spare = sorted(wanted - set(parameters)), sorted(set(parameters) - wanted)
        wrong = f"has no value for :{missing[0]}" if missing else f"does not use {spare[0]!r}"
        raise ConfigurationError(
            f"The query {wrong}. Give parameters= with one value for each :name in it, and "
            "write a colon that begins no name as '\\:'."
        )
    return statement


def _whole_table(connection: "Connection", name: str, source: str) -> "Executable":
    """All of a table that the database knows, its name quoted by the library."""
    from sqlalchemy import inspect, literal_column, select, table

    inspector = inspect(connection)
    schema: str | None = None
    bare, names = name, _tables(inspector, None)
    if name not in names and "." in name:
        schema, _, bare = name.partition(".")
        names = _tables(inspector, schema) if schema in inspector.get_schema_names() else []
    if bare not in names:
        near = get_close_matches(bare, names, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        some = ", ".join(map(repr, names[:_SHOWN])) or "none"
        more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
        raise SourceError(f"{source} has no table {name!r}; it has {some}{more}.{hint}")
    return select(literal_column("*")).select_from(table(bare, schema=schema))


def _tables(inspector: Any, schema: str | None) -> list[str]:
    """Names of tables and views."""
    names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    if inspector.dialect.name == "postgresql":
        names += inspector.get_materialized_view_names(schema)
    return sorted(names)


def _fetch(result: "CursorResult[Any]", name: str) -> pl.DataFrame:
    """All rows, chunk by chunk: as Python's objects only one chunk is held."""
    if not result.returns_rows:
        raise ConfigurationError("query= gives no rows; it must be a select.")
    names = list(result.keys())
    twice = sorted({each for each in names if names.count(each) > 1})
    if twice:
        raise ColumnError(
            f"The query of {name} gives two columns called {twice[0]!r}. Rename one with AS."
        )
    chunks = [_chunk(names, rows) for rows in result.partitions(CHUNK)]
    if not chunks:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.Null))
    return pl.DataFrame([_joined(column, chunks, name) for column in names])


def _chunk(names: list[str], rows: Any) -> pl.DataFrame:
    columns = zip(names, zip(*rows, strict=True), strict=True)
    return pl.DataFrame([column_of(name, values) for name, values in columns])


def _joined(name: str, chunks: list[pl.DataFrame], source: str) -> pl.Series:
    """One column of all chunks; text where any chunk has text in it."""
    kinds = dict.fromkeys(chunk.schema[name] for chunk in chunks)
    columns = [chunk.select(name) for chunk in chunks]
    try:
        if pl.String in kinds:
            columns = [column.cast(pl.String) for column in columns]
        return pl.concat(columns, how="vertical_relaxed").to_series()
    except pl.exceptions.PolarsError as unlike:
        raise ColumnError(
            f"Column {name!r} of {source} holds values of kinds that do not go together "
            f"({', '.join(map(str, kinds))}). Cast it in the query, such as CAST({name} AS TEXT), "
            f"or HEX({name}) where it holds bytes."
        ) from unlike


def _reason(failed: Exception, url: "URL") -> str:
    """What the driver says, on one line and without the password."""
    told = " ".join(str(getattr(failed, "orig", None) or failed).split())
    told = _QUESTION.sub("", told).rstrip(". ")
    return told.replace(str(url.password), "***") if url.password else told
