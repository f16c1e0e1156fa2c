"""What cleaning removed, reason by reason, beside what it kept."""

from typing import TYPE_CHECKING

from regard.data.report import CleaningReport
from regard.viz.style import BLUE, ORANGE, ROW_HEIGHT, label, objects, styled

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def draw_cleaning(report: CleaningReport) -> "Figure":
    """One bar for what was kept and one for each rule that removed something.

    Args:
        report: of a cleaning.

    Returns:
        A Plotly figure; rules in the order they ran, from the top.

    Example:
        >>> import polars as pl
        >>> from regard.data.clean import clean
        >>> from regard.data.interactions import Interactions
        >>> log = pl.DataFrame({"user": [1, None], "item": ["a", "b"], "position": [0, 1]})
        >>> figure = draw_cleaning(clean(Interactions.of(log))[1])
        >>> figure.data[0].y, figure.data[0].x
        (('kept', 'missing-user'), (1, 1))
    """
    go = objects()
    removals = [removal for removal in report.removals if removal.rows]
    names = ["kept", *(label(removal.rule) for removal in removals)]
    rows = [report.rows_kept, *(removal.rows for removal in removals)]
    figure = styled(go.Figure())
    figure.add_trace(
        go.Bar(
            x=rows, y=names, orientation="h", cliponaxis=False,
            text=[f"{count:,}" for count in rows], textposition="outside",
            marker={"color": [BLUE, *[ORANGE] * len(removals)]},
            hovertext=["kept", *(label(removal.reason, 90) for removal in removals)],
            hovertemplate="%{hovertext}<br>%{x:,} rows<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(title_text="rows", showticklabels=False, showgrid=False)
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(height=110 + ROW_HEIGHT * len(rows), bargap=0.3, margin={"r": 72})
    return figure
