"""The same item again, with nothing in between."""

from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import ClassVar

import narwhals as nw

from regard.data.engines import groups
from regard.data.rules.contract import MARKED, REMOVED_BY, SCRATCH, Frame, Rule, Scope
from regard.schema import ITEM, ROW, USER


@dataclass(frozen=True, kw_only=True)
class ConsecutiveRepeats(Rule):
    """The user's interaction just before this one was with the same item; the first stays.

    Reloads and double clicks look like this, but so does a song that is played again: off by
    default. "Before" is by time (or position), ties by `row`::

        a a b a a a c    becomes    a b a c

    Example:
        >>> import polars as pl
        >>> from regard.data.clean import clean
        >>> from regard.data.interactions import Interactions
        >>> log = Interactions.of(pl.DataFrame({"user": [1, 1, 2, 1, 1],
        ...     "item": ["a", "a", "a", "b", "a"], "time": [1.0, 2.0, 2.5, 3.0, 4.0]}))
        >>> kept, _ = clean(log, [ConsecutiveRepeats()])
        >>> kept.collect()["row"].to_list()
        [0, 2, 3, 4]
    """

    name: ClassVar[str] = "consecutive-repeats"
    reason: ClassVar[str] = "The user's interaction just before was with the same item."
    scope: ClassVar[Scope] = Scope.USER
    needs: ClassVar[tuple[str, ...]] = (USER, ITEM)

    def mark(self, frame: Frame, ordering: str) -> Frame:
        """Mark rows whose neighbour before them has the same user and item; see `Rule.mark`."""
        # Engines sort NaN to different ends, so a time that is none becomes null.
        time = nw.col(ordering).cast(nw.Float64)
        frame = frame.with_columns(nw.when(~time.is_nan()).then(time).alias(SCRATCH))
        # One shift over the whole log, not one per user: not every engine can shift in groups.
        order = (REMOVED_BY, USER, SCRATCH, ROW)
        window = groups(frame, REMOVED_BY, USER)
        same = (
            nw.col(name) == nw.col(name).shift(1).over(*window, order_by=order)
            for name in (REMOVED_BY, USER, ITEM)
        )
        return frame.with_columns(reduce(and_, same).alias(MARKED)).drop(SCRATCH)
