"""How long histories are: most people are known by little."""

from typing import TYPE_CHECKING, Any

from regard.data.description import Description, Lengths
from regard.data.overview.histories import HistoryCurve
from regard.errors import ConfigurationError
from regard.viz.style import BLUE, GREY, objects, styled

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def draw_history_lengths(lengths: Lengths) -> "Figure":
    """How many users have a history of which length; each bar is twice as wide as the one before.

    Args:
        lengths: of the histories of a log.

    Returns:
        A Plotly figure of bars, its title the five numbers.

    Example:
        >>> figure = draw_history_lengths(Lengths(1, 2.0, 2.75, 5.0, 6, (1, 2, 1)))
        >>> figure.data[0].x, figure.data[0].y
        (('1', '2 to 3', '4 to 7'), (1, 2, 1))
    """
    go = objects()
    figure = styled(go.Figure())
    firsts = [2**digits for digits in range(len(lengths.doublings))]
    spans = [f"{each:,} to {2 * each - 1:,}" if each > 1 else "1" for each in firsts]
    figure.add_trace(
        go.Bar(
            x=spans, y=list(lengths.doublings), marker_color=BLUE,
            text=[f"{users:,}" if users else "" for users in lengths.doublings],
            hovertemplate="%{x} events: %{y:,} users<extra></extra>",
        )
    )  # fmt: skip
    numbers = (
        f"shortest {lengths.min:,}, median {lengths.median:,.4g}, mean {lengths.mean:,.4g}, "
        f"nine in ten at most {lengths.p90:,.4g}, longest {lengths.max:,}"
    )
    figure.update_layout(height=300, title={"text": numbers, "font": {"size": 13}})
    figure.update_xaxes(type="category", title_text="length of a history (events)")
    figure.update_yaxes(title_text="users")
    return figure


def draw_description(description: Description) -> "Figure":
    """The lengths of the histories of a described log.

    Args:
        description: of a log.

    Returns:
        A Plotly figure.

    Raises:
        ConfigurationError: the log has no history.
    """
    if description.lengths is None:
        raise ConfigurationError(
            f"{description.source} has no row with a user, so there is no history to draw."
        )
    return draw_history_lengths(description.lengths)


def draw_histories(curve: HistoryCurve, before: HistoryCurve | None = None) -> "Figure":
    """How many users have at least so many events, on logarithmic axes.

    Args:
        curve: of a log.
        before: of the same log before cleaning, drawn grey beneath.

    Returns:
        A Plotly figure.

    Example:
        >>> figure = draw_histories(HistoryCurve((1, 3), (3, 1)))
        >>> figure.data[0].x, figure.data[0].y
        ((1, 3), (3, 1))
    """
    figure = styled(objects().Figure())
    if before is not None:
        figure.add_trace(history_line(before, "before cleaning", GREY))
    figure.add_trace(history_line(curve, "after cleaning" if before else "users"))
    title_histories(figure)
    figure.update_layout(height=320)
    return figure


def history_line(curve: HistoryCurve, name: str = "users", colour: str = BLUE) -> Any:
    """The falling curve as a trace of steps.

    Args:
        curve: of a log.
        name: of the trace.
        colour: of the line.

    Returns:
        A Plotly line.
    """
    return objects().Scatter(
        x=curve.lengths,
        y=curve.users,
        mode="lines+markers" if len(curve.lengths) < 20 else "lines",
        name=name,
        line={"color": colour, "shape": "vh"},
        hovertemplate="at least %{x:,} events: %{y:,} users",
    )


def title_histories(figure: "Figure", **place: int) -> None:
    """Logarithmic axes with their titles.

    Args:
        figure: that holds the curve.
        place: `row` and `col` of its panel.
    """
    figure.update_xaxes(type="log", title_text="events of a user, at least", **place)
    figure.update_yaxes(type="log", title_text="users", **place)
