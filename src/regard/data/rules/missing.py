"""Rows that do not say who, what or when."""

from dataclasses import dataclass
from typing import ClassVar, Final

import narwhals as nw

from regard.data.rules.contract import MARKED, Frame, RowRule
from regard.schema import ITEM, TIME, USER

BLANKS: Final = (
    " \t\n\r\v\f\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""What counts as blank, spelled out because engines disagree on what white space is."""


@dataclass(frozen=True, kw_only=True)
class MissingUser(RowRule):
    """The user is null, or text that holds nothing but blanks.

    Example:
        >>> import polars as pl
        >>> from regard.data.clean import clean
        >>> from regard.data.interactions import Interactions
        >>> log = Interactions.of(pl.DataFrame({"user": ["ann", None, " "], "item": [1, 2, 3],
        ...                                     "position": [0, 1, 2]}))
        >>> kept, _ = clean(log, [MissingUser()])
        >>> kept.collect()["item"].to_list()
        [1]
    """

    name: ClassVar[str] = "missing-user"
    reason: ClassVar[str] = "The user is missing."
    needs: ClassVar[tuple[str, ...]] = (USER,)

    def unwanted(self, ordering: str) -> nw.Expr:  # noqa: ARG002 - the contract hands it to all
        """True where there is no user."""
        return _no_id(USER)

    def mark(self, frame: Frame, ordering: str) -> Frame:
        """Mark missing ids; numbers are never blank. See `Rule.mark`."""
        if frame.collect_schema()[USER] == nw.String:
            return super().mark(frame, ordering)
        return frame.with_columns(nw.col(USER).is_null().alias(MARKED))


@dataclass(frozen=True, kw_only=True)
class MissingItem(RowRule):
    """The item is null, or text that holds nothing but blanks.

    Example:
        >>> MissingItem().reason
        'The item is missing.'
    """

    name: ClassVar[str] = "missing-item"
    reason: ClassVar[str] = "The item is missing."
    needs: ClassVar[tuple[str, ...]] = (ITEM,)

    def unwanted(self, ordering: str) -> nw.Expr:  # noqa: ARG002 - the contract hands it to all
        """True where there is no item."""
        return _no_id(ITEM)

    def mark(self, frame: Frame, ordering: str) -> Frame:
        """Mark missing ids; numbers are never blank. See `Rule.mark`."""
        if frame.collect_schema()[ITEM] == nw.String:
            return super().mark(frame, ordering)
        return frame.with_columns(nw.col(ITEM).is_null().alias(MARKED))


@dataclass(frozen=True, kw_only=True)
class MissingTime(RowRule):
    """The time is null or not a number; in a log without a clock, the position is null.

    Example:
        >>> MissingTime().parameters()
        {}
    """

    name: ClassVar[str] = "missing-time"
    reason: ClassVar[str] = "The time (or, without a clock, the position) is missing."

    def unwanted(self, ordering: str) -> nw.Expr:
        """True where nothing says when."""
        missing = nw.col(ordering).is_null()
        # Some engines know null only as NaN, so the two must mean the same on all of them.
        return missing | nw.col(TIME).cast(nw.Float64).is_nan() if ordering == TIME else missing


def _no_id(column: str) -> nw.Expr:
    """True where an id is null or blank."""
    text = nw.col(column).cast(nw.String)
    return nw.col(column).is_null() | (text.str.strip_chars(BLANKS) == "")
