"""The same line twice."""

from dataclasses import dataclass
from typing import ClassVar

import narwhals as nw
import numpy as np
import polars as pl

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
        if isinstance(native, pl.LazyFrame) and _hashable(native, alike):
            later = pl.struct(pl.all()).map_batches(_later, return_dtype=pl.Boolean)
            return nw.from_native(native.with_columns(later.alias(MARKED)))
        # The join is by `row`, which is never null: engines differ in what they make of nulls.
        firsts = frame.filter(nw.col(REMOVED_BY) == 0).group_by(alike).agg(nw.col(ROW).min())
        firsts = firsts.select(ROW, nw.lit(value=True).alias(SCRATCH))
        marked = frame.join(firsts, on=ROW, how="left")
        return marked.with_columns(nw.col(SCRATCH).is_null().alias(MARKED)).drop(SCRATCH)


def _hashable(rows: pl.LazyFrame, alike: list[str]) -> bool:
    """Whether Polars can hash all columns."""
    schema = rows.collect_schema()
    return not any(schema[name].is_nested() or schema[name] == pl.Object for name in alike)


def _later(rows: pl.Series) -> pl.Series:
    """Which kept rows repeat an earlier one, without grouping those whose hash stands alone.

    Equal rows have equal hashes, so only rows that share theirs need to be compared, and few do.
    """
    table = rows.struct.unnest()
    alike = [name for name in table.columns if name not in {ROW, REMOVED_BY}]
    hashes = table.select(pl.struct(alike).hash()).to_series()
    kept = table[REMOVED_BY] == 0
    places = (_shared(hashes, kept) & kept).arg_true()
    few = table[places].select(pl.col(ROW) != pl.col(ROW).min().over(alike)).to_series()
    marks = np.zeros(len(rows), np.bool_)
    marks[places.filter(few).to_numpy()] = True
    return pl.Series(marks)


def _shared(hashes: pl.Series, kept: pl.Series) -> pl.Series:
    """Which rows have a hash that several kept rows have; sorting is faster than counting."""
    ordered = np.sort(hashes.filter(kept).to_numpy())
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    return hashes.is_in(pl.Series(twice).unique().implode())
