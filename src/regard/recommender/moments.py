"""When an answer is asked for: a moment as people write it, and the moments of requests.

A network that looks at the moment of the request answers another list tonight than next month::

    events     Mon 10:00   Mon 10:05                       newest
    request                            ^ right after it, unless a moment is given: at=
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Final, TypeAlias

import numpy as np
import polars as pl

from regard.data.queries import Queries
from regard.data.sequences import Sequences
from regard.data.timeforms import formats_of, parse
from regard.errors import ConfigurationError, NeedsClockError
from regard.shapes import Offsets, Seconds

Moment: TypeAlias = datetime | date | str | float
"""A date, text such as `"2026-01-31 12:00"`, `"now"`, or seconds; UTC where there is no zone."""
_FORMAT: Final = "%Y-%m-%d %H:%M"


def seconds_of(moment: Moment, what: str = "at") -> float:
    """UTC seconds of a moment.

    Args:
        moment: as people write it.
        what: the option's name, for the message.

    Raises:
        ConfigurationError: it is no moment, or day and month could change places.

    Example:
        >>> seconds_of("1970-01-02 00:01"), seconds_of(date(1970, 1, 2)), seconds_of(60)
        (86460.0, 86400.0, 60.0)
    """
    if isinstance(moment, datetime):
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if isinstance(moment, date):
        return datetime(moment.year, moment.month, moment.day, tzinfo=UTC).timestamp()
    if isinstance(moment, str):
        if moment.strip() == "now":
            return time.time()
        formats = formats_of(moment.strip())
        read = parse(pl.Series([moment.strip()]), formats[0])[0] if len(formats) == 1 else None
        if read is not None:
            return seconds_of(read)
    elif not isinstance(moment, bool) and np.isfinite(moment):
        return float(moment)
    raise ConfigurationError(
        f"{what}={moment!r} is no moment that can be read in one way; write it as "
        "'2026-01-31 12:00' (UTC unless a zone follows), or 'now'."
    )


def told(seconds: float) -> str:
    """A moment for people; its seconds where no calendar has such a day.

    Example:
        >>> told(86_460.0)
        '1970-01-02 00:01 UTC'
    """
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):{_FORMAT}} UTC"
    except (OverflowError, ValueError, OSError):
        return f"{seconds:g} s"


def newest_moments(events: Sequences, users: Offsets) -> Seconds | None:
    """When each user was last seen, whatever the item.

    Args:
        events: of all users, at least one each.
        users: `(Q,)` int64 indices.

    Returns:
        `(Q,)` float64 UTC seconds, or None without a clock.
    """
    return None if events.times is None else events.times[events.offsets[users + 1] - 1]


def asked_at(queries: Queries, at: Moment) -> Queries:
    """The same questions, asked at a moment.

    Args:
        queries: requests, each as of its newest event.
        at: the moment.

    Raises:
        ConfigurationError: it is no moment, or lies before the newest event of a history.
        NeedsClockError: the histories carry only an order.

    Example:
        >>> table = pl.DataFrame({"user": [7], "item": [2], "row": [0], "time": [60.0]})
        >>> asked = Queries.requests(Sequences.of(table), np.array([0]))
        >>> asked_at(asked, 90.0).times
        array([90.])
    """
    moment = seconds_of(at)
    if queries.times is None or queries.sequences.times is None:
        raise NeedsClockError(
            f"at={at!r} is a moment, and the history carries only an order, from which no time "
            "can be counted. Leave the moment out, or bring times."
        )
    late = np.flatnonzero(queries.times > moment)
    if len(late):
        whose = queries.sequences.users[int(queries.users[late[0]])]
        newest = told(float(queries.times[late[0]]))
        raise ConfigurationError(
            f"at={at!r} lies before the newest event of {len(late):,} of {len(queries):,} "
            f"histories (of {whose!r}: {newest}), which would then know the future. Give a later "
            "moment, or a history that ends before it."
        )
    return replace(queries, times=np.full(len(queries), moment))


def times_of(times: Sequence[Moment], events: int) -> Seconds:
    """The times of a history that somebody typed.

    Args:
        times: one for each event, oldest first.
        events: how many there are.

    Returns:
        `(events,)` float64 UTC seconds.

    Raises:
        ConfigurationError: they are more, fewer, no moments, or run backwards.

    Example:
        >>> times_of(["1970-01-01 00:00", "1970-01-01 00:01"], 2).tolist()
        [0.0, 60.0]
    """
    if isinstance(times, str) or len(times) != events:
        raise ConfigurationError(
            f"times must be a list with a moment for each of the {events} events; "
            f"received {times!r}."
        )
    seconds = np.array([seconds_of(each, "times") for each in times], np.float64)
    if (np.diff(seconds) < 0).any():
        event = int(np.flatnonzero(np.diff(seconds) < 0)[0]) + 1
        raise ConfigurationError(
            f"times run backwards at {times[event]!r}; give histories oldest event first."
        )
    return seconds
