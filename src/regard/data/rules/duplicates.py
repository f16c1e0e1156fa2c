"""The same line twice."""

from dataclasses import dataclass
from typing import ClassVar

import narwhals as nw
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
        # The join is by `row`, which is never null: engines differ in what they make of nulls.
        alike = [name for name in frame.collect_schema().names() if name not in {ROW, REMOVED_BY}]
        rows = frame.filter(nw.col(REMOVED_BY) == 0)
        native = nw.to_native(rows)
        if isinstance(native, pl.LazyFrame) and _hashable(native, alike):
            later = nw.from_native(_later(native, alike))
            marked = frame.join(later, on=ROW, how="left")
            return marked.with_columns((~nw.col(SCRATCH).is_null()).alias(MARKED)).drop(SCRATCH)
        firsts = rows.group_by(alike).agg(nw.col(ROW).min())
        firsts = firsts.select(ROW, nw.lit(value=True).alias(SCRATCH))
        marked = frame.join(firsts, on=ROW, how="left")
        return marked.with_columns(nw.col(SCRATCH).is_null().alias(MARKED)).drop(SCRATCH)


def _hashable(rows: pl.LazyFrame, alike: list[str]) -> bool:
    """Whether Polars can hash all columns."""
    schema = rows.collect_schema()
    return not any(schema[name].is_nested() or schema[name] == pl.Object for name in alike)


def _later(rows: pl.LazyFrame, alike: list[str]) -> pl.LazyFrame:
    """The rows that repeat an earlier one, without grouping those whose hash stands alone.

    Equal rows have equal hashes, so only rows that share theirs need to be compared, and few do.
    """
    shared = pl.struct(alike).hash().map_batches(_shared, return_dtype=pl.Boolean)
    first = pl.col(ROW).min().over(alike)
    later = rows.filter(shared).filter(pl.col(ROW) != first)
    return later.select(ROW, pl.lit(value=True).alias(SCRATCH))


def _shared(hashes: pl.Series) -> pl.Series:
    """Which numbers occur more than once; sorting them is faster than counting."""
    ordered = hashes.sort()
    twice = ordered.filter(ordered == ordered.shift(1)).unique()
    return hashes.is_in(twice.implode())
