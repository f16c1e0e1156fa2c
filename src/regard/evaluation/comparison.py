"""Several recommenders under one protocol, and an honest sentence about the best."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from regard.errors import ConfigurationError
from regard.evaluation.intervals import Difference, paired_difference
from regard.evaluation.report import EvaluationReport
from regard.evaluation.tables import markdown_table, plain_table


@dataclass(frozen=True)
class Comparison:
    """Reports that may stand in one table, and what separates a candidate from the others.

    Attributes:
        reports: at least two, under one protocol, on one log, about the same users.
        candidate: name of the recommender that is judged.
        metric: what it is judged by, such as `ndcg@10`.
        differences: the candidate against each other recommender, hardest first.
    """

    reports: tuple[EvaluationReport, ...]
    candidate: str
    metric: str
    differences: tuple[Difference, ...]

    @property
    def verdict(self) -> str:
        """Plain sentences, bad news first; an interval that holds zero is never called a win."""
        beaten, open_, lost = self._sorted_by_outcome()
        parts = []
        if lost:
            parts.append(f"On {self.metric}, {self.candidate} loses to {_named(lost)}.")
        if open_:
            parts.append(
                f"On {self.metric}, {self.candidate} is not shown to differ from "
                f"{_named(open_)}: {'each' if len(open_) > 1 else 'the'} interval holds zero."
            )
        if beaten:
            word = "beats" if lost or open_ else "beats every baseline:"
            parts.append(f"On {self.metric}, {self.candidate} {word} {_named(beaten)}.")
        return " ".join(parts)

    def __str__(self) -> str:
        tables = [plain_table(*self._table()), "", plain_table(*self._difference_table())]
        notes = [f"  {title:<10} {text}" for title, text in self._conditions()]
        return "\n".join([*tables, "", f"  {self.verdict}", "", *notes])

    def to_markdown(self) -> str:
        """The comparison as Markdown: both tables, the verdict, the conditions."""
        tables = [markdown_table(*self._table()), "", markdown_table(*self._difference_table())]
        notes = [f"- {title}: {text}" for title, text in self._conditions()]
        return "\n".join([*tables, "", f"**{self.verdict}**", "", *notes])

    def to_dict(self) -> dict[str, Any]:
        """The comparison as JSON-ready values."""
        return {
            "candidate": self.candidate,
            "metric": self.metric,
            "verdict": self.verdict,
            "differences": [each.to_dict() for each in self.differences],
            "reports": [report.to_dict() for report in self.reports],
        }

    def _sorted_by_outcome(self) -> tuple[list[Difference], list[Difference], list[Difference]]:
        """Baselines that are beaten, those that are not told apart, and those that win."""
        won = [each for each in self.differences if each.interval.low > 0]
        lost = [each for each in self.differences if each.interval.high < 0]
        return won, [each for each in self.differences if not each.decided], lost

    def _conditions(self) -> Iterator[tuple[str, str]]:
        first = self.reports[0]
        yield "protocol", str(first.protocol)
        yield "data", f"fingerprint {first.fingerprint}, {first.users:,} users"
        yield "intervals", first.protocol.intervals
        yield "p", "paired sign-flip test, two-sided, not adjusted for the number of baselines"

    def _table(self) -> tuple[list[str], list[list[str]]]:
        """One row for each recommender, best first by the metric that decides."""
        # The other columns share the cut-off of the deciding metric, where it has one.
        k = self.metric.partition("@")[2] or self.reports[0].protocol.ks[-1]
        shown = list(dict.fromkeys([self.metric, f"hit_rate@{k}", f"ndcg@{k}", "mrr"]))
        best_first = sorted(self.reports, key=lambda each: -each.metrics[self.metric].mean)
        rows = [
            [each.name, *(str(each.metrics[name]) for name in shown), f"{each.seconds:.1f}"]
            for each in best_first
        ]
        return ["recommender", *shown, "seconds"], rows

    def _difference_table(self) -> tuple[list[str], list[list[str]]]:
        header = [f"{self.candidate} minus", self.metric, "p", "users better", "users worse"]
        rows = [
            [
                each.baseline,
                f"{each.interval.mean:+.4f} [{each.interval.low:+.4f}, {each.interval.high:+.4f}]",
                f"{each.p_value:.4f}",
                f"{each.better:.1%}",
                f"{each.worse:.1%}",
            ]
            for each in self.differences
        ]
        return header, rows


def compare(
    reports: Sequence[EvaluationReport],
    candidate: str,
    metric: str = "ndcg@10",
) -> Comparison:
    """Hold one recommender against the others, user by user.

    Args:
        reports: at least two, of different names.
        candidate: name of the one that is judged.
        metric: what it is judged by; one of the reports' metrics.

    Returns:
        The comparison, the hardest baseline first.

    Raises:
        ConfigurationError: fewer than two reports, a name twice or unknown, a metric that was
            not measured, or reports that differ in protocol, data or users.

    Example:
        >>> compare([], "sasrec")
        Traceback (most recent call last):
        regard.errors.ConfigurationError: A comparison needs at least two reports; received 0.
    """
    _require_alike(reports)
    by_name = {report.name: report for report in reports}
    if candidate not in by_name:
        raise ConfigurationError(
            f"No report is named {candidate!r}; the candidate is one of {', '.join(by_name)}."
        )
    judged = by_name.pop(candidate)
    if metric not in judged.metrics:
        raise ConfigurationError(
            f"{metric!r} was not measured; choose one of {', '.join(judged.metrics)}."
        )
    protocol = judged.protocol
    differences = [
        paired_difference(
            judged.per_user[metric],
            other.per_user[metric],
            names=(candidate, other.name),
            level=protocol.level,
            resamples=protocol.resamples,
            seed=protocol.seed,
        )
        for other in by_name.values()
    ]
    hardest_first = tuple(sorted(differences, key=lambda each: each.interval.mean))
    return Comparison(tuple(reports), candidate, metric, hardest_first)


def _require_alike(reports: Sequence[EvaluationReport]) -> None:
    """Refuse what may not stand in one table."""
    if len(reports) < 2:
        raise ConfigurationError(
            f"A comparison needs at least two reports; received {len(reports)}."
        )
    names = [report.name for report in reports]
    if len(set(names)) < len(names):
        raise ConfigurationError(f"Each report needs a name of its own; received {names}.")
    first, *others = reports
    for other in others:
        for what in ("protocol", "fingerprint", "catalogue"):
            mine, theirs = getattr(first, what), getattr(other, what)
            if mine != theirs:
                raise ConfigurationError(
                    f"{first.name} and {other.name} differ in {what} ({mine} against {theirs}), "
                    "so their numbers may not stand in one table. Evaluate them alike."
                )
        if first.asked != other.asked or not first.user_ids.equals(other.user_ids):
            raise ConfigurationError(
                f"{first.name} and {other.name} were asked about different users, moments or "
                "targets; evaluate both on the same queries."
            )


def _named(differences: list[Difference]) -> str:
    """Baselines with their differences, as a phrase."""
    phrases = [
        f"{each.baseline} ({each.interval.mean:+.4f} [{each.interval.low:+.4f}, "
        f"{each.interval.high:+.4f}])"
        for each in differences
    ]
    return ", ".join(phrases[:-1]) + " and " + phrases[-1] if len(phrases) > 1 else phrases[0]
