"""A log with its ids mended, and every spelling that was changed."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import narwhals as nw
import polars as pl

from regard.data.interactions import Interactions
from regard.data.repairs.contract import MENDED, Repair
from regard.data.report import Mending
from regard.data.rules.contract import Frame
from regard.errors import ColumnError
from regard.schema import ROW

_SPELLINGS: Final = pl.Schema({
    "column": pl.String, "before": pl.String, "after": pl.String, "rows": pl.Int64,
    "first_row": pl.Int64,
})  # fmt: skip


def mend(log: Interactions, repairs: Sequence[Repair]) -> tuple[Interactions, tuple[Mending, ...]]:
    """Let repairs change ids, one after another, and say what each of them changed.

    The log stays lazy and in its own engine; each repair reads it once, for its report.

    Args:
        log: whose ids to mend.
        repairs: in the order in which they run.

    Returns:
        The same rows under mended ids, and one `Mending` per repair.

    Raises:
        ColumnError: the log has a column by the name that a repair needs for itself.

    Example:
        >>> from regard.data.repairs.trim import TrimIds
        >>> log = Interactions.of(pl.DataFrame({"user": [7], "item": [" a"], "position": [0]}))
        >>> mended, told = mend(log, [TrimIds()])
        >>> mended.collect()["item"].to_list(), told[0].rows
        (['a'], 1)
    """
    if repairs and log.has(MENDED):
        raise ColumnError(
            f"{log.source} has a column {MENDED!r}, a name that repairs need for themselves; "
            "rename or drop it."
        )
    schema = log.frame.collect_schema()
    mendings = []
    for repair in repairs:
        frame, told = log.frame, []
        for column in repair.columns:
            if schema[column] == nw.String:
                marked = repair.mend(frame, column, log.ordering)
                told.append(_changed(marked, column))
                mended = nw.col(MENDED).alias(column)
                frame = marked.with_columns(mended).select(*schema.names())
        log = replace(log, frame=frame)
        mendings.append(_mending(repair, told))
    return log, tuple(mendings)


def _changed(marked: Frame, column: str) -> pl.DataFrame:
    """The spellings of one column that are no longer the same, in the order of their first row."""
    other = marked.filter(nw.col(MENDED) != nw.col(column))
    counted = other.group_by(column, MENDED).agg(
        nw.len().alias("rows"), nw.col(ROW).min().alias("first_row")
    )
    table: pl.DataFrame = nw.to_native(counted.collect("polars"))
    named = table.select(
        pl.lit(column).alias("column"),
        pl.col(column).alias("before"),
        pl.col(MENDED).alias("after"),
        pl.col("rows", "first_row").cast(pl.Int64),
    )
    return pl.DataFrame(named, schema=_SPELLINGS).sort("first_row", "before")  # fmt: skip


def _mending(repair: Repair, told: Sequence[pl.DataFrame]) -> Mending:
    """The report of one repair."""
    spellings = pl.concat([pl.DataFrame(schema=_SPELLINGS), *told])
    return Mending(
        repair=repair.name,
        reason=repair.reason,
        rows=int(spellings["rows"].sum()),
        spellings=spellings,
        parameters=repair.parameters(),
    )
