"""The first way through a log: every row to the shard of its user."""

from collections.abc import Callable

import polars as pl

from regard.data.ingest.scan import LargeLog
from regard.data.large.partition import Partition, grouped
from regard.data.large.workplace import Workplace
from regard.data.parallel import each

Tell = Callable[[int, int], None]
"""Hears how much is done, and of how much."""


def scatter(log: LargeLog, partition: Partition, place: Workplace, rows: int, tell: Tell) -> None:
    """Write each row to the shard of its user; rows of a shard keep the order of the log.

    Args:
        log: read once, from the first row to the last.
        partition: which user belongs where.
        place: begun.
        rows: read at a time.
        tell: hears how many rows are done.
    """

    def write(part: tuple[int, pl.DataFrame]) -> int:
        number, table = part
        for shard, some in grouped(table, partition):
            place.add_raw(shard, number, some)
        return len(table)

    done = 0
    for count in each(write, enumerate(log.parts(rows))):
        done += count
        tell(done, log.rows)


def bytes_of_a_row(table: pl.DataFrame) -> float:
    """Memory that a row of a table takes.

    Example:
        >>> bytes_of_a_row(pl.DataFrame({"user": [1, 2], "item": [3, 4]}))
        16.0
    """
    return max(1.0, table.estimated_size() / max(len(table), 1))
