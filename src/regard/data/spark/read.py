"""From files or a frame of Spark to typed interactions that stay on the cluster."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw
import polars as pl
from polars import selectors as cs

from regard.data.ingest.dialect import find_decimal
from regard.data.ingest.files import TextForm
from regard.data.ingest.read import FILE_ORDER, Wish, assign_roles
from regard.data.ingest.table import Table
from regard.data.interactions import Interactions
from regard.data.spark.columns import (
    Question,
    answered,
    as_context,
    as_ids,
    as_numbers,
    as_positions,
    as_text,
    is_whole,
)
from regard.data.spark.files import Opened, open_files
from regard.data.spark.times import TimeForm, as_times
from regard.errors import ColumnError, ConfigurationError, SourceError
from regard.schema import (
    ITEM,
    POSITION,
    PRICE,
    QUANTITY,
    RESERVED,
    ROLES,
    ROW,
    TIME,
    USER,
    VALUE,
    Clock,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_SAMPLE_ROWS: Final = 10_000
_TEXT: Final = ("delimiter", "encoding", "decimal", "header")
_TIMES: Final = ("order", "time_format", "time_unit", "timezone")


def read_files(session: "SparkSession", path: Path | str, **options: Any) -> Interactions:
    """Read a log of Parquet, delimited text or JSON lines with Spark, and leave it there.

    Roles, types and times are found as `regard.read` finds them: a sample tells what plays which
    role, one pass over the log what every column holds. Rows have the numbers that `regard.read`
    would give them.

    Args:
        session: of Spark, such as `spark_session` starts.
        path: a file, a folder or a pattern: local, or an address that Spark reads.
        **options: as `regard.read` takes them: columns by role, `order`, `time_format`,
            `time_unit`, `timezone`, and for delimited text `delimiter`, `encoding`, `decimal` and
            `header`. None stands for an option that is not given.

    Returns:
        The log, its frame on Spark.

    Raises:
        ConfigurationError: an option that is not for Spark.
    """
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        if name not in {*ROLES, *_TEXT, *_TIMES}:
            raise ConfigurationError(
                f"{name}= is not for Spark; join and query in Spark first, and read what comes out."
            )
    form = TextForm(**{name: given.get(name) for name in _TEXT})
    roles: dict[str, str] = {name: given[name] for name in ROLES if name in given}
    wish = Wish(roles, **{name: given[name] for name in _TIMES if name in given})
    return _interactions(open_files(session, path, form), wish)


def read_frame(frame: "DataFrame", wish: Wish) -> Interactions:
    """Type a Spark frame that has a column `row`, and leave it where it is.

    Args:
        frame: its column `row` holds different whole numbers, which order the log.
        wish: what the caller asked for.

    Returns:
        The log, its frame on Spark.

    Raises:
        ColumnError: there is no `row`, or it cannot order the log.
        ConfigurationError: a table of items or users was given.
    """
    for role, known in wish.tables.items():
        if known is not None and known is not False:
            raise ConfigurationError(f"{role}s= is not for Spark; join that table in Spark first.")
    name = "a pyspark frame"
    if ROW not in frame.columns:
        raise ColumnError(
            f"{name} has no order of its own that would decide between equal times. Number "
            f"its rows with regard.data.spark.number_rows(frame, by=[...]), or give it a column "
            f"{ROW!r} of different whole numbers."
        )
    _require_sound_rows(frame, name)
    return _interactions(Opened(frame, name, (), typed=True), wish)


def _require_sound_rows(frame: "DataFrame", name: str) -> None:
    """Refuse numbers of rows that are missing or stand twice: all rules go by them."""
    from pyspark.sql import functions as F

    kind = frame.schema[ROW].dataType
    if not is_whole(kind):
        raise ColumnError(
            f"Column {ROW!r} of {name} holds {kind.simpleString()}; it must hold whole numbers."
        )
    facts = frame.agg(
        F.count("*").alias("rows"),
        F.count(ROW).alias("present"),
        F.count_distinct(F.col(ROW)).alias("different"),
    ).collect()[0]
    if facts["different"] < facts["rows"]:
        raise ColumnError(
            f"Column {ROW!r} of {name} has {facts['different']:,} different numbers for "
            f"{facts['rows']:,} rows ({facts['rows'] - facts['present']:,} are missing); each row "
            "needs one of its own."
        )


def _interactions(source: Opened, wish: Wish) -> Interactions:
    """Find the roles by a sample, the types by one pass, and say the rest lazily."""
    from pyspark.sql import functions as F

    frame = source.frame.withColumn(ROW, F.col(ROW).cast("long"))
    sample = _sample(frame, source.name)
    decimal = "." if source.typed else source.decimal or find_decimal(sample.select(cs.string()))
    table = Table(sample, source.name, source.notes, decimal, source.typed)
    roles, reasons = assign_roles(table, wish)
    answers = answered(frame, _questions(frame, table, roles, wish))
    made = {role: answers[role][0] for role in ROLES if role in roles}
    notes = [*source.notes, *reasons, *(note for _, each in answers.values() for note in each)]
    if wish.order == FILE_ORDER:
        made[POSITION] = F.col(ROW)
        notes.append("Rows are taken to be in the order in which things happened.")
    columns = [made[role].alias(role) for role in ROLES if role in made]
    columns.insert(3, F.col(ROW))
    context = _names_of_context(sample.columns, set(roles.values()))
    columns += [answers[f"context {name}"][0].alias(new) for name, new in context.items()]
    clock = Clock.TIME if TIME in made else Clock.ORDER
    typed = nw.from_native(frame.select(*columns))
    return Interactions(typed, clock, source.name, roles, tuple(notes))


def _questions(
    frame: "DataFrame", table: Table, roles: dict[str, str], wish: Wish
) -> dict[str, Question]:
    """What every column is asked."""
    kinds = {field.name: field.dataType for field in frame.schema}
    form = TimeForm(wish.time_format, wish.time_unit, wish.timezone)
    questions = {}
    for role, name in roles.items():
        kind = kinds[name]
        if role in {USER, ITEM}:
            questions[role] = as_ids(name, kind, typed=table.typed)
        elif role == TIME:
            _require_utc(frame.sparkSession)
            questions[role] = as_times(name, kind, table.frame[name], form)
        elif role == POSITION:
            questions[role] = as_positions(name, kind, typed=table.typed)
        elif role in {VALUE, QUANTITY, PRICE}:
            questions[role] = as_numbers(name, kind, decimal=table.decimal)
        else:
            questions[role] = as_text(name, kind)
    for name in set(table.frame.columns) - set(roles.values()):
        asked = as_context(name, kinds[name], typed=table.typed, decimal=table.decimal)
        questions[f"context {name}"] = asked
    return questions


def _require_utc(session: "SparkSession") -> None:
    """Refuse a session in which a moment without a zone means something else."""
    zone = session.conf.get("spark.sql.session.timeZone")
    if zone not in {"UTC", "Etc/UTC", "Z", "GMT"}:
        raise ConfigurationError(
            f"The session of Spark works in the time zone {zone!r}, where moments without a zone "
            "mean other times than elsewhere. Say session.conf.set('spark.sql.session.timeZone', "
            "'UTC') first, and timezone='...' where the log is in local time."
        )


def _sample(frame: "DataFrame", name: str) -> pl.DataFrame:
    """Rows spread over the log, the same that `regard.read` looks at."""
    from pyspark.sql import functions as F

    rows = frame.count()
    if not rows:
        raise SourceError(f"{name} has no rows. Give a table with one row per interaction.")
    step = max(1, rows // _SAMPLE_ROWS)
    spread = frame.where(F.col(ROW) % step == 0).limit(2 * _SAMPLE_ROWS).toArrow()
    if not spread.num_rows:
        spread = frame.limit(_SAMPLE_ROWS).toArrow()
    sample = pl.from_arrow(spread)
    assert isinstance(sample, pl.DataFrame)  # noqa: S101 - for the type checker alone
    return sample.sort(ROW).drop(ROW)


def _names_of_context(columns: list[str], used: set[str]) -> dict[str, str]:
    """The columns without a role, and names for them that no role has."""
    taken, names = set(RESERVED), {}
    for column_ in columns:
        if column_ in used:
            continue
        name = column_
        while name in taken or (name != column_ and name in columns):
            name += "_"
        taken.add(name)
        names[column_] = name
    return names
