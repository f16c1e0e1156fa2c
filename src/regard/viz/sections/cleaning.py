"""What was cleaned away, why, and what it looked like."""

from collections.abc import Mapping
from typing import Any, Final

from regard.data.report import CleaningReport, Removal
from regard.viz.cleaning import draw_cleaning
from regard.viz.markup import Html, chart, element, folded, items, joined, section, table

_MOST_COLUMNS: Final = 10


def cleaning_section(report: CleaningReport) -> Html:
    """A sentence, a chart, a table of reasons, samples of each.

    Args:
        report: of the cleaning.

    Returns:
        The section.
    """
    share = 100 * report.rows_kept / report.rows_in if report.rows_in else 0.0
    told = (
        f"Of {report.rows_in:,} rows, {report.rows_kept:,} were kept ({share:.1f} %) and "
        f"{report.rows_removed:,} removed. Every removed row has one reason, the first that "
        "applied: rows in = rows kept + rows explained."
    )
    found = [removal for removal in report.removals if removal.rows]
    rows = [
        [removal.rule, f"{removal.rows:,}", f"{100 * removal.share:.2f} %", removal.reason]
        for removal in report.removals
    ]
    return section(
        "cleaning",
        "What was cleaned",
        element("p", told),
        chart(draw_cleaning(report), "cleaning", "Rows kept, and rows that each rule removed."),
        table(["rule", "rows", "share", "reason"], rows, words=(0, 3)),
        items(report.notes, css="notes"),
        joined(folded(f"First rows removed by {each.rule}", _samples(each)) for each in found),
    )


def _samples(removal: Removal) -> Html:
    """The rows of a removal as they lay in the log."""
    columns = list(dict.fromkeys(name for sample in removal.samples for name in sample))
    shown = columns[:_MOST_COLUMNS]
    rows = [[_cell(sample, name) for name in shown] for sample in removal.samples]
    return table(shown, rows, words=range(len(shown)))


def _cell(sample: Mapping[str, Any], name: str) -> str:
    """A value of a row; what is missing is shown as a dash."""
    value = sample.get(name)
    return "–" if value is None else str(value)
