"""Ids that differ in nothing but capital and small letters."""

import math
from dataclasses import dataclass
from typing import ClassVar

import narwhals as nw

from regard.data.repairs.contract import MENDED, Repair
from regard.data.rules.contract import SCRATCH, Frame
from regard.schema import ROW

_KEY, _EARLIEST, _FIRST = "_key", "_earliest", "_first"


@dataclass(frozen=True, kw_only=True)
class MergeLetterCase(Repair):
    """Ids that are equal in small letters get the spelling that was seen first.

    First is by time (or position), ties by `row`, so no later row has a say: a log that ends
    earlier gives the same spelling to whatever it holds, and nothing is learned from the test
    part. The most frequent spelling would look at the future. Off by default: in some systems
    `a7` and `A7` are two things.

    Example:
        >>> import polars as pl
        >>> from regard.data.clean import clean
        >>> from regard.data.interactions import Interactions
        >>> log = Interactions.of(pl.DataFrame({"user": [1, 2, 3], "position": [9, 0, 5],
        ...                                     "item": ["85123a", "85123A", "85123a"]}))
        >>> kept, report = clean(log, repairs=[MergeLetterCase()])
        >>> kept.collect()["item"].to_list(), report.mendings[0].rows
        (['85123A', '85123A', '85123A'], 2)
    """

    name: ClassVar[str] = "merge-letter-case"
    reason: ClassVar[str] = "An id that differs only in letter case was seen before."

    def mend(self, frame: Frame, column: str, ordering: str) -> Frame:
        """Give each id the first spelling of its kind; see `Repair.mend`."""
        when = nw.col(ordering).cast(nw.Float64)
        # What has no time comes last; infinity, since engines sort nulls and NaN as they like.
        known = nw.when(when.is_finite()).then(when).otherwise(nw.lit(math.inf))
        keyed = frame.with_columns(
            nw.col(column).str.to_lowercase().alias(_KEY), known.alias(SCRATCH)
        )
        named = keyed.filter(~nw.col(_KEY).is_null()).select(ROW, column, _KEY, SCRATCH)
        earliest = named.group_by(_KEY).agg(nw.col(SCRATCH).min().alias(_EARLIEST))
        early = named.join(earliest, on=_KEY).filter(nw.col(SCRATCH) == nw.col(_EARLIEST))
        first = early.group_by(_KEY).agg(nw.col(ROW).min().alias(_FIRST))
        spelled = named.join(first, on=_KEY).filter(nw.col(ROW) == nw.col(_FIRST))
        spelled = spelled.select(_KEY, nw.col(column).alias(MENDED))
        return keyed.join(spelled, on=_KEY, how="left").drop(_KEY, SCRATCH)
