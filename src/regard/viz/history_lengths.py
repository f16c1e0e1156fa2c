"""How long histories are: most people are known by little."""

from typing import TYPE_CHECKING

from regard.data.description import Description, Lengths
from regard.errors import ConfigurationError
from regard.viz.style import BLUE, GREY, objects, styled

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def draw_history_lengths(lengths: Lengths) -> "Figure":
    """Shortest, median, mean, ninth decile and longest history on a logarithmic axis.

    Args:
        lengths: of the histories of a log.

    Returns:
        A Plotly figure: a thin line from shortest to longest, a thick one from the median to the
        ninth decile, and the five numbers.

    Example:
        >>> figure = draw_history_lengths(Lengths(1, 17.0, 40.2, 90.0, 2_300))
        >>> figure.data[-1].x
        (1, 17.0, 40.2, 90.0, 2300)
    """
    go = objects()
    figure = styled(go.Figure())
    marks = {
        "shortest": lengths.min,
        "median": lengths.median,
        "mean": lengths.mean,
        "90 % are at most": lengths.p90,
        "longest": lengths.max,
    }
    names, values = list(marks), list(marks.values())
    for begin, end, width, colour in (
        (lengths.min, lengths.max, 2, GREY),
        (lengths.median, lengths.p90, 10, BLUE),
    ):
        figure.add_trace(
            go.Scatter(
                x=[begin, end], y=[0, 0], mode="lines", hoverinfo="skip",
                line={"width": width, "color": colour},
            )
        )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=values, y=[0] * len(values), mode="markers+text",
            text=[f"{name}<br>{value:,.4g}" for name, value in marks.items()],
            textposition=["top center", "bottom left", "top center", "bottom right", "top center"],
            hovertext=names, cliponaxis=False,
            marker={"size": 12, "color": BLUE, "line": {"width": 2, "color": "white"}},
        )
    )  # fmt: skip
    figure.update_yaxes(visible=False, range=[-1, 1])
    figure.update_xaxes(type="log", title_text="length of a history (events)")
    figure.update_layout(height=210)
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
