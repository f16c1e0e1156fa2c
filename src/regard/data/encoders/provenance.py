"""What was learned from: enough to tell later whether it was the training part and nothing else."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from regard.data.fingerprint import fingerprint_of
from regard.schema import ITEM, POSITION, TIME, USER


@dataclass(frozen=True)
class Provenance:
    """The rows that something was fitted on, in numbers.

    Attributes:
        rows: how many they were.
        latest: UTC seconds of the newest of them; None without a clock.
        fingerprint: of who, what and when, row after row; None where a column of these is missing.

    Example:
        >>> table = pl.DataFrame({"user": [1, 1], "item": ["a", "b"], "time": [0.0, 60.0]})
        >>> Provenance.of(table).latest, Provenance.of(table.select("item"))
        (60.0, Provenance(rows=2, latest=None, fingerprint=None))
    """

    rows: int
    latest: float | None
    fingerprint: str | None

    @classmethod
    def of(cls, table: pl.DataFrame) -> "Provenance":
        """Look at a table that something is about to learn from.

        Args:
            table: rows of the training part, named by the roles of `regard.schema`.

        Returns:
            Their provenance.
        """
        ordering = TIME if TIME in table.columns else POSITION
        named = (USER, ITEM, ordering)
        typed = all(
            name in table.columns
            and (table.schema[name].is_numeric() or table.schema[name] == pl.String)
            for name in named
        )
        timed = ordering == TIME and typed and table.schema[TIME].is_numeric()
        time = pl.col(TIME).cast(pl.Float64)
        latest = table.select(time.filter(time.is_finite()).max()).item() if timed else None
        return cls(table.height, latest, fingerprint_of(table, named) if typed else None)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Provenance":
        """What `to_dict` wrote down.

        Args:
            stored: three values by name; anything else raises `KeyError`.

        Returns:
            An equal provenance.
        """
        return cls(stored["rows"], stored["latest"], stored["fingerprint"])
