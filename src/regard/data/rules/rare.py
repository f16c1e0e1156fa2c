"""Users and items of whom too little is known, removed until none is left (k-core)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import narwhals as nw
import polars as pl

from regard.data.engines import held
from regard.data.rules.contract import MARKED, REMOVED_BY, SCRATCH, Frame, Rule, Scope
from regard.errors import ConfigurationError
from regard.schema import ITEM, ROW, USER


@dataclass(frozen=True, kw_only=True)
class RareUsersAndItems(Rule):
    """The user or the item has too few interactions, once other rare ones are gone.

    Removing a rare item can make a user rare, and the other way round; rounds go on until nothing
    changes. What stays is the largest part of the log in which every user and every item has
    enough rows. The outcome does not depend on the order of the rows.

    Off by default: the counts come from the whole log, test part included. To have items with few
    training interactions stay unknown, use the vocabulary's `min_count` instead, which looks at
    the training part only.

    A row without user or item counts for nobody and is not marked: that it is missing is the
    reason of another rule. The log is computed once and kept in its own engine where that engine
    can hold tables (Spark holds them on its executors), else in PyArrow.

    Source: S. B. Seidman, "Network structure and minimum degree", Social Networks 5 (1983), for
    k-cores; (user, item) cores with two thresholds are usual in recommender data sets. Differs in
    that repeated pairs count each time.

    Attributes:
        user: a user stays with at least so many rows.
        item: an item stays with at least so many rows.

    Raises:
        ConfigurationError: a threshold is not a whole number of 1 or more.

    Example:
        >>> import polars as pl
        >>> from regard.data.clean import clean
        >>> from regard.data.interactions import Interactions
        >>> log = Interactions.of(pl.DataFrame({
        ...     "user": [1, 1, 2, 2, 3, 3], "item": ["a", "b", "a", "b", "b", "c"],
        ...     "position": [0, 1, 0, 1, 0, 1]}))
        >>> kept, report = clean(log, [RareUsersAndItems(user=2, item=2)])
        >>> kept.collect()["row"].to_list()  # c is rare; without it, so is user 3
        [0, 1, 2, 3]
    """

    user: int = 5
    item: int = 5

    name: ClassVar[str] = "rare-users-and-items"
    reason: ClassVar[str] = "The user or the item has too few interactions."
    needs: ClassVar[tuple[str, ...]] = (USER, ITEM)
    note: ClassVar[str] = (
        "rare-users-and-items counted over the whole log, so it looked at the future too: numbers "
        "measured on this log are flattered by it."
    )

    def __post_init__(self) -> None:
        for field, least in self.parameters().items():
            if not isinstance(least, int) or isinstance(least, bool) or least < 1:
                raise ConfigurationError(
                    f"The least number of rows per {field} is {least!r}; it must be a whole number "
                    "of 1 or more."
                )

    def mark(self, frame: Frame, ordering: str) -> Frame:  # noqa: ARG002 - the contract's
        """Mark rows outside the core; see `Rule.mark`."""
        frame = held(frame)
        return _outside(frame, self._core(_counted(frame).select(ROW, USER, ITEM)))

    def spread(self, parts: Callable[[], Iterable[Frame]], ordering: str) -> Rule:  # noqa: ARG002 - the contract's
        """Find the items of the core, round after round over all parts; see `Rule.spread`."""
        items, before = self._frequent_items(parts, None), -1
        while items.height != before:
            before = items.height
            items = self._frequent_items(parts, items)
        return _RareInPart(user=self.user, item=self.item, items=items)

    def _frequent_items(
        self, parts: Callable[[], Iterable[Frame]], among: pl.DataFrame | None
    ) -> pl.DataFrame:
        """Items with enough rows of users who have enough rows of some items (all, if None)."""
        counts: list[pl.DataFrame] = []
        for part in parts():
            rows = nw.to_native(_counted(part).select(USER, ITEM).collect("polars"))
            rows = rows if among is None else rows.join(among, on=ITEM, how="semi")
            frequent = rows.group_by(USER).len().filter(pl.col("len") >= self.user)
            rows = rows.join(frequent, on=USER, how="semi")
            counts = [pl.concat([*counts, rows.group_by(ITEM).len()]).group_by(ITEM).sum()]
        found = pl.concat(counts).filter(pl.col("len") >= self.item)
        return found.select(ITEM)

    def _core(self, rows: Frame) -> Frame:
        """The rows that stay, round after round."""
        before, left = -1, _size(rows)
        while left != before:
            # Without reading here, every round would compute all rounds before it again.
            rows = held(_frequent(_frequent(rows, USER, self.user), ITEM, self.item))
            before, left = left, _size(rows)
        return rows


@dataclass(frozen=True, kw_only=True)
class _RareInPart(RareUsersAndItems):
    """The same question to a part of the log, when the items of the core are known.

    Attributes:
        items: column `item`, the items of the core.
    """

    items: pl.DataFrame
    scope: ClassVar[Scope] = Scope.USER

    def parameters(self) -> dict[str, Any]:
        """Those of the rule that was spread."""
        return {"user": self.user, "item": self.item}

    def mark(self, frame: Frame, ordering: str) -> Frame:  # noqa: ARG002 - the contract's
        """Mark rows outside the core; see `Rule.mark`."""
        known = nw.from_native(self.items.lazy())
        rows = _counted(frame).select(ROW, USER, ITEM).join(known, on=ITEM, how="semi")
        return _outside(frame, _frequent(rows, USER, self.user))


def _counted(frame: Frame) -> Frame:
    """The rows that count: not removed yet, with a user and an item."""
    return frame.filter(_named() & (nw.col(REMOVED_BY) == 0))


def _outside(frame: Frame, core: Frame) -> Frame:
    """Mark the rows that are not among those of the core."""
    core = core.select(ROW, nw.lit(value=True).alias(SCRATCH))
    outside = _named() & nw.col(SCRATCH).is_null()
    marked = frame.join(core, on=ROW, how="left")
    return marked.with_columns(outside.alias(MARKED)).drop(SCRATCH)


def _named() -> nw.Expr:
    """True where a row says who and what."""
    return ~(nw.col(USER).is_null() | nw.col(ITEM).is_null())


def _frequent(rows: Frame, column: str, least: int) -> Frame:
    """The rows whose id in a column occurs often enough."""
    counts = rows.group_by(column).agg(nw.len().alias(SCRATCH))
    return rows.join(counts.filter(nw.col(SCRATCH) >= least), on=column, how="semi")


def _size(rows: Frame) -> int:
    """How many rows there are."""
    return int(rows.select(nw.len()).collect().item())
