"""What is true of a noisy log: which rows were put in, and what of that a cleaning rule found."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import polars as pl

from regard.data.report import CleaningReport
from regard.schema import ROW


class Kind(StrEnum):
    """What a row of a noisy log is.

    Example:
        >>> [kind.value for kind in ADDED]
        ['insertion', 'duplicate', 'near-duplicate']
    """

    ORIGINAL = "original"
    """A row as it was."""
    SWAPPED = "swapped"
    """A row that stands where its neighbour stood."""
    MISSING = "missing"
    """A row that has lost its value, quantity or price."""
    INSERTION = "insertion"
    """A row that never happened."""
    DUPLICATE = "duplicate"
    """A row that stands just above it, once more in every column."""
    NEAR_DUPLICATE = "near-duplicate"
    """A row that happened, once more some seconds later."""


ADDED: Final = (Kind.INSERTION, Kind.DUPLICATE, Kind.NEAR_DUPLICATE)
"""Rows that a clean log does not have."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What one cleaning rule removed, in the light of the truth.

    Attributes:
        rule: its name.
        removed: rows that it removed.
        of_kind: how many of them were of each kind.
        precision: share of the removed rows that noise had put in; None where nothing was removed.
        recall: share of all rows that noise had put in; None where it had put in none.
    """

    rule: str
    removed: int
    of_kind: Mapping[Kind, int]
    precision: float | None
    recall: float | None

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values for JSON."""
        return {
            "rule": self.rule,
            "removed": self.removed,
            "of_kind": {kind.value: count for kind, count in self.of_kind.items()},
            "precision": self.precision,
            "recall": self.recall,
        }


@dataclass(frozen=True)
class Truth:
    """What each row of a noisy log is, and where it came from.

    Attributes:
        rows: one row for each of the noisy log, in its order: `row` (Int64, its number there),
            `origin` (Int64, the number of the row in the clean log that it is, or is a copy of;
            null for insertions) and `kind` (text, of `Kind`).

    Example:
        >>> rows = pl.DataFrame({"row": [0, 1], "origin": [0, 0],
        ...                      "kind": ["original", "duplicate"]})
        >>> Truth(rows).counts()[Kind.DUPLICATE]
        1
    """

    rows: pl.DataFrame

    def counts(self) -> dict[Kind, int]:
        """How many rows there are of each kind."""
        return _of_kind(self.rows["kind"])

    def judge(self, report: CleaningReport) -> tuple[Judgement, ...]:
        """Hold what cleaning removed from the noisy log, or from some of its rows, to the truth.

        Args:
            report: of cleaning that noisy log, whose `row` numbers it has kept.

        Returns:
            One judgement for each name of a rule, in the order in which they ran, and at the end
            one of all together, whose rule is `"all"`.

        Example:
            >>> from regard.data.clean import clean
            >>> from regard.data.interactions import Interactions
            >>> from regard.data.noise import inject
            >>> log = Interactions.of(pl.DataFrame({"user": [1] * 10, "item": list("abcdefghij"),
            ...                                     "time": [1e9 + 60 * n for n in range(10)]}))
            >>> noisy, truth = inject(log, duplicates=0.3, near_duplicates=0.2)
            >>> _, report = clean(noisy)
            >>> found = truth.judge(report)[-1]
            >>> found.removed, found.precision, found.recall
            (3, 1.0, 0.6)
        """
        # The report's own columns are the last two, whatever the log calls its.
        rule = pl.col(report.quarantine.columns[-2]).alias("rule")
        removed = report.quarantine.select(ROW, rule).join(self.rows, on=ROW, how="left")
        counts = self.counts()
        names = dict.fromkeys(removal.rule for removal in report.removals)
        parts = [(name, removed.filter(pl.col("rule") == name)) for name in names]
        return tuple(_judged(name, part, counts) for name, part in [*parts, ("all", removed)])


def _of_kind(kinds: pl.Series) -> dict[Kind, int]:
    """How many rows there are of each kind, those without any included."""
    found = dict(kinds.value_counts().iter_rows())
    return {kind: found.get(kind.value, 0) for kind in Kind}


def _judged(rule: str, removed: pl.DataFrame, counts: Mapping[Kind, int]) -> Judgement:
    """What one rule removed."""
    kinds = _of_kind(removed["kind"])
    caught = sum(kinds[kind] for kind in ADDED)
    there = sum(counts[kind] for kind in ADDED)
    return Judgement(
        rule=rule,
        removed=len(removed),
        of_kind=kinds,
        precision=caught / len(removed) if len(removed) else None,
        recall=caught / there if there else None,
    )
