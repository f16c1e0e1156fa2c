"""Rows that do not lie in the order of their times."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from regard.data.leakage.case import Case
from regard.data.leakage.contract import Check, Finding, Severity, percent


@dataclass(frozen=True, kw_only=True)
class RowOrder(Check):
    """The order of the file disagrees with that of time, though it breaks ties of time.

    Of two neighbouring events of a user, the later one should lie further down. In a shuffled file
    half of them do, in one with the newest rows first none; ties then come out at random, or
    backwards.

    Attributes:
        share: of the neighbours in the wrong order, from which anything is said.
        ties: share of tied neighbours, from which it is a risk and no mere note.
    """

    share: float = 0.1
    ties: float = 0.01

    name: ClassVar[str] = "row-order"
    question: ClassVar[str] = "Does the order of the rows agree with time?"
    needs_clock: ClassVar[bool] = True

    def look(self, case: Case) -> Iterator[Finding]:
        """Share of neighbours that lie the wrong way round."""
        times, rows, owners = case.clock, case.split.events.rows, case.owners_E
        apart = (owners[1:] == owners[:-1]) & (times[1:] > times[:-1])
        wrong = apart & (rows[1:] < rows[:-1])
        if not apart.any() or (share := float(wrong.sum() / apart.sum())) < self.share:
            return
        ties = case.split.tie_share or 0.0
        first = int(np.argmax(wrong))
        yield Finding(
            name=self.name,
            severity=Severity.RISK if ties >= self.ties else Severity.NOTE,
            sentence=f"{percent(share)} of the neighbouring events of a user lie in the file the "
            "wrong way round, though ties of time keep the order of the file.",
            evidence={"wrong_way_round": share, "tied_neighbours": ties},
            samples=case.rows([first, first + 1]),
            advice="Sort the file by the order in which things happened, if anything knows it "
            "(an auto-increment key, a log offset).",
        )
