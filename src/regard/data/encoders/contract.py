"""What an encoder is: fitted once on the training part, frozen, and plain enough to be stored."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import polars as pl

from regard.errors import ConfigurationError


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Encoder(ABC):
    """How one column becomes numbers; its fields are everything it learned.

    `fit` is the only way in that looks at data, and it is given the training part alone;
    `transform` answers any later column of the same kind, with rows in the same order. Two encoders
    are equal where everything they learned is equal.

    Attributes:
        name: what recipes and stored encoders call it.
        version: of its parameters; raised when their meaning changes.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1

    @classmethod
    @abstractmethod
    def fit(cls, values: pl.Series) -> Self:
        """Learn from a column of the training part; settings are keyword arguments.

        Args:
            values: one value per training interaction; nulls are missing values.

        Returns:
            The fitted encoder.

        Raises:
            ColumnError: the column holds the wrong kind of values.
            TooLittleDataError: no value is there to learn from.
            ConfigurationError: a setting makes no sense.
        """

    @abstractmethod
    def transform(self, values: pl.Series) -> pl.DataFrame:
        """Encode a column.

        Args:
            values: `(R,)` of the kind that was fitted; values never seen are welcome.

        Returns:
            `(R, ...)` numeric columns, named after the series.

        Raises:
            ColumnError: the column holds the wrong kind of values.
        """

    def to_dict(self) -> dict[str, Any]:
        """Name, version and parameters as JSON can hold them; see `tables` for the rest."""
        fields = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        plain = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in fields.items()
            if not isinstance(value, pl.DataFrame)
        }
        return {"name": self.name, "version": self.version, "parameters": plain}

    def tables(self) -> dict[str, pl.DataFrame]:
        """What is too large for JSON, by field, as frames that Parquet can hold."""
        fields = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        return {name: value for name, value in fields.items() if isinstance(value, pl.DataFrame)}

    @classmethod
    def from_dict(
        cls, stored: Mapping[str, Any], tables: Mapping[str, pl.DataFrame] | None = None
    ) -> Self:
        """The encoder that `to_dict` and `tables` wrote down.

        Args:
            stored: what `to_dict` gave, perhaps by way of JSON.
            tables: what `tables` gave, where that was not empty.

        Returns:
            An equal encoder.

        Raises:
            ConfigurationError: it is another encoder, of a version or with parameters that this
                class does not know.
        """
        told = (stored.get("name"), stored.get("version"))
        if told != (cls.name, cls.version):
            raise ConfigurationError(
                f"The stored encoder is {told[0]!r}, version {told[1]}, but this is {cls.name!r}, "
                f"version {cls.version}; fit it again, or use the release that wrote it."
            )
        given = {**stored.get("parameters", {}), **(tables or {})}
        names = {each.name for each in dataclasses.fields(cls)}
        if given.keys() != names:
            raise ConfigurationError(
                f"The stored encoder {cls.name!r} has the parameters {sorted(given)}, but needs "
                f"{sorted(names)}; what was stored is damaged or incomplete."
            )
        as_fitted = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
        return cls(**as_fitted)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Encoder):
            return NotImplemented
        mine, theirs = self.tables(), other.tables()
        return (
            self.to_dict() == other.to_dict()
            and mine.keys() == theirs.keys()
            and all(mine[name].equals(theirs[name]) for name in mine)
        )

    __hash__ = None  # type: ignore[assignment] # equal by content, and content may be large


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Invertible(Encoder):
    """An encoder that can say which values its numbers stood for."""

    @abstractmethod
    def inverse(self, encoded: pl.DataFrame) -> pl.Series:
        """Values of encoded columns.

        Args:
            encoded: columns as `transform` names them; the first one gives its name to the answer.

        Returns:
            `(R,)` values; null where the value was missing or was not kept.
        """


def whole_number(name: str, value: object, least: int = 1) -> int:
    """A setting that counts something.

    Args:
        name: of the setting, for the message.
        value: what was given.
        least: the smallest number that makes sense.

    Returns:
        The value.

    Raises:
        ConfigurationError: it is no whole number, or too small.

    Example:
        >>> whole_number("min_count", 5)
        5
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigurationError(f"{name}={value!r} must be a whole number of {least} or more.")
    return value


def one_of(name: str, value: object, choices: tuple[str, ...]) -> str:
    """A setting that is one word of a few.

    Args:
        name: of the setting, for the message.
        value: what was given.
        choices: the words.

    Returns:
        The value.

    Raises:
        ConfigurationError: it is none of them.

    Example:
        >>> one_of("output", "normal", ("uniform", "normal"))
        'normal'
    """
    if value not in choices:
        raise ConfigurationError(f"{name}={value!r} is not known; choose one of {choices}.")
    return str(value)


def nothing_to_fit(values: pl.Series, encoder: str) -> str:
    """The refusal of a column without a single value, as the message of `TooLittleDataError`.

    Args:
        values: the column.
        encoder: what was to be fitted.

    Returns:
        The message.

    Example:
        >>> nothing_to_fit(pl.Series("price", [None]), "standard")
        "Column 'price' holds 1 rows and not one value, so the encoder 'standard' has nothing ..."
    """
    return (
        f"Column {values.name!r} holds {len(values):,} rows and not one value, so the encoder "
        f"{encoder!r} has nothing to learn from; leave the column out."
    )
