"""A few real series: where they are silent, and what does not belong."""

from collections.abc import Mapping
from typing import Any

from regard.data.overview.report import DataReport
from regard.data.overview.series import ShownSeries
from regard.viz.markup import Html, chart, element, joined, section, table
from regard.viz.series import draw_series


def series_section(report: DataReport) -> Html:
    """One picture for each series.

    Args:
        report: of the log.

    Returns:
        The section; one sentence where there is nothing to draw.
    """
    parts = [element("p", report.series_note)] if report.series_note else []
    for number, each in enumerate(report.series):
        name = each.name[0].upper() + each.name[1:]
        caption = f"{_told(each)} {_how(each)}"
        parts.append(element("h3", name))
        parts.append(chart(draw_series(each), f"series-{number}", caption, _numbers(each)))
    return section("series", "Gaps and outliers along time", joined(parts))


def _told(series: ShownSeries) -> str:
    """Gaps and outliers in words."""
    steps = f"of {len(series.values):,} {series.step}s"
    gaps = f"{series.missing:,} {steps} have no row"
    if series.how != "mean":
        gaps = f"{sum(value == 0 for value in series.values):,} {steps} come to 0"
    if series.missing:
        gaps += f"; {series.filled:,} of them are filled (dashed)"
    marked = len(series.outliers)
    rings = f"{marked:,} outlier{'' if marked == 1 else 's'} marked by a ring"
    return f"{gaps}. {rings if marked else 'No outlier'}."


def _how(series: ShownSeries) -> str:
    """The methods with their parameters."""
    filler = f"Gaps filled by {_called(series.filler)}; outliers" if series.missing else "Outliers"
    return f"{filler} by {_called(series.detector)}."


def _called(method: Mapping[str, Any]) -> str:
    """A method as one would write it down; what is not set is left out."""
    settings = [
        f"{name}={value}"
        for name, value in method.items()
        if name not in {"name", "action"} and value is not None
    ]
    return f"{method['name']} ({', '.join(settings)})"


def _numbers(series: ShownSeries) -> Html:
    """Gaps and outliers as a table; what is ordinary is left out."""
    marked = set(series.outliers)
    points = zip(series.moments, series.values, series.fills, strict=True)
    rows = [
        [moment, "gap" if value is None else "outlier", _number(value), _number(fill)]
        for place, (moment, value, fill) in enumerate(points)
        if value is None or place in marked
    ]
    return table([series.step, "what", "value", "filled with"], rows, words=(0, 1))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.6g}"
