"""Users and items of whom too little is known, removed until none is left (k-core)."""

from dataclasses import dataclass
from typing import ClassVar

import narwhals as nw

from regard.data.engines import held
from regard.data.rules.contract import MARKED, REMOVED_BY, SCRATCH, Frame, Rule
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
        named = ~(nw.col(USER).is_null() | nw.col(ITEM).is_null())
        counted = frame.filter(named & (nw.col(REMOVED_BY) == 0)).select(ROW, USER, ITEM)
        core = self._core(counted).select(ROW, nw.lit(value=True).alias(SCRATCH))
        marked = frame.join(core, on=ROW, how="left")
        outside = named & nw.col(SCRATCH).is_null()
        return marked.with_columns(outside.alias(MARKED)).drop(SCRATCH)

    def _core(self, rows: Frame) -> Frame:
        """The rows that stay, round after round."""
        before, left = -1, _size(rows)
        while left != before:
            # Without reading here, every round would compute all rounds before it again.
            rows = held(_frequent(_frequent(rows, USER, self.user), ITEM, self.item))
            before, left = left, _size(rows)
        return rows


def _frequent(rows: Frame, column: str, least: int) -> Frame:
    """The rows whose id in a column occurs often enough."""
    counts = rows.group_by(column).agg(nw.len().alias(SCRATCH))
    return rows.join(counts.filter(nw.col(SCRATCH) >= least), on=column, how="semi")


def _size(rows: Frame) -> int:
    """How many rows there are."""
    return int(rows.select(nw.len()).collect().item())
