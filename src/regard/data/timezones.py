"""Local times to UTC, and what becomes of those that a clock change repeats or skips."""

from datetime import datetime
from difflib import get_close_matches
from typing import Final
from zoneinfo import available_timezones

import polars as pl

from regard.errors import ConfigurationError

_PER_SECOND: Final = {"ms": 1e3, "us": 1e6, "ns": 1e9}


def require_timezone(timezone: str) -> None:
    """Refuse a time zone that is not known.

    Args:
        timezone: an IANA name such as `"Europe/Berlin"`.

    Raises:
        ConfigurationError: there is no such zone; the message names the nearest one.

    Example:
        >>> require_timezone("Europe/Berln")
        Traceback (most recent call last):
        regard.errors.ConfigurationError: timezone is 'Europe/Berln', which is unknown; did you mean
        'Europe/Berlin'?
    """
    try:
        pl.Series([datetime(2000, 1, 1)]).dt.replace_time_zone(timezone)
    except pl.exceptions.PolarsError as unknown:
        near = get_close_matches(timezone, available_timezones(), 1)
        hint = f"did you mean {near[0]!r}?" if near else "give an IANA name."
        raise ConfigurationError(f"timezone is {timezone!r}, which is unknown; {hint}") from unknown


def utc_seconds(
    moments: pl.Series, *, name: str, timezone: str
) -> tuple[pl.Series, tuple[str, ...]]:
    """Seconds in UTC of datetimes; naive ones are local times of a zone.

    A local time that a clock change repeats is its first occurrence; one that a clock change
    skips moves forward by the length of the gap.

    Args:
        moments: Datetime of any unit, with or without a zone.
        name: the column's name, for the notes.
        timezone: a known IANA name, used where `moments` has no zone.

    Returns:
        Float64 seconds since 1970-01-01 UTC, and notes that count what a clock change touched.

    Example:
        >>> from datetime import datetime
        >>> import polars as pl
        >>> naive = pl.Series([datetime(2021, 3, 28, 2, 30)])
        >>> seconds, notes = utc_seconds(naive, name="ts", timezone="Europe/Berlin")
        >>> pl.from_epoch(seconds.cast(pl.Int64)).to_list()
        [datetime.datetime(2021, 3, 28, 1, 30)]
        >>> notes[1]
        "1 times of column 'ts' were skipped by a clock change in Europe/Berlin; they are moved..."
    """
    notes: list[str] = []
    if moments.dtype == pl.Datetime(moments.dtype.time_unit):  # type: ignore[attr-defined] # only Datetime gets here
        notes.append(f"Times without a zone in column {name!r} are read as {timezone}.")
        moments, changes = _to_utc(moments, name, timezone)
        notes += changes
    scale = _PER_SECOND[moments.dtype.time_unit]  # type: ignore[attr-defined] # as above
    return moments.to_physical().cast(pl.Float64) / scale, tuple(notes)


def _to_utc(moments: pl.Series, name: str, timezone: str) -> tuple[pl.Series, list[str]]:
    """Local datetimes in UTC, and a note where a clock change repeated or skipped some."""
    if timezone == "UTC":
        return moments.dt.replace_time_zone("UTC"), []
    first = _zoned(moments, timezone, "earliest")
    repeated = int((first != _zoned(moments, timezone, "latest")).sum())
    skipped = first.is_null() & moments.is_not_null()
    notes = []
    if repeated:
        notes.append(
            f"{repeated:,} times of column {name!r} happened twice at a clock change in "
            f"{timezone}; the first of the two is taken."
        )
    if skipped.any():
        # The day before has the offset from before the gap, which is what moves a time forward.
        day = pl.duration(hours=25)
        shifted = moments.to_frame("m").select(pl.col("m") - day)["m"]
        moved = _zoned(shifted, timezone, "earliest").to_frame("m").select(pl.col("m") + day)
        first = moved["m"].zip_with(skipped, first)
        notes.append(
            f"{int(skipped.sum()):,} times of column {name!r} were skipped by a clock change "
            f"in {timezone}; they are moved forward by the length of the gap."
        )
    return first, notes


def _zoned(moments: pl.Series, timezone: str, which: str) -> pl.Series:
    """Local datetimes in UTC; null where the local time does not exist."""
    zoned = moments.to_frame("m").select(
        pl.col("m")
        .dt.replace_time_zone(timezone, ambiguous=pl.lit(which), non_existent="null")
        .dt.convert_time_zone("UTC")
    )
    return zoned["m"]
