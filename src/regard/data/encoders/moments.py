"""Times as a network can read them: places on a circle, and how long ago.

A gap between two events is a number: see `regard.data.encoders.gaps` for the column, `Buckets`
and `Log1p` for what to make of it.
"""

from abc import abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Self
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from regard.data.encoders.contract import Encoder, nothing_to_fit
from regard.data.encoders.scales import Numbers, as_numbers, known_numbers
from regard.errors import ConfigurationError, TooLittleDataError

_DAY = 86_400.0
_FIRST, _LAST = (datetime(year, 1, 2, tzinfo=UTC).timestamp() for year in (1, 9999))


@dataclass(frozen=True, kw_only=True, eq=False)
class Cycle(Encoder):
    """Sine and cosine of a place on a circle, so that 23:59 lies beside 0:00.

    Where there is no time, both are 0: the centre of the circle, equally far from everywhere.
    There is nothing to learn. Moments outside the years 1 to 9999 count as missing.

    Attributes:
        zone: whose clock and calendar, such as `Europe/London`.
    """

    zone: str

    @classmethod
    def fit(cls, values: pl.Series, *, zone: str = "UTC") -> Self:
        """Check the column; see `Encoder.fit`.

        Args:
            values: `(R,)` UTC seconds.
            zone: IANA name of the time zone.

        Raises:
            TooLittleDataError: the column holds no time.
        """
        _refuse_unknown_zone(zone)
        if not _moments(values, zone).count():
            raise TooLittleDataError(nothing_to_fit(values, cls.name))
        return cls(zone=zone)

    def transform(self, values: pl.Series) -> pl.DataFrame:
        """`(R,)` columns `..._sin` and `..._cos`; see `Encoder.transform`."""
        moments = _moments(values, self.zone).to_frame("moment")
        share = moments.select(self._share(pl.col("moment")).cast(pl.Float64)).to_series()
        angle = 2 * np.pi * share.fill_null(float("nan")).to_numpy()
        stem = f"{values.name}_{self.name}"
        waves = {f"{stem}_sin": np.sin(angle), f"{stem}_cos": np.cos(angle)}
        return pl.DataFrame({name: np.nan_to_num(wave) for name, wave in waves.items()})

    @staticmethod
    @abstractmethod
    def _share(moment: pl.Expr) -> pl.Expr:
        """How much of the circle has passed, from 0 to below 1."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Hour(Cycle):
    """The time of day, to the minute.

    Example:
        >>> encoder = Hour.fit(pl.Series("time", [0.0]))
        >>> encoded = encoder.transform(pl.Series("time", [6 * 3600.0, None]))
        >>> encoded.select(pl.all().round(9)).rows()
        [(1.0, 0.0), (0.0, 0.0)]
    """

    name: ClassVar[str] = "hour"

    @staticmethod
    def _share(moment: pl.Expr) -> pl.Expr:
        return (moment.dt.hour().cast(pl.Float64) + moment.dt.minute() / 60) / 24


@dataclass(frozen=True, kw_only=True, eq=False)
class Weekday(Cycle):
    """The day of the week; Monday is at the top of the circle.

    Example:
        >>> encoder = Weekday.fit(pl.Series("time", [0.0]))
        >>> encoder.transform(pl.Series("time", [4 * 86_400.0])).rows()  # 5 January 1970, a Monday
        [(0.0, 1.0)]
    """

    name: ClassVar[str] = "weekday"

    @staticmethod
    def _share(moment: pl.Expr) -> pl.Expr:
        return (moment.dt.weekday() - 1) / 7


@dataclass(frozen=True, kw_only=True, eq=False)
class Month(Cycle):
    """The month of the year; January is at the top of the circle.

    Example:
        >>> encoder = Month.fit(pl.Series("time", [0.0]))
        >>> encoder.transform(pl.Series("time", [0.0])).rows()
        [(0.0, 1.0)]
    """

    name: ClassVar[str] = "month"

    @staticmethod
    def _share(moment: pl.Expr) -> pl.Expr:
        return (moment.dt.month() - 1) / 12


@dataclass(frozen=True, kw_only=True, eq=False)
class Recency(Encoder):
    """1 at the end of the training part, half of it one half-life earlier, and so on to 0.

    What happened later is as recent as can be: 1. A missing time is 0.

    Attributes:
        latest: UTC seconds of the newest training event.
        half_life: seconds after which half of the recency is gone.

    Example:
        >>> encoder = Recency.fit(pl.Series("time", [0.0, 86_400.0]), half_life_days=1.0)
        >>> encoder.transform(pl.Series("time", [0.0, 86_400.0, 1e9, None])).to_series().to_list()
        [0.5, 1.0, 1.0, 0.0]
    """

    latest: float
    half_life: float

    name: ClassVar[str] = "recency"

    @classmethod
    def fit(cls, values: pl.Series, *, half_life_days: float | None = None) -> Self:
        """Learn when the training part ends; see `Encoder.fit`.

        Args:
            values: `(R,)` UTC seconds.
            half_life_days: in days; if None, the age that half of the training events have not
                reached, or one day where that is 0.

        Raises:
            ConfigurationError: the half-life is not positive.
        """
        known = known_numbers(values, cls.name)
        latest = float(known.max())
        if half_life_days is None:
            half_life = float(np.median(latest - known)) or _DAY
        elif 0 < half_life_days < float("inf"):
            half_life = half_life_days * _DAY
        else:
            raise ConfigurationError(
                f"half_life_days={half_life_days} must be a positive number of days, such as 30.0."
            )
        return cls(latest=latest, half_life=half_life)

    def transform(self, values: pl.Series) -> pl.DataFrame:
        """`(R,)` float64 from 0 to 1; see `Encoder.transform`."""
        times: Numbers = as_numbers(values)
        age = np.maximum(self.latest - times, 0.0) / self.half_life
        # Whoever is that old has a recency of 0 in float64 as well.
        recency = np.exp2(-np.minimum(age, 2_000.0))
        recency[~np.isfinite(times)] = 0.0
        return pl.DataFrame({f"{values.name}_{self.name}": recency})


def _moments(values: pl.Series, zone: str) -> pl.Series:
    """Moments on the clock of a zone; null where no calendar has one."""
    seconds = pl.Series(values.name, as_numbers(values))
    within = seconds.is_between(_FIRST, _LAST)
    kept = pl.select(pl.when(within).then(seconds)).to_series()
    whole = (kept * 1e6).round().cast(pl.Int64)
    return whole.cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(zone)


def _refuse_unknown_zone(zone: str) -> None:
    """Refuse a zone that the time zone database does not have."""
    try:
        ZoneInfo(zone)
    except (TypeError, ValueError, OSError, LookupError) as unknown:
        raise ConfigurationError(
            f"zone={zone!r} is no time zone; give an IANA name such as 'Europe/London'."
        ) from unknown
