"""When things happen: a calendar of days, and the hours of the week."""

from typing import TYPE_CHECKING, Any, Final

from regard.data.overview.activity import WEEKDAYS, Activity
from regard.viz.style import SHADES, objects, panels

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_PANEL: Final = 215
"""Pixels of one panel."""


def draw_activity(activity: Activity) -> "Figure":
    """A calendar, one row for each weekday, and the hours of the week where they are known.

    Args:
        activity: of a log.

    Returns:
        A Plotly figure of one or two panels; bluer cells hold more events.

    Example:
        >>> week = tuple((number,) for number in range(7))
        >>> activity = Activity("2024-01-02", "2024-01-07", 6, 6, ("2024-01-07", 6), None, "week",
        ...                     ("2024-01-01",), week, None, 21, 0)
        >>> figure = draw_activity(activity)
        >>> figure.data[0].x, list(figure.data[0].z[6])
        (('2024-01-01',), [6])
    """
    hours = activity.hours
    count = 1 if hours is None else 2
    figure = panels(count, vertical_spacing=0.3)
    figure.add_trace(calendar_cells(activity, count), row=1, col=1)
    figure.update_xaxes(title_text=f"{activity.column} (UTC)", row=1, col=1)
    if hours is not None:
        figure.add_trace(_hour_cells(hours), row=2, col=1)
        figure.update_xaxes(title_text="hour (UTC)", dtick=3, row=2, col=1)
    figure.update_xaxes(showgrid=False, zeroline=False)
    figure.update_yaxes(autorange="reversed", showgrid=False, zeroline=False)
    figure.update_layout(height=50 + _PANEL * count)
    return figure


def calendar_cells(activity: Activity, of_panels: int) -> Any:
    """The calendar as a trace.

    Args:
        activity: of a log.
        of_panels: how many panels its figure has, this one on top.

    Returns:
        A Plotly heat map.
    """
    return objects().Heatmap(
        x=activity.columns,
        y=WEEKDAYS,
        z=activity.calendar,
        **_looks(of_panels, 1),
        hovertemplate=f"%{{y}}, {activity.column} of %{{x}}: %{{z:,}} events<extra></extra>",
    )


def _hour_cells(hours: tuple[tuple[int, ...], ...]) -> Any:
    """Weekdays by hours as a trace."""
    return objects().Heatmap(
        x=list(range(24)),
        y=WEEKDAYS,
        z=hours,
        **_looks(2, 2),
        hovertemplate="%{y} from %{x}:00: %{z:,} events<extra></extra>",
    )


def _looks(of_panels: int, number: int) -> dict[str, Any]:
    """Colours, gaps between cells, and a scale beside the panel it belongs to."""
    height = 1 / of_panels
    bar = {"thickness": 8, "outlinewidth": 0, "tickformat": "~s", "title": {"text": "events"}}
    return {
        "colorscale": SHADES,
        "zmin": 0,
        "xgap": 1,
        "ygap": 1,
        "colorbar": bar | {"len": 0.9 * height, "y": 1 - (number - 0.5) * height},
    }
