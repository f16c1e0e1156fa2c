"""All encoders of a log together: one specification in, one frame of numbers out."""

import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import polars as pl

from regard.data.atomic import atomic_folder
from regard.data.encoders import ENCODERS
from regard.data.encoders.contract import Encoder, Invertible
from regard.data.encoders.gaps import GAP, with_gaps
from regard.data.encoders.provenance import Provenance
from regard.data.interactions import Interactions
from regard.data.split import Split
from regard.errors import (
    BundleMissingError,
    BundleVersionError,
    ColumnError,
    ConfigurationError,
)
from regard.schema import ROW

Choice: TypeAlias = str | Mapping[str, Any]
"""The name of an encoder, or its name and settings."""

VERSION: Final = 2
"""Of what `to_dict` writes. Version 1 did not say what was learned from, and can still be read."""
_FILE: Final = "encoders.json"


@dataclass(frozen=True)
class Encoders:
    """Fitted encoders, each with the column that it reads.

    The column `gap` (seconds since the user's event before) need not be in the log: it is made of
    `user` and `time` where it is asked for.

    Attributes:
        fitted: pairs of a column and its encoder, in the order of the specification.
        learned_from: the rows that they were fitted on; None where nobody wrote it down.

    Example:
        >>> table = pl.DataFrame({"user": [1, 1, 1], "item": ["a", "b", "c"],
        ...                       "time": [0.0, 10.0, 40.0], "price": [2.0, 4.0, 6.0],
        ...                       "country": ["UK", "UK", "FR"]})
        >>> encoders = Encoders.fit(table, {
        ...     "price": {"name": "robust", "missing": False},
        ...     "country": {"name": "categories", "min_count": 2},
        ...     "gap": {"name": "log1p"},
        ... })
        >>> encoders.transform(table.with_columns(country=pl.lit("??")))[1].rows(named=True)
        [{'price': 0.0, 'country': 1, 'gap': 2.39..., 'gap_missing': 0}]
    """

    fitted: tuple[tuple[str, Encoder], ...]
    learned_from: Provenance | None = None

    @classmethod
    def fit(
        cls,
        training: Interactions | pl.DataFrame,
        columns: Mapping[str, Choice | Sequence[Choice]],
    ) -> "Encoders":
        """Learn everything from the training part; see `training_part` for how to get it.

        Args:
            training: rows of the training part, and no others.
            columns: for each column the name of an encoder, or its name and settings, or several
                of these.

        Returns:
            The fitted encoders.

        Raises:
            ColumnError: a column is missing, of the wrong kind, or two encoders would write it.
            ConfigurationError: an encoder or setting is not known or makes no sense.
            TooLittleDataError: a column holds nothing to learn from.
        """
        table = _table(training)
        encoders = cls(
            tuple(
                (column, kind.fit(_column(table, column), **settings))
                for column, kind, settings in understood(columns)
            ),
            Provenance.of(table),
        )
        encoders.transform(table.head(0))
        return encoders

    def transform(self, log: Interactions | pl.DataFrame) -> pl.DataFrame:
        """Encode the rows of a log, the test part included.

        Args:
            log: with the columns that were fitted; gaps need all rows of a user at once.

        Returns:
            `(R, ...)` numeric columns; rows of interactions in the order of the source, rows of a
            frame in its own.

        Raises:
            ColumnError: a column is missing or of another kind, or two encoders write one.
        """
        table = _table(log)
        encoded: dict[str, pl.Series] = {}
        for column, encoder in self.fitted:
            for series in encoder.transform(_column(table, column)):
                if series.name in encoded:
                    raise ColumnError(
                        f"Two encoders write the column {series.name!r}; the second one is "
                        f"{encoder.name!r} of {column!r}. Keep one of them, or rename a column."
                    )
                encoded[series.name] = series
        return pl.DataFrame(encoded)

    def inverse(self, encoded: pl.DataFrame) -> pl.DataFrame:
        """The values that encoded columns stood for, as far as encoders can tell.

        Args:
            encoded: of `transform`.

        Returns:
            One column for each encoded column whose encoder is `Invertible`.

        Raises:
            ColumnError: an encoded column is missing.
        """
        columns: dict[str, pl.Series] = {}
        for column, encoder in self.fitted:
            if isinstance(encoder, Invertible) and column not in columns:
                names = _names_of(encoder, column)
                if lacking := [name for name in names if name not in encoded.columns]:
                    raise ColumnError(f"The encoded columns {lacking} are missing.")
                columns[column] = encoder.inverse(encoded.select(names))
        return pl.DataFrame(columns)

    def to_dict(self) -> dict[str, Any]:
        """Version, provenance and encoders as JSON can hold them; see `tables` for the rest."""
        stored = [{"column": column, **each.to_dict()} for column, each in self.fitted]
        origin = None if self.learned_from is None else self.learned_from.to_dict()
        return {"version": VERSION, "learned_from": origin, "encoders": stored}

    def tables(self) -> dict[str, pl.DataFrame]:
        """What is too large for JSON: frames by number of the encoder and field, `0.known`."""
        return {
            f"{number}.{field}": table
            for number, (_, encoder) in enumerate(self.fitted)
            for field, table in encoder.tables().items()
        }

    @classmethod
    def from_dict(
        cls, stored: Mapping[str, Any], tables: Mapping[str, pl.DataFrame] | None = None
    ) -> "Encoders":
        """The encoders that `to_dict` and `tables` wrote down.

        Args:
            stored: what `to_dict` gave, perhaps by way of JSON.
            tables: what `tables` gave.

        Returns:
            Equal encoders.

        Raises:
            ConfigurationError: it was written by a version that this one does not know, or is
                damaged.
        """
        if stored.get("version") not in (1, VERSION):
            raise ConfigurationError(
                f"The stored encoders are of version {stored.get('version')!r}, but this is "
                f"version {VERSION}; fit them again, or use the release that wrote them."
            )
        fitted = []
        for number, each in enumerate(stored["encoders"]):
            own = {
                name.partition(".")[2]: table
                for name, table in (tables or {}).items()
                if name.partition(".")[0] == str(number)
            }
            kind = _kind(each["column"], each["name"])
            fitted.append((each["column"], kind.from_dict(each, own)))
        origin = stored["learned_from"] if stored["version"] == VERSION else None
        return cls(tuple(fitted), None if origin is None else Provenance.from_dict(origin))

    def save(self, folder: Path | str, *, overwrite: bool = False) -> None:
        """Write `encoders.json` and one Parquet file per table; the folder appears whole or not.

        A folder that cannot be written raises the `StorageError` of `regard.data.atomic`.

        Args:
            folder: where; missing parents are made.
            overwrite: replace a folder that is there.
        """
        with atomic_folder(folder, overwrite=overwrite) as draft:
            told = json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
            (draft / _FILE).write_text(told + "\n", "utf-8")
            for name, table in self.tables().items():
                table.write_parquet(draft / f"{name}.parquet")

    @classmethod
    def load(cls, folder: Path | str) -> "Encoders":
        """Read what `save` wrote.

        Args:
            folder: where it is.

        Returns:
            Equal encoders.

        Raises:
            BundleMissingError: there are no encoders in the folder.
            BundleVersionError: they cannot be read by this version, or are damaged.
        """
        place = Path(folder)
        try:
            stored = json.loads((place / _FILE).read_text("utf-8"))
            files = sorted(place.glob("*.parquet"))
            tables = {
                file.name.removesuffix(".parquet"): pl.read_parquet(file, glob=False)
                for file in files
            }
            return cls.from_dict(stored, tables)
        except FileNotFoundError as missing:
            raise BundleMissingError(f"{place} holds no {_FILE}; save encoders first.") from missing
        except (ValueError, KeyError, TypeError, pl.exceptions.PolarsError) as broken:
            raise BundleVersionError(
                f"The encoders in {place} cannot be read: {broken}"
            ) from broken


def understood(
    columns: Mapping[str, Choice | Sequence[Choice]],
) -> list[tuple[str, type[Encoder], dict[str, Any]]]:
    """What a specification asks for, all names known.

    Args:
        columns: as in `Encoders.fit`.

    Returns:
        `(column, encoder, settings)`, in the order of the specification.

    Raises:
        ConfigurationError: an encoder or a setting is not known.

    Example:
        >>> understood({"time": ["hour", {"name": "weekday", "zone": "Asia/Tokyo"}]})
        [('time', <class '...Hour'>, {}), ('time', <class '...Weekday'>, {'zone': 'Asia/Tokyo'})]
    """
    return [
        (column, *_understood(column, choice))
        for column, chosen in columns.items()
        for choice in ([chosen] if isinstance(chosen, str | Mapping) else chosen)
    ]


def training_part(log: Interactions, split: Split) -> pl.DataFrame:
    """The rows of a log that a split gives to learn from, with all their columns.

    Events of items that the vocabulary does not know are not among them.

    Args:
        log: the one that was split.
        split: of that log.

    Returns:
        The rows, in the order of the source.

    Example:
        >>> from regard.data.split import split_leave_last_out
        >>> log = Interactions.of(pl.DataFrame({"user": [1] * 4, "item": list("abab"),
        ...                                     "time": [0.0, 1.0, 2.0, 3.0]}))
        >>> training_part(log, split_leave_last_out(log))["row"].to_list()
        [0, 1]
    """
    chosen = pl.DataFrame({ROW: split.sequences.rows[split.training.mask]})
    return log.collect().join(chosen, on=ROW, how="semi").sort(ROW)


def _table(log: Interactions | pl.DataFrame) -> pl.DataFrame:
    """A log as a frame."""
    return log.collect() if isinstance(log, Interactions) else log


def _column(table: pl.DataFrame, name: str) -> pl.Series:
    """A column of the log, or the gaps, which are made on demand."""
    if name in table.columns:
        return table[name]
    if name == GAP:
        return with_gaps(table)[GAP]
    raise ColumnError(
        f"There is no column {name!r} to encode; the log has {', '.join(table.columns)}."
    )


def _understood(column: str, choice: Choice) -> tuple[type[Encoder], dict[str, Any]]:
    """The class of an encoder, and settings that it knows."""
    given = {"name": choice} if isinstance(choice, str) else dict(choice)
    kind = _kind(column, given.pop("name", None))
    known = set(inspect.signature(kind.fit).parameters) - {"values"}
    if wrong := sorted(given.keys() - known):
        raise ConfigurationError(
            f"The encoder {kind.name!r} of column {column!r} has no setting {wrong[0]!r}; it has "
            f"{', '.join(sorted(known))}."
        )
    return kind, given


def _kind(column: str, name: object) -> type[Encoder]:
    """The class of a named encoder."""
    if name not in ENCODERS:
        raise ConfigurationError(
            f"The encoder {name!r} of column {column!r} is not known; choose one of "
            f"{', '.join(sorted(ENCODERS))}."
        )
    return ENCODERS[str(name)]


def _names_of(encoder: Invertible, column: str) -> list[str]:
    """The columns that an invertible encoder writes."""
    nothing = pl.Series(column, [], dtype=pl.Null)
    return encoder.transform(nothing).columns
