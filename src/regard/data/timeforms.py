"""How people write a moment as text: shapes of values, and the formats that could read each."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Final

import polars as pl

Formats = tuple[str, ...]
"""The `strptime` formats that fit one shape; two where day and month could change places."""

_DATES: Final[tuple[tuple[str, Formats], ...]] = (
    (r"\d{4}-\d{1,2}-\d{1,2}", ("%Y-%m-%d",)),
    (r"\d{4}/\d{1,2}/\d{1,2}", ("%Y/%m/%d",)),
    (r"\d{4}\.\d{1,2}\.\d{1,2}", ("%Y.%m.%d",)),
    (r"\d{1,2}/\d{1,2}/\d{4}", ("%d/%m/%Y", "%m/%d/%Y")),
    (r"\d{1,2}-\d{1,2}-\d{4}", ("%d-%m-%Y", "%m-%d-%Y")),
    (r"\d{1,2} \d{1,2}, ?\d{4}", ("%m %d, %Y",)),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", ("%d.%m.%Y",)),
    (r"\d{1,2}/\d{1,2}/\d{2}", ("%d/%m/%y", "%m/%d/%y")),
    (r"\d{1,2}-\d{1,2}-\d{2}", ("%d-%m-%y", "%m-%d-%y", "%y-%m-%d")),
    (r"\d{1,2}\.\d{1,2}\.\d{2}", ("%d.%m.%y",)),
    (r"\d{1,2}-[A-Za-z]{3,9}-\d{4}", ("%d-%B-%Y",)),
    (r"\d{1,2} [A-Za-z]{3,9} \d{4}", ("%d %B %Y",)),
    (r"[A-Za-z]{3,9} \d{1,2}, \d{4}", ("%B %d, %Y",)),
    (r"[A-Za-z]{3,9} \d{1,2} \d{4}", ("%B %d %Y",)),
)
_CLOCKS: Final = (
    (r"\d{1,2}:\d{2}:\d{2}(?:\.\d{1,9})?", "%H:%M:%S%.f"),
    (r"\d{1,2}:\d{2}", "%H:%M"),
    (r"\d{1,2}:\d{2}:\d{2} ?[AaPp][Mm]", "%I:%M:%S %p"),
    (r"\d{1,2}:\d{2} ?[AaPp][Mm]", "%I:%M %p"),
)
_JOINTS: Final = (("T", "T"), (" +", " "), (", ", ", "))
_ZONES: Final = (("", ""), (r" ?(?:Z|[+-]\d{2}(?::?\d{2})?)", "%#z"), (" UTC", " UTC"))
_WHOLE: Final[tuple[tuple[str, Formats], ...]] = (
    (r"[A-Z][a-z]{2} [A-Z][a-z]{2} +\d{1,2} [\d:]{8} \d{4}", ("%a %b %d %H:%M:%S %Y",)),
    (r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} [\d:]{8} [+-]\d{4}", ("%a, %d %b %Y %T %z",)),
    (r"\d{1,2}/[A-Z][a-z]{2}/\d{4}:[\d:]{8} [+-]\d{4}", ("%d/%b/%Y:%H:%M:%S %z",)),
)


@cache
def _shapes() -> list[tuple[re.Pattern[str], Formats]]:
    """Every way to put a date, a joint, a clock and a zone together; compiled once it is needed."""
    shapes = [*_DATES, *_WHOLE]
    for date, formats in _DATES:
        for joint, glue in _JOINTS:
            for clock, hours in _CLOCKS:
                for zone, offset in _ZONES:
                    whole = tuple(f"{day}{glue}{hours}{offset}" for day in formats)
                    shapes.append((f"{date}{joint}{clock}{zone}", whole))
    return [(re.compile(pattern), formats) for pattern, formats in shapes]


_SPELLED_ZEROS: Final = r"^0\d{3}\D|^\d{1,2}[-/.]\d{1,2}[-/.]0\d{3}(?:\D|$)"
_BEGINNING: Final = re.compile(r"\d{1,4}[-/. ]|[A-Za-z]{3,9},? \w")


def formats_of(value: str) -> Formats:
    """The formats that one value's shape allows, none where it has the shape of no time.

    Args:
        value: text without surrounding blanks.

    Returns:
        `strptime` formats; more than one where day and month could change places.

    Example:
        >>> formats_of("31/12/2024 08:15")
        ('%d/%m/%Y %H:%M', '%m/%d/%Y %H:%M')
        >>> formats_of("2024-12-31T08:15:00Z")
        ('%Y-%m-%dT%H:%M:%S%.f%#z',)
        >>> formats_of("tea")
        ()
    """
    if not _BEGINNING.match(value):
        return ()
    for shape, formats in _shapes():
        if shape.fullmatch(value):
            return formats
    return ()


def likely_formats(values: Sequence[str]) -> Formats:
    """The formats of the shape that most of some values have.

    Args:
        values: texts without surrounding blanks.

    Returns:
        As `formats_of`; none where most values have the shape of no time.
    """
    seen = Counter(formats_of(value) for value in values)
    return seen.most_common(1)[0][0] if seen else ()


def parse(texts: pl.Series, time_format: str) -> pl.Series:
    """Read texts by one format.

    Args:
        texts: String, without surrounding blanks.
        time_format: a `strptime` format as Polars (chrono) understands it.

    Returns:
        Datetime in microseconds, in UTC where the format carries a zone and naive otherwise;
        null where a text does not fit. A year below 1000 does not fit unless its zeros are
        spelled: it is a year of two digits under a format of four.

    Raises:
        polars.exceptions.PolarsError: the format itself makes no sense.

    Example:
        >>> import polars as pl
        >>> parse(pl.Series(["2/1/2011", "2/1/11"]), "%d/%m/%Y").to_list()
        [datetime.datetime(2011, 1, 2, 0, 0), None]
    """
    read = texts.str.to_datetime(time_format, time_unit="us", strict=False)
    if time_format.endswith(" UTC"):
        read = read.dt.replace_time_zone("UTC")
    early = (read.dt.year() < 1000).fill_null(value=False)
    if not early.any():
        return read
    spelled = texts.str.contains(_SPELLED_ZEROS).fill_null(value=False) & (read.dt.year() >= 1)
    return read.set(early & ~spelled, None)
