"""Users who act like machines: around the clock, at even intervals, or on one item alone."""

import math
from dataclasses import dataclass
from typing import ClassVar, Final, Self

import narwhals as nw
import numpy as np
import polars as pl

from regard.data.engines import groups
from regard.data.interactions import Interactions
from regard.data.rules.contract import FARTHEST, MARKED, REMOVED_BY, SCRATCH, Frame, Rule
from regard.errors import ConfigurationError, TooLittleDataError
from regard.schema import ITEM, ROW, TIME, USER

_NORMAL: Final = 1.4826
"""The standard deviation of a normal distribution in units of its median absolute deviation."""
_LEAST_SPREAD: Final = 0.1
_WHAT, _ROWS = "_what", "_rows"


@dataclass(frozen=True, kw_only=True)
class Clockwork(Rule):
    """All rows of a busy user whose entropy of hours, gaps or items is not that of a person.

    Entropies are in bits. People sleep, so their hours of the day hold less than the 4.58 bits of
    24 equal ones (in whatever time zone they live); their gaps differ, and so do their items. The
    limits depend on the log: `Clockwork.learn` finds them in the training period.

    Source: C. E. Shannon, "A mathematical theory of communication", Bell System Technical Journal
    27 (1948), for entropy.

    Attributes:
        rows: users with fewer rows are not judged, for little can be said of them.
        hours: a user with more bits in the hours of the day acts around the clock; None: no limit.
        gaps: a user with fewer bits in the gaps, in whole seconds, acts at even intervals.
        items: a user with fewer bits in the items is after one thing alone.

    Raises:
        ConfigurationError: there is no limit, or one is negative or no number.

    Example:
        >>> import polars as pl
        >>> from regard.data.clean import clean
        >>> log = Interactions.of(pl.DataFrame({
        ...     "user": [1, 1, 1, 2, 2, 2], "item": ["a", "b", "c"] * 2,
        ...     "time": [0.0, 60.0, 120.0, 0.0, 7.0, 70.0]}))
        >>> kept, _ = clean(log, [Clockwork(rows=3, gaps=0.5)])
        >>> kept.collect()["user"].to_list()
        [2, 2, 2]
    """

    rows: int = 100
    hours: float | None = None
    gaps: float | None = None
    items: float | None = None

    name: ClassVar[str] = "clockwork"
    reason: ClassVar[str] = "The user acts like a machine, by hours, gaps or items."
    needs: ClassVar[tuple[str, ...]] = (USER, ITEM, TIME)
    note: ClassVar[str] = (
        "clockwork judged users by their whole history, the test part included: numbers measured "
        "on this log hold for users who never exceed its limits."
    )

    def __post_init__(self) -> None:
        rows: object = self.rows
        if not isinstance(rows, int) or isinstance(rows, bool) or rows < 3:
            raise ConfigurationError(
                f"rows={self.rows!r} of clockwork must be a whole number of 3 or more."
            )
        limits = {"hours": self.hours, "gaps": self.gaps, "items": self.items}
        for name, limit in limits.items():
            number = isinstance(limit, int | float) and not isinstance(limit, bool)
            if limit is not None and not (number and 0 <= limit < math.inf):
                raise ConfigurationError(
                    f"The limit {name} of clockwork is {limit!r}; it must be a number of bits."
                )
        if all(limit is None for limit in limits.values()):
            raise ConfigurationError(
                "The rule 'clockwork' needs a limit: give hours, gaps or items in bits, such as "
                "hours = 4.5, or learn them with Clockwork.learn."
            )

    @classmethod
    def learn(
        cls,
        log: Interactions,
        *,
        until: float | None = None,
        deviations: float = 5.0,
        rows: int = 100,
    ) -> Self:
        """Find limits in how most busy users act before a moment.

        An entropy is a logarithm already: the limits lie so many robust standard deviations
        (1.4826 times the median absolute deviation, but at least a tenth of a bit) above the
        median of the users' hours, and below those of their gaps and items; a limit that nobody
        can be beyond is left out.

        Source: F. R. Hampel, "The influence curve and its role in robust estimation", JASA 69
        (1974), for the median absolute deviation.

        Args:
            log: with a clock.
            until: UTC seconds at which the training period ends, `validation_from` of a split; the
                whole log, and so the future, if None.
            deviations: how far from the median is too far.
            rows: users with fewer rows are not judged.

        Returns:
            The rule with its limits.

        Raises:
            NeedsClockError: the log carries only an order.
            ConfigurationError: `deviations` is not positive.
            TooLittleDataError: nobody has that many rows before that moment, or nobody can be
                beyond any limit.
        """
        log.require_clock("Learning the limits of clockwork")
        if not 0 < deviations < math.inf:
            raise ConfigurationError(f"deviations={deviations} must be a positive number.")
        past = log.frame.with_columns(nw.lit(0).cast(nw.Int64).alias(REMOVED_BY))
        past = _usable(past)
        past = past if until is None else past.filter(nw.col(TIME).cast(nw.Float64) < until)
        limits: dict[str, float] = {}
        for name, things in _THINGS.items():
            bits = _entropies(things(past), _enough(name, rows)).collect("polars")
            found = nw.to_native(bits)[SCRATCH]
            if found.is_empty():
                raise TooLittleDataError(
                    f"{log.source} holds no user with {rows} rows before that moment, so there are "
                    "no limits to learn; lower rows."
                )
            limits[name] = _limit(found, deviations if name == "hours" else -deviations)
        possible = {"hours": limits["hours"] < math.log2(24), "gaps": limits["gaps"] > 0}
        possible["items"] = limits["items"] > 0
        kept = {name: round(limit, 6) for name, limit in limits.items() if possible[name]}
        if not kept:
            raise TooLittleDataError(
                f"The users of {log.source} differ so much that nobody could be {deviations} "
                "deviations from the median; lower deviations."
            )
        return cls(rows=rows, **kept)

    def mark(self, frame: Frame, ordering: str) -> Frame:  # noqa: ARG002 - the contract's
        """Mark every row of a user beyond a limit; see `Rule.mark`."""
        here = _usable(frame)
        marked = frame.with_columns(nw.lit(value=False).alias(MARKED))
        for name, things in _THINGS.items():
            limit = getattr(self, name)
            if limit is not None:
                bits = nw.col(SCRATCH)
                # A hair more, for engines add up in orders of their own.
                beyond = bits > limit + 1e-9 if name == "hours" else bits < limit - 1e-9
                users = _entropies(things(here), _enough(name, self.rows)).filter(beyond)
                users = users.select(USER, nw.lit(value=True).alias(SCRATCH))
                marked = marked.join(users, on=USER, how="left")
                either = nw.col(MARKED) | ~nw.col(SCRATCH).is_null()
                marked = marked.with_columns(either.alias(MARKED)).drop(SCRATCH)
        return marked


def _usable(frame: Frame) -> Frame:
    """The rows that say who, what and when."""
    named = ~(nw.col(USER).is_null() | nw.col(ITEM).is_null())
    timed = nw.col(TIME).cast(nw.Float64).abs() < FARTHEST
    return frame.filter((nw.col(REMOVED_BY) == 0) & named & timed).select(USER, ITEM, TIME, ROW)


def _hours(rows: Frame) -> Frame:
    """The hour of the day of each row."""
    hour = (nw.col(TIME).cast(nw.Float64) / 3_600).floor()
    return rows.select(USER, (hour - 24 * (hour / 24).floor()).alias(_WHAT))


def _gaps(rows: Frame) -> Frame:
    """The whole seconds since the same user's row before."""
    order, window = (USER, TIME, ROW), groups(rows, USER)
    time = nw.col(TIME).cast(nw.Float64)
    same = nw.col(USER) == nw.col(USER).shift(1).over(*window, order_by=order)
    gap = (time - nw.col(TIME).shift(1).over(*window, order_by=order).cast(nw.Float64)).floor()
    told = rows.with_columns(nw.when(same).then(gap).alias(_WHAT))
    return told.filter(~nw.col(_WHAT).is_null()).select(USER, _WHAT)


def _items(rows: Frame) -> Frame:
    """The item of each row."""
    return rows.select(USER, nw.col(ITEM).alias(_WHAT))


_THINGS: Final = {"hours": _hours, "gaps": _gaps, "items": _items}


def _enough(name: str, rows: int) -> int:
    """How many things a user of so many rows has: one gap less than hours and items."""
    return rows - 1 if name == "gaps" else rows


def _entropies(things: Frame, least: int) -> Frame:
    """Bits of each user who has enough things."""
    counts = things.group_by(USER, _WHAT).agg(nw.len().alias(_ROWS))
    count = nw.col(_ROWS).cast(nw.Float64)
    counts = counts.with_columns((count * count.log(2.0)).alias(SCRATCH))
    sums = counts.group_by(USER).agg(nw.col(_ROWS).sum(), nw.col(SCRATCH).sum())
    sums = sums.filter(nw.col(_ROWS) >= least)
    total = nw.col(_ROWS).cast(nw.Float64)
    return sums.select(USER, (total.log(2.0) - nw.col(SCRATCH) / total).alias(SCRATCH))


def _limit(bits: pl.Series, deviations: float) -> float:
    """The median and so many robust deviations."""
    found = bits.to_numpy()
    median = float(np.median(found))
    spread = max(_NORMAL * float(np.median(np.abs(found - median))), _LEAST_SPREAD)
    return median + deviations * spread
