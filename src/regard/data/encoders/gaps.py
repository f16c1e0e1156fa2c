"""The time that passed since the same user's event before."""

import polars as pl

from regard.errors import ColumnError
from regard.schema import ROW, TIME, USER

GAP = "gap"
"""The column of seconds since the user's event before."""


def with_gaps(table: pl.DataFrame) -> pl.DataFrame:
    """A table with the column `gap`; nothing after an event has a say in its gap.

    Args:
        table: columns `user`, `time` (UTC seconds) and, to break ties, `row` or the order of the
            rows.

    Returns:
        The same rows, in the same order, and `gap`: seconds since the same user's event before, 0
        between ties; null for a user's first event and where user or time is missing.

    Raises:
        ColumnError: there is no user or no time, or a column `gap` is there already.

    Example:
        >>> table = pl.DataFrame({"user": [1, 2, 1], "item": ["a", "a", "b"],
        ...                       "time": [30.0, 0.0, 10.0]})
        >>> with_gaps(table)["gap"].to_list()
        [20.0, None, None]
    """
    for name in (USER, TIME):
        if name not in table.columns:
            raise ColumnError(f"Gaps need the column {name!r}; the table has {table.columns}.")
    if GAP in table.columns:
        raise ColumnError(f"The table has a column {GAP!r} already; rename or drop it.")
    ties = pl.col(ROW) if ROW in table.columns else pl.int_range(pl.len())
    time = pl.col(TIME).cast(pl.Float64)
    usable = table.select(
        pl.int_range(pl.len()).alias("place"), USER, time.alias(TIME), ties.alias("tie")
    ).filter(pl.col(USER).is_not_null() & pl.col(TIME).is_finite())
    ordered = usable.sort(USER, TIME, "tie")
    same = pl.col(USER) == pl.col(USER).shift(1)
    gap = pl.when(same).then(pl.col(TIME) - pl.col(TIME).shift(1)).alias(GAP)
    found = ordered.select("place", gap)
    places = table.select(pl.int_range(pl.len()).alias("place"))
    return table.with_columns(
        places.join(found, on="place", how="left", maintain_order="left")[GAP]
    )
