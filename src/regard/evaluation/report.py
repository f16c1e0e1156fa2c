"""What an evaluation found, with the rules it was made under beside the numbers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from regard.evaluation.beyond import BeyondAccuracy
from regard.evaluation.intervals import Interval
from regard.evaluation.metrics import METRICS, UNCUT
from regard.evaluation.protocol import Protocol
from regard.evaluation.tables import markdown_table, plain_table
from regard.shapes import Floats


@dataclass(frozen=True)
class EvaluationReport:
    """One recommender under one protocol on one log.

    Attributes:
        name: of the recommender.
        protocol: the rules; numbers under other rules are other numbers.
        fingerprint: of the log that was cut.
        metrics: metric name (such as `ndcg@10`) -> mean over users with its interval.
        beyond: coverage and popularity, one for each cut-off.
        users: how many users were asked.
        queries: how many questions they were asked.
        targets: how many distinct targets that made.
        catalogue: how many items were ranked.
        cold_share: share of targets outside the vocabulary, each of them a miss.
        repeat_share: share of targets that stand in their own history.
        removed_share: share of targets that the protocol removed as seen, each of them a miss.
        tied_share: share of targets that share their score with another candidate.
        time_ties: share of consecutive events of one user with equal time; None without a clock.
        seconds: how long scoring and ranking took.
        version: of regard.
        asked: digest of the questions: who, after how many events, about which targets.
        user_ids: own ids of the users, in the order of `per_user`.
        per_user: metric name -> `(U,)` float64, one value for each user, for paired comparisons.
    """

    name: str
    protocol: Protocol
    fingerprint: str
    metrics: Mapping[str, Interval]
    beyond: tuple[BeyondAccuracy, ...]
    users: int
    queries: int
    targets: int
    catalogue: int
    cold_share: float
    repeat_share: float
    removed_share: float
    tied_share: float
    time_ties: float | None
    seconds: float
    version: str
    asked: str
    user_ids: pl.Series = field(repr=False, compare=False)
    per_user: Mapping[str, Floats] = field(repr=False, compare=False)

    def __str__(self) -> str:
        notes = [f"  {title:<10} {text}" for title, text in self.conditions()]
        return "\n".join([self.name, "", plain_table(*self._table()), "", *notes])

    def to_markdown(self) -> str:
        """The report as Markdown: a table, then the conditions as a list."""
        notes = [f"- {title}: {text}" for title, text in self.conditions()]
        return "\n".join([f"### {self.name}", "", markdown_table(*self._table()), "", *notes])

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready values, without the values of single users."""
        return {
            **{name: getattr(self, name) for name in _SINGLE},
            "protocol": self.protocol.to_dict(),
            "metrics": {name: each.to_dict() for name, each in self.metrics.items()},
            "beyond_accuracy": [each.to_dict() for each in self.beyond],
        }

    def conditions(self) -> Iterator[tuple[str, str]]:
        """What a reader must know to use the numbers: pairs of a title and a sentence."""
        protocol = self.protocol
        yield "protocol", str(protocol)
        yield "asked", f"{self.users:,} users, {self.queries:,} queries, {self.targets:,} targets"
        yield "targets", self._target_shares()
        yield "intervals", protocol.intervals
        for each in self.beyond:
            yield "lists", str(each)
        yield "data", f"fingerprint {self.fingerprint}, {self.catalogue:,} items, {self._clock()}"
        yield "run", f"regard {self.version}, {self.seconds:.1f} s"

    def _target_shares(self) -> str:
        return (
            f"{percent(self.cold_share)} cold (misses), {percent(self.repeat_share)} repeats "
            f"({percent(self.removed_share)} removed as seen: misses), "
            f"{percent(self.tied_share)} with a tied score"
        )

    def _clock(self) -> str:
        if self.time_ties is None:
            return "order only, no clock"
        return f"{percent(self.time_ties)} of consecutive events share their time"

    def _table(self) -> tuple[list[str], list[list[str]]]:
        """One row for each metric, one column for each cut-off."""
        ks = self.protocol.ks
        rows = [[name, *(str(self.metrics[f"{name}@{k}"]) for k in ks)] for name in METRICS]
        # What needs no cut-off stands in the first column of numbers.
        single = {"accuracy": "accuracy (@1)", "mrr": "mrr (full list)"}
        rows += [[single[name], str(self.metrics[name]), *[""] * (len(ks) - 1)] for name in UNCUT]
        return ["metric", *(f"@{k}" for k in ks)], rows


_SINGLE = (
    *("name", "fingerprint", "version", "seconds", "users", "queries", "targets", "catalogue"),
    "asked",
    *("cold_share", "repeat_share", "removed_share", "tied_share", "time_ties"),
)


def percent(share: float) -> str:
    """A share for people to read.

    Example:
        >>> percent(0.0534)
        '5.3 %'
    """
    return f"{100 * share:.1f} %"
