"""Histories that hold what happens after the question is asked."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from regard.data.leakage.case import Case
from regard.data.leakage.contract import Check, Finding, Severity, percent
from regard.data.queries import Queries
from regard.shapes import Offsets


@dataclass(frozen=True, kw_only=True)
class FutureInHistory(Check):
    """An event of a question's history is later than the moment of the question.

    Regard's own splits cannot bring this about; one that was put together by hand can.
    """

    name: ClassVar[str] = "future-in-history"
    question: ClassVar[str] = "Does a history hold events later than its question?"
    needs_clock: ClassVar[bool] = True

    def look(self, case: Case) -> Iterator[Finding]:
        """One finding for each part that asks with the future in hand."""
        for part, asked in (("validation", case.split.validation), ("test", case.split.test)):
            query, position = _later(asked)
            if not len(query):
                continue
            share = len(np.unique(query)) / len(asked)
            rows = asked.sequences.rows[position]
            yield Finding(
                name=self.name,
                severity=Severity.LEAK,
                sentence=f"{percent(share)} of the {part} questions hold {len(query):,} events "
                "that are later than the moment they are asked at.",
                evidence={"part": part, "share_of_questions": share, "events": len(query)},
                samples=case.rows(np.flatnonzero(np.isin(case.split.events.rows, rows))),
                advice="End each history at the moment of its question, as the splits of Regard "
                "do.",
            )


def _later(asked: Queries) -> tuple[Offsets, Offsets]:
    """Query and flat position of history events that are later than their question."""
    query, position = asked.history_events()
    if asked.times is None or asked.sequences.times is None:
        return query[:0], position[:0]
    late = asked.sequences.times[position] > asked.times[query]
    return query[late], position[late]
