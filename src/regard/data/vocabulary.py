"""Own ids to integer codes and back, learned on the training part only."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
import polars as pl

from regard.errors import DataError, UnknownItemError
from regard.schema import FIRST_CODE, UNKNOWN
from regard.shapes import Codes, Offsets

_FAR: Final = 2**62  # an id beyond could overflow
_SPARSE: Final = 8  # places in a table for each id, beyond which a join is better
_SMALL: Final = 65_536
Id: TypeAlias = int | str
"""An own id: whatever the log calls a user or an item."""


@dataclass(frozen=True)
class Vocabulary:
    """The items a model knows, most frequent in training first.

    Code 0 is padding and 1 an unknown item; the item at index `i` has code `i + 2`.

    Attributes:
        ids: `(N - 2,)` own ids, unique, all of one type (integers or text).
        counts: `(N - 2,)` int64 occurrences in the training part, descending.

    Raises:
        DataError: an id is missing or stands twice.

    Example:
        >>> import polars as pl
        >>> vocabulary = Vocabulary.fit(pl.Series(["tea", "milk", "tea", "salt"]), min_count=1)
        >>> vocabulary.encode(["milk", "caviar"]).tolist()
        [3, 1]
        >>> vocabulary.decode([2, 4])
        ['tea', 'salt']
    """

    ids: pl.Series
    counts: Offsets

    def __post_init__(self) -> None:
        if self.ids.null_count() or self.ids.n_unique() != len(self.ids):
            raise DataError("A vocabulary holds each id once and none that is missing.")
        if len(self.counts) != len(self.ids):
            raise DataError("A vocabulary has one count for each id.")

    @classmethod
    def fit(cls, items: pl.Series, *, min_count: int = 1) -> "Vocabulary":
        """Learn the items of a training part.

        Args:
            items: own ids, one per training interaction, in order.
            min_count: an item seen less often stays unknown.

        Returns:
            Items by descending count; equal counts keep the order of first appearance.

        Raises:
            DataError: no item reaches `min_count`.
        """
        return cls.of_counts(counted_items(items), min_count=min_count)

    @classmethod
    def of_counts(cls, counts: pl.DataFrame, *, min_count: int = 1) -> "Vocabulary":
        """The same from what `counted_items` gave, perhaps summed over the parts of a log.

        Args:
            counts: columns `id`, `count` and `first`, one row per item.
            min_count: an item seen less often stays unknown.

        Returns:
            Items by descending count; equal counts by where they appear first.

        Raises:
            DataError: no item reaches `min_count`.
        """
        frequent = counts.filter(pl.col("count") >= min_count)
        counted = frequent.sort("count", "first", descending=[True, False])
        if counted.is_empty():
            raise DataError(
                f"No item occurs {min_count} times in the training part, so there is nothing to "
                "learn; lower min_count or bring more data."
            )
        return cls(counted["id"], counted["count"].cast(pl.Int64).to_numpy())

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, item: object) -> bool:
        return isinstance(item, int | str) and bool(self.encode([item])[0] != UNKNOWN)

    @property
    def size(self) -> int:
        """N: number of codes, padding and unknown included."""
        return len(self.ids) + FIRST_CODE

    @cached_property
    def _lookup(self) -> pl.DataFrame:
        codes = np.arange(FIRST_CODE, self.size, dtype=np.int32)
        return pl.DataFrame({"id": self.ids, "code": codes})

    @cached_property
    def _table(self) -> tuple[int, Codes] | None:
        """The first id of a table, and the codes of all ids from it on, where ids lie close by.

        At both ends stands an id that is unknown, for all that lie beyond.
        """
        if not self.ids.dtype.is_integer() or self.ids.is_empty() or self.ids.dtype == pl.UInt64:
            return None
        ids = self.ids.to_numpy().astype(np.int64)
        low, high = int(ids.min()), int(ids.max())
        if max(-low, high) >= _FAR or high - low >= _SPARSE * len(ids) + _SMALL:
            return None
        codes = np.full(high - low + 3, UNKNOWN, np.int32)
        codes[ids - (low - 1)] = np.arange(FIRST_CODE, self.size, dtype=np.int32)
        return low - 1, codes

    def encode(self, items: pl.Series | Sequence[Id]) -> Codes:
        """Codes of own ids; 1 where an id is not in the vocabulary.

        Text that spells an integer finds an integer id, and the other way round, so that ids
        typed at a prompt are found.

        Args:
            items: own ids.

        Returns:
            `(len(items),)` int32 codes.
        """
        given = coerce_ids(items, self.ids.dtype)
        if self._table is not None and not given.null_count():
            low, codes = self._table
            places = np.clip(given.to_numpy().astype(np.int64), low, low + len(codes) - 1) - low
            found: Codes = codes[places]
            return found
        coded = given.to_frame("id").join(self._lookup, on="id", how="left", maintain_order="left")
        return coded["code"].fill_null(UNKNOWN).to_numpy()

    def code(self, item: Id) -> int:
        """The code of one item that must be known.

        Raises:
            UnknownItemError: it is not in the vocabulary.
        """
        found = int(self.encode([item])[0])
        if found == UNKNOWN:
            raise UnknownItemError(
                f"Item {item!r} is not among the {len(self):,} items this model was trained on."
            )
        return found

    def decode(self, codes: Codes | Sequence[int]) -> list[Id]:
        """Own ids of real items' codes.

        Raises:
            DataError: a code is padding, unknown or beyond the vocabulary.
        """
        index = np.asarray(codes, np.int64) - FIRST_CODE
        if len(index) and (index.min() < 0 or index.max() >= len(self.ids)):
            raise DataError(
                f"Codes to decode must lie from {FIRST_CODE} to {self.size - 1}; received "
                f"{int(np.min(codes))} to {int(np.max(codes))}."
            )
        return self.ids.gather(index.tolist()).to_list()


def counted_items(items: pl.Series, rows: pl.Series | None = None) -> pl.DataFrame:
    """How often each item occurs, and where first.

    Args:
        items: own ids; missing ones count for nothing.
        rows: where each stands; its place in `items` if omitted.

    Returns:
        Columns `id`, `count` (Int64) and `first`, one row per item, in no order.

    Example:
        >>> import polars as pl
        >>> counted_items(pl.Series(["tea", "milk", "tea"])).sort("first").rows()
        [('tea', 2, 0), ('milk', 1, 1)]
    """
    table = items.rename("id").to_frame()
    first = pl.int_range(len(items), eager=True) if rows is None else rows
    known = table.with_columns(first.alias("first")).lazy().drop_nulls("id")
    counts = known.group_by("id").agg(pl.len().cast(pl.Int64).alias("count"), pl.col("first").min())
    return counts.collect()


def coerce_ids(ids: pl.Series | Sequence[Id], dtype: pl.DataType) -> pl.Series:
    """Ids in the type of a vocabulary; null where one cannot be of that type.

    Example:
        >>> import polars as pl
        >>> coerce_ids(["17", 18.0, "x"], pl.Int64()).to_list()
        [17, 18, None]
    """
    if isinstance(ids, pl.Series):
        return ids.cast(dtype, strict=False)
    if dtype == pl.String:
        return pl.Series([str(each) for each in ids], dtype=pl.String)
    # Whole numbers beside gaps are floats to pandas, and come in as integers.
    texts = [re.sub(r"^(-?\d+)\.0$", r"\1", str(each)) for each in ids]
    return pl.Series(texts, dtype=pl.String).cast(dtype, strict=False)
