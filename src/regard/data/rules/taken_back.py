"""Purchases that a cancellation took back, together with that cancellation."""

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import ClassVar, Final

import narwhals as nw

from regard.data.engines import groups
from regard.data.rules.contract import MARKED, REMOVED_BY, SCRATCH, Frame, Rule, Scope
from regard.data.rules.invoices import cancels, check_prefix
from regard.errors import ConfigurationError
from regard.schema import ITEM, QUANTITY, ROW, SESSION, USER

_STEP, _WHEN, _FIRST, _DEPTH = "_step", "_when", "_first", "_depth"
_BASE, _FLOOR, _LEVEL, _TAKEN = "_base", "_floor", "_level", "_taken"
_PIECES, _GROUP_NUMBER = "_pieces", "_group"
_FALL: Final = 2**31
"""By how much each group starts lower than the one before: more than any log has rows."""
_DROP: Final = 2**40
"""The same for pieces: more than any user has of an item, in room for eight million groups."""
_MOST: Final = 2**31
_CEILING: Final = 2**62
_GROUP: Final = (USER, ITEM, _PIECES)


@dataclass(frozen=True, kw_only=True)
class TakenBack(Rule):
    """A purchase and the cancellation of the same user, item and number of pieces that undoes it.

    A cancellation takes back the latest purchase before it that nothing has taken back yet, so the
    two close like brackets, and both lines go. A cancellation of fewer pieces leaves something
    bought, and of more pieces fits no single line: both are left to the rule `cancellations`
    unless `partial` is set, as are cancellations of purchases from before the log begins.

    With `partial`, the cancellations that found no purchase of their own number then take pieces
    back one by one, latest first, from what the user has left of the item::

        bought 6, bought 2, back 5    the 2 are gone, 3 of the 6 stay

    A cancellation that took any piece back goes, and so does a purchase of which nothing is left;
    one of which something is left stays, and its quantity is still what was bought.

    Put it before `cancellations`, which otherwise removes what it would match. Off by default:
    somebody who bought and sent back did choose the item, and a recommender may learn from that.

    Attributes:
        prefix: what the number of a cancelled invoice begins with.
        partial: whether cancellations of other numbers of pieces count too. Quantities that are
            no whole numbers, or more than 2,147,483,647, are left alone.

    Raises:
        ConfigurationError: the prefix is empty, which would cancel everything, or `partial` is
            neither true nor false.

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
    partial: bool = False

    name: ClassVar[str] = "taken-back"
    reason: ClassVar[str] = "A purchase that was taken back in full, or a line that took back."
    scope: ClassVar[Scope] = Scope.USER
    needs: ClassVar[tuple[str, ...]] = (USER, ITEM, SESSION, QUANTITY)

    def __post_init__(self) -> None:
        check_prefix(self.name, self.prefix)
        given: object = self.partial
        if not isinstance(given, bool):
            raise ConfigurationError(f"partial={given!r} of taken-back must be true or false.")

    def mark(self, frame: Frame, ordering: str) -> Frame:
        """Mark both lines of each pair; see `Rule.mark`."""
        lines = self._lines(frame, ordering)
        pairs = _pairs(_with_undone(lines, _GROUP)).select(ROW, nw.lit(value=True).alias(SCRATCH))
        marked = frame.join(pairs, on=ROW, how="left")
        marked = marked.with_columns((~nw.col(SCRATCH).is_null()).alias(MARKED)).drop(SCRATCH)
        if not self.partial:
            return marked
        rest = _countable(lines.join(pairs, on=ROW, how="anti"))
        pieces = _piecewise(_with_undone(rest, (USER, ITEM)))
        marked = marked.join(
            pieces.select(ROW, nw.lit(value=True).alias(SCRATCH)), on=ROW, how="left"
        )
        either = nw.col(MARKED) | ~nw.col(SCRATCH).is_null()
        return marked.with_columns(either.alias(MARKED)).drop(SCRATCH)

    def _lines(self, frame: Frame, ordering: str) -> Frame:
        """Purchases (step 1) and cancellations (step -1), with what pairs must have in common."""
        cancelled = cancels(self.prefix)
        pieces, when = (nw.col(name).cast(nw.Float64) for name in (QUANTITY, ordering))
        back = cancelled & (pieces < 0)
        bought = (cancelled.is_null() | ~cancelled) & (pieces > 0)
        usable = (nw.col(REMOVED_BY) == 0) & when.is_finite() & pieces.is_finite()
        step = nw.when(back).then(nw.lit(-1)).otherwise(nw.lit(1)).cast(nw.Int64)
        known = ~(nw.col(USER).is_null() | nw.col(ITEM).is_null())
        return frame.filter(usable & known & (back | bought)).select(
            ROW, USER, ITEM, step.alias(_STEP), pieces.abs().alias(_PIECES), when.alias(_WHEN)
        )


def _with_undone(lines: Frame, group: tuple[str, ...]) -> Frame:
    """The groups with a cancellation; most purchases are of nothing that was ever cancelled."""
    undone = lines.filter(nw.col(_STEP) == -1).select(*group)
    return lines.join(undone, on=list(group), how="semi")


def _countable(lines: Frame) -> Frame:
    """The lines whose pieces can be counted one by one, as whole numbers."""
    pieces = nw.col(_PIECES)
    whole = lines.filter((pieces == pieces.floor()) & (pieces < _MOST))
    return whole.with_columns(pieces.cast(nw.Int64))


def _piecewise(lines: Frame) -> Frame:
    """The purchases of which nothing is left, and the cancellations that took something back.

    What a user has of an item is a walk that goes up by each purchase and down by each
    cancellation, but never below nothing. A purchase is gone once the walk is as low again as
    before it. As in `_pairs`, windows go over the whole log: each group starts lower than the one
    before and, for the minima from behind, is lifted above it.
    """
    lines = lines.with_columns((-nw.col(_STEP)).alias(_TAKEN))
    order = (USER, ITEM, _WHEN, _TAKEN, ROW)
    window = groups(lines, USER, ITEM)
    lines = lines.with_columns(_begins(lines, (USER, ITEM), order).alias(_FIRST))
    change = nw.col(_STEP) * nw.col(_PIECES)
    lines = lines.with_columns((change - _DROP * nw.col(_FIRST)).alias(_DEPTH))
    lines = lines.with_columns(nw.col(_DEPTH).cum_sum().over(*window, order_by=order).alias(_DEPTH))
    before = nw.when(nw.col(_FIRST) == 1).then(nw.col(_DEPTH) - change)
    lines = lines.with_columns(before.otherwise(nw.lit(_CEILING)).alias(_BASE))
    lowest = nw.min_horizontal(_BASE, _DEPTH).cum_min().over(*window, order_by=order)
    lines = lines.with_columns(
        lowest.alias(_FLOOR),
        nw.col(_FIRST).cum_sum().over(*window, order_by=order).alias(_GROUP_NUMBER),
    )
    lines = lines.with_columns((nw.col(_DEPTH) - nw.col(_FLOOR)).alias(_LEVEL))
    # Sorted as they are, the lines of one group come together, and its first had nothing before.
    earlier = nw.col(_LEVEL).shift(1).over(*window, order_by=order)
    earlier = nw.when(nw.col(_FIRST) == 1).then(nw.lit(0)).otherwise(earlier)
    lifted = nw.col(_LEVEL) + _DROP * nw.col(_GROUP_NUMBER)
    lines = lines.with_columns(earlier.cast(nw.Int64).alias(_BASE), lifted.alias(_DEPTH))
    lines = lines.with_columns(
        nw.col(_DEPTH).cum_min(reverse=True).over(*window, order_by=order).alias(_FLOOR)
    )
    least = nw.col(_FLOOR) - _DROP * nw.col(_GROUP_NUMBER)
    gone = (nw.col(_STEP) == 1) & (least <= nw.col(_BASE))
    took = (nw.col(_STEP) == -1) & (nw.col(_LEVEL) < nw.col(_BASE))
    return lines.filter(gone | took)


def _begins(lines: Frame, group: tuple[str, ...], order: tuple[str, ...]) -> nw.Expr:
    """1 in the first line of each group, else 0."""
    window = groups(lines, *group)
    same = [nw.col(key) == nw.col(key).shift(1).over(*window, order_by=order) for key in group]
    changed = reduce(or_, (~each | each.is_null() for each in same))
    return nw.when(changed).then(nw.lit(1)).otherwise(nw.lit(0)).cast(nw.Int64)


def _pairs(lines: Frame) -> Frame:
    """The lines that close like brackets, group after group, in windows over the whole log.

    Not every engine has windows per group. Each group starts so much lower than the one before
    that running minima over the whole log are running minima of the group.
    """
    # At one moment, what was bought comes before what takes it back, whatever the file says.
    lines = lines.with_columns((-nw.col(_STEP)).alias(_TAKEN))
    order = (*_GROUP, _WHEN, _TAKEN, ROW)
    window = groups(lines, *_GROUP)
    lines = lines.with_columns(_begins(lines, _GROUP, order).alias(_FIRST))
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
