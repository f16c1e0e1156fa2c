"""Numbers for rows that have no order of their own: the same ones in every run."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import narwhals as nw

from regard.data.engines import held
from regard.errors import ColumnError
from regard.schema import ROW

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_PART, _WITHIN, _BEFORE = "_regard_part", "_regard_within", "_regard_before"


def number_rows(frame: "DataFrame", by: str | Sequence[str]) -> "DataFrame":
    """Number the rows of a Spark frame from 0, in an order that you state.

    The order decides between equal times later on, so it should be the order in which things were
    written down, and it must be complete: rows that are equal in all the columns given would be
    numbered anew in every run, and are refused. The frame is sorted and held on the executors.

    Args:
        frame: without a column `row`.
        by: the column, or columns, that order the rows; nulls come first.

    Returns:
        The frame with a column `row`, int64.

    Raises:
        ColumnError: a column is not there, `row` is there already, or two rows are equal in the
            columns given.
    """
    columns = [by] if isinstance(by, str) else list(by)
    for column in columns:
        if column not in frame.columns:
            raise ColumnError(
                f"The frame has no column {column!r} to number rows by; it has "
                f"{', '.join(map(repr, frame.columns))}."
            )
    if ROW in frame.columns:
        raise ColumnError(f"The frame has a column {ROW!r} already; drop or rename it first.")
    _require_complete(frame, columns)
    from pyspark.sql import functions as F

    return running_total(frame, F.lit(1), by=columns, name=ROW)


def running_total(
    frame: "DataFrame", weight: "Column", *, by: Sequence[str], name: str
) -> "DataFrame":
    """Add the sum of a weight over all rows before, without bringing the rows to one machine.

    Rows are sorted in parts that follow each other; each part is summed by itself, and the sums of
    the parts before, one number for each part, are added.

    Args:
        frame: any frame; it is held on the executors, so that parts stay what they are.
        weight: whole numbers.
        by: columns that order the rows, nulls first.
        name: of the new column.

    Returns:
        The frame with the sum as int64.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    order = [F.asc_nulls_first(column) for column in by]
    ordered = _keep(
        frame.withColumn(_WITHIN, weight.cast("long")).orderBy(*order)
        .withColumn(_PART, F.spark_partition_id())
    )  # fmt: skip
    before = _sums_before(ordered)
    window = Window.partitionBy(_PART).orderBy(*order)
    until = window.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    within = F.sum(_WITHIN).over(until) - F.col(_WITHIN)
    counted = ordered.withColumn(name, within).join(F.broadcast(before), _PART)
    total = (F.col(name) + F.col(_BEFORE)).alias(name)
    return counted.select(*frame.columns, total)


def _sums_before(parts: "DataFrame") -> "DataFrame":
    """The sum over all parts before each part: as many rows as there are parts."""
    from pyspark.sql import functions as F

    sums = parts.groupBy(_PART).agg(F.sum(_WITHIN).alias(_WITHIN)).collect()
    before, rows = 0, []
    for part, weight in sorted((each[_PART], each[_WITHIN]) for each in sums):
        rows.append((part, before))
        before += weight
    schema = f"{_PART} int, {_BEFORE} long"
    return parts.sparkSession.createDataFrame(rows, schema)


def _require_complete(frame: "DataFrame", columns: Sequence[str]) -> None:
    """Refuse an order in which two rows could change places."""
    from pyspark.sql import functions as F

    twice = frame.groupBy(*columns).agg(F.count("*").alias(_WITHIN)).where(F.col(_WITHIN) > 1)
    found = twice.head(1)
    if found:
        equal = ", ".join(f"{name} = {found[0][name]!r}" for name in columns)
        raise ColumnError(
            f"{found[0][_WITHIN]:,} rows have the same {equal}, so by= does not say in which "
            "order they come. Name more columns."
        )


def number_blocks(
    frame: "DataFrame", *, path: str, block: str, within: str, rank: Callable[[str], int]
) -> "DataFrame":
    """Number rows that know their file, their block of it and their place in the block.

    Args:
        frame: rows of files.
        path: column with the file.
        block: column with the first byte of the block.
        within: column with increasing numbers inside a block, from any first one.
        rank: the place of a file among all files.

    Returns:
        The frame without those three columns and with `row`, from 0.
    """
    from pyspark.sql import functions as F

    found = frame.groupBy(path, block).agg(F.count("*").alias("n"), F.min(within).alias("first"))
    start, offsets = 0, []
    for each in sorted(found.collect(), key=lambda each: (rank(each[path]), each[block])):
        offsets.append((each[path], each[block], start - each["first"]))
        start += each["n"]
    schema = f"{path} string, {block} long, {_BEFORE} long"
    known = frame.sparkSession.createDataFrame(offsets, schema)
    numbered = frame.join(F.broadcast(known), [path, block])
    others = [name for name in frame.columns if name not in {path, block, within}]
    return numbered.select(*others, (F.col(within) + F.col(_BEFORE)).alias(ROW))


def _keep(frame: "DataFrame") -> "DataFrame":
    kept: DataFrame = nw.to_native(held(nw.from_native(frame)))
    return kept
