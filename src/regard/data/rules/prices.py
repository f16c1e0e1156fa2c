"""Lines that nobody paid for: gifts, samples, corrections."""

from dataclasses import dataclass
from typing import ClassVar

import narwhals as nw

from regard.data.rules.contract import RowRule
from regard.schema import PRICE


@dataclass(frozen=True, kw_only=True)
class NonPositivePrice(RowRule):
    """The price is zero or negative; a price that is not known says nothing and stays.

    Example:
        >>> import polars as pl
        >>> from regard.data.clean import clean
        >>> from regard.data.interactions import Interactions
        >>> log = Interactions.of(pl.DataFrame({
        ...     "user": [1, 1, 1, 1], "item": ["a", "b", "c", "d"], "position": [0, 1, 2, 3],
        ...     "price": [2, 0, -1, None]}))
        >>> kept, _ = clean(log, [NonPositivePrice()])
        >>> kept.collect()["item"].to_list()
        ['a', 'd']
    """

    name: ClassVar[str] = "non-positive-price"
    reason: ClassVar[str] = "The price is zero or negative."
    needs: ClassVar[tuple[str, ...]] = (PRICE,)

    def unwanted(self, ordering: str) -> nw.Expr:  # noqa: ARG002 - the contract hands it to all
        """True where the price is not positive."""
        return nw.col(PRICE) <= 0
