"""Invoices that take another one back."""

import re
from dataclasses import dataclass
from typing import ClassVar

import narwhals as nw

from regard.data.rules.contract import RowRule
from regard.errors import ConfigurationError
from regard.schema import SESSION


@dataclass(frozen=True, kw_only=True)
class Cancellations(RowRule):
    """The session (invoice) is a prefix followed by digits, as shops book a cancellation.

    What was cancelled stays in the log: logs rarely say which line a cancellation takes back, and
    somebody who bought and sent back did choose the item.

    Attributes:
        prefix: what the number of a cancelled invoice begins with.

    Raises:
        ConfigurationError: the prefix is empty, which would cancel everything.

    Example:
        >>> import polars as pl
        >>> from regard.data.clean import clean
        >>> from regard.data.interactions import Interactions
        >>> log = Interactions.of(pl.DataFrame({
        ...     "user": [1, 1, 1], "item": ["a", "a", "b"], "position": [0, 1, 2],
        ...     "session": ["536365", "C536379", "CASH"]}))
        >>> kept, _ = clean(log, [Cancellations()])
        >>> kept.collect()["session"].to_list()
        ['536365', 'CASH']
    """

    prefix: str = "C"

    name: ClassVar[str] = "cancellations"
    reason: ClassVar[str] = "The invoice cancels another one."
    needs: ClassVar[tuple[str, ...]] = (SESSION,)

    def __post_init__(self) -> None:
        given: object = self.prefix
        if not isinstance(given, str) or not given:
            raise ConfigurationError(
                f"The prefix of cancellations is {self.prefix!r}; it must be text such as 'C'."
            )

    def unwanted(self, ordering: str) -> nw.Expr:  # noqa: ARG002 - the contract hands it to all
        """True where the session is the prefix and digits."""
        cancelled = f"^{re.escape(self.prefix)}[0-9]+\\z"
        return nw.col(SESSION).cast(nw.String).str.contains(cancelled)
