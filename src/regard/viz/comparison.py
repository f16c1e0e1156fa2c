"""How good recommenders are, every number with its interval."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from regard.evaluation.comparison import Comparison
from regard.evaluation.intervals import Interval
from regard.evaluation.report import EvaluationReport
from regard.viz.style import BLUE, GREEN, GREY, ORANGE, ROW_HEIGHT, label, objects, panels, styled

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def draw_evaluation(report: EvaluationReport) -> "Figure":
    """Every metric of one recommender with its interval.

    Args:
        report: of an evaluation.

    Returns:
        A Plotly figure, one row for each metric.
    """
    figure = styled(objects().Figure())
    figure.add_trace(_dots(report.metrics, [BLUE] * len(report.metrics)))
    figure.update_xaxes(
        title_text=f"mean over users, {_level(report)} interval", rangemode="tozero"
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(height=90 + ROW_HEIGHT * len(report.metrics), title_text="")
    return figure


def draw_comparison(comparison: Comparison) -> "Figure":
    """The metric that decides, then the candidate's differences, with zero marked.

    Args:
        comparison: of several recommenders under one protocol.

    Returns:
        A Plotly figure of two panels. A difference whose interval excludes zero is green where
        the candidate is better and orange where it is worse; one that cannot be told is grey.
    """
    best_first = sorted(comparison.reports, key=lambda each: -each.metrics[comparison.metric].mean)
    means = {each.name: each.metrics[comparison.metric] for each in best_first}
    differences = {each.baseline: each.interval for each in comparison.differences}
    shares = [len(means) + 1.0, len(differences) + 1.0]
    figure = panels(2, row_heights=shares, vertical_spacing=0.26 if len(means) < 5 else 0.18)
    colours = [BLUE if name == comparison.candidate else GREY for name in means]
    figure.add_trace(_dots(means, colours), row=1, col=1)
    figure.add_trace(_dots(differences, [_verdict(each) for each in differences.values()]), 2, 1)
    level = _level(comparison.reports[0])
    figure.update_xaxes(
        title_text=f"{comparison.metric}, {level} interval", rangemode="tozero", row=1, col=1
    )
    figure.update_xaxes(
        title_text=f"{comparison.metric} difference, {level} interval",
        zeroline=True, zerolinewidth=2, rangemode="tozero", row=2, col=1,
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(height=190 + ROW_HEIGHT * (len(means) + len(differences)))
    return figure


def _dots(intervals: Mapping[str, Interval], colours: list[str]) -> Any:
    """One dot with its interval for each name."""
    each = list(intervals.values())
    return objects().Scatter(
        x=[interval.mean for interval in each],
        y=[label(name) for name in intervals],
        mode="markers",
        marker={"size": 11, "color": colours},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [interval.high - interval.mean for interval in each],
            "arrayminus": [interval.mean - interval.low for interval in each],
            "color": GREY,
            "thickness": 2,
            "width": 5,
        },
        hovertext=[str(interval) for interval in each],
        hovertemplate="%{y}: %{hovertext}<extra></extra>",
    )


def _verdict(interval: Interval) -> str:
    """Green for better, orange for worse, grey for not told apart."""
    if interval.low > 0:
        return GREEN
    return ORANGE if interval.high < 0 else GREY


def _level(report: EvaluationReport) -> str:
    return f"{100 * report.protocol.level:g} %"
