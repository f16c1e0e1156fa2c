"""Pieces that were returned, lost or corrected instead of bought."""

from dataclasses import dataclass
from typing import ClassVar

import narwhals as nw

from regard.data.rules.contract import RowRule
from regard.schema import QUANTITY


@dataclass(frozen=True, kw_only=True)
class NonPositiveQuantity(RowRule):
    """The quantity is zero or negative; a quantity that is not known says nothing and stays.

    Example:
        >>> import polars as pl
        >>> from regard.data.clean import clean
        >>> from regard.data.interactions import Interactions
        >>> log = Interactions.of(pl.DataFrame({
        ...     "user": [1, 1, 1, 1], "item": ["a", "b", "c", "d"], "position": [0, 1, 2, 3],
        ...     "quantity": [2, 0, -1, None]}))
        >>> kept, _ = clean(log, [NonPositiveQuantity()])
        >>> kept.collect()["item"].to_list()
        ['a', 'd']
    """

    name: ClassVar[str] = "non-positive-quantity"
    reason: ClassVar[str] = "The quantity is zero or negative."
    needs: ClassVar[tuple[str, ...]] = (QUANTITY,)

    def unwanted(self, ordering: str) -> nw.Expr:  # noqa: ARG002 - the contract hands it to all
        """True where the quantity is not positive."""
        return nw.col(QUANTITY) <= 0
