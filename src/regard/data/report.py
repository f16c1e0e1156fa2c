"""What cleaning removed and why, in numbers, in samples and in full."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Any, Final

import polars as pl

from regard.data.atomic import atomic_file

SAMPLES: Final = 3
"""How many of its rows a removal shows."""


@dataclass(frozen=True, kw_only=True)
class Removal:
    """What one rule removed.

    Attributes:
        rule: its name.
        reason: one sentence, true of every row it removed.
        rows: how many rows it was the first to mark.
        share: of all rows that came in, 0 to 1.
        samples: its first rows in the order of the source, each with its `row` number.
        parameters: what a recipe would say to build the same rule again.

    Example:
        >>> removal = Removal(rule="missing-user", reason="The user is missing.", rows=1, share=0.5,
        ...                   samples=({"user": None, "item": "tea", "row": 7},), parameters={})
        >>> removal.to_dict()["samples"]
        [{'user': None, 'item': 'tea', 'row': 7}]
    """

    rule: str
    reason: str
    rows: int
    share: float
    samples: tuple[Mapping[str, Any], ...]
    parameters: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The same numbers as plain values that JSON can hold."""
        return {
            "rule": self.rule,
            "reason": self.reason,
            "rows": self.rows,
            "share": self.share,
            "samples": [
                {name: _plain(value) for name, value in sample.items()} for sample in self.samples
            ],
            "parameters": dict(self.parameters),
        }


@dataclass(frozen=True, kw_only=True)
class CleaningSummary:
    """What cleaning did, in numbers and samples: rows in = rows kept + rows explained.

    Attributes:
        source: the log's name.
        rows_in: rows before.
        rows_kept: rows after.
        removals: one per rule, in the order they ran; a rule that found nothing is there too.
        notes: warnings that belong to the numbers of this log from here on.

    Example:
        >>> summary = CleaningSummary(source="plays", rows_in=3, rows_kept=3, removals=(), notes=())
        >>> print(summary)
        Cleaning plays: 3 rows in, 3 kept (100.0 %), 0 removed.
        rule  rows  share  first rows  reason
    """

    source: str
    rows_in: int
    rows_kept: int
    removals: tuple[Removal, ...]
    notes: tuple[str, ...]

    @property
    def rows_removed(self) -> int:
        """Rows that the rules explain."""
        return sum(removal.rows for removal in self.removals)

    def __str__(self) -> str:
        share = self.rows_kept / self.rows_in if self.rows_in else 0.0
        head = (
            f"Cleaning {self.source}: {self.rows_in:,} rows in, {self.rows_kept:,} kept "
            f"({_percent(share)}), {self.rows_removed:,} removed."
        )
        notes = (f"Note: {note}" for note in self.notes)
        return "\n".join((head, *_aligned(self.removals), *notes))

    def to_dict(self) -> dict[str, Any]:
        """The numbers as plain values that JSON can hold; the quarantine is not among them."""
        return {
            "source": self.source,
            "rows_in": self.rows_in,
            "rows_kept": self.rows_kept,
            "rows_removed": self.rows_removed,
            "removals": [removal.to_dict() for removal in self.removals],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, kw_only=True)
class CleaningReport(CleaningSummary):
    """The summary of a cleaning in memory, and the removed rows themselves.

    Attributes:
        quarantine: the removed rows in the order of the source: all columns of the log, then
            `rule` and `reason` (with an underscore more where the log has such a column itself).

    Example:
        >>> import polars as pl
        >>> from regard.data.clean import clean
        >>> from regard.data.interactions import Interactions
        >>> log = Interactions.of(pl.DataFrame({"user": [1, None], "item": ["a", "b"],
        ...                                     "position": [0, 1]}), source="plays.csv")
        >>> _, report = clean(log)
        >>> print(report)
        Cleaning plays.csv: 2 rows in, 1 kept (50.0 %), 1 removed.
        rule               rows   share   first rows   reason
        missing-user          1  50.0 %   1            The user is missing.
        missing-item          0   0.0 %                The item is missing.
        missing-time          0   0.0 %                The time (or, ...) is missing.
        exact-duplicates      0   0.0 %                Every column repeats an earlier row.
    """

    quarantine: pl.DataFrame = field(compare=False, repr=False)

    def write_quarantine(self, path: Path | str) -> None:
        """Write the removed rows, each with its rule and reason, as one Parquet file.

        The file appears whole or not at all; one that is there already is replaced. A file that
        cannot be written raises the `StorageError` of `regard.data.atomic.atomic_file`.

        Args:
            path: where, such as `plays-quarantine.parquet`.
        """
        with atomic_file(path) as draft:
            self.quarantine.write_parquet(draft)


def _aligned(removals: Iterable[Removal]) -> list[str]:
    """The table of a report, numbers to the right."""
    cells = [("rule", "rows", "share", "first rows", "reason")] + [
        (
            removal.rule,
            f"{removal.rows:,}",
            _percent(removal.share),
            ", ".join(str(sample["row"]) for sample in removal.samples),
            removal.reason + _settings(removal.parameters),
        )
        for removal in removals
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        f"{rule:<{widths[0]}}  {rows:>{widths[1]}}  {share:>{widths[2]}}  "
        f"{first:<{widths[3]}}  {reason}"
        for rule, rows, share, first, reason in cells
    ]


def _settings(parameters: Mapping[str, Any]) -> str:
    """The parameters of a rule in brackets, or nothing."""
    told = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
    return f" ({told})" if told else ""


def _percent(share: float) -> str:
    """A share for people; what is there but rounds to nothing says so."""
    return "<0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f} %"


def _plain(value: object) -> object:
    """A value of a row as JSON can hold it."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | pl.Series):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, date | time) else str(value)
