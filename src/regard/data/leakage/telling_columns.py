"""Columns that tell the target: shifted by a row, or another name of the item."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import polars as pl

from regard.data.leakage.case import Case
from regard.data.leakage.contract import Check, Finding, Severity, percent
from regard.schema import ITEM, POSITION, ROW, TIME, USER
from regard.shapes import Offsets

_KEYS: Final = (USER, ITEM, TIME, POSITION, ROW)
_OWN, _NEXT = "_own", "_next"


@dataclass(frozen=True)
class ColumnFacts:
    """How much a column and the items tell of each other, in chances of agreement (0 to 1).

    Attributes:
        column: its name.
        rows: training rows that were looked at, those with a value.
        chance: that two rows have one value.
        by_own: the same for two rows of one item.
        by_next: the same for two rows that are followed by one item.
        tells_own: that two rows of one value have one item.
        tells_next: that two rows of one value are followed by one item.
        own_tells_next: that two rows of one item are followed by one item.
        evidence: the smallest number of rows behind `by_own`, `by_next`.
        evidence_of_values: rows behind `tells_own` and `tells_next`.
    """

    column: str
    rows: int
    chance: float
    by_own: float
    by_next: float
    tells_own: float
    tells_next: float
    own_tells_next: float
    evidence: int
    evidence_of_values: int


@dataclass(frozen=True, kw_only=True)
class TellingColumns(Check):
    """What the columns of the training part know of items: of their own row's, and of the next's.

    A column that has one value for all rows of an item (a title, a price) describes the item: it
    is harmless in a history (`note`). One that names the item of its row, and has more to say, is
    no description (`risk`). One that agrees among rows followed by one item, and not among rows of
    one item, is shifted: it stands a row too early and tells what comes next (`leak`).

    The measure is an unbiased one of how far one column determines another, the share of pairs of
    rows, equal in the one, that are equal in the other: Goodman and Kruskal's tau before it is
    normed. Source: L. A. Goodman, W. H. Kruskal, "Measures of association for cross
    classifications", JASA 49 (1954). A column whose values never repeat has no pairs, so a row
    number is not taken for a name of everything.

    Attributes:
        share: agreement from which something is told.
        margin: how far it must exceed what the item itself, or chance, explains.
        rows: at most so many pairs of neighbours are looked at, evenly spread.
        least: fewer rows in repeated groups are no evidence.
    """

    share: float = 0.9
    margin: float = 0.2
    rows: int = 100_000
    least: int = 30

    name: ClassVar[str] = "telling-columns"
    question: ClassVar[str] = "Does a column tell the target?"
    needs_log: ClassVar[bool] = True

    def look(self, case: Case) -> Iterator[Finding]:
        """Shifted columns one by one, then names of items, then descriptions together."""
        places = self._neighbours(case)
        described = []
        for facts in self._facts(case, places):
            if self._shifted(facts):
                yield self._leak(case, facts, places)
            elif facts.evidence >= self.least and facts.by_own >= self.share:
                described.append(facts)
            elif facts.evidence_of_values >= self.least and facts.tells_own >= self.share:
                yield self._name(case, facts, places)
        if described:
            yield self._note(described)

    def _neighbours(self, case: Case) -> Offsets:
        """Positions of training events whose user's next event is one of training, too."""
        trained, owners = case.trained_E, case.owners_E
        places = np.flatnonzero(trained[:-1] & trained[1:] & (owners[:-1] == owners[1:]))
        return places[:: max(1, -(-len(places) // self.rows))].astype(np.int64)

    def _facts(self, case: Case, places: Offsets) -> Iterator[ColumnFacts]:
        """The facts of each column that has something to say."""
        names = [
            name
            for name, held in case.table.schema.items()
            if name not in _KEYS and not held.is_nested() and held != pl.Null
        ]
        if not names or not len(places):
            return
        items = case.split.events.items
        told = case.columns_at(places, names)
        frame = told.with_columns(
            pl.Series(_OWN, items[places]), pl.Series(_NEXT, items[places + 1])
        )
        for name in names:
            rows = frame.select(pl.col(name).alias("_value"), _OWN, _NEXT).drop_nulls("_value")
            if rows["_value"].n_unique() > 1:
                yield _facts_of(name, rows)

    def _shifted(self, facts: ColumnFacts) -> bool:
        """Whether the next item explains the column, or the column the next item."""
        explained = facts.by_next >= self.share and facts.evidence >= self.least
        explained &= facts.by_next - max(facts.by_own, facts.chance) >= self.margin
        explains = facts.tells_next >= self.share and facts.evidence_of_values >= self.least
        explains &= facts.tells_next - max(facts.own_tells_next, facts.tells_own) >= self.margin
        return explained or explains

    def _leak(self, case: Case, facts: ColumnFacts, places: Offsets) -> Finding:
        """A shifted column."""
        return Finding(
            name=self.name,
            severity=Severity.LEAK,
            sentence=f"Column {facts.column!r} tells the next item: its values agree for "
            f"{percent(facts.by_next)} of the pairs of rows with the same next item, for "
            f"{percent(facts.by_own)} with the same item; knowing it, the next item agrees for "
            f"{percent(facts.tells_next)}, knowing the item for {percent(facts.own_tells_next)}.",
            evidence=_evidence(facts),
            samples=case.rows(np.arange(places[0], places[0] + 2), facts.column),
            advice="The column seems to stand a row too early: shift it back, or leave it out.",
        )

    def _name(self, case: Case, facts: ColumnFacts, places: Offsets) -> Finding:
        """A column that names the item of its row."""
        return Finding(
            name=self.name,
            severity=Severity.RISK,
            sentence=f"Column {facts.column!r} names the item of its row: the item agrees for "
            f"{percent(facts.tells_own)} of the pairs of rows with the same value.",
            evidence=_evidence(facts),
            samples=case.rows(places, facts.column),
            advice="Never give a model this column of the row that it has to predict.",
        )

    def _note(self, described: list[ColumnFacts]) -> Finding:
        """Columns that describe items."""
        columns = {facts.column: facts.by_own for facts in described}
        told = ", ".join(f"{name!r} ({percent(share)})" for name, share in columns.items())
        return Finding(
            name=self.name,
            severity=Severity.NOTE,
            sentence=f"Columns that describe the item, with one value for all its rows: {told}.",
            evidence={"agreement_by_column": columns},
            advice="Harmless in a history, but do not read them of the row to be predicted; a "
            "count or mean over all rows of an item knows the test part.",
        )


def agreement(groups: pl.Series, values: pl.Series) -> tuple[float, int]:
    """How far groups determine values: the chance that another row of a group has the same value.

    Args:
        groups: `(R,)` what is known of each row.
        values: `(R,)` what is asked of it.

    Returns:
        The mean over rows whose group has more than one, and the number of these rows; 0 of 0
        where no group repeats.

    Example:
        >>> agreement(pl.Series(list("aaab")), pl.Series([1, 1, 2, 9]))
        (0.333..., 3)
    """
    counts = pl.DataFrame({"g": groups, "v": values}).group_by("g", "v").agg(n=pl.len())
    n = pl.col("n").cast(pl.Float64)
    sizes = counts.group_by("g").agg(same=(n * (n - 1)).sum(), size=n.sum())
    several = sizes.filter(pl.col("size") > 1)
    same, size = several["same"].to_numpy(), several["size"].to_numpy()
    rows = int(size.sum())
    return (float((same / (size - 1)).sum() / rows), rows) if rows else (0.0, 0)


def _facts_of(name: str, rows: pl.DataFrame) -> ColumnFacts:
    """Both directions, for the row's own item and the next."""
    value, own, following = rows["_value"], rows[_OWN], rows[_NEXT]
    by_own, own_rows = agreement(own, value)
    by_next, next_rows = agreement(following, value)
    tells_own, value_rows = agreement(value, own)
    tells_next, _ = agreement(value, following)
    return ColumnFacts(
        column=name,
        rows=rows.height,
        chance=agreement(pl.zeros(rows.height, eager=True), value)[0],
        by_own=by_own,
        by_next=by_next,
        tells_own=tells_own,
        tells_next=tells_next,
        own_tells_next=agreement(own, following)[0],
        evidence=min(own_rows, next_rows),
        evidence_of_values=value_rows,
    )


def _evidence(facts: ColumnFacts) -> dict[str, float | int | str]:
    """The facts as numbers by name."""
    return {
        "column": facts.column,
        "rows": facts.rows,
        "chance": facts.chance,
        "agreement_by_item": facts.by_own,
        "agreement_by_next_item": facts.by_next,
        "item_agreement_by_value": facts.tells_own,
        "next_item_agreement_by_value": facts.tells_next,
        "next_item_agreement_by_item": facts.own_tells_next,
    }
