"""One real series: what was observed, gaps with their fill, and outliers."""

from typing import TYPE_CHECKING

from regard.data.overview.series import ShownSeries
from regard.viz.style import BLUE, GREY, ORANGE, label, objects, styled

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def draw_series(series: ShownSeries) -> "Figure":
    """A line with holes where there are gaps, a dashed line through them, rings around outliers.

    Args:
        series: on an even grid of steps.

    Returns:
        A Plotly figure.

    Example:
        >>> import polars as pl
        >>> from regard.data.overview.series import some_series
        >>> days = pl.Series([0, 1, 2, 4, 5, 6], dtype=pl.Int32).cast(pl.Date)
        >>> rows = pl.DataFrame({"item": "tea", "day": days, "price": [1, 2, 1, 1, 2, 1]})
        >>> _, prices = some_series(rows, {"price": "price"})
        >>> filled, observed, outliers = draw_series(prices).data
        >>> filled.x[1], filled.y, observed.y[2:5], outliers.y
        ('1970-01-04', (1.0, 1.0, 1.0, None), (1.0, None, 1.0), ())
    """
    go = objects()
    moments, fills = _with_shoulders(series)
    figure = styled(go.Figure())
    figure.add_trace(
        go.Scatter(
            x=moments, y=fills, mode="lines", name="filled",
            line={"color": GREY, "dash": "dash", "width": 1.5}, hoverinfo="skip",
        )
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=series.moments, y=series.values, mode="lines+markers", name="observed",
            line={"color": BLUE, "width": 1.5}, marker={"size": 3},
            hovertemplate="%{x}: %{y:,.4~g}",
        )
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=[series.moments[place] for place in series.outliers],
            y=[series.values[place] for place in series.outliers],
            mode="markers", name="outlier",
            marker={"symbol": "circle-open", "size": 11, "color": ORANGE, "line": {"width": 2}},
            hovertemplate="%{x}: %{y:,.4~g}",
        )
    )  # fmt: skip
    figure.update_xaxes(title_text=f"{series.step} (UTC)")
    figure.update_yaxes(title_text=label(series.column or "events", 24))
    figure.update_layout(height=280)
    return figure


def _with_shoulders(series: ShownSeries) -> tuple[list[str], list[float | None]]:
    """The fills, and what was observed beside them, so that the dashes touch the line."""
    moments: list[str] = []
    shown: list[float | None] = []
    fills, last = series.fills, len(series.fills) - 1
    for place, moment in enumerate(series.moments):
        beside = fills[max(place - 1, 0)], fills[min(place + 1, last)]
        near = any(fill is not None for fill in beside)
        point = fills[place] if fills[place] is not None else series.values[place] if near else None
        if point is not None or (shown and shown[-1] is not None):  # one None breaks the line
            moments.append(moment)
            shown.append(point)
    return moments, shown
