"""Times that cannot be when it happened."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar, Self

import narwhals as nw

from regard.data.rules.contract import RowRule
from regard.errors import ConfigurationError
from regard.schema import TIME


@dataclass(frozen=True, kw_only=True)
class ImplausibleTimes(RowRule):
    """The time lies before a first plausible moment, after a last one, or nowhere (NaN, infinite).

    Placeholders for "unknown" (1970-01-01, 1980-01-01) fall before it, slips of the year after it.

    Attributes:
        earliest: ISO date or moment, UTC unless it names a zone; a date means its first instant.
        latest: likewise, a date means its last instant. None is the moment of cleaning: `settled`
            puts that moment in its place, and the report records it, so that the same cleaning
            can be run again next year.

    Raises:
        ConfigurationError: a moment cannot be read, or the latest lies before the earliest.

    Example:
        >>> import polars as pl
        >>> from regard.data.clean import clean
        >>> from regard.data.interactions import Interactions
        >>> log = Interactions.of(pl.DataFrame({"user": [1, 1, 1], "item": ["a", "b", "c"],
        ...                                     "time": [0.0, 1e9, 1e12]}))
        >>> kept, _ = clean(log, [ImplausibleTimes(latest="2020-12-31")])
        >>> kept.collect()["item"].to_list()
        ['b']
    """

    earliest: str = "1990-01-01"
    latest: str | None = None

    name: ClassVar[str] = "implausible-times"
    reason: ClassVar[str] = "The time is too early, too late or infinite."
    needs: ClassVar[tuple[str, ...]] = (TIME,)

    def __post_init__(self) -> None:
        first = _seconds("earliest", self.earliest, end=False)
        if self.latest is not None and _seconds("latest", self.latest, end=True) < first:
            raise ConfigurationError(
                f"The latest plausible time, {self.latest}, lies before the earliest, "
                f"{self.earliest}; swap them or correct one."
            )

    def settled(self) -> Self:
        """The same rule with the present moment as the latest, if none was given."""
        if self.latest is not None:
            return self
        return replace(self, latest=datetime.now(UTC).isoformat(timespec="microseconds"))

    def unwanted(self, ordering: str) -> nw.Expr:  # noqa: ARG002 - the contract hands it to all
        """True where the time is outside the two moments or no moment at all."""
        first = _seconds("earliest", self.earliest, end=False)
        last = _seconds("latest", self.settled().latest, end=True)
        time = nw.col(TIME).cast(nw.Float64)
        return (time < first) | (time > last) | ~time.is_finite()


def _seconds(field: str, text: str | None, *, end: bool) -> float:
    """UTC seconds of an ISO date (its first or last microsecond) or moment."""
    try:
        moment = datetime.fromisoformat(text)  # type: ignore[arg-type] # TypeError is handled below
    except (TypeError, ValueError) as broken:
        raise ConfigurationError(
            f"The {field} plausible time is {text!r}; it must be an ISO date in quotes, such as "
            "'1990-01-01' or '1990-01-01T12:00:00+00:00'."
        ) from broken
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if end and _is_date(str(text)):
        moment += timedelta(days=1) - timedelta(microseconds=1)
    return moment.timestamp()


def _is_date(text: str) -> bool:
    """Whether a text names a day and no time of it."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
