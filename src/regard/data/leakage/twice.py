"""The same event in a history and as its target."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from regard.data.leakage.case import Case
from regard.data.leakage.contract import Check, Finding, Severity, percent
from regard.schema import UNKNOWN


@dataclass(frozen=True, kw_only=True)
class SameEventTwice(Check):
    """A target repeats, at the same time or moments later, an event of its own history.

    At the same time it is most likely one event that was written down twice (`leak`); within
    seconds a double click or a retry (`risk`). Whoever repeats the newest event is right then.

    Attributes:
        seconds: how near is too near.
    """

    seconds: float = 10.0

    name: ClassVar[str] = "same-event-twice"
    question: ClassVar[str] = "Does the same event lie on both sides of the cut?"
    needs_clock: ClassVar[bool] = True

    def look(self, case: Case) -> Iterator[Finding]:
        """One finding for equal times, one for near ones."""
        near = self._near(case)
        same, moments = near.filter(pl.col("apart") == 0), near.filter(pl.col("apart") > 0)
        if same.height:
            yield self._finding(case, same, Severity.LEAK)
        if moments.height:
            yield self._finding(case, moments, Severity.RISK)

    def _finding(self, case: Case, found: pl.DataFrame, severity: Severity) -> Finding:
        """Targets at equal times, or at near ones."""
        share = found.height / len(case.targets)
        seconds = 0.0 if severity is Severity.LEAK else self.seconds
        how = f"within {seconds:g} seconds" if seconds else "at the very same time"
        return Finding(
            name=self.name,
            severity=severity,
            sentence=f"{percent(share)} of the test targets ({found.height:,}) repeat an event of "
            f"their own history {how}.",
            evidence={"targets": found.height, "share_of_targets": share, "seconds": seconds},
            samples=case.rows(found.select("earlier", "place").row(0)),
            advice="Unless people mean it, remove the copies before splitting: the cleaning rule "
            f"near-duplicates with seconds = {seconds:g}.",
        )

    def _near(self, case: Case) -> pl.DataFrame:
        """Targets with the nearest event before of the same user and item, not too far away."""
        events = pl.DataFrame({
            "user": case.owners_E,
            "item": case.split.events.items,
            "time": case.clock,
            "target": case.target_E,
            "history": case.history_E,
        }).with_row_index("place")  # fmt: skip
        events = events.filter((pl.col("target") | pl.col("history")) & (pl.col("item") != UNKNOWN))
        pairs = events.filter("target").select("user", "item").unique()
        alike = events.join(pairs, on=["user", "item"], how="semi").sort("place")
        past = pl.when("history").then(pl.col("time"))
        place = pl.when("history").then(pl.col("place"))
        beside = alike.with_columns(
            apart=pl.col("time") - past.forward_fill().over("user", "item"),
            earlier=place.forward_fill().over("user", "item"),
        )
        return beside.filter(pl.col("target") & (pl.col("apart") <= self.seconds))
