"""Numbers on a common scale: standard, robust, quantile and logarithmic.

All of them treat null, NaN and infinite values as missing: they learn nothing from them, put the
value of an average training row in their place, and say so in a second column::

    price        price   price_missing
    2.0           -1.0   0
    null           0.0   1
    6.0            1.0   0
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from regard.data.encoders.contract import Invertible, nothing_to_fit, one_of, whole_number
from regard.errors import ColumnError, DataError, TooLittleDataError

Numbers = npt.NDArray[np.float64]
"""`(R,)` float64."""

_LARGEST = float(np.finfo(np.float64).max)
_SLACK = 1e-7
_LOWEST = _SLACK - np.spacing(1)
"""The share with the lowest normal quantile; what lies beyond is cut off, as in scikit-learn."""


def as_numbers(values: pl.Series) -> Numbers:
    """A column as float64, NaN where a value is missing.

    Args:
        values: `(R,)` numbers.

    Returns:
        `(R,)` float64.

    Raises:
        ColumnError: the column holds no numbers.

    Example:
        >>> as_numbers(pl.Series("price", [1, None])).tolist()
        [1.0, nan]
    """
    if not values.dtype.is_numeric() and values.dtype not in {pl.Boolean, pl.Null}:
        raise ColumnError(
            f"Column {values.name!r} holds {values.dtype}, but this encoder reads numbers; cast "
            "the column, or encode it as categories."
        )
    return values.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def known_numbers(values: pl.Series, encoder: str) -> Numbers:
    """The finite values of a column, of which there must be one at least.

    Args:
        values: `(R,)` numbers.
        encoder: what is to be fitted, for the message.

    Returns:
        `(K,)` float64, K >= 1.

    Raises:
        ColumnError: the column holds no numbers.
        TooLittleDataError: none of them is finite.

    Example:
        >>> known_numbers(pl.Series([1.0, None, float("inf")]), "standard").tolist()
        [1.0]
    """
    numbers = as_numbers(values)
    known: Numbers = numbers[np.isfinite(numbers)]
    if not len(known):
        raise TooLittleDataError(nothing_to_fit(values, encoder))
    return known


@dataclass(frozen=True, kw_only=True, eq=False)
class Scale(Invertible):
    """What the scales have in common: the treatment of missing values.

    Attributes:
        missing: whether `transform` adds the column `..._missing`. Without it, `inverse` cannot
            tell missing values from average ones.
        fill: what missing values become.
    """

    missing: bool
    fill: float

    @abstractmethod
    def _forward(self, known: Numbers) -> Numbers:
        """Finite values on the scale."""

    @abstractmethod
    def _backward(self, scaled: Numbers) -> Numbers:
        """Values of the scale as they were."""

    def transform(self, values: pl.Series) -> pl.DataFrame:
        """Scale a column; see `Encoder.transform`."""
        numbers = as_numbers(values)
        known = np.isfinite(numbers)
        scaled = np.full(len(numbers), self.fill)
        # A value at the end of float64 stays there instead of becoming infinite.
        with np.errstate(over="ignore"):
            scaled[known] = np.clip(self._forward(numbers[known]), -_LARGEST, _LARGEST)
        columns = {values.name: scaled}
        if self.missing:
            columns[f"{values.name}_missing"] = (~known).astype(np.int8)
        return pl.DataFrame(columns)

    def inverse(self, encoded: pl.DataFrame) -> pl.Series:
        """The values before scaling, null where the column `..._missing` says so."""
        name = encoded.columns[0]
        with np.errstate(over="ignore"):
            values = pl.Series(name, self._backward(as_numbers(encoded[name])))
        if not self.missing:
            return values
        gone = encoded[f"{name}_missing"] == 1
        return pl.select(pl.when(~gone).then(values).alias(name)).to_series()


@dataclass(frozen=True, kw_only=True, eq=False)
class Standard(Scale):
    """Distance from the mean in standard deviations (of the population, as in scikit-learn).

    A constant column has no spread: its distances stay in the unit of the column.

    Attributes:
        mean: of the training part.
        deviation: its standard deviation; 1 where it is 0.

    Example:
        >>> encoder = Standard.fit(pl.Series("price", [2.0, 4.0, 6.0, None]), missing=False)
        >>> encoder.transform(pl.Series("price", [4.0, None]))["price"].to_list()
        [0.0, 0.0]
    """

    mean: float
    deviation: float

    name: ClassVar[str] = "standard"

    @classmethod
    def fit(cls, values: pl.Series, *, missing: bool = True) -> Self:
        """Learn mean and deviation; see `Encoder.fit`.

        Args:
            values: `(R,)` numbers.
            missing: add a column that says which values are missing.
        """
        known = known_numbers(values, cls.name)
        with np.errstate(over="ignore", invalid="ignore"):
            mean, deviation = float(known.mean()), float(known.std())
        if known.min() == known.max():
            # Rounding must not invent a spread of 1e-17.
            mean, deviation = float(known[0]), 0.0
        _refuse_overflow(values, deviation)
        return cls(missing=missing, fill=0.0, mean=mean, deviation=deviation or 1.0)

    def _forward(self, known: Numbers) -> Numbers:
        return (known - self.mean) / self.deviation

    def _backward(self, scaled: Numbers) -> Numbers:
        return scaled * self.deviation + self.mean


@dataclass(frozen=True, kw_only=True, eq=False)
class Robust(Scale):
    """Distance from the median in interquartile ranges: a few wild values change nothing.

    Attributes:
        median: of the training part.
        spread: its third quartile less its first; 1 where it is 0.

    Example:
        >>> encoder = Robust.fit(pl.Series("price", [1.0, 2.0, 3.0, 4.0, 1e9]))
        >>> encoder.transform(pl.Series("price", [5.0, None])).rows()
        [(1.0, 0), (0.0, 1)]
    """

    median: float
    spread: float

    name: ClassVar[str] = "robust"

    @classmethod
    def fit(cls, values: pl.Series, *, missing: bool = True) -> Self:
        """Learn median and quartiles; see `Encoder.fit`.

        Args:
            values: `(R,)` numbers.
            missing: add a column that says which values are missing.
        """
        known = known_numbers(values, cls.name)
        with np.errstate(over="ignore", invalid="ignore"):
            first, median, third = np.quantile(known, (0.25, 0.5, 0.75)).tolist()
            spread = third - first
        _refuse_overflow(values, spread)
        return cls(missing=missing, fill=0.0, median=median, spread=spread or 1.0)

    def _forward(self, known: Numbers) -> Numbers:
        return (known - self.median) / self.spread

    def _backward(self, scaled: Numbers) -> Numbers:
        return scaled * self.spread + self.median


@dataclass(frozen=True, kw_only=True, eq=False)
class Quantile(Scale):
    """The share of training values below a value, or its normal quantile.

    Between two stored quantiles the share grows linearly; a value that fills several quantiles
    gets the middle of them. Beyond the training range it stays at the end, so `inverse` gives back
    values inside that range only. Same method as scikit-learn's `QuantileTransformer`, but all
    rows are looked at.

    Attributes:
        quantiles: `(Q,)` ascending values.
        output: `"uniform"` for the share itself, from 0 to 1, or `"normal"`.

    Example:
        >>> encoder = Quantile.fit(pl.Series("price", [0.0, 1.0, 4.0, 16.0, 64.0]))
        >>> encoder.transform(pl.Series("price", [4.0, 40.0, 999.0]))["price"].to_list()
        [0.5, 0.875, 1.0]
    """

    quantiles: tuple[float, ...]
    output: str

    name: ClassVar[str] = "quantile"

    @classmethod
    def fit(
        cls,
        values: pl.Series,
        *,
        count: int = 1000,
        output: str = "uniform",
        missing: bool = True,
    ) -> Self:
        """Learn the quantiles; see `Encoder.fit`.

        Args:
            values: `(R,)` numbers.
            count: how many quantiles at most; no more than there are values.
            output: `"uniform"` or `"normal"`.
            missing: add a column that says which values are missing.
        """
        one_of("output", output, ("uniform", "normal"))
        known = known_numbers(values, cls.name)
        shares = np.linspace(0, 1, min(whole_number("count", count, 2), len(known)))
        with np.errstate(over="ignore", invalid="ignore"):
            found = np.quantile(known, shares)
        if not np.isfinite(found).all():
            _refuse_overflow(values, float("inf"))
        # Rounding inside the interpolation can break the order by one unit in the last place.
        ascending = np.maximum.accumulate(found)
        fill = 0.5 if output == "uniform" else 0.0
        return cls(missing=missing, fill=fill, quantiles=tuple(ascending.tolist()), output=output)

    def _forward(self, known: Numbers) -> Numbers:
        quantiles = np.asarray(self.quantiles)
        shares = np.linspace(0, 1, len(quantiles))
        from_below = np.interp(known, quantiles, shares)
        from_above = np.interp(-known, -quantiles[::-1], -shares[::-1])
        share = (from_below - from_above) / 2
        share[known >= quantiles[-1]] = 1.0
        share[known <= quantiles[0]] = 0.0
        if self.output == "uniform":
            return share
        from scipy import special

        normal: Numbers = special.ndtri(np.clip(share, _LOWEST, 1 - _LOWEST))
        return normal

    def _backward(self, scaled: Numbers) -> Numbers:
        share = scaled
        if self.output == "normal":
            from scipy import special

            # What was cut off is the end of the range again.
            cut = -special.ndtri(_LOWEST)
            share = np.where(np.abs(scaled) < cut, special.ndtr(scaled), scaled > 0)
        return np.interp(share, np.linspace(0, 1, len(self.quantiles)), self.quantiles)


@dataclass(frozen=True, kw_only=True, eq=False)
class Log1p(Scale):
    """`log(1 + x)`, mirrored for negative values, so that it is defined for all of them.

    Missing values become the mean of the training logarithms.

    Example:
        >>> encoder = Log1p.fit(pl.Series("seconds", [0.0, 99.0]), missing=False)
        >>> encoder.transform(pl.Series("seconds", [99.0, -99.0]))["seconds"].round(3).to_list()
        [4.605, -4.605]
    """

    name: ClassVar[str] = "log1p"

    @classmethod
    def fit(cls, values: pl.Series, *, missing: bool = True) -> Self:
        """Learn what an average row has; see `Encoder.fit`.

        Args:
            values: `(R,)` numbers.
            missing: add a column that says which values are missing.
        """
        known = known_numbers(values, cls.name)
        return cls(missing=missing, fill=float(_mirrored_log1p(known).mean()))

    def _forward(self, known: Numbers) -> Numbers:
        return _mirrored_log1p(known)

    def _backward(self, scaled: Numbers) -> Numbers:
        return np.sign(scaled) * np.expm1(np.abs(scaled))


def _mirrored_log1p(numbers: Numbers) -> Numbers:
    """Sign of x times log(1 + |x|)."""
    logs: Numbers = np.sign(numbers) * np.log1p(np.abs(numbers))
    return logs


def _refuse_overflow(values: pl.Series, spread: float) -> None:
    """Refuse a column whose values lie so far apart that float64 cannot say how far."""
    if not np.isfinite(spread):
        raise DataError(
            f"The values of column {values.name!r} lie further apart than float64 can hold; remove "
            "the extreme ones, or encode the column with 'log1p'."
        )
