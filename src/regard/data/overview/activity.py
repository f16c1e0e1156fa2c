"""When things happen: a calendar, the hours of the week, and the longest silence."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from regard.data.overview.days import SECONDS
from regard.schema import TIME
from regard.shapes import Offsets

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MOST_COLUMNS: Final = 106
"""Two years of weeks."""
_HOURS: Final = 7 * 24
_THURSDAY: Final = 3
"""The weekday of 1970-01-01."""


@dataclass(frozen=True)
class Activity:
    """When the events of a log happened, in UTC.

    Attributes:
        first: first day (ISO).
        last: last day (ISO).
        days: days from the first to the last, both included.
        active_days: days with an event.
        busiest: the day with most events, and how many they are.
        silence: first and last day and length of the longest run of days without any event, or
            None where every day has one.
        column: what one column of the calendar stands for: `"week"`, `"month"`, `"year"` or a
            number of years, the first of these of which 106 are enough.
        columns: first day (ISO) of each column.
        calendar: 7 rows, Monday first: events on that weekday within each column.
        hours: 7 rows of 24: events by weekday and hour, or None where all times are whole days.
        events: events that the calendar holds.
        left_out: rows that it does not hold: without a time, before 1990 or in the future.
    """

    first: str
    last: str
    days: int
    active_days: int
    busiest: tuple[str, int]
    silence: tuple[str, str, int] | None
    column: str
    columns: tuple[str, ...]
    calendar: tuple[tuple[int, ...], ...]
    hours: tuple[tuple[int, ...], ...] | None
    events: int
    left_out: int


def activity_of(rows: pl.DataFrame, left_out: int) -> Activity | None:
    """Count events by day, weekday and hour.

    Args:
        rows: with the column `day` of `dated`.
        left_out: rows of the log that are not among them.

    Returns:
        The counts, or None without any row.

    Example:
        >>> from regard.data.interactions import Interactions
        >>> from regard.data.overview.days import dated
        >>> frame = pl.DataFrame({"user": [1, 1, 2], "item": ["a", "b", "a"],
        ...                       "time": [1.7e9, 1.7e9 + 60, 1.7e9 + 3 * 86_400]})
        >>> log = Interactions.of(frame)
        >>> found = activity_of(dated(log, log.collect()), 0)
        >>> found.first, found.last, found.active_days, found.silence
        ('2023-11-14', '2023-11-17', 2, ('2023-11-15', '2023-11-16', 2))
        >>> found.column, found.columns, found.calendar[1], found.hours[1][22]
        ('week', ('2023-11-13',), (2,), 2)
    """
    if rows.is_empty():
        return None
    daily = rows.group_by("day").len("events").sort("day")
    column, starts, places = _columns(daily["day"])
    calendar = _grid(daily["day"].dt.weekday().to_numpy() - 1, places, daily["events"], len(starts))
    first, last = daily["day"][0], daily["day"][-1]
    busiest = daily.sort("events", "day", descending=[True, False]).row(0)
    return Activity(
        first=first.isoformat(),
        last=last.isoformat(),
        days=(last - first).days + 1,
        active_days=daily.height,
        busiest=(busiest[0].isoformat(), busiest[1]),
        silence=_silence(daily["day"]),
        column=column,
        columns=tuple(starts.dt.to_string("%Y-%m-%d").to_list()),
        calendar=calendar,
        hours=_hours(rows[TIME]),
        events=rows.height,
        left_out=left_out,
    )


def _columns(days: pl.Series) -> tuple[str, pl.Series, Offsets]:
    """What a column stands for, the first day of each, and the column of each day."""
    years = int(days.dt.year().to_numpy()[-1]) - int(days.dt.year().to_numpy()[0]) + 1
    many = -(-years // (_MOST_COLUMNS - 1))
    widths = (("week", "1w"), ("month", "1mo"), ("year", "1y"), (f"{many} years", f"{many}y"))
    column, every = next(each for each in widths if len(_starts(days, each[1])) <= _MOST_COLUMNS)
    starts = _starts(days, every)
    places = starts.search_sorted(days.dt.truncate(every))
    return column, starts, np.asarray(places, dtype=np.int64)


def _starts(days: pl.Series, every: str) -> pl.Series:
    """The first day of each column that ascending days need."""
    ends = days.gather([0, len(days) - 1]).dt.truncate(every)
    return pl.date_range(ends[0], ends[1], every, eager=True)


def _grid(
    weekdays: Offsets, places: Offsets, events: pl.Series, columns: int
) -> tuple[tuple[int, ...], ...]:
    """Events of each weekday in each column."""
    cells = np.zeros((7, columns), np.int64)
    np.add.at(cells, (weekdays, places), events.to_numpy())
    return tuple(map(tuple, cells.tolist()))


def _hours(times: pl.Series) -> tuple[tuple[int, ...], ...] | None:
    """Events of each hour of the week, or None where all times are whole days."""
    seconds = times.to_numpy()
    if not (seconds % SECONDS).any():
        return None
    hour = (np.floor(seconds / 3_600).astype(np.int64) + 24 * _THURSDAY) % _HOURS
    return tuple(map(tuple, np.bincount(hour, minlength=_HOURS).reshape(7, 24).tolist()))


def _silence(days: pl.Series) -> tuple[str, str, int] | None:
    """The longest run of days without an event; of several, the first."""
    pauses = days.cast(pl.Int32).diff().drop_nulls()
    longest = int(pauses.to_numpy().max(initial=1)) - 1
    if not longest:
        return None
    before = int(np.argmax(pauses.to_numpy()))
    inside = pl.Series([int(days.cast(pl.Int32)[before]) + shift for shift in (1, longest)])
    first, last = inside.cast(pl.Int32).cast(pl.Date).dt.to_string("%Y-%m-%d").to_list()
    return first, last, longest
