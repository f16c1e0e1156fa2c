"""A source as it was found: its columns under their own names, before anything is decided."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from regard.errors import SourceError


@dataclass(frozen=True)
class Table:
    """What every kind of source is turned into.

    Attributes:
        frame: all rows in the order of the source, columns under their own names; every column of
            a delimited file is text, for what a number is depends on the role it plays.
        name: what to call the source in messages.
        notes: how it was understood, one sentence each.
        decimal: the decimal sign of numbers that are written as text.
        typed: whether the source itself knows types; in delimited text everything is text.
        beside: role -> file or table with what is known of the users or items, where the format of
            a log says that one lies beside it.

    Raises:
        SourceError: there are no rows, or no columns.
    """

    frame: pl.DataFrame
    name: str
    notes: tuple[str, ...] = ()
    decimal: str = "."
    typed: bool = True
    beside: "Mapping[str, Path | Table]" = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.frame.width:
            raise SourceError(f"{self.name} has no columns. Give a table with one row per event.")
        if self.frame.is_empty():
            raise SourceError(
                f"{self.name} has columns ({', '.join(self.frame.columns)}) but no rows. "
                "Give a table with one row per interaction."
            )
