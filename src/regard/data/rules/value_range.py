"""Numbers outside a range that whoever owns the log knows to be right."""

import math
from dataclasses import dataclass
from typing import ClassVar

import narwhals as nw

from regard.data.rules.contract import Frame, RowRule
from regard.errors import ColumnError, ConfigurationError
from regard.schema import VALUE


@dataclass(frozen=True, kw_only=True)
class ValueRange(RowRule):
    """A number is below the least or above the most that makes sense; an unknown one stays.

    Ratings of 0 on a scale from 1 to 5, prices with a slipped decimal sign, dwell times of a week:
    what is too much differs from log to log, so there is no default. For times there is
    `implausible-times`, whose ends are dates.

    Attributes:
        column: which numbers: a role such as `value` or `price`, or a context column.
        least: the smallest number that stays; no lower end if None.
        most: the largest one; no upper end if None.

    Raises:
        ConfigurationError: neither end is given, one is no number, or they are the wrong way round.

    Example:
        >>> import polars as pl
        >>> from regard.data.clean import clean
        >>> from regard.data.interactions import Interactions
        >>> log = Interactions.of(pl.DataFrame({
        ...     "user": [1, 1, 1, 1], "item": ["a", "b", "c", "d"], "position": [0, 1, 2, 3],
        ...     "value": [0.0, 1.0, 9.0, None]}))
        >>> kept, _ = clean(log, [ValueRange(least=1, most=5)])
        >>> kept.collect()["item"].to_list()
        ['b', 'd']
    """

    column: str = VALUE
    least: float | None = None
    most: float | None = None

    name: ClassVar[str] = "value-range"
    reason: ClassVar[str] = "A number is outside the range that was given."

    @property
    def needs(self) -> tuple[str, ...]:  # type: ignore[override] # here a parameter decides
        """The column of the numbers."""
        return (self.column,)

    def __post_init__(self) -> None:
        ends = {"least": self.least, "most": self.most}
        for name, end in ends.items():
            number = isinstance(end, int | float) and not isinstance(end, bool)
            if end is not None and not (number and math.isfinite(end)):
                raise ConfigurationError(f"The {name} of value-range is {end!r}; give a number.")
        if self.least is None and self.most is None:
            raise ConfigurationError(
                "The rule 'value-range' needs an end: give least, most or both, such as least = 1."
            )
        if self.least is not None and self.most is not None and self.most < self.least:
            raise ConfigurationError(
                f"The most that value-range keeps, {self.most}, lies below the least, "
                f"{self.least}; swap them or correct one."
            )

    def mark(self, frame: Frame, ordering: str) -> Frame:
        """Mark numbers outside the range; see `Rule.mark`.

        Raises:
            ColumnError: the column holds no numbers.
        """
        held = frame.collect_schema()[self.column]
        if not held.is_numeric():
            raise ColumnError(
                f"The rule 'value-range' compares numbers, but column {self.column!r} holds "
                f"{held}; name another column, or cast it before reading."
            )
        return super().mark(frame, ordering)

    def unwanted(self, ordering: str) -> nw.Expr:  # noqa: ARG002 - the contract hands it to all
        """True where the number is outside the range."""
        number = nw.col(self.column).cast(nw.Float64)
        outside = nw.lit(value=False)
        if self.least is not None:
            outside |= number < self.least
        if self.most is not None:
            # Some engines hold NaN, which says nothing, for the largest of all numbers.
            outside |= (number > self.most) & ~number.is_nan()
        return outside
