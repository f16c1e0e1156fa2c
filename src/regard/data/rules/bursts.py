"""Users who do more in a minute or an hour than people can: robots, tests, shared logins."""

import math
from dataclasses import dataclass, fields
from typing import ClassVar, Final, Self

import narwhals as nw
import numpy as np

from regard.data.interactions import Interactions
from regard.data.rules.behaviour import busiest
from regard.data.rules.contract import FARTHEST, MARKED, REMOVED_BY, SCRATCH, Frame, Rule, Scope
from regard.data.rules.limits import check_deviations, check_limit, require_one, robust_limit
from regard.errors import TooLittleDataError
from regard.schema import TIME, USER

_SECONDS: Final = {"per_minute": 60.0, "per_hour": 3_600.0}
_LEAST_SPREAD: Final = math.log(2)


@dataclass(frozen=True, kw_only=True)
class Bursts(Rule):
    """All rows of a user whose busiest minute or hour of the clock holds more rows than a limit.

    What is too many differs from log to log: `Bursts.learn` finds limits in the training period,
    as parameters that a recipe can hold. Where a shop books whole baskets at one moment, busy
    minutes are large orders; give a limit per hour alone there, or none at all.

    Attributes:
        per_minute: rows of one user in one minute that are still human; no limit if None.
        per_hour: the same for an hour.

    Raises:
        ConfigurationError: there is no limit, or one is no whole number of 1 or more.

    Example:
        >>> import polars as pl
        >>> from regard.data.clean import clean
        >>> log = Interactions.of(pl.DataFrame({"user": [1, 2, 2, 2], "item": ["a"] * 4,
        ...                                     "time": [0.0, 1.0, 2.0, 3.0]}))
        >>> kept, _ = clean(log, [Bursts(per_minute=2)])
        >>> kept.collect()["user"].to_list()
        [1]
    """

    per_minute: int | None = None
    per_hour: int | None = None

    name: ClassVar[str] = "bursts"
    reason: ClassVar[str] = "The user did more in a minute or an hour than people do."
    scope: ClassVar[Scope] = Scope.USER
    needs: ClassVar[tuple[str, ...]] = (USER, TIME)
    note: ClassVar[str] = (
        "bursts judged users by their whole history, the test part included: numbers measured on "
        "this log hold for users who never exceed its limits."
    )

    def __post_init__(self) -> None:
        limits = self.parameters()
        for name, limit in limits.items():
            what = "a whole number of 1 or more"
            check_limit(self.name, name, limit, least=1, what=what, whole=True)
        advice = "give per_minute, per_hour or both, such as per_hour = 500, or learn them with "
        require_one(self.name, limits, f"{advice}Bursts.learn")

    @classmethod
    def learn(
        cls, log: Interactions, *, until: float | None = None, deviations: float = 5.0
    ) -> Self:
        """Find limits in what most users do before a moment.

        The limit is so many robust standard deviations (1.4826 times the median absolute
        deviation, but at least a factor of two) above the median of the users' busiest minutes, and
        of their busiest hours, all on the scale of logarithms.

        Source: F. R. Hampel, "The influence curve and its role in robust estimation", JASA 69
        (1974), for the median absolute deviation.

        Args:
            log: with a clock.
            until: UTC seconds at which the training period ends, `validation_from` of a split; the
                whole log, and so the future, if None.
            deviations: how far above the median is too far.

        Returns:
            The rule with both limits.

        Raises:
            NeedsClockError: the log carries only an order.
            ConfigurationError: `deviations` is not positive.
            TooLittleDataError: nobody did anything before that moment.

        Example:
            >>> import polars as pl
            >>> table = pl.DataFrame({"user": [1, 2, 3, 3], "item": ["a"] * 4,
            ...                       "time": [0.0, 50.0, 100.0, 200.0]})
            >>> Bursts.learn(Interactions.of(table))
            Bursts(per_minute=32, per_hour=32)
        """
        log.require_clock("Learning the limits of bursts")
        check_deviations(deviations)
        time = nw.col(TIME).cast(nw.Float64)
        past = log.frame.filter(~nw.col(USER).is_null() & (time.abs() < FARTHEST))
        past = past if until is None else past.filter(time < until)
        limits = {}
        for limit, seconds in _SECONDS.items():
            most = nw.to_native(busiest(past, seconds).collect("polars"))
            if most.is_empty():
                raise TooLittleDataError(
                    f"{log.source} holds no user with a time before that moment, so there are no "
                    "limits to learn."
                )
            logs = np.log(most[SCRATCH].to_numpy())
            found = math.exp(robust_limit(logs, deviations, _LEAST_SPREAD))
            limits[limit] = math.floor(found + 1e-9)
        return cls(**limits)

    def mark(self, frame: Frame, ordering: str) -> Frame:  # noqa: ARG002 - the contract's
        """Mark every row of a user beyond a limit; see `Rule.mark`."""
        time = nw.col(TIME).cast(nw.Float64)
        counted = (nw.col(REMOVED_BY) == 0) & ~nw.col(USER).is_null()
        here = frame.filter(counted & (time.abs() < FARTHEST))
        marked = frame.with_columns(nw.lit(value=False).alias(MARKED))
        for each in fields(self):
            limit = getattr(self, each.name)
            if limit is not None:
                beyond = busiest(here, _SECONDS[each.name]).filter(nw.col(SCRATCH) > limit)
                beyond = beyond.select(USER, nw.lit(value=True).alias(SCRATCH))
                marked = marked.join(beyond, on=USER, how="left")
                either = nw.col(MARKED) | ~nw.col(SCRATCH).is_null()
                marked = marked.with_columns(either.alias(MARKED)).drop(SCRATCH)
        return marked
