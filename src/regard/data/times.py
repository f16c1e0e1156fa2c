"""From whatever a column calls a time to Float64 seconds since 1970-01-01 UTC."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from regard.data.numerals import whole_numbers
from regard.data.timeforms import formats_of, likely_formats, parse
from regard.data.timezones import require_timezone, utc_seconds
from regard.errors import ConfigurationError, TimeError

UNITS: Final = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
"""Units of a number that counts from 1970-01-01 UTC, and how many of each make a second."""

_UNIT_WORDS: Final = {
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
}
_PLAUSIBLE: Final = (315_532_800.0, 4_102_444_800.0)  # 1980 and 2100, in seconds
_SAMPLE: Final = 200


@dataclass(frozen=True)
class Times:
    """A column of times as later code needs it.

    Attributes:
        seconds: `time`, Float64 seconds since 1970-01-01 UTC, null where the source has none.
        notes: how the column was understood, one sentence each.
    """

    seconds: pl.Series
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Reading:
    """What the caller said about the column, and its name for messages."""

    name: str
    time_format: str | None
    time_unit: str | None
    timezone: str


def parse_times(
    column: pl.Series,
    *,
    time_format: str | None = None,
    time_unit: str | None = None,
    timezone: str = "UTC",
) -> Times:
    """Understand a column of times, or say why it cannot be understood.

    Numbers count from 1970-01-01 UTC in a unit that their size tells; whole numbers such as
    20111209 are dates. Text must have one format throughout. Times without a zone are local times
    of `timezone`: one that a clock change repeats is its first occurrence, one that a clock change
    skips moves forward by the length of the gap; both are counted in a note.

    Args:
        column: numbers, dates, datetimes or text; its name is used in messages.
        time_format: a `strptime` format, for text (or numbers written like dates).
        time_unit: `"s"`, `"ms"`, `"us"` or `"ns"`, for numbers.
        timezone: an IANA name such as `"Europe/Berlin"`.

    Returns:
        Seconds in UTC, and notes.

    Raises:
        TimeError: values that are not times, more than one format or unit, or a day and a month
            that could change places.
        ConfigurationError: an option that makes no sense for this column.

    Example:
        >>> import polars as pl
        >>> times = parse_times(pl.Series("when", ["1970-01-02", " ", "1970-01-01 "]))
        >>> times.seconds.to_list()
        [86400.0, None, 0.0]
        >>> parse_times(pl.Series("ts", [1_700_000_000_000])).notes
        ("Column 'ts' counts milliseconds since 1970-01-01 UTC, as the size of its numbers tells.",)
    """
    asked = _Reading(column.name, time_format, time_unit, timezone)
    _check_options(asked, column.dtype)
    dtype = column.dtype
    if dtype == pl.Datetime or dtype == pl.Date:
        moments = column.cast(pl.Datetime("us")) if dtype == pl.Date else column
        seconds, notes = utc_seconds(moments, name=column.name, timezone=timezone)
    elif dtype == pl.String:
        seconds, notes = _from_text(column, asked)
    elif dtype.is_numeric():
        seconds, notes = _from_numbers(column, asked)
    elif dtype == pl.Null:
        seconds, notes = column.cast(pl.Float64), ()
    else:
        raise TimeError(
            f"Column {column.name!r} holds {dtype}, which is not a moment in time; name a column "
            'of datetimes, text or numbers with time=, or say order="file".'
        )
    return Times(seconds.rename("time"), notes)


def time_likeness(column: pl.Series) -> float:
    """How much of a column's values could be times, judged by a sample.

    Args:
        column: any column.

    Returns:
        Share from 0 to 1 of the present values that look like times.

    Example:
        >>> import polars as pl
        >>> time_likeness(pl.Series(["2011-12-09", "tea"]))
        0.5
        >>> time_likeness(pl.Series([3, 4, 5]))
        0.0
    """
    values = column.drop_nulls().head(_SAMPLE)
    if column.dtype == pl.Datetime or column.dtype == pl.Date:
        return 1.0
    if column.dtype == pl.String:
        texts = [text for text in values.str.strip_chars().to_list() if text]
        return sum(bool(formats_of(text)) for text in texts) / max(len(texts), 1)
    if not column.dtype.is_numeric() or values.is_empty():
        return 0.0
    if column.dtype.is_integer() and _compact_format(values):
        return 1.0
    numbers = values.cast(pl.Float64)
    return max(_share(_in_window(numbers, unit)) for unit in UNITS)


def _check_options(asked: _Reading, dtype: pl.DataType) -> None:
    """Refuse options that contradict each other or the column."""
    if asked.time_format is not None and asked.time_unit is not None:
        raise ConfigurationError(
            "Give time_format= (for text) or time_unit= (for numbers), not both."
        )
    if asked.time_unit is not None and asked.time_unit not in UNITS:
        raise ConfigurationError(
            f"time_unit is {asked.time_unit!r}; it must be one of {', '.join(UNITS)}."
        )
    option = "time_format" if asked.time_format is not None else "time_unit"
    given = asked.time_format is not None or asked.time_unit is not None
    if given and (dtype == pl.Datetime or dtype == pl.Date):
        raise ConfigurationError(
            f"Column {asked.name!r} already holds {dtype}; leave {option}= out, it has no meaning."
        )
    require_timezone(asked.timezone)


# --- numbers -----------------------------------------------------------------------------------


def _from_numbers(column: pl.Series, asked: _Reading) -> tuple[pl.Series, tuple[str, ...]]:
    """Numbers that count from 1970, or that spell a date."""
    numbers = column.cast(pl.Float64).fill_nan(None)
    if numbers.is_infinite().any():
        raise _not_times(column, numbers.is_infinite(), "Remove them, or name another column.")
    if asked.time_format is not None:
        return _by_format(column.cast(pl.Int64).cast(pl.String), asked.time_format, asked)
    if asked.time_unit is None and (compact := _compact_format(column)):
        return _by_format(column.cast(pl.Int64).cast(pl.String), compact, asked)
    if numbers.null_count() == len(numbers):
        return numbers, ()
    if asked.time_unit is not None:
        unit, how = asked.time_unit, "as you said"
    else:
        unit, how = _unit_by_size(numbers, asked), "as the size of its numbers tells"
    words = _UNIT_WORDS[unit]
    note = f"Column {asked.name!r} counts {words} since 1970-01-01 UTC, {how}."
    return numbers / UNITS[unit], (note,)


def _compact_format(column: pl.Series) -> str | None:
    """The format of whole numbers that spell dates such as 20111209, or None."""
    if column.dtype.is_float():
        return None
    present = column.drop_nulls()
    if present.is_empty():
        return None
    low, high = (
        int(edge)
        for edge in present.to_frame().select(low=pl.first().min(), high=pl.first().max()).row(0)
    )
    for time_format, digits in (("%Y%m%d", 8), ("%Y%m%d%H%M%S", 14)):
        first, last = 19000101 * 10 ** (digits - 8), 21010101 * 10 ** (digits - 8)
        if first <= low <= high < last:
            read = parse(present.cast(pl.String), time_format)
            return time_format if read.null_count() == 0 else None
    return None


def _in_window(numbers: pl.Series, unit: str) -> pl.Series:
    """Which numbers fall between 1980 and 2100 if they count this unit."""
    low, high = (edge * UNITS[unit] for edge in _PLAUSIBLE)
    return numbers.is_between(low, high)


def _share(mask: pl.Series) -> float:
    """Share of True among the values that are not null."""
    return float(mask.sum()) / max(len(mask) - mask.null_count(), 1)


def other_units(seconds: pl.Series, unit: str) -> int | None:
    """Find a time that counts another unit than the one by which it was read.

    Args:
        seconds: read as counting `unit`.
        unit: `"s"`, `"ms"`, `"us"` or `"ns"`.

    Returns:
        Position of the first value that another unit would bring between 1980 and 2100, if any.

    Example:
        >>> import polars as pl
        >>> other_units(pl.Series([1.7e9, 1.7e12, None]), "s")
        1
    """
    counted = seconds * UNITS[unit]
    others = [_in_window(counted, other) for other in UNITS if other != unit]
    strange = others[0] | others[1] | others[2]
    return int(strange.arg_true()[0]) if strange.any() else None


def _unit_by_size(numbers: pl.Series, asked: _Reading) -> str:
    """The one unit under which the numbers lie between 1980 and 2100."""
    counts = {unit: int(_in_window(numbers, unit).sum()) for unit in UNITS}
    fitting = [unit for unit, count in counts.items() if count]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        rows = {unit: int(_in_window(numbers, unit).arg_true()[0]) for unit in fitting}
        listed = ", ".join(
            f"row {row}: {numbers[row]:.0f} ({_UNIT_WORDS[unit]})" for unit, row in rows.items()
        )
        raise TimeError(
            f"Column {asked.name!r} mixes units of time ({listed}). Bring them to one unit first, "
            "or force one with time_unit=."
        )
    values = numbers.drop_nulls().to_numpy()
    raise TimeError(
        f"Column {asked.name!r} holds numbers from {values.min():g} to {values.max():g}, which "
        "count no unit from 1970 to a date between 1980 and 2100. If they are times, give "
        f"time_unit= ('s', 'ms', 'us', 'ns'); if they are only an order, give order={asked.name!r}."
    )


# --- text --------------------------------------------------------------------------------------


def _from_text(column: pl.Series, asked: _Reading) -> tuple[pl.Series, tuple[str, ...]]:
    """Text of one format; blank text is missing."""
    if asked.time_format is None and (whole := whole_numbers(column)) is not None:
        return _from_numbers(whole, asked)
    texts = column.str.strip_chars()
    texts = texts.set(texts == "", None)
    if asked.time_format is not None:
        return _by_format(texts, asked.time_format, asked)
    if texts.null_count() == len(texts):
        return texts.cast(pl.Float64), ()
    numbers = texts.cast(pl.Float64, strict=False)
    if asked.time_unit is not None or numbers.null_count() == texts.null_count():
        wrong = numbers.is_null() & texts.is_not_null()
        if wrong.any():
            raise _not_times(texts, wrong, "Leave time_unit= out, or mend the values.")
        whole = texts.cast(pl.Int64, strict=False)
        exact = whole.null_count() == texts.null_count()
        return _from_numbers((whole if exact else numbers).rename(asked.name), asked)
    return _by_format(texts, _choose_format(texts, asked), asked)


def _choose_format(texts: pl.Series, asked: _Reading) -> str:
    """The one format that reads the whole column, or an error where none or two do."""
    formats = likely_formats(texts.drop_nulls().head(_SAMPLE).to_list())
    if not formats:
        strange = texts.is_not_null() & texts.cast(pl.Float64, strict=False).is_null()
        if strange.sum() * 2 < len(texts) - texts.null_count():  # a few among numbers
            raise _not_times(texts, strange, "Mend the values, or name another column.")
        raise _not_times(texts, _shapeless(texts), "Give time_format=, or name another column.")
    readings = {each: parse(texts, each) for each in formats}
    best = min(readings, key=lambda each: readings[each].null_count())
    fitting = [each for each in readings if readings[each].null_count() == texts.null_count()]
    if len(fitting) > 1:
        _refuse_ambiguous(texts, {each: readings[each] for each in fitting}, asked)
    return best


def _shapeless(texts: pl.Series) -> pl.Series:
    """Which texts have the shape of no time."""
    return pl.Series([text is not None and not formats_of(text) for text in texts.to_list()])


def _refuse_ambiguous(texts: pl.Series, readings: dict[str, pl.Series], asked: _Reading) -> None:
    """Refuse a column that two formats read differently, with three rows that show it."""
    first, *others = readings.values()
    differs = pl.Series([False]).new_from_index(0, len(texts))
    for other in others:
        differs = differs | (first != other).fill_null(False)
    rows = differs.arg_true().head(3).to_list()
    if not rows:
        return
    shown = ", ".join(f"row {row}: {texts[row]!r}" for row in rows)
    choices = " or ".join(f"time_format={each!r}" for each in readings)
    raise TimeError(
        f"Column {asked.name!r} can be read with the day or the month first ({shown}), and no "
        f"value decides. Say which: {choices}."
    )


def _by_format(
    texts: pl.Series, time_format: str, asked: _Reading
) -> tuple[pl.Series, tuple[str, ...]]:
    """Read text by one format; every present value must fit it."""
    try:
        read = parse(texts, time_format)
    except pl.exceptions.PolarsError as senseless:
        reason = str(senseless).splitlines()[0].rstrip(".")
        raise ConfigurationError(f"time_format is {time_format!r}: {reason}.") from senseless
    wrong = read.is_null() & texts.is_not_null()
    if wrong.any():
        _refuse_mixed(texts, read, time_format, asked)
        other = "another " if asked.time_format else ""
        raise _not_times(texts, wrong, f"Give {other}time_format=, or mend the values.")
    seconds, notes = utc_seconds(read, name=asked.name, timezone=asked.timezone)
    how = "as you said" if time_format == asked.time_format else "which fits every value"
    return seconds, (f"Column {asked.name!r} is read as {time_format!r}, {how}.", *notes)


def _refuse_mixed(texts: pl.Series, read: pl.Series, used: str, asked: _Reading) -> None:
    """Refuse a column whose misfits are times too, but written in another way."""
    misfits = (read.is_null() & texts.is_not_null()).arg_true().head(_SAMPLE).to_list()
    fits = read.is_not_null().arg_true().head(1).to_list()
    for row in misfits if fits else []:
        others = [each for each in formats_of(texts[row]) if each != used]
        if any(parse(texts[row : row + 1], each)[0] is not None for each in others):
            raise TimeError(
                f"Column {asked.name!r} mixes formats of time (row {fits[0]}: {texts[fits[0]]!r}, "
                f"row {row}: {texts[row]!r}). Write all of them in one format first."
            )


def _not_times(column: pl.Series, wrong: pl.Series, advice: str) -> TimeError:
    """The error for values that are not times: how many, and the first of them."""
    count, row = int(wrong.sum()), int(wrong.arg_true()[0])
    what = "value that is not a time" if count == 1 else "values that are not times"
    return TimeError(
        f"Column {column.name!r} has {count:,} {what} (first: row {row}, {column[row]!r}). {advice}"
    )
