"""The same thing again a moment later: double clicks, reloads, retries."""

import math
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import ClassVar

import narwhals as nw

from regard.data.engines import groups
from regard.data.rules.contract import MARKED, REMOVED_BY, SCRATCH, Frame, Rule, Scope
from regard.errors import ConfigurationError
from regard.schema import ITEM, ROW, TIME, USER


@dataclass(frozen=True, kw_only=True)
class NearDuplicates(Rule):
    """The same user met the same item at most so many seconds before; the first stays.

    Distances are measured to the row before, kept or not, so a long burst of clicks is one event::

        seconds   0   8   16   40      with seconds=10
        kept      x             x

    Other items in between do not matter, unlike for `consecutive-repeats`. Off by default: a song
    may well be played twice in a minute.

    Attributes:
        seconds: how near is too near; 0 for equal times only.

    Raises:
        ConfigurationError: the distance is negative or no number.

    Example:
        >>> import polars as pl
        >>> from regard.data.clean import clean
        >>> from regard.data.interactions import Interactions
        >>> log = Interactions.of(pl.DataFrame({"user": [1] * 4, "item": ["a", "b", "a", "a"],
        ...                                     "time": [0.0, 1.0, 2.0, 30.0]}))
        >>> kept, _ = clean(log, [NearDuplicates(seconds=10)])
        >>> kept.collect()["row"].to_list()
        [0, 1, 3]
    """

    seconds: float = 10.0

    name: ClassVar[str] = "near-duplicates"
    reason: ClassVar[str] = "The user met the same item moments before."
    scope: ClassVar[Scope] = Scope.USER
    needs: ClassVar[tuple[str, ...]] = (USER, ITEM, TIME)

    def __post_init__(self) -> None:
        given: object = self.seconds
        number = isinstance(given, int | float) and not isinstance(given, bool)
        if not number or not 0 <= self.seconds < math.inf:
            raise ConfigurationError(
                f"The distance of near-duplicates is {self.seconds!r}; it must be a number of "
                "seconds, such as 10."
            )

    def mark(self, frame: Frame, ordering: str) -> Frame:  # noqa: ARG002 - the contract's
        """Mark rows too soon after one of the same user and item; see `Rule.mark`."""
        # A time that is none becomes null: engines sort NaN to different ends.
        time = nw.col(TIME).cast(nw.Float64)
        frame = frame.with_columns(nw.when(time.is_finite()).then(time).alias(SCRATCH))
        kind = (REMOVED_BY, USER, ITEM)
        window, order = groups(frame, *kind), (*kind, SCRATCH, ROW)
        same = (
            nw.col(name) == nw.col(name).shift(1).over(*window, order_by=order) for name in kind
        )
        apart = nw.col(SCRATCH) - nw.col(SCRATCH).shift(1).over(*window, order_by=order)
        near = reduce(and_, same) & (apart <= self.seconds)
        return frame.with_columns(near.alias(MARKED)).drop(SCRATCH)
