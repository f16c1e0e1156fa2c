"""Shards of sorted histories, written by executors; see `regard.data.shards` for what they are."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from regard.data.interactions import Interactions
from regard.data.shards import Shard, cuts
from regard.data.spark.cleaning import moments_in_microseconds, require_rows
from regard.data.spark.rows import running_total
from regard.errors import StorageError
from regard.schema import ROW, USER

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_SHARD: Final = "_regard_shard"
_COUNT, _BEFORE = "_regard_count", "_regard_before_user"


def write_parts(log: Interactions, draft: Path, *, rows: int, shards: int) -> tuple[Shard, ...]:
    """Let executors sort and write; each shard becomes one file.

    Args:
        log: clean, with a frame of PySpark.
        draft: an empty folder that driver and executors share.
        rows: how many rows the log has.
        shards: how many shards are wanted.

    Returns:
        The shards, without sizes and checksums.

    Raises:
        StorageError: what executors wrote is not all there.
    """
    frame: DataFrame = log.frame.to_native()
    users = _users(frame, rows=rows, shards=shards)
    bounds = _bounds(users)
    parts = draft / "parts"
    placed = frame.join(users.select(USER, _SHARD), USER).select(*frame.columns, _SHARD)
    spread = placed.repartition(len(bounds), _SHARD)
    ordered = spread.sortWithinPartitions(_SHARD, USER, log.ordering, ROW)
    with moments_in_microseconds(frame.sparkSession):
        ordered.write.partitionBy(_SHARD).parquet(f"file:{parts}")
    require_rows(frame.sparkSession, f"file:{parts}", rows)
    found = cuts(bounds)
    for (number, *_), shard in zip(bounds, found, strict=True):
        files = sorted((parts / f"{_SHARD}={number}").glob("*.parquet"))
        if len(files) != 1:
            raise StorageError(
                f"Spark wrote shard {number} into {len(files)} files instead of one; unset "
                "spark.sql.files.maxRecordsPerFile and try again."
            )
        files[0].rename(draft / shard.file)
    shutil.rmtree(parts)
    return found


def _users(frame: "DataFrame", *, rows: int, shards: int) -> "DataFrame":
    """The shard of each user, by the share of rows that come before theirs."""
    from pyspark.sql import functions as F

    counts = frame.groupBy(USER).agg(F.count("*").alias(_COUNT))
    before = running_total(counts, F.col(_COUNT), by=[USER], name=_BEFORE)
    shard = F.floor(F.expr(f"({_BEFORE} * {shards}L) div {rows}L")).cast("int")
    return before.select(USER, _COUNT, shard.alias(_SHARD))


def _bounds(users: "DataFrame") -> list[tuple[int, int, int, int | str, int | str]]:
    """Number, rows, users, first and last user of each shard: as many rows as there are shards."""
    from pyspark.sql import functions as F

    found = users.groupBy(_SHARD).agg(
        F.sum(_COUNT).alias("rows"),
        F.count("*").alias("users"),
        F.min(USER).alias("first"),
        F.max(USER).alias("last"),
    )
    rows = sorted(found.collect(), key=lambda each: each[_SHARD])
    return [
        (each[_SHARD], each["rows"], each["users"], each["first"], each["last"]) for each in rows
    ]
