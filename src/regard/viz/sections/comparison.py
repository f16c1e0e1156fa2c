"""Who recommends best, and whether the difference can be trusted."""

from collections.abc import Iterator, Sequence

from regard.evaluation.comparison import Comparison
from regard.evaluation.intervals import Difference, Interval
from regard.evaluation.report import EvaluationReport, percent
from regard.viz.comparison import draw_comparison
from regard.viz.contents import HeadedComparison
from regard.viz.markup import Html, chart, element, folded, items, render, section, table


def comparison_section(comparisons: Sequence[HeadedComparison]) -> Html:
    """One part for each protocol.

    Args:
        comparisons: at least one.

    Returns:
        The section.
    """
    parts = (part for number, each in enumerate(comparisons) for part in _one(each, number))
    return section("comparison", "How good it is", *parts)


def _one(headed: HeadedComparison, number: int) -> Iterator[Html]:
    """Verdict, chart, both tables, the rules."""
    comparison = headed.comparison
    yield element("h3", headed.heading)
    yield element("p", comparison.verdict, css="verdict")
    caption = (
        f"Above, {comparison.metric} of each recommender; below, {comparison.candidate} minus each "
        "other one on the same users. Where an interval holds zero, the two are not told apart."
    )
    yield chart(draw_comparison(comparison), f"comparison-{number}", caption)
    yield _means(comparison)
    yield _differences(comparison)
    conditions = list(comparison.reports[0].conditions())
    rules = (render(element("strong", title), f" {text}") for title, text in conditions[:4])
    yield folded("Under which rules", items(rules))


def _means(comparison: Comparison) -> Html:
    """One row for each recommender, best first by the metric that decides."""
    best_first = sorted(comparison.reports, key=lambda each: -each.metrics[comparison.metric].mean)
    cut_off = comparison.metric.partition("@")[2] or str(comparison.reports[0].protocol.ks[-1])
    # What shares the cut-off of the deciding metric, and what needs none, in the report's order.
    shown = [name for name in best_first[0].metrics if name.partition("@")[2] in {cut_off, ""}]
    shown = [comparison.metric, *(name for name in shown if name != comparison.metric)]
    rows = [_report_row(each, shown) for each in best_first]
    names = [each.name for each in best_first]
    header = ["recommender", *shown, "catalogue shown"]
    return table(header, rows, marked=names.index(comparison.candidate))


def _report_row(report: EvaluationReport, shown: Sequence[str]) -> list[str | Html]:
    coverage = percent(report.beyond[-1].coverage) if report.beyond else ""
    return [report.name, *(_interval(report.metrics[name]) for name in shown), coverage]


def _interval(interval: Interval, sign: str = "") -> Html:
    """The mean, and its interval small beneath."""
    ends = f"{interval.low:{sign}.4f} to {interval.high:{sign}.4f}"
    return render(f"{interval.mean:{sign}.4f}", element("small", ends))


def _differences(comparison: Comparison) -> Html:
    header = [f"{comparison.candidate} minus", comparison.metric, "p", "users better", "worse"]
    return table(header, [_difference_row(each) for each in comparison.differences])


def _difference_row(difference: Difference) -> list[str | Html]:
    return [
        difference.baseline,
        _interval(difference.interval, "+"),
        f"{difference.p_value:.4f}",
        percent(difference.better),
        percent(difference.worse),
    ]
