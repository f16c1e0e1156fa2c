"""A whole log in one picture."""

from typing import TYPE_CHECKING

from regard.data.overview.report import DataReport
from regard.errors import ConfigurationError
from regard.viz.activity import calendar_cells
from regard.viz.history_lengths import history_line, title_histories
from regard.viz.popularity import rank_line, title_ranks
from regard.viz.style import panels

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def draw_overview(report: DataReport) -> "Figure":
    """Popularity of items, lengths of histories, and the calendar of the log as it stands at last.

    Args:
        report: of a log.

    Returns:
        A Plotly figure of two panels, or of three where there is a clock.

    Raises:
        ConfigurationError: the log has no row with an item and a user.

    Example:
        >>> import polars as pl
        >>> from regard.data.interactions import Interactions
        >>> from regard.data.overview.report import report
        >>> log = pl.DataFrame({"user": [1, 1, 2], "item": ["a", "b", "a"], "position": [0, 1, 0]})
        >>> len(draw_overview(report(Interactions.of(log))).data)
        2
    """
    look = report.latest
    if look.popularity is None or look.histories is None:
        raise ConfigurationError(f"{report.source} has no row with an item and a user to draw.")
    rows = 1 if look.activity is None else 2
    cells = [[{}, {}], [{"colspan": 2}, None]][:rows]
    figure = panels(3, rows=rows, cols=2, specs=cells, vertical_spacing=0.22)
    figure.add_trace(rank_line(look.popularity), row=1, col=1)
    title_ranks(figure, row=1, col=1)
    figure.add_trace(history_line(look.histories), row=1, col=2)
    title_histories(figure, row=1, col=2)
    if look.activity is not None:
        cells_of_days = calendar_cells(look.activity, 2)
        cells_of_days.colorbar.y = 0.2
        figure.add_trace(cells_of_days, row=2, col=1)
        figure.update_yaxes(autorange="reversed", showgrid=False, row=2, col=1)
        figure.update_xaxes(
            showgrid=False, title_text=f"{look.activity.column} (UTC)", row=2, col=1
        )
    figure.update_layout(height=110 + 240 * rows)
    return figure
