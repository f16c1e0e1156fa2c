"""A log as it is at one moment: everything that is counted before cleaning and again after it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from regard.data.describe import describe_table
from regard.data.description import Description
from regard.data.doubts import Doubt
from regard.data.interactions import Interactions
from regard.data.overview.activity import Activity, activity_of
from regard.data.overview.histories import HistoryCurve, histories_of
from regard.data.overview.popularity import Popularity, popularity_of
from regard.schema import ROW


@dataclass(frozen=True)
class Missing:
    """What one column lacks.

    Attributes:
        empty: rows where it is null or not a number.
        blank: rows where it is text of nothing but blanks.
    """

    empty: int
    blank: int


@dataclass(frozen=True)
class Look:
    """A log in numbers and curves.

    Attributes:
        description: the numbers of `regard.describe`.
        missing: column -> what it lacks, context columns included.
        activity: when things happened, or None without a clock.
        popularity: how events are spread over items, or None without any item.
        histories: how long histories are, or None without any user.
        doubts: what should make its reader doubt, the most important first.
    """

    description: Description
    missing: Mapping[str, Missing]
    activity: Activity | None
    popularity: Popularity | None
    histories: HistoryCurve | None
    doubts: tuple[Doubt, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        parts = {
            name: None if part is None else asdict(part)
            for name, part in (
                ("activity", self.activity),
                ("popularity", self.popularity),
                ("histories", self.histories),
            )
        }
        return {
            "description": self.description.to_dict(),
            "missing": {column: asdict(each) for column, each in self.missing.items()},
            **parts,
        }


def look_at(log: Interactions, table: pl.DataFrame, dated_rows: pl.DataFrame) -> Look:
    """Count everything that a look shows.

    Args:
        log: where the rows came from.
        table: all rows of the log.
        dated_rows: those that a calendar can hold, with their `day`.

    Returns:
        The look.

    Example:
        >>> from regard.data.overview.days import dated
        >>> log = Interactions.of(pl.DataFrame({"user": [1, 2], "item": ["a", " "],
        ...                                     "position": [0, 1], "note": [None, "x"]}))
        >>> table = log.collect()
        >>> found = look_at(log, table, dated(log, table))
        >>> found.missing["note"], found.missing["item"], found.activity
        (Missing(empty=1, blank=0), Missing(empty=0, blank=1), None)
    """
    description, doubts = describe_table(log, table)
    return Look(
        description=description,
        missing=_missing(table),
        activity=activity_of(dated_rows, table.height - dated_rows.height),
        popularity=popularity_of(table),
        histories=histories_of(table),
        doubts=doubts,
    )


def _missing(table: pl.DataFrame) -> dict[str, Missing]:
    """What every column of the source lacks, in one pass."""
    columns = [name for name in table.columns if name != ROW]
    counted = table.lazy().select(
        *(_empty(name, table.schema[name]).sum().alias(f"empty {name}") for name in columns),
        *(_blank(name, table.schema[name]).sum().alias(f"blank {name}") for name in columns),
    )
    found = counted.collect().row(0, named=True) if columns else {}
    return {name: Missing(found[f"empty {name}"], found[f"blank {name}"]) for name in columns}


def _empty(name: str, kind: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    return (
        column.is_null() | column.is_nan().fill_null(False) if kind.is_float() else column.is_null()
    )


def _blank(name: str, kind: pl.DataType) -> pl.Expr:
    return pl.col(name).str.strip_chars() == "" if kind == pl.String else pl.lit(False)
