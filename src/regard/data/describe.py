"""A log in numbers, and what in it should make its reader doubt."""

import dataclasses
from datetime import UTC, datetime
from typing import Final

import numpy as np
import polars as pl

from regard.data.description import Description, Lengths, OddTimes
from regard.data.distinct import count_distinct
from regard.data.doubts import Doubt, doubts_of
from regard.data.interactions import Interactions
from regard.schema import ITEM, PRICE, QUANTITY, ROLES, ROW, TIME, USER, Clock

ANCIENT: Final = datetime(1990, 1, 1, tzinfo=UTC).timestamp()
_PLACEHOLDER_ROWS: Final = 10
_DAY: Final = 86_400
_FIRST: Final = 1_000


def describe(log: Interactions) -> Description:
    """Look at a whole log once, and say what is in it.

    Args:
        log: any log; it is not changed.

    Returns:
        The numbers, and the doubts they raise.

    Example:
        >>> import polars as pl
        >>> table = pl.DataFrame({"user": [1, 1, 2, None], "item": ["a", "a", "b", "b"],
        ...                       "time": [1e9, 1e9, 1.1e9, 1.2e9]})
        >>> log = Interactions.of(table)
        >>> page = describe(log)
        >>> page.rows, page.users, page.missing["user"], page.duplicates, page.ties
        (4, 2, 1, 1, 1.0)
        >>> page.doubts[0]
        'Half of the users have at most 1.5 events: there is little of a sequence to learn from.'
    """
    return describe_table(log, log.collect())[0]


def describe_table(log: Interactions, table: pl.DataFrame) -> tuple[Description, tuple[Doubt, ...]]:
    """The same for rows that are in memory already, with what is behind each doubt.

    Args:
        log: where the rows came from.
        table: all rows of the log.

    Returns:
        The numbers with the sentences of the doubts, and the doubts themselves in the same order.
    """
    whole = table.drop_nulls([USER, ITEM])
    counts = table[USER].drop_nulls().value_counts()["count"]
    users, items = len(counts), table[ITEM].drop_nulls().n_unique()
    pairs = count_distinct(whole.select(USER, ITEM))
    timed = log.clock is Clock.TIME and table[TIME].null_count() < table.height
    found = Description(
        source=log.source,
        notes=log.notes,
        roles=dict(log.roles),
        reasons=_reasons(log),
        rows=table.height,
        users=users,
        items=items,
        span=_span(table[TIME]) if timed else None,
        missing={role: table[role].null_count() for role in ROLES if role in table.columns},
        duplicates=table.height - count_distinct(table.drop(ROW)),
        repeats=1 - pairs / whole.height if whole.height else 0.0,
        ties=_ties(whole, log.ordering),
        tick=_tick(table[TIME]) if timed else None,
        lengths=_lengths(counts),
        non_positive={
            role: int((table[role] <= 0).sum()) for role in (QUANTITY, PRICE) if role in table
        },
        odd_times=_odd_times(table[TIME]) if timed else None,
        density=pairs / (users * items) if users and items else 0.0,
    )
    doubts = doubts_of(found, table)
    return dataclasses.replace(found, doubts=tuple(each.text for each in doubts)), doubts


def _reasons(log: Interactions) -> dict[str, str]:
    """The reason of each proposed role, from the notes that `RoleProposal.note` wrote."""
    reasons = {}
    for role, column in log.roles.items():
        opening = f"{role} = {column!r} "
        for note in log.notes:
            if note.startswith(opening):
                reasons[role] = note.removeprefix(opening)
    return reasons


def _iso(seconds: float) -> str:
    """A moment in UTC, to the second; seconds where no calendar reaches."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return f"{seconds:.0f} seconds since 1970"


def _span(times: pl.Series) -> tuple[str, str]:
    """The first and the last time."""
    low, high = times.to_frame("t").select(low=pl.col("t").min(), high=pl.col("t").max()).row(0)
    return _iso(low), _iso(high)


def _ties(whole: pl.DataFrame, ordering: str) -> float:
    """Share of consecutive events of one user that share their time.

    Sorted by time, a user's n events have n - 1 neighbours, and as many ties as n exceeds the
    number of different times; so there is nothing to sort.
    """
    placed = whole.select(USER, ordering).drop_nulls()
    neighbours = placed.height - placed[USER].n_unique()
    return (placed.height - count_distinct(placed)) / neighbours if neighbours else 0.0


def _tick(times: pl.Series) -> int | None:
    """The largest of a day, an hour, a minute and a second that all times are multiples of."""
    for tick in (_DAY, 3_600, 60, 1):
        if all((part % tick == 0).all() for part in (times.head(_FIRST), times)):
            return tick
    return None


def _lengths(counts: pl.Series) -> Lengths | None:
    """Number of events of each user, summed up."""
    if counts.is_empty():
        return None
    values = counts.to_numpy()
    return Lengths(
        min=int(values.min()),
        median=float(np.median(values)),
        mean=float(values.mean()),
        p90=float(np.quantile(values, 0.9)),
        max=int(values.max()),
        # frexp gives the number of binary digits: 1 for 1, 2 for 2 and 3, 3 for 4 to 7, ...
        doublings=tuple(np.bincount(np.frexp(values)[1] - 1).tolist()),
    )


def _odd_times(times: pl.Series) -> OddTimes:
    """Rows in the future or before 1990, and the one day on which most of them lie."""
    now = datetime.now(UTC).timestamp()
    odd = times.filter((times < ANCIENT) | (times > now))
    future = int((odd > now).sum())
    day, rows = None, 0
    if len(odd) >= _PLACEHOLDER_ROWS:
        days = (odd / _DAY).floor().rename("day").value_counts(sort=True)
        rows = int(days["count"][0])
        if rows >= _PLACEHOLDER_ROWS and rows * 2 > len(odd):
            day = _iso(days["day"][0] * _DAY)[:10]
    return OddTimes(future, len(odd) - future, day, rows if day else 0)
