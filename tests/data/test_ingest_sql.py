"""Databases: a real PostgreSQL, a real SQLite file, and what goes wrong with them."""

import sqlite3
import uuid
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from regard.cli.app import app
from regard.cli.options import RunOptions
from regard.cli.recipes import with_options
from regard.data.fingerprint import fingerprint
from regard.data.ingest import read, sql
from regard.data.ingest.addresses import is_address, without_password
from regard.data.ingest.cells import column_of
from regard.errors import ColumnError, ConfigurationError, MissingDependencyError, SourceError
from regard.recommender.recipe import Recipe, SourceSettings

ROWS = [(7, "tea", "2024-01-31 10:00:00"), (8, "milk", "2024-02-01 11:00:00")]


@pytest.fixture
def shop(tmp_path):
    """A SQLite file with a table whose name needs quoting, and a view."""
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute('create table "order lines" (user_id integer, item_id text, at text)')
        db.executemany('insert into "order lines" values (?, ?, ?)', ROWS)
        db.execute('create view recent as select * from "order lines" where user_id = 8')
        db.execute("create table unsold (user_id, item_id, at)")
    return f"sqlite:///{path}"


@pytest.fixture(scope="module")
def events(postgres):
    postgres.run(
        "create table events (user_id bigint, item_id text, at timestamptz, paid numeric(9, 2), "
        "tags jsonb, visit uuid)",
        "insert into events select i % 9, 'item ' || i % 5, "
        "timestamptz '2024-03-31 00:00:00+00' + i * interval '1 minute', i + 0.5, "
        """'{"a": [1]}', '00000000-0000-0000-0000-000000000001' from generate_series(1, 1000) i""",
        'create schema "my shop"',
        'create table "my shop"."select" as select * from events limit 3',
        "create materialized view lately as select * from events where at > '2024-03-31 16:00Z'",
    )
    return postgres


def sentence(refused) -> str:
    """The message of an error, which must be one line and know no password."""
    failure = refused.value
    while failure is not None:
        assert "s3cret" not in f"{failure} {failure!r}"
        failure = failure.__cause__ or (
            None if failure.__suppress_context__ else failure.__context__
        )
    message = str(refused.value)
    assert "\n" not in message
    return message


# --- SQLite ------------------------------------------------------------------------------------


def test_a_table_of_sqlite(shop):
    log = read(shop, table="order lines")
    table = log.collect()
    assert table["user"].to_list() == [7, 8]
    assert table["time"].to_list() == [1706695200.0, 1706785200.0]
    assert dict(log.roles) == {"user": "user_id", "item": "item_id", "time": "at"}
    assert log.source == f"the table 'order lines' of {shop}"
    assert read(shop, table="recent").collect().height == 1


def test_a_query_with_bound_values(shop):
    query = 'select * from "order lines" where item_id = :item'
    assert read(shop, query=query, parameters={"item": "tea"}).collect()["user"].to_list() == [7]
    hostile = "tea' or '1'='1"
    with pytest.raises(SourceError, match="no rows"):
        read(shop, query=query, parameters={"item": hostile})


def test_items_of_a_database_come_as_a_frame(shop):
    items = pl.DataFrame({"item_id": ["tea"], "title": ["Green tea"]})
    assert read(shop, table="order lines", items=items).collect()["title"].to_list() == [
        "Green tea", None,
    ]  # fmt: skip
    with pytest.raises(ConfigurationError, match="items= cannot be a database"):
        read(shop, table="order lines", items=shop)


def test_sqlite_is_never_written_or_made(shop, tmp_path):
    with pytest.raises(SourceError, match=r"refuses the query: .*readonly"):
        read(shop, query="delete from unsold")
    with pytest.raises(SourceError, match="leads to no file"):
        read(f"sqlite:///{tmp_path}/none.db", table="x")
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(SourceError, match="leads to no file"):
        read("sqlite://", table="x")
    (tmp_path / "text.db").write_text("user,item,time\n" * 99)
    with pytest.raises(SourceError, match=r"text\.db cannot be read: file is not a database"):
        read(f"sqlite:///{tmp_path}/text.db", table="x")


def test_columns_of_sqlite_may_mix_types(shop, monkeypatch):
    monkeypatch.setattr(sql, "CHUNK", 2)
    path = shop.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("create table mixed (user, item, time, price)")
        rows = [(1, 5, 1e9, 2), (2, 6, 1e9, None), (3, 7, 1e9, 2.5), ("x", 8, 1e9, 3)]
        db.executemany("insert into mixed values (?, ?, ?, ?)", rows)
    table = read(shop, table="mixed").collect()
    assert table["user"].to_list() == ["1", "2", "3", "x"]
    assert table["price"].to_list() == [2.0, None, 2.5, 3.0]


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ([1, 2, b"\xff", b"\xfe"], "Int64, Binary"),
        ([b"\xff", None, 1.5, 2.5], "Binary, Float64"),
        ([None, None, "a", "b", b"\xff\xfe", b"\xff"], "Null, String, Binary"),
    ],
)
def test_values_that_do_not_go_together_name_their_column(shop, monkeypatch, values, kinds):
    monkeypatch.setattr(sql, "CHUNK", 2)
    with closing(sqlite3.connect(shop.removeprefix("sqlite:///"))) as db, db:
        db.execute("create table mixed (user, item, time, note)")
        rows = [(1, 5, 1e9, value) for value in values]
        db.executemany("insert into mixed values (?, ?, ?, ?)", rows)
    message = rf"'note' of sqlite:.* together \({kinds}\)\. Cast it in the query.* HEX\(note\)"
    with pytest.raises(ColumnError, match=message) as refused:
        read(shop, table="mixed")
    sentence(refused)
    query = "select user, item, time, hex(note) as note from mixed"
    assert read(shop, query=query).collect().height == len(values)


REFUSED = {
    "no table": ({"table": "order line"}, SourceError, "no table 'order line'.*Did you mean 'ord"),
    "far table": ({"table": "zzz"}, SourceError, "it has 'order lines', 'recent', 'unsold'"),
    "injected": ({"table": 'unsold"; drop table unsold; --'}, SourceError, "has no table"),
    "neither": ({}, ConfigurationError, "Give query= or table=, one of them"),
    "both": ({"table": "unsold", "query": "select 1"}, ConfigurationError, "one of them"),
    "spare": (
        {"query": "select 1", "parameters": {"a": 1}}, ConfigurationError, "does not use 'a'",
    ),
    "unbound": ({"query": "select :a"}, ConfigurationError, "has no value for :a"),
    "values of a table": (
        {"table": "unsold", "parameters": {"a": 1}}, ConfigurationError, "of a query=",
    ),
    "bad query": ({"query": "selec 1"}, SourceError, 'refuses the query: near "selec"'),
    "no column": ({"query": "select nobody from unsold"}, SourceError, "no such column: nobody"),
    "two names": ({"query": "select 1 as a, 2 as a"}, ColumnError, "two columns called 'a'"),
    "no rows": ({"table": "unsold"}, SourceError, r"columns \(user_id, item_id, at\) but no rows"),
    "text form": ({"table": "unsold", "delimiter": ","}, ConfigurationError, "delimiter= is for"),
}  # fmt: skip


@pytest.mark.parametrize("defect", REFUSED)
def test_each_refusal_has_its_sentence(shop, defect):
    options, error, message = REFUSED[defect]
    with pytest.raises(error, match=message) as refused:
        read(shop, **options)
    sentence(refused)


def test_options_of_a_database_are_refused_elsewhere(tmp_path):
    for option in ({"query": "select 1"}, {"table": "a"}, {"parameters": {"a": 1}}):
        with pytest.raises(ConfigurationError, match="is for a database"):
            read(tmp_path / "plays.csv", **option)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("https://ann:s3cret@example.org/plays.csv", "names 'https', which is no database"),
        ("postgresql://ann:s3cret@host:port/db", "postgresql://ann@host:port/db is no URL"),
    ],
)
def test_addresses_that_are_no_database(address, message):
    with pytest.raises(SourceError, match=message) as refused:
        read(address, table="events")
    sentence(refused)


def test_a_missing_driver_is_named():
    with pytest.raises(MissingDependencyError, match="needs MySQLdb") as refused:
        read("mysql://ann:s3cret@host/db", table="events")
    sentence(refused)


def test_a_table_that_vanishes_before_it_is_read(shop, monkeypatch):
    whole_table = sql._whole_table

    def dropped_after_inspection(*asked):
        statement = whole_table(*asked)
        with closing(sqlite3.connect(shop.removeprefix("sqlite:///"))) as db, db:
            db.execute("drop table unsold")
        return statement

    monkeypatch.setattr(sql, "_whole_table", dropped_after_inspection)
    with pytest.raises(SourceError, match="cannot read its table 'unsold': no such table") as met:
        read(shop, table="unsold")
    sentence(met)


# --- PostgreSQL --------------------------------------------------------------------------------


def test_a_table_of_postgresql(events, monkeypatch):
    monkeypatch.setattr(sql, "CHUNK", 300)
    log = read(events.reader(), table="events")
    table = log.collect().sort("row")
    assert table.height == 1000
    assert table["user"].to_list()[:9] == [1, 2, 3, 4, 5, 6, 7, 8, 0]
    assert table["time"].to_list()[0] == datetime(2024, 3, 31, 0, 1, tzinfo=UTC).timestamp()
    assert table["paid"].to_list()[:2] == [1.5, 2.5]
    assert table["tags"].to_list()[0] == '{"a": [1]}'
    assert table["session"].to_list()[0] == str(uuid.UUID(int=1))


def test_other_schemas_and_views(events):
    assert read(events.reader(), table="my shop.select").collect().height == 3
    assert 0 < read(events.reader(), table="lately").collect().height < 1000
    with pytest.raises(SourceError, match=r"has no table 'your shop.select'"):
        read(events.reader(), table="your shop.select")
    with pytest.raises(SourceError, match=r"has no table 'event'.*Did you mean 'events'"):
        read(events.reader(), table="event")


def test_a_query_of_postgresql_with_bound_values(events):
    query = "select user_id, item_id, at::date as day from events where item_id like :like || '%'"
    log = read(events.reader(), query=query, parameters={"like": "item 3"})
    assert set(log.collect()["item"].to_list()) == {"item 3"}
    both = [read(events.reader(), query=query, parameters={"like": "i"}) for _ in range(2)]
    assert fingerprint(both[0]) == fingerprint(both[1])


def test_the_rows_are_streamed(events, monkeypatch):
    seen = []
    column_of = sql.column_of
    monkeypatch.setattr(sql, "CHUNK", 100)
    monkeypatch.setattr(
        sql, "column_of", lambda name, values: seen.append(len(values)) or column_of(name, values)
    )
    read(events.reader(), query="select user_id, item_id, at from events")
    assert seen == [100] * 30


def test_postgresql_is_never_written(events):
    for query in ("delete from events returning *", "select pg_notify('a', lo_create(0)::text)"):
        with pytest.raises(SourceError, match=r"(refuses the query|broke off)") as refused:
            read(events.owner, query=query)
        sentence(refused)


def test_the_password_is_nowhere(events, monkeypatch):
    log = read(events.reader(), table="events")
    assert "s3cret" not in "\n".join([log.source, *log.notes, repr(log)])
    assert log.source.startswith("the table 'events' of postgresql://reader@/postgres?host=")
    with pytest.raises(SourceError, match=r"cannot be connected to: .*password auth") as refused:
        read(events.reader("s3cret-but-wrong"), table="events")
    sentence(refused)
    monkeypatch.setenv("PGPASSWORD", "s3cret/word@home")
    address = without_password(events.reader())
    assert read(address, table="events").collect().height == 1000


def test_nobody_answers(events):
    for address in (
        events.reader(database="nowhere"),
        "postgresql://ann:s3cret@127.0.0.1:1/shop",
        "postgresql://ann:s3cret@/shop?host=/no/such/folder",
    ):
        with pytest.raises(SourceError, match="cannot be connected to") as refused:
            read(address, table="events")
        sentence(refused)


def test_a_connection_that_breaks_while_reading_leaves_nothing(events, monkeypatch):
    monkeypatch.setattr(sql, "CHUNK", 100)
    query = (
        "select i as user_id, i as item_id, i as at, "
        "case when i = 900 then pg_terminate_backend(pg_backend_pid()) end from "
        "generate_series(1, 1000) i"
    )
    with pytest.raises(SourceError, match="broke off while it was read, so nothing is") as refused:
        read(events.reader(), query=query)
    sentence(refused)


def test_a_table_cannot_be_dropped_while_it_is_read(events, monkeypatch):
    import psycopg

    events.run("create table fleeting as select * from events")
    monkeypatch.setattr(sql, "CHUNK", 100)
    chunk, refusals = sql._chunk, []

    def drop_meanwhile(names, rows):
        with pytest.raises(psycopg.errors.LockNotAvailable):
            events.run("set lock_timeout = '20ms'; drop table fleeting")
        refusals.append(len(rows))
        return chunk(names, rows)

    monkeypatch.setattr(sql, "_chunk", drop_meanwhile)
    assert read(events.reader(), table="fleeting").collect().height == 1000
    assert refusals == [100] * 10
    events.run("drop table fleeting")


def test_rows_that_come_meanwhile_are_not_half_there(events, monkeypatch):
    events.run("create table growing as select * from events")
    whole_table = sql._whole_table

    def grown_after_inspection(*asked):
        statement = whole_table(*asked)
        events.run("insert into growing select * from events")
        return statement

    monkeypatch.setattr(sql, "_whole_table", grown_after_inspection)
    assert read(events.reader(), table="growing").collect().height == 1000


# --- recipes and the prompt --------------------------------------------------------------------


def test_a_recipe_keeps_no_password():
    source = SourceSettings(path="postgresql://ann:s3cret@host/db", table="events", items="a.csv")
    recipe = Recipe(model="markov", source=source)
    kept = recipe.to_dict()["source"]
    assert kept["path"] == "postgresql://ann@host/db"
    assert (kept["table"], kept["items"]) == ("events", "a.csv")
    again = with_options(recipe, RunOptions(seed=3))
    assert again.source == source
    moved = with_options(recipe, RunOptions(assign=["source.path='a.csv'"]))
    assert moved.source.path == "a.csv"


def test_a_bundle_of_a_database_keeps_no_password(events, tmp_path):
    out, items = tmp_path / "model", tmp_path / "items.csv"
    items.write_text("item_id,title\n" + "".join(f"item {i},Item {i}\n" for i in range(5)))
    words = ["fit", events.reader(), "--table", "events", "--model", "markov", "--out", str(out)]
    done = CliRunner().invoke(app, [*words, "--items", str(items), "--json"])
    assert done.exit_code == 0, done.stderr
    assert "s3cret" not in done.output
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 4
    assert not any(b"s3cret" in content for content in written)
    wanted = ["recommend", str(out), "--history", "item 1", "--json"]
    assert "Item " in CliRunner().invoke(app, wanted).stdout


def test_the_prompt_reads_a_query_and_names_options_as_typed(shop):
    query = 'select * from "order lines"'
    assert CliRunner().invoke(app, ["inspect", shop, "--query", query]).exit_code == 0
    one = [f"{query} where user_id = :user and item_id = :item", "--parameters", "user=7"]
    told = CliRunner().invoke(app, ["inspect", shop, "--query", *one, "--parameters", "item=tea"])
    assert told.exit_code == 0, told.stderr
    short = CliRunner().invoke(app, ["inspect", shop, "--query", query, "--parameters", "user"])
    assert "--parameters 'user' gives no value" in short.stderr
    refused = CliRunner().invoke(app, ["inspect", shop])
    assert refused.exit_code == 2
    assert "Give --query or --table, one of them" in refused.stderr


# --- addresses and cells -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://ann:a@b/c:d@host:5/db?x=1", "postgresql://ann@host:5/db?x=1"),
        ("postgresql://:pw@host/db", "postgresql://@host/db"),
        ("postgresql://host:5432/db", "postgresql://host:5432/db"),
        ("postgresql://ann@/db?PASSWORD=a&sslpassword=b", "postgresql://ann@/db"),
        ("sqlite:////tmp/a@b:c.db", "sqlite:////tmp/a@b:c.db"),
        ("C:/ann:pw@x.csv", "C:/ann:pw@x.csv"),
    ],
)
def test_addresses_without_password(address, shown):
    assert without_password(address) == shown
    assert without_password(shown) == shown


@given(st.text(min_size=1).filter(lambda word: "?" not in word and "&" not in word))
def test_no_password_survives(password):
    shown = without_password(f"postgresql://ann:{password}@host/db")
    assert shown == "postgresql://ann@host/db"


def test_what_is_no_address():
    assert not any(map(is_address, ["plays.csv", "C:\\plays.csv", 7, None, "://x", pl.DataFrame()]))


def test_cells_keep_what_they_mean():
    zone = timezone(timedelta(hours=2))
    assert column_of("x", [None, None]).dtype == pl.Null
    assert column_of("x", [Decimal(2**62 + 1), None]).to_list() == [2**62 + 1, None]
    assert column_of("x", [Decimal("NaN"), Decimal(1)]).fill_nan(None).to_list() == [None, 1.0]
    assert column_of("x", [1, Decimal("0.5"), 2.5]).to_list() == [1.0, 0.5, 2.5]
    assert column_of("x", [10**30, 1]).to_list() == [str(10**30), "1"]
    moments = column_of(
        "x", [datetime(2024, 7, 1, 2, tzinfo=zone), datetime(2024, 1, 1, tzinfo=UTC)]
    )
    assert moments.to_list()[0] == datetime(2024, 7, 1, tzinfo=UTC)
    assert column_of("x", [date(2024, 1, 1), None]).dtype == pl.Date
    assert column_of("x", [[1, "ä"], None]).to_list() == ['[1, "ä"]', None]
    assert column_of("x", [memoryview(b"ab")]).to_list() == [b"ab"]
    assert column_of("x", [b"ab"]).to_list() == [b"ab"]
