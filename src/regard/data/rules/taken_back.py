"""Purchases that a cancellation took back, together with that cancellation."""

import re
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import ClassVar, Final

import narwhals as nw

from regard.data.engines import groups
from regard.data.rules.contract import MARKED, REMOVED_BY, SCRATCH, Frame, Rule
from regard.errors import ConfigurationError
from regard.schema import ITEM, QUANTITY, ROW, SESSION, USER

_STEP, _WHEN, _FIRST, _DEPTH = "_step", "_when", "_first", "_depth"
_BASE, _FLOOR, _LEVEL, _TAKEN = "_base", "_floor", "_level", "_taken"
_PIECES = "_pieces"
_FALL: Final = 2**31
"""By how much each group starts lower than the one before: more than any log has rows."""
_CEILING: Final = 2**62
_GROUP: Final = (USER, ITEM, _PIECES)


@dataclass(frozen=True, kw_only=True)
class TakenBack(Rule):
    """A purchase and the cancellation of the same user, item and number of pieces that undoes it.

    A cancellation takes back the latest purchase before it that nothing has taken back yet, so the
    two close like brackets, and both lines go. A cancellation of fewer pieces leaves something
    bought, and of more pieces fits no single line: both are left to the rule `cancellations`, as
    are cancellations of purchases from before the log begins.

    Put it before `cancellations`, which otherwise removes what it would match. Off by default:
    somebody who bought and sent back did choose the item, and a recommender may learn from that.

    Attributes:
        prefix: what the number of a cancelled invoice begins with.

    Raises:
        ConfigurationError: the prefix is empty, which would cancel everything.

    Example:
        >>> import polars as pl
        >>> from regard.data.clean import clean
        >>> from regard.data.interactions import Interactions
        >>> log = Interactions.of(pl.DataFrame({
        ...     "user": [1, 1, 1, 1], "item": ["a", "a", "a", "b"], "position": [0, 1, 2, 3],
        ...     "session": ["536365", "536366", "C536379", "C536380"], "quantity": [6, 6, -6, -1]}))
        >>> kept, _ = clean(log, [TakenBack()])
        >>> kept.collect()["session"].to_list()
        ['536365', 'C536380']
    """

    prefix: str = "C"

    name: ClassVar[str] = "taken-back"
    reason: ClassVar[str] = "A purchase that was taken back in full, or the line that did so."
    needs: ClassVar[tuple[str, ...]] = (USER, ITEM, SESSION, QUANTITY)

    def __post_init__(self) -> None:
        given: object = self.prefix
        if not isinstance(given, str) or not given:
            raise ConfigurationError(
                f"The prefix of taken-back is {self.prefix!r}; it must be text such as 'C'."
            )

    def mark(self, frame: Frame, ordering: str) -> Frame:
        """Mark both lines of each pair; see `Rule.mark`."""
        pairs = _pairs(self._lines(frame, ordering)).select(ROW, nw.lit(value=True).alias(SCRATCH))
        marked = frame.join(pairs, on=ROW, how="left")
        return marked.with_columns((~nw.col(SCRATCH).is_null()).alias(MARKED)).drop(SCRATCH)

    def _lines(self, frame: Frame, ordering: str) -> Frame:
        """Purchases (step 1) and cancellations (step -1), with what pairs must have in common."""
        cancelled = nw.col(SESSION).cast(nw.String)
        cancelled = cancelled.str.contains(f"^{re.escape(self.prefix)}[0-9]+\\z")
        pieces, when = (nw.col(name).cast(nw.Float64) for name in (QUANTITY, ordering))
        back = cancelled & (pieces < 0)
        bought = (cancelled.is_null() | ~cancelled) & (pieces > 0)
        usable = (nw.col(REMOVED_BY) == 0) & when.is_finite() & pieces.is_finite()
        step = nw.when(back).then(nw.lit(-1)).otherwise(nw.lit(1)).cast(nw.Int64)
        known = ~(nw.col(USER).is_null() | nw.col(ITEM).is_null())
        lines = frame.filter(usable & known & (back | bought)).select(
            ROW, USER, ITEM, step.alias(_STEP), pieces.abs().alias(_PIECES), when.alias(_WHEN)
        )
        # Most purchases are of nothing that was ever cancelled, and need no sorting.
        undone = lines.filter(nw.col(_STEP) == -1).select(*_GROUP)
        return lines.join(undone, on=list(_GROUP), how="semi")


def _pairs(lines: Frame) -> Frame:
    """The lines that close like brackets, group after group, in windows over the whole log.

    Not every engine has windows per group. Each group starts so much lower than the one before
    that running minima over the whole log are running minima of the group.
    """
    # At one moment, what was bought comes before what takes it back, whatever the file says.
    lines = lines.with_columns((-nw.col(_STEP)).alias(_TAKEN))
    order, window = (*_GROUP, _WHEN, _TAKEN, ROW), groups(lines, *_GROUP)
    same = [nw.col(key) == nw.col(key).shift(1).over(*window, order_by=order) for key in _GROUP]
    changed = reduce(or_, (~each | each.is_null() for each in same))
    first = nw.when(changed).then(nw.lit(1)).otherwise(nw.lit(0)).cast(nw.Int64)
    lines = lines.with_columns(first.alias(_FIRST))
    lines = lines.with_columns((nw.col(_STEP) - _FALL * nw.col(_FIRST)).alias(_DEPTH))
    lines = lines.with_columns(nw.col(_DEPTH).cum_sum().over(*window, order_by=order).alias(_DEPTH))
    before = nw.when(nw.col(_FIRST) == 1).then(nw.col(_DEPTH) - nw.col(_STEP))
    lines = lines.with_columns(before.otherwise(nw.lit(_CEILING)).alias(_BASE))
    lines = lines.with_columns(
        nw.min_horizontal(_BASE, _DEPTH).cum_min().over(*window, order_by=order).alias(_FLOOR),
        nw.col(_BASE).cum_min().over(*window, order_by=order).alias(_BASE),
    )
    # A cancellation that lowers the floor had nothing left to take back.
    earlier = nw.col(_FLOOR).shift(1).over(*window, order_by=order)
    earlier = nw.when(nw.col(_FIRST) == 1).then(nw.col(_BASE)).otherwise(earlier)
    opened = nw.col(_DEPTH) - nw.col(_FLOOR)
    level = nw.when(nw.col(_STEP) == 1).then(opened).otherwise(opened + 1)
    level = nw.when(nw.col(_FLOOR) < earlier).then(nw.lit(0)).otherwise(level)
    lines = lines.with_columns(level.cast(nw.Int64).alias(_LEVEL))
    # On one level of one group (which its base names) purchases and cancellations alternate.
    levels = (_BASE, _LEVEL, _WHEN, _TAKEN, ROW)
    follows = nw.col(_STEP).shift(-1).over(*window, order_by=levels) == -1
    for key in (_BASE, _LEVEL):
        follows &= nw.col(key) == nw.col(key).shift(-1).over(*window, order_by=levels)
    closing = (nw.col(_STEP) == -1) & (nw.col(_LEVEL) > 0)
    lines = lines.with_columns((closing | ((nw.col(_STEP) == 1) & follows)).alias(_TAKEN))
    return lines.filter(nw.col(_TAKEN))
