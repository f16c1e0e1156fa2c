"""Users who act like machines: around the clock, at even intervals, or on one item alone."""

import math
from dataclasses import dataclass
from typing import ClassVar, Final, Self

import narwhals as nw

from regard.data.interactions import Interactions
from regard.data.rules.behaviour import entropies, gaps, hours, items, usable
from regard.data.rules.contract import MARKED, REMOVED_BY, SCRATCH, Frame, Rule, Scope
from regard.data.rules.limits import (
    check_deviations,
    check_limit,
    check_rows,
    require_one,
    robust_limit,
)
from regard.errors import TooLittleDataError
from regard.schema import ITEM, TIME, USER

_LEAST_SPREAD: Final = 0.1
_THINGS: Final = {"hours": hours, "gaps": gaps, "items": items}


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
    scope: ClassVar[Scope] = Scope.USER
    needs: ClassVar[tuple[str, ...]] = (USER, ITEM, TIME)
    note: ClassVar[str] = (
        "clockwork judged users by their whole history, the test part included: numbers measured "
        "on this log hold for users who never exceed its limits."
    )

    def __post_init__(self) -> None:
        check_rows(self.name, self.rows)
        limits: dict[str, object] = {name: getattr(self, name) for name in _THINGS}
        for name, limit in limits.items():
            check_limit(self.name, name, limit, what="a number of bits")
        advice = "give hours, gaps or items in bits, such as hours = 4.5, or learn them with "
        require_one(self.name, limits, f"{advice}Clockwork.learn")

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
        check_deviations(deviations)
        past = log.frame.with_columns(nw.lit(0).cast(nw.Int64).alias(REMOVED_BY))
        past = usable(past)
        past = past if until is None else past.filter(nw.col(TIME).cast(nw.Float64) < until)
        limits: dict[str, float] = {}
        for name, things in _THINGS.items():
            bits = entropies(things(past), _enough(name, rows)).collect("polars")
            found = nw.to_native(bits)[SCRATCH]
            if found.is_empty():
                raise TooLittleDataError(
                    f"{log.source} holds no user with {rows} rows before that moment, so there are "
                    "no limits to learn; lower rows."
                )
            away = deviations if name == "hours" else -deviations
            limits[name] = robust_limit(found.to_numpy(), away, _LEAST_SPREAD)
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
        here = usable(frame)
        marked = frame.with_columns(nw.lit(value=False).alias(MARKED))
        for name, things in _THINGS.items():
            limit = getattr(self, name)
            if limit is not None:
                bits = nw.col(SCRATCH)
                # A hair more, for engines add up in orders of their own.
                beyond = bits > limit + 1e-9 if name == "hours" else bits < limit - 1e-9
                users = entropies(things(here), _enough(name, self.rows)).filter(beyond)
                users = users.select(USER, nw.lit(value=True).alias(SCRATCH))
                marked = marked.join(users, on=USER, how="left")
                either = nw.col(MARKED) | ~nw.col(SCRATCH).is_null()
                marked = marked.with_columns(either.alias(MARKED)).drop(SCRATCH)
        return marked


def _enough(name: str, rows: int) -> int:
    """How many things a user of so many rows has: one gap less than hours and items."""
    return rows - 1 if name == "gaps" else rows
