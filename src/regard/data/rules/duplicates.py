"""The same line twice."""

from dataclasses import dataclass
from typing import ClassVar

import narwhals as nw

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
        kinds = frame.filter(nw.col(REMOVED_BY) == 0).group_by(alike)
        firsts = kinds.agg(nw.col(ROW).min()).select(ROW, nw.lit(value=True).alias(SCRATCH))
        marked = frame.join(firsts, on=ROW, how="left")
        return marked.with_columns(nw.col(SCRATCH).is_null().alias(MARKED)).drop(SCRATCH)
