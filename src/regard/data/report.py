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
                {name: plain(value) for name, value in sample.items()} for sample in self.samples
            ],
            "parameters": dict(self.parameters),
        }


@dataclass(frozen=True, kw_only=True)
class Mending:
    """What one repair changed: enough to undo it.

    Attributes:
        repair: its name.
        reason: one sentence, true of every spelling that it changed.
        rows: how many ids it changed; a row whose user and item both changed counts twice.
        spellings: one row for each spelling that is gone: `column`, `before`, `after`, its number
            of `rows`, and the `first_row` that had it; in the order of those.
        parameters: what a recipe would say to build the same repair again.

    Example:
        >>> gone = pl.DataFrame({"column": ["item"], "before": ["tea "], "after": ["tea"],
        ...                      "rows": [2], "first_row": [7]})
        >>> Mending(repair="trim-ids", reason="Blanks stood around the id.", rows=2,
        ...         spellings=gone, parameters={}).to_dict()["samples"]
        [{'column': 'item', 'before': 'tea ', 'after': 'tea', 'rows': 2, 'first_row': 7}]
    """

    repair: str
    reason: str
    rows: int
    spellings: pl.DataFrame = field(compare=False, repr=False)
    parameters: Mapping[str, Any]

    @property
    def samples(self) -> tuple[Mapping[str, Any], ...]:
        """The first spellings that it changed."""
        return tuple(self.spellings.head(SAMPLES).to_dicts())

    def __str__(self) -> str:
        count, rows = self.spellings.height, f"{self.rows:,} row{'s' * (self.rows != 1)}"
        said = f"{self.repair}: {count:,} spelling{'s' * (count != 1)} mended in {rows}"
        shown = (f"{each['before']!r} -> {each['after']!r}" for each in self.samples)
        return f"{said} ({', '.join(shown)})" if count else said

    def to_dict(self) -> dict[str, Any]:
        """The numbers as plain values that JSON can hold; of the spellings, the first ones."""
        return {
            "repair": self.repair,
            "reason": self.reason,
            "rows": self.rows,
            "spellings": self.spellings.height,
            "samples": [dict(sample) for sample in self.samples],
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
        mendings: one per repair, in the order they ran, before any rule.

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
    mendings: tuple[Mending, ...] = ()

    @property
    def rows_removed(self) -> int:
        """Rows that the rules explain."""
        return sum(removal.rows for removal in self.removals)

    def __str__(self) -> str:
        share = self.rows_kept / self.rows_in if self.rows_in else 0.0
        head = (
            f"Cleaning {self.source}: {self.rows_in:,} rows in, {self.rows_kept:,} kept "
            f"({percent(share)}), {self.rows_removed:,} removed."
        )
        notes = (f"Note: {note}" for note in self.notes)
        mended = (f"Repair {mending}." for mending in self.mendings)
        return "\n".join((head, *_aligned(self.removals), *mended, *notes))

    def to_dict(self) -> dict[str, Any]:
        """The numbers as plain values that JSON can hold; the quarantine is not among them."""
        return {
            "source": self.source,
            "rows_in": self.rows_in,
            "rows_kept": self.rows_kept,
            "rows_removed": self.rows_removed,
            "removals": [removal.to_dict() for removal in self.removals],
            "mendings": [mending.to_dict() for mending in self.mendings],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, kw_only=True)
class CleaningReport(CleaningSummary):
    """The summary of a cleaning in memory, and the removed rows themselves.

    Attributes:
        quarantine: the removed rows in the order of the source: all columns of the log, then
            `rule` and `reason` (with an underscore more where the log has such a column itself).
            Ids are as the repairs left them.

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
            percent(removal.share),
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


def percent(share: float) -> str:
    """A share for people; what is there but rounds to nothing says so.

    Example:
        >>> percent(0.249), percent(0.0001)
        ('24.9 %', '<0.1 %')
    """
    return "<0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f} %"


def plain(value: object) -> object:
    """A value of a row as JSON can hold it.

    Args:
        value: of any type that a column may hold.

    Returns:
        Text where JSON has no such value: moments, numbers that are none.

    Example:
        >>> plain(date(2024, 5, 1)), plain(math.nan)
        ('2024-05-01', 'nan')
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | pl.Series):
        return [plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, date | time) else str(value)
