"""Times of a Spark frame as Float64 seconds since 1970-01-01 UTC, read as `regard.data.times` does.

Spark reads text by patterns of Java. The `strptime` formats that Regard knows are put into those
patterns where the two mean the same; where they do not (years of two digits, names of weekdays)
the column is refused with what to do.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from regard.data.spark.columns import (
    NUMBER,
    WHOLE,
    Answer,
    Facts,
    Question,
    column,
    first_of,
    is_fractional,
    is_whole,
    stripped,
)
from regard.data.timeforms import likely_formats
from regard.data.times import UNITS
from regard.data.timezones import require_timezone
from regard.errors import ConfigurationError, TimeError

if TYPE_CHECKING:
    from pyspark.sql import Column
    from pyspark.sql.types import DataType

_PATTERNS: Final[Mapping[str, str]] = {
    "%Y": "yyyy", "%m": "M", "%d": "d", "%H": "H", "%M": "m", "%S": "s", "%I": "h", "%p": "a",
    "%B": "[MMMM][MMM]", "%b": "MMM", "%.f": "[.SSSSSSSSS]", "%f": "SSSSSSSSS",
    "%#z": "[ ][XXX][XX][X]", "%z": "[XXX][XX]", "%T": "H:m:s", "%F": "yyyy-M-d",
}  # fmt: skip
_COMPACT: Final = {"%Y%m%d": "yyyyMMdd", "%Y%m%d%H%M%S": "yyyyMMddHHmmss"}
_TOKEN: Final = re.compile(r"%[.#]?[A-Za-z]|[A-Za-z]+|.", re.DOTALL)
_PLAUSIBLE: Final = (315_532_800.0, 4_102_444_800.0)  # 1980 and 2100, in seconds
_SAMPLE: Final = 200


@dataclass(frozen=True)
class TimeForm:
    """What the caller said about times.

    Attributes:
        time_format: a `strptime` format, for text.
        time_unit: `"s"`, `"ms"`, `"us"` or `"ns"`, for numbers.
        timezone: IANA name of the zone of times that carry none.

    Raises:
        ConfigurationError: options that contradict each other or make no sense.
    """

    time_format: str | None = None
    time_unit: str | None = None
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        if self.time_format is not None and self.time_unit is not None:
            raise ConfigurationError(
                "Give time_format= (for text) or time_unit= (for numbers), not both."
            )
        if self.time_unit is not None and self.time_unit not in UNITS:
            raise ConfigurationError(
                f"time_unit is {self.time_unit!r}; it must be one of {', '.join(UNITS)}."
            )
        require_timezone(self.timezone)


def as_times(name: str, kind: "DataType", sample: pl.Series, form: TimeForm) -> Question:
    """How a column of times is read.

    Args:
        name: of the column.
        kind: its type.
        sample: some of its values.
        form: what the caller said.

    Returns:
        The question; its answer is a column of doubles.

    Raises:
        TimeError: the column cannot hold times, or not in a form that Spark reads alike.
        ConfigurationError: an option that makes no sense for this column.
    """
    from pyspark.sql import types as T

    if isinstance(kind, T.TimestampType | T.TimestampNTZType | T.DateType):
        if form.time_format is not None or form.time_unit is not None:
            option = "time_format" if form.time_format is not None else "time_unit"
            raise ConfigurationError(
                f"Column {name!r} already holds {kind.simpleString()}; leave {option}= out, it has "
                "no meaning."
            )
        return _moments(name, column(name), form, zoned=isinstance(kind, T.TimestampType))
    if is_whole(kind) or is_fractional(kind):
        return _numbers(name, column(name).cast("double"), form, whole=is_whole(kind))
    if isinstance(kind, T.StringType):
        return _texts(name, sample, form)
    raise TimeError(
        f"Column {name!r} holds {kind.simpleString()}, which is not a moment in time; name a "
        'column of timestamps, text or numbers with time=, or say order="file".'
    )


def pattern_of(time_format: str, name: str) -> str:
    """The pattern of Java that reads what a `strptime` format reads.

    Args:
        time_format: such as `%d/%m/%Y %H:%M`.
        name: the column, for the message.

    Returns:
        The pattern.

    Raises:
        TimeError: Java has no pattern that means the same.

    Example:
        >>> pattern_of("%d/%m/%Y %H:%M", "when"), pattern_of("%Y-%m-%dT%H:%M:%S%.f%#z", "when")
        ('d/M/yyyy H:m', "yyyy-M-d'T'H:m:s[.SSSSSSSSS][ ][XXX][XX][X]")
    """
    if time_format in _COMPACT:
        return _COMPACT[time_format]
    pattern = ""
    for token in _TOKEN.findall(time_format):
        if token.startswith("%") and token not in _PATTERNS:
            raise TimeError(
                f"Column {name!r} is written as {time_format!r}, which Spark does not read as "
                "other engines do. Turn it into a column of timestamps first (Spark's "
                "to_timestamp), or read the log without Spark."
            )
        pattern += f"'{token}'" if token.isalpha() else _PATTERNS.get(token, token)
    return pattern


def _moments(name: str, moment: "Column", form: TimeForm, *, zoned: bool) -> Question:
    """Timestamps; those without a zone are local times, of which a clock change repeats some."""
    from pyspark.sql import functions as F

    if zoned:
        return Question(lambda _: (_seconds(moment), ()))
    local = moment.cast("timestamp")
    utc, note = _to_utc(local, form), f"Times without a zone in column {name!r} are read as"
    hour = F.expr("interval 1 hour")
    back = F.from_utc_timestamp(utc, form.timezone)
    facts = {
        "skipped": F.count_if(back != local),
        "repeated": F.count_if(F.from_utc_timestamp(utc + hour, form.timezone) == local),
    }

    def answer(counted: Facts) -> Answer:
        zone, notes = form.timezone, [f"{note} {form.timezone}."]
        if counted.get("repeated"):
            notes.append(
                f"{counted['repeated']:,} times of column {name!r} happened twice at a clock "
                f"change in {zone}; the first of the two is taken."
            )
        if counted.get("skipped"):
            notes.append(
                f"{counted['skipped']:,} times of column {name!r} were skipped by a clock change "
                f"in {zone}; they are moved forward by the length of the gap."
            )
        return _seconds(utc), tuple(notes)

    return Question(answer, {} if form.timezone == "UTC" else facts)


def _to_utc(local: "Column", form: TimeForm) -> "Column":
    """Local times in UTC: Java takes the first of two, and moves what does not exist forward."""
    from pyspark.sql import functions as F

    return local if form.timezone == "UTC" else F.to_utc_timestamp(local, form.timezone)


def _seconds(moment: "Column") -> "Column":
    from pyspark.sql import functions as F

    return F.unix_micros(moment).cast("double") / F.lit(1e6)


def _numbers(name: str, number: "Column", form: TimeForm, *, whole: bool) -> Question:
    """Numbers that count from 1970, or that spell a date."""
    from pyspark.sql import functions as F

    number = F.nanvl(number, F.lit(None).cast("double"))
    spelled = F.when(F.abs(number) < 1e17, F.floor(number)).cast("string")
    low, high = _PLAUSIBLE
    facts: dict[str, Column] = {
        "present": F.count(number),
        "infinite": first_of(F.coalesce(F.abs(number) == float("inf"), F.lit(False)), name),
        "edges": F.struct(F.min(number).alias("low"), F.max(number).alias("high")),
    }
    for unit, scale in UNITS.items():
        facts[unit] = F.count_if(number.between(low * scale, high * scale))
    formats = [form.time_format] if form.time_format else list(_COMPACT) if whole else []
    for each in formats:
        facts[each] = F.count(F.try_to_timestamp(spelled, F.lit(pattern_of(each, name))))

    def answer(counted: Facts) -> Answer:
        if counted["infinite"]["count"]:
            raise _not_times(name, counted["infinite"], "Remove them, or name another column.")
        for each in formats if form.time_unit is None else []:
            if counted[each] == counted["present"] and _is_date(each, counted["edges"], form):
                read = F.try_to_timestamp(spelled, F.lit(pattern_of(each, name)))
                return _seconds(_to_utc(read, form)), (f"Column {name!r} is read as {each!r}.",)
        if not counted["present"]:
            return number, ()
        unit, how = _unit(name, counted, form)
        note = f"Column {name!r} counts {unit} since 1970-01-01 UTC, {how}."
        return number / F.lit(UNITS[unit]), (note,)

    return Question(answer, facts)


def _is_date(time_format: str, edges: Any, form: TimeForm) -> bool:
    """Whether whole numbers lie between 1900 and 2101 when they are read as dates."""
    if form.time_format is not None:
        return True
    scale = 10 ** (6 if "%H" in time_format else 0)
    return edges["low"] is not None and 19000101 * scale <= edges["low"] <= edges["high"] < (
        21010101 * scale
    )


def _unit(name: str, counted: Facts, form: TimeForm) -> tuple[str, str]:
    """The unit that was said, or the one under which numbers lie between 1980 and 2100."""
    if form.time_unit is not None:
        return form.time_unit, "as you said"
    fitting = [unit for unit in UNITS if counted[unit]]
    if len(fitting) == 1:
        return fitting[0], "as the size of its numbers tells"
    if fitting:
        raise TimeError(
            f"Column {name!r} mixes units of time ({' and '.join(fitting)}). Bring them to one "
            "unit first, or force one with time_unit=."
        )
    low, high = counted["edges"]["low"], counted["edges"]["high"]
    raise TimeError(
        f"Column {name!r} holds numbers from {low:g} to {high:g}, which count no unit from 1970 to "
        "a date between 1980 and 2100. If they are times, give time_unit= ('s', 'ms', 'us', 'ns'); "
        f"if they are only an order, give order={name!r}."
    )


def _texts(name: str, sample: pl.Series, form: TimeForm) -> Question:
    """Text of one format, or text that spells numbers; blank text is missing."""
    from pyspark.sql import functions as F

    text = stripped(name, words=True)
    values = [each.strip() for each in sample.drop_nulls().to_list() if each.strip()]
    formats = [form.time_format] if form.time_format else list(likely_formats(values[:_SAMPLE]))
    if not formats:
        return _spelled_numbers(name, text, form)
    reads = {each: F.try_to_timestamp(text, F.lit(pattern_of(each, name))) for each in formats}
    wrong = {each: text.isNotNull() & read.isNull() for each, read in reads.items()}
    facts = {each: first_of(wrong[each], name) for each in formats}
    for one, two in combinations(formats, 2):
        facts[f"{one} {two}"] = first_of(F.coalesce(reads[one] != reads[two], F.lit(False)), name)

    def answer(counted: Facts) -> Answer:
        fitting = [each for each in formats if not counted[each]["count"]]
        if not fitting:
            best = min(formats, key=lambda each: counted[each]["count"])
            raise _not_times(
                name, counted[best], f"Read as {best!r}; give time_format=, or mend it."
            )
        for one, two in combinations(fitting, 2):
            if counted[f"{one} {two}"]["count"]:
                first = counted[f"{one} {two}"]["first"]
                raise TimeError(
                    f"Column {name!r} can be read with the day or the month first (row "
                    f"{first['row']}: {first['value']!r}), and no value decides. Say which: "
                    f"time_format={one!r} or time_format={two!r}."
                )
        chosen = fitting[0]
        how = "as you said" if form.time_format else "which fits every value"
        zoned = "%z" in chosen or "%#z" in chosen or chosen.endswith(" UTC")
        read = reads[chosen] if zoned else _to_utc(reads[chosen], form)
        return _seconds(read), (f"Column {name!r} is read as {chosen!r}, {how}.",)

    return Question(answer, facts)


def _spelled_numbers(name: str, text: "Column", form: TimeForm) -> Question:
    """Text that spells numbers throughout."""
    from pyspark.sql import functions as F

    number = F.when(F.regexp_like(text, F.lit(NUMBER)), text).try_cast("double")
    wrong = text.isNotNull() & number.isNull()
    whole = ~F.regexp_like(text, F.lit(WHOLE))
    plain, dated = (_numbers(name, number, form, whole=each) for each in (False, True))
    facts = {**dated.facts, "wrong": first_of(wrong, name), "fractions": F.count_if(whole)}

    def answer(counted: Facts) -> Answer:
        if counted["wrong"]["count"]:
            advice = "Give time_format=, or name another column."
            raise _not_times(name, counted["wrong"], advice)
        return (plain if counted["fractions"] else dated).answer(counted)

    return Question(answer, facts)


def _not_times(name: str, found: Any, advice: str) -> TimeError:
    """The error for values that are not times: how many, and the first of them."""
    what = "value that is not a time" if found["count"] == 1 else "values that are not times"
    return TimeError(
        f"Column {name!r} has {found['count']:,} {what} (first: row {found['first']['row']}, "
        f"{found['first']['value']!r}). {advice}"
    )
