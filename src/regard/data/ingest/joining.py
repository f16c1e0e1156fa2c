"""What is known of items or users, brought to the rows of a log by their ids."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from regard.data.ingest.columns import as_context, as_flat, as_ids, as_text
from regard.data.ingest.table import Table
from regard.data.roles import propose_roles
from regard.errors import ColumnError
from regard.schema import ITEM, TITLE

_KEY: Final = "\0id"  # no source calls a column so
_SAMPLE_ROWS: Final = 10_000


@dataclass(frozen=True)
class Known:
    """What a table of items or users says about each row of a log.

    Attributes:
        title: the column of titles, or None; only a table of items has one.
        columns: the other columns under their own names, one value per row of the log.
        notes: how the tables met, one sentence each.
    """

    title: pl.Series | None
    columns: tuple[pl.Series, ...]
    notes: tuple[str, ...]


def known_of(ids: pl.Series, table: Table, *, role: str, column: str) -> Known:
    """Look up each row of a log in a table of items or users.

    Of several rows with one id the first counts; ids that the log does not have stay out. Both are
    counted in a note, as are rows of the log about which the table says nothing.

    Args:
        ids: the log's users or items, one per row, nulls allowed.
        table: one row per user or item, with a column of its ids.
        role: `"user"` or `"item"`.
        column: what the log calls the ids; a column of the same name in the table holds them.

    Returns:
        Columns as long as `ids`, null where nothing is known.

    Raises:
        ColumnError: the table has no column of ids, or none of its ids is in the log.

    Example:
        >>> table = Table(pl.DataFrame({"movieId": [1, 2, 9], "title": ["Toy Story", "Heat", "?"]}),
        ...               "movies.csv")
        >>> known = known_of(pl.Series([2, 2, None, 1]), table, role="item", column="movieId")
        >>> known.title.to_list()
        ['Heat', 'Heat', None, 'Toy Story']
        >>> print(known.notes[-1])
        1 of the 3 items of movies.csv is not in the log and stays out.
    """
    key, title = _find_columns(table, role, column)
    own, _ = as_ids(table.frame[key], typed=table.typed)
    keyed = table.frame.drop(key).with_columns(_spelled_alike(own, ids.dtype).alias(_KEY))
    single = keyed.unique(_KEY, keep="first", maintain_order=True).drop_nulls(_KEY)
    present = ids.drop_nulls().unique()
    used = single.filter(pl.col(_KEY).is_in(present.implode()))
    if used.is_empty():
        raise ColumnError(
            f"None of the {role}s in column {key!r} of {table.name} is in the log (it says "
            f"{_first(own)}, the log {_first(ids)}). Both must spell their ids alike; name "
            f"another table with {role}s=, or rename the right column to {column!r}."
        )
    notes = _notes(table, role, own, unique=own.drop_nulls().n_unique(), used=used.height)
    if len(present) > used.height:
        missing, total = len(present) - used.height, len(present)
        notes.append(f"{table.name} says nothing about {missing:,} of the {total:,} {role}s.")
    typed = used.select(_KEY, *_made(used.drop(_KEY), table, title))
    rows = ids.to_frame(_KEY).join(typed, on=_KEY, how="left", maintain_order="left").drop(_KEY)
    names = None if title is None else rows[title]
    others = tuple(rows.drop(title) if title is not None else rows)
    found = f"{role.capitalize()}s are joined with {table.name} by {key!r}."
    return Known(names, others, (found, *notes))


def _find_columns(table: Table, role: str, column: str) -> tuple[str, str | None]:
    """The column of ids: called as in the log, or by a telling name; and that of titles."""
    frame = table.frame
    same = column if column in frame.columns else None
    wanted = [
        each for each in (role, *([TITLE] if role == ITEM else [])) if each != role or not same
    ]
    free = frame.drop(same) if same else frame
    sample = free.gather_every(max(1, frame.height // _SAMPLE_ROWS))
    proposed = propose_roles(sample, wanted=wanted, source=table.name, typed=table.typed)
    found = {each.role: each.column for each in proposed}
    key = same or found.get(role)
    if key is None:
        raise ColumnError(
            f"No column of {table.name} looks like the {role} (columns: "
            f"{', '.join(map(repr, frame.columns))}). Call it {column!r}, as the log does."
        )
    return key, found.get(TITLE)


def _spelled_alike(own: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Ids in the type of the log's; null where no id of the log can be spelled so."""
    cast = own.cast(dtype, strict=False)
    if own.dtype == pl.String and dtype != pl.String:
        return cast.set(cast.cast(pl.String) != own, None)  # '007' is not 7
    return cast


def _notes(table: Table, role: str, own: pl.Series, *, unique: int, used: int) -> list[str]:
    """What did not fit, counted."""
    notes = []
    if blank := own.null_count():
        what = "row has" if blank == 1 else "rows have"
        notes.append(f"{blank:,} {what} no id in {table.name} and count for nothing.")
    if again := len(own) - blank - unique:
        what = "repeats" if again == 1 else "repeat"
        rows = "row" if again == 1 else "rows"
        notes.append(f"{again:,} {rows} of {table.name} {what} an id; the first of each counts.")
    if strangers := unique - used:
        verb = "is not in the log and stays" if strangers == 1 else "are not in the log and stay"
        notes.append(f"{strangers:,} of the {unique:,} {role}s of {table.name} {verb} out.")
    return notes


def _made(frame: pl.DataFrame, table: Table, title: str | None) -> list[pl.Series]:
    """The columns in the types of context, the titles as text."""
    return [
        as_text(column)
        if column.name == title
        else as_flat(column)
        if table.typed
        else as_context(column, decimal=table.decimal)
        for column in frame
    ]


def _first(ids: pl.Series) -> str:
    """An id to show in a message."""
    present = ids.drop_nulls()
    return repr(present[0]) if len(present) else "nothing"
