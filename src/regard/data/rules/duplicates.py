"""The same line twice."""

from dataclasses import dataclass
from typing import ClassVar

import narwhals as nw
import numpy as np
import polars as pl

from regard.data.distinct import is_hashable, sharing_a_hash
from regard.data.rules.contract import MARKED, REMOVED_BY, SCRATCH, Frame, Rule, Scope
from regard.schema import ROW


@dataclass(frozen=True, kw_only=True)
class ExactDuplicates(Rule):
    """All columns except `row` equal those of an earlier row; the first stays.

    Two nulls are equal here. Two rows that differ in any context column are not duplicates.

    Example:
        >>> import polars as pl
        >>> from regard.data.clean import clean
        >>> from regard.data.interactions import Interactions
        >>> log = Interactions.of(pl.DataFrame({"user": [1, 1, 1], "item": ["a", "a", "a"],
        ...                                     "time": [10.0, 10.0, 11.0]}))
        >>> kept, _ = clean(log, [ExactDuplicates()])
        >>> kept.collect()["row"].to_list()
        [0, 2]
    """

    name: ClassVar[str] = "exact-duplicates"
    reason: ClassVar[str] = "Every column repeats an earlier row."
    scope: ClassVar[Scope] = Scope.USER

    def mark(self, frame: Frame, ordering: str) -> Frame:  # noqa: ARG002 - the contract's
        """Mark every row that is not the first of its kind; see `Rule.mark`."""
        alike = [name for name in frame.collect_schema().names() if name not in {ROW, REMOVED_BY}]
        native = nw.to_native(frame)
        if isinstance(native, pl.LazyFrame) and is_hashable(native.collect_schema()):
            later = pl.struct(pl.all()).map_batches(_later, return_dtype=pl.Boolean)
            return nw.from_native(native.with_columns(later.alias(MARKED)))
        # The join is by `row`, which is never null: engines differ in what they make of nulls.
        firsts = frame.filter(nw.col(REMOVED_BY) == 0).group_by(alike).agg(nw.col(ROW).min())
        firsts = firsts.select(ROW, nw.lit(value=True).alias(SCRATCH))
        marked = frame.join(firsts, on=ROW, how="left")
        return marked.with_columns(nw.col(SCRATCH).is_null().alias(MARKED)).drop(SCRATCH)


def _later(rows: pl.Series) -> pl.Series:
    """Which kept rows repeat an earlier one, without grouping those that surely stand alone."""
    table = rows.struct.unnest()
    values = table.drop(ROW, REMOVED_BY)
    places = (sharing_a_hash(values) & (table[REMOVED_BY] == 0)).arg_true()
    few = table[places].select(pl.col(ROW) != pl.col(ROW).min().over(values.columns)).to_series()
    marks = np.zeros(len(rows), np.bool_)
    marks[places.filter(few).to_numpy()] = True
    return pl.Series(marks)
