"""How unequally events fall on items: by rank, and as a share of all."""

from typing import TYPE_CHECKING, Any

from regard.data.overview.popularity import Popularity
from regard.viz.style import BLUE, GREY, objects, panels, styled

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def draw_popularity(popularity: Popularity) -> "Figure":
    """The rank-frequency curve and the Lorenz curve side by side.

    Args:
        popularity: of a log.

    Returns:
        A Plotly figure of two panels.

    Example:
        >>> import polars as pl
        >>> from regard.data.overview.popularity import popularity_of
        >>> figure = draw_popularity(popularity_of(pl.DataFrame({"item": ["a", "a", "b"]})))
        >>> [trace.name for trace in figure.data]
        ['events', 'all alike', 'share']
    """
    figure = panels(2, rows=1, cols=2, horizontal_spacing=0.12)
    figure.add_trace(rank_line(popularity), row=1, col=1)
    for trace in _lorenz_lines(popularity):
        figure.add_trace(trace, row=1, col=2)
    title_ranks(figure, row=1, col=1)
    _title_lorenz(figure, row=1, col=2)
    figure.update_layout(height=340)
    return figure


def draw_ranks(popularity: Popularity, before: Popularity | None = None) -> "Figure":
    """Events of the most popular item, the second, and so on, on logarithmic axes.

    Args:
        popularity: of a log.
        before: of the same log before cleaning, drawn grey beneath.

    Returns:
        A Plotly figure.
    """
    figure = styled(objects().Figure())
    if before is not None:
        figure.add_trace(rank_line(before, "before cleaning", GREY))
    figure.add_trace(rank_line(popularity, "after cleaning" if before else "events"))
    title_ranks(figure)
    figure.update_layout(height=320)
    return figure


def draw_lorenz(popularity: Popularity) -> "Figure":
    """Which share of the events the least popular items have.

    Args:
        popularity: of a log.

    Returns:
        A Plotly figure, its title the Gini coefficient.
    """
    figure = styled(objects().Figure())
    figure.add_traces(_lorenz_lines(popularity))
    _title_lorenz(figure)
    title = {"text": f"Gini coefficient {popularity.gini:.3f}", "font": {"size": 13}}
    figure.update_layout(height=320, title=title)
    return figure


def rank_line(popularity: Popularity, name: str = "events", colour: str = BLUE) -> Any:
    """The rank-frequency curve as a trace.

    Args:
        popularity: of a log.
        name: of the trace.
        colour: of the line.

    Returns:
        A Plotly line.
    """
    return objects().Scatter(
        x=popularity.ranks,
        y=popularity.counts,
        mode="lines+markers" if len(popularity.ranks) < 20 else "lines",
        name=name,
        line={"color": colour},
        hovertemplate="place %{x:,}: %{y:,} events",
    )


def title_ranks(figure: "Figure", **place: int) -> None:
    """Logarithmic axes with their titles.

    Args:
        figure: that holds the curve.
        place: `row` and `col` of its panel.
    """
    figure.update_xaxes(type="log", title_text="place of the item by popularity", **place)
    figure.update_yaxes(type="log", title_text="events", **place)


def _lorenz_lines(popularity: Popularity) -> list[Any]:
    """The diagonal and the Lorenz curve as traces."""
    go = objects()
    items, events = zip(*popularity.lorenz, strict=True)
    alike = go.Scatter(
        x=[0, 1], y=[0, 1], mode="lines", name="all alike", hoverinfo="skip",
        line={"color": GREY, "dash": "dot"},
    )  # fmt: skip
    share = go.Scatter(
        x=items, y=events, mode="lines", name="share", line={"color": BLUE},
        hovertemplate="%{x:.0%} of the items, the least popular: %{y:.1%} of the events",
    )  # fmt: skip
    return [alike, share]


def _title_lorenz(figure: "Figure", **place: int) -> None:
    """Axes in percent with their titles."""
    title = "share of the items, least popular first"
    figure.update_xaxes(tickformat=".0%", range=[0, 1], title_text=title, **place)
    figure.update_yaxes(tickformat=".0%", range=[0, 1], title_text="share of the events", **place)
