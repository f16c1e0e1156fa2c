"""Which days a log has: a calendar reaches only so far, and some times are no times at all."""

from datetime import UTC, datetime
from typing import Final

import polars as pl

from regard.data.describe import ANCIENT
from regard.data.interactions import Interactions
from regard.schema import TIME, Clock

SECONDS: Final = 86_400
"""Of a day."""
_FIRST: Final = datetime(1000, 1, 1, tzinfo=UTC).timestamp()
_LAST: Final = datetime(9999, 12, 31, tzinfo=UTC).timestamp()


def dated(log: Interactions, table: pl.DataFrame) -> pl.DataFrame:
    """The rows that a calendar can hold.

    Left out are rows without a time and rows before 1990 or later than now, unless the log has no
    others: a placeholder of 1970 would leave the rest of the picture a thin line.

    Args:
        log: says whether there is a clock.
        table: all rows of the log.

    Returns:
        Those rows in no other order, with a column `day` (Date, UTC); none without a clock.

    Example:
        >>> frame = pl.DataFrame({"user": [1, 1, 1], "item": ["a", "b", "c"],
        ...                       "time": [0.0, 1.7e9, None]})
        >>> log = Interactions.of(frame)
        >>> dated(log, log.collect())["day"].to_list()
        [datetime.date(2023, 11, 14)]
    """
    if log.clock is not Clock.TIME:
        return table.clear().with_columns(pl.lit(None, pl.Date).alias("day"))
    now, time = datetime.now(UTC).timestamp(), pl.col(TIME)
    rows = table.filter(time.is_between(ANCIENT, now))
    if rows.is_empty():
        rows = table.filter(time.is_between(_FIRST, _LAST))
    day = (time / SECONDS).floor().cast(pl.Int32).cast(pl.Date)
    return rows.with_columns(day.alias("day"))
