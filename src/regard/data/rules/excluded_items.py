"""Items that are nothing one could recommend: postage, fees, vouchers, corrections."""

import re
from dataclasses import dataclass
from typing import ClassVar

import narwhals as nw
import polars as pl

from regard.data.rules.contract import RowRule
from regard.errors import ConfigurationError
from regard.schema import ITEM


@dataclass(frozen=True, kw_only=True)
class ExcludedItems(RowRule):
    """The item's id matches a regular expression from its first character to its last.

    What is no product differs from shop to shop, so there is no default.

    Attributes:
        pattern: a regular expression, such as `POST|DOT|gift_.*`; upper and lower case differ.
            Look-around and back-references are not understood by all engines and are refused;
            what they make of classes such as digits beyond ASCII differs, so spell those out.

    Raises:
        ConfigurationError: the pattern is no regular expression.

    Example:
        >>> import polars as pl
        >>> from regard.data.clean import clean
        >>> from regard.data.interactions import Interactions
        >>> log = Interactions.of(pl.DataFrame({"user": [1, 1, 1], "item": ["POST", "POSTER", "M"],
        ...                                     "position": [0, 1, 2]}))
        >>> kept, _ = clean(log, [ExcludedItems(pattern="POST|M")])
        >>> kept.collect()["item"].to_list()
        ['POSTER']
    """

    pattern: str

    name: ClassVar[str] = "excluded-items"
    reason: ClassVar[str] = "The item is on the list of what is not for recommending."
    needs: ClassVar[tuple[str, ...]] = (ITEM,)

    def __post_init__(self) -> None:
        given: object = self.pattern
        if not isinstance(given, str) or not given:
            raise ConfigurationError(
                f"The pattern of excluded-items is {self.pattern!r}; it must be a regular "
                "expression such as 'POST|DOT'."
            )
        try:
            re.compile(self.pattern)
            re.compile(f"^(?:{self.pattern})$")
            pl.select(pl.lit("").str.contains(self._whole))
        except (re.error, pl.exceptions.ComputeError) as broken:
            raise ConfigurationError(
                f"The pattern of excluded-items, {self.pattern!r}, is no regular expression that "
                f"every engine understands: {str(broken).strip()}. Correct it, or leave the rule "
                "out."
            ) from broken

    def unwanted(self, ordering: str) -> nw.Expr:  # noqa: ARG002 - the contract hands it to all
        """True where the whole id matches."""
        return nw.col(ITEM).cast(nw.String).str.contains(self._whole)

    @property
    def _whole(self) -> str:
        """The pattern for the id from end to end."""
        return rf"^(?:{self.pattern})\z"
