"""How shops write the number of an invoice that takes another one back."""

import re

import narwhals as nw

from regard.errors import ConfigurationError
from regard.schema import SESSION


def check_prefix(rule: str, prefix: object) -> None:
    """Refuse a prefix that would cancel everything, or nothing.

    Args:
        rule: its name, for the message.
        prefix: what the number of a cancelled invoice begins with.

    Raises:
        ConfigurationError: it is no text, or empty.

    Example:
        >>> check_prefix("cancellations", "C")
    """
    if not isinstance(prefix, str) or not prefix:
        raise ConfigurationError(
            f"The prefix of {rule} is {prefix!r}; it must be text such as 'C'."
        )


def cancels(prefix: str) -> nw.Expr:
    """True where the session is the prefix and digits, null where there is no session.

    Args:
        prefix: as `check_prefix` accepts it.

    Example:
        >>> import polars as pl
        >>> table = nw.from_native(pl.DataFrame({"session": ["C1", "1", "CASH", None]}))
        >>> table.select(cancels("C"))["session"].to_list()
        [True, False, False, None]
    """
    return nw.col(SESSION).cast(nw.String).str.contains(f"^{re.escape(prefix)}[0-9]+\\z")
