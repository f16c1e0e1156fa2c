"""Users who look like robots in more than one way, by limits learned before the test part."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Final, Self

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from regard.data.interactions import Interactions
from regard.data.rules.behaviour import (
    WHAT,
    busiest,
    entropies,
    gaps,
    hours,
    items,
    nightly,
    usable,
)
from regard.data.rules.contract import MARKED, REMOVED_BY, SCRATCH, Frame, Rule
from regard.data.rules.limits import check_limit, check_rows, robust_limit
from regard.errors import ConfigurationError, TooLittleDataError
from regard.schema import ITEM, TIME, USER

TRAINING: Final = 0.81
"""Share of rows before the validation period, where test and validation take a tenth each."""
LEAST_USERS: Final = 20
"""Users with enough rows without whom nobody can say what is usual."""

_VOTES = "_votes"
_HOUR: Final = 3_600.0
_HAIR: Final = 1e-9  # engines add up in orders of their own
_ABOVE: Final = ("per_minute", "per_hour", "night", "hours")
_LEAST_SPREAD: Final = {
    "per_minute": math.log(2), "per_hour": math.log(2), "night": 0.05, "hours": 0.1, "gaps": 0.1,
    "items": 0.1,
}  # fmt: skip
"""What counts as a spread at least: a factor of two, a twentieth of the rows, a tenth of a bit."""


@dataclass(frozen=True, kw_only=True)
class Robots(Rule):
    """All rows of a busy user who is beyond the limits of people in at least two of six measures.

    The measures are those of `bursts` (rows in the busiest minute and hour of the clock) and of
    `clockwork` (bits in the hours of the day, in the gaps and in the items), and the share of rows
    in the six hours of the day that are quietest before the training period ends. One measure
    alone is no proof: a fan plays one album, and a nurse works at night.

    Limits that are not given are found before `until`, so that the test part has no say: so many
    robust standard deviations (1.4826 times the median absolute deviation) from the median of
    users with enough rows. `clean` settles them and reports them, and a recipe that was run holds
    them: the same users are judged alike ever after.

    Source: F. R. Hampel, "The influence curve and its role in robust estimation", JASA 69 (1974),
    for the median absolute deviation.

    Attributes:
        rows: users with fewer rows are not judged.
        deviations: how far from the median is too far.
        votes: how many measures must agree.
        until: UTC seconds at which learning ends; if None, the moment before which 81 % of the
            rows lie that are kept, as in the default split.
        night_from: the hour (UTC) at which the quietest six hours begin.
        per_minute: rows in the busiest minute that are still human.
        per_hour: rows in the busiest hour.
        night: share of rows in the quietest hours.
        hours: bits in the hours of the day.
        gaps: bits in the gaps that are still human; fewer are not.
        items: bits in the items; fewer are not.

    Raises:
        ConfigurationError: a number makes no sense.

    Example:
        >>> import polars as pl
        >>> from regard.data.clean import clean
        >>> people = [(f"p{n}", f"i{(k * k + n) % 17}", 9e5 * n + 3600.0 * k * (1 + (k + n) % 7))
        ...           for n in range(30) for k in range(12)]
        >>> robot = [("robot", "i1", 60.0 * k) for k in range(12)]
        >>> table = pl.DataFrame(people + robot, schema=["user", "item", "time"], orient="row")
        >>> _, report = clean(Interactions.of(table), [Robots(rows=10, until=1e9)])
        >>> report.quarantine["user"].unique().to_list()
        ['robot']
    """

    rows: int = 100
    deviations: float = 5.0
    votes: int = 2
    until: float | None = None
    night_from: int | None = None
    per_minute: float | None = None
    per_hour: float | None = None
    night: float | None = None
    hours: float | None = None
    gaps: float | None = None
    items: float | None = None

    name: ClassVar[str] = "robots"
    reason: ClassVar[str] = "The user acts like a robot in more than one way."
    needs: ClassVar[tuple[str, ...]] = (USER, ITEM, TIME)
    note: ClassVar[str] = (
        "robots judged users by their whole history, the test part included, by limits learned "
        "before the moment 'until': numbers measured on this log hold for users who never exceed "
        "them."
    )

    def __post_init__(self) -> None:
        check_rows(self.name, self.rows)
        for each in (*MEASURES, "until"):
            check_limit(self.name, each, getattr(self, each), least=-math.inf)
        check_limit(self.name, "deviations", self.deviations, least=_HAIR, needed=True)
        for each, values in {"votes": range(1, len(MEASURES) + 1), "night_from": range(24)}.items():
            given: object = getattr(self, each)
            if (given is not None or each == "votes") and (
                not isinstance(given, int) or isinstance(given, bool) or given not in values
            ):
                raise ConfigurationError(
                    f"{each}={given!r} of robots must be a whole number from {values[0]} to "
                    f"{values[-1]}."
                )

    def settled_on(self, log: Interactions) -> Self:
        """The same rule with the limits that it lacks, found in the log before `until`.

        Raises:
            TooLittleDataError: fewer than twenty users have enough rows before that moment.
        """
        if all(getattr(self, each.name) is not None for each in fields(self)):
            return self
        log.require_clock("Learning the limits of robots")
        rows = usable(log.frame.with_columns(nw.lit(0).alias(REMOVED_BY)))
        if self.until is not None:
            return self._learned(log, rows, self.until)
        until = _moment(rows)
        found = self._learned(log, rows, until)
        # Rows of robots are not kept, and a busy one late in the log would move the moment into the
        # test part. Each round can only move it back, and the log begins somewhere.
        while (earlier := _moment(found._people(rows))) < until:
            until = earlier
            found = self._learned(log, rows, until)
        return found

    def _learned(self, log: Interactions, rows: Frame, until: float) -> Self:
        """The rule with the limits that it lacks, found in rows before a moment."""
        past = rows.filter(nw.col(TIME).cast(nw.Float64) < until)
        start = _quietest(past) if self.night_from is None else self.night_from
        found = replace(self, until=until, night_from=start)
        limits: dict[str, Any] = {}
        for name in MEASURES:
            if getattr(self, name) is None:
                limits[name] = found._limit(log, name, found._collected(past, name))
        return replace(found, **limits)

    def _people(self, rows: Frame) -> Frame:
        """The rows of users who are no robots."""
        marked = self.mark(rows.with_columns(nw.lit(0).alias(REMOVED_BY)), "")
        return marked.filter(~nw.col(MARKED)).drop(MARKED)

    def spread(self, parts: Callable[[], Iterable[Frame]], ordering: str) -> Rule:
        """With settled limits, each user is judged alone; see `Rule.spread`."""
        return super().spread(parts, ordering) if self._unsettled else self

    @property
    def _unsettled(self) -> bool:
        return any(getattr(self, name) is None for name in (*MEASURES, "night_from"))

    def mark(self, frame: Frame, ordering: str) -> Frame:  # noqa: ARG002 - the contract's
        """Mark every row of a user whom enough measures find beyond their limits; see `Rule.mark`.

        Raises:
            ConfigurationError: the limits are not settled yet; `clean` does that.
        """
        if self._unsettled:
            raise ConfigurationError(
                "The limits of robots are not settled; call settled_on(log), as clean does."
            )
        here = usable(frame)
        marked = frame.with_columns(nw.lit(0).cast(nw.Int64).alias(_VOTES))
        for name in MEASURES:
            limit, measure = getattr(self, name), nw.col(SCRATCH)
            far = measure > limit + _HAIR if name in _ABOVE else measure < limit - _HAIR
            users = self._measured(here, name).filter(far)
            marked = marked.join(
                users.select(USER, nw.lit(1).cast(nw.Int64).alias(SCRATCH)), on=USER, how="left"
            )
            vote = nw.when(nw.col(SCRATCH).is_null()).then(nw.lit(0)).otherwise(nw.lit(1))
            marked = marked.with_columns((nw.col(_VOTES) + vote).alias(_VOTES)).drop(SCRATCH)
        return marked.with_columns((nw.col(_VOTES) >= self.votes).alias(MARKED)).drop(_VOTES)

    def _collected(self, rows: Frame, name: str) -> pl.DataFrame:
        """One measure of each user, in memory."""
        table: pl.DataFrame = nw.to_native(self._measured(rows, name).collect("polars"))
        return table

    def _measured(self, rows: Frame, name: str) -> Frame:
        """One measure of each user who has enough rows."""
        if name in ("per_minute", "per_hour"):
            told = busiest(rows, 60.0 if name == "per_minute" else 3_600.0)
        elif name == "night":
            told = nightly(rows, self.night_from or 0)
        else:
            kinds = {"hours": hours, "gaps": gaps, "items": items}
            told = entropies(kinds[name](rows), self.rows - (name == "gaps"))
        enough = rows.group_by(USER).agg(nw.len().alias(_VOTES))
        return told.join(enough.filter(nw.col(_VOTES) >= self.rows), on=USER, how="semi")

    def _limit(self, log: Interactions, name: str, users: pl.DataFrame) -> float:
        """How far from the median of the users is too far."""
        told: NDArray[np.float64] = users[SCRATCH].to_numpy()
        if len(told) < LEAST_USERS:
            raise TooLittleDataError(
                f"The limits of robots are learned from {LEAST_USERS} users with {self.rows} rows "
                f"before that moment, but {log.source} has {len(told)}. Lower rows, or leave the "
                "rule out."
            )
        rate = name in ("per_minute", "per_hour")
        away = self.deviations if name in _ABOVE else -self.deviations
        limit = robust_limit(np.log(told) if rate else told, away, _LEAST_SPREAD[name])
        return round(math.exp(limit) if rate else limit, 6)


MEASURES: Final = ("per_minute", "per_hour", "night", "hours", "gaps", "items")
"""Fields of `Robots` that are limits."""


def suspects(log: Interactions) -> pl.Series:
    """The users who look like robots, judged by the whole log: for a reader, not for cleaning.

    Args:
        log: with a clock.

    Returns:
        Their ids; none where fewer than twenty users have 100 rows.

    Example:
        >>> suspects(Interactions.of(pl.DataFrame({"user": [1], "item": [2], "time": [1e9]}))).len()
        0
    """
    rows: pl.DataFrame = nw.to_native(
        usable(log.frame.with_columns(nw.lit(0).alias(REMOVED_BY))).collect("polars")
    )
    busy = rows[USER].value_counts().filter(pl.col("count") >= Robots.rows)
    if busy.height < LEAST_USERS:
        return busy[USER].clear()
    here = nw.from_native(rows.join(busy, on=USER, how="semi").lazy())
    rule = Robots(night_from=_quietest(here))
    found = []
    for name in MEASURES:
        users = rule._collected(here, name)
        limit, measure = rule._limit(log, name, users), pl.col(SCRATCH)
        found.append(users.filter(measure > limit if name in _ABOVE else measure < limit)[USER])
    votes = pl.concat(found).value_counts().filter(pl.col("count") >= rule.votes)
    return votes[USER].sort()


def _moment(rows: Frame) -> float:
    """The moment before which the training share of the rows lies, to the hour.

    Rows are counted where they are; what comes together are numbers of rows by hour.

    Raises:
        TooLittleDataError: there is no row.
    """
    hour = (nw.col(TIME).cast(nw.Float64) / _HOUR).floor().alias(WHAT)
    counted = rows.select(hour).group_by(WHAT).agg(nw.len().alias(SCRATCH)).collect("polars")
    table: pl.DataFrame = nw.to_native(counted).sort(WHAT)
    if table.is_empty():
        raise TooLittleDataError("No row says who, what and when, so robots cannot be known.")
    before = table[SCRATCH].cum_sum().to_numpy()
    place = int(np.searchsorted(before, TRAINING * before[-1], side="right"))
    return float(table[WHAT][min(place, table.height - 1)]) * _HOUR


def _quietest(rows: Frame) -> int:
    """The hour of the day (UTC) at which the six hours with the fewest rows begin."""
    counted = hours(rows).group_by(WHAT).agg(nw.len().alias(SCRATCH)).collect("polars")
    table: pl.DataFrame = nw.to_native(counted)
    rows_H = np.zeros(24)
    rows_H[table[WHAT].cast(pl.Int64).to_numpy()] = table[SCRATCH].to_numpy()
    six_H = sum(np.roll(rows_H, -hour) for hour in range(6))
    return int(np.argmin(six_H))
