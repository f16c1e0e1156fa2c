"""Which shard a user belongs to: ranges of ids, so that shards in order are users in order.

A shard holds whole users, so whatever looks at one user's rows can be done shard after shard; and
since each shard holds a range of ids, the sorted shards one after another are the sorted log.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from regard.data.ingest.scan import LargeLog
from regard.schema import USER

MOST: Final = 65_535
"""Shards that a log can have at most."""
_STRETCHES: Final = 64
_SAMPLE_ROWS: Final = 4_096  # of each stretch


@dataclass(frozen=True)
class Partition:
    """Users cut into ranges of about as many rows.

    Attributes:
        bounds: `(shards - 1,)` own ids, ascending: the first user of each shard but the first.

    Example:
        >>> cut = Partition(pl.Series(["m"]))
        >>> cut.shards, cut.assign(pl.Series(["ann", "zoe", "m", None])).tolist()
        (2, [0, 1, 1, 0])
    """

    bounds: pl.Series

    @classmethod
    def of(cls, log: LargeLog, shards: int) -> "Partition":
        """Cut by the quantiles of a sample of rows.

        Args:
            log: rows in any order.
            shards: how many are wanted; there are fewer where few users have most of the rows.
        """
        starts = np.linspace(0, max(log.rows - _SAMPLE_ROWS, 0), _STRETCHES, dtype=np.int64)
        stretches = [log.part(int(each), _SAMPLE_ROWS, [USER])[USER] for each in np.unique(starts)]
        users = pl.concat(stretches).drop_nulls().sort()
        if users.is_empty():
            return cls(users)
        places = np.arange(1, shards) * len(users) // shards
        bounds = users.gather(places.tolist()).unique().sort()
        # Nobody comes before the first user, so a bound there would leave a shard empty.
        return cls(bounds.filter(bounds != users[0]))

    @property
    def shards(self) -> int:
        """How many shards there are."""
        return len(self.bounds) + 1

    def assign(self, users: pl.Series) -> NDArray[np.uint16]:
        """`(len(users),)` uint16 number of each user's shard; missing users share the first."""
        if not len(self.bounds):
            return np.zeros(len(users), np.uint16)
        if users.dtype == pl.String:
            found = self.bounds.search_sorted(users.fill_null(""), side="right").to_numpy()
        else:
            low = users.dtype.min() if users.null_count() else None  # type: ignore[attr-defined] # integers have one
            filled = users if low is None else users.fill_null(pl.select(low).item())
            found = np.searchsorted(self.bounds.to_numpy(), filled.to_numpy(), side="right")
        return found.astype(np.uint16)


def grouped(table: pl.DataFrame, partition: Partition) -> list[tuple[int, pl.DataFrame]]:
    """A part of a log by shards.

    Args:
        table: rows in order.
        partition: of the log.

    Returns:
        Number and rows, in order, of each shard that the part holds something of.

    Example:
        >>> table = pl.DataFrame({"user": ["zoe", "ann", "zoe"], "row": [0, 1, 2]})
        >>> [(shard, rows["row"].to_list()) for shard, rows in
        ...  grouped(table, Partition(pl.Series(["m"])))]
        [(0, [1]), (1, [0, 2])]
    """
    shard = partition.assign(table[USER])
    # NumPy sorts 16-bit numbers by radix, and stably.
    ordered = table[np.argsort(shard, kind="stable")]
    counts = np.bincount(shard, minlength=partition.shards)
    ends = np.cumsum(counts)
    return [
        (int(each), ordered.slice(int(ends[each] - counts[each]), int(counts[each])))
        for each in np.flatnonzero(counts)
    ]
