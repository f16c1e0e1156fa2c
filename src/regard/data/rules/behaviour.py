"""What users do, in one number each: the measures by which robots are known."""

from typing import Final

import narwhals as nw

from regard.data.engines import groups
from regard.data.rules.contract import FARTHEST, REMOVED_BY, SCRATCH, Frame
from regard.schema import ITEM, ROW, TIME, USER

WHAT: Final = "_what"
"""What entropies are counted over: an hour of the day, a gap, an item."""
NIGHT: Final = 6
"""Hours of a night."""

_ROWS, _SLOT = "_rows", "_slot"
_DAY: Final = 24


def usable(frame: Frame) -> Frame:
    """The rows that are still there and say who, what and when.

    Args:
        frame: a log on its way through the rules.
    """
    named = ~(nw.col(USER).is_null() | nw.col(ITEM).is_null())
    timed = nw.col(TIME).cast(nw.Float64).abs() < FARTHEST
    return frame.filter((nw.col(REMOVED_BY) == 0) & named & timed).select(USER, ITEM, TIME, ROW)


def busiest(rows: Frame, seconds: float) -> Frame:
    """The number of rows in the busiest slot of the clock of each user, in `SCRATCH`.

    Args:
        rows: with user and time.
        seconds: the length of a slot.
    """
    slots = rows.select(USER, (nw.col(TIME).cast(nw.Float64) / seconds).floor().alias(_SLOT))
    counts = slots.group_by(USER, _SLOT).agg(nw.len().alias(SCRATCH))
    return counts.group_by(USER).agg(nw.col(SCRATCH).max())


def nightly(rows: Frame, start: int) -> Frame:
    """The share of each user's rows in six hours of the day, in `SCRATCH`.

    Args:
        rows: with user and time.
        start: the hour (UTC) at which those begin.
    """
    since = nw.col(WHAT) - start
    since = since - _DAY * (since / _DAY).floor()
    told = nw.when(since < NIGHT).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
    flags = hours(rows).select(USER, told.alias(SCRATCH))
    return flags.group_by(USER).agg(nw.col(SCRATCH).mean())


def hours(rows: Frame) -> Frame:
    """The hour of the day (UTC) of each row, in `WHAT`."""
    hour = (nw.col(TIME).cast(nw.Float64) / 3_600).floor()
    return rows.select(USER, (hour - _DAY * (hour / _DAY).floor()).alias(WHAT))


def gaps(rows: Frame) -> Frame:
    """The whole seconds since the same user's row before, in `WHAT`."""
    order, window = (USER, TIME, ROW), groups(rows, USER)
    time = nw.col(TIME).cast(nw.Float64)
    same = nw.col(USER) == nw.col(USER).shift(1).over(*window, order_by=order)
    gap = (time - nw.col(TIME).shift(1).over(*window, order_by=order).cast(nw.Float64)).floor()
    told = rows.with_columns(nw.when(same).then(gap).alias(WHAT))
    return told.filter(~nw.col(WHAT).is_null()).select(USER, WHAT)


def items(rows: Frame) -> Frame:
    """The item of each row, in `WHAT`."""
    return rows.select(USER, nw.col(ITEM).alias(WHAT))


def entropies(things: Frame, least: int) -> Frame:
    """Bits of each user who has enough things, in `SCRATCH`.

    Source: C. E. Shannon, "A mathematical theory of communication", Bell System Technical Journal
    27 (1948).

    Args:
        things: with user and `WHAT`.
        least: how many things are enough.
    """
    counts = things.group_by(USER, WHAT).agg(nw.len().alias(_ROWS))
    count = nw.col(_ROWS).cast(nw.Float64)
    counts = counts.with_columns((count * count.log(2.0)).alias(SCRATCH))
    sums = counts.group_by(USER).agg(nw.col(_ROWS).sum(), nw.col(SCRATCH).sum())
    sums = sums.filter(nw.col(_ROWS) >= least)
    total = nw.col(_ROWS).cast(nw.Float64)
    return sums.select(USER, (total.log(2.0) - nw.col(SCRATCH) / total).alias(SCRATCH))
