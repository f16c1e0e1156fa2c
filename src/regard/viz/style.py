"""One look for every picture: colours, template, and how text enters a figure.

Colours are those of Okabe & Ito, "Color Universal Design" (2008): they stay apart for colour-blind
eyes. Backgrounds are transparent, so that a figure fits a light page and a dark one.
"""

import html
from typing import TYPE_CHECKING, Any, Final

from regard.optional import require

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

BLUE: Final = "#0072b2"
ORANGE: Final = "#e69f00"
GREEN: Final = "#009e73"
RED: Final = "#d55e00"
GREY: Final = "#8a8f98"
SHADES: Final = ((0.0, "rgba(0, 114, 178, 0.07)"), (1.0, "rgba(0, 114, 178, 1)"))
"""From nearly nothing to blue, on any ground."""
_INK: Final = "#4b5563"
_GRID: Final = "#d5d9e0"
_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
ROW_HEIGHT: Final = 30
"""Pixels of one row of a horizontal chart."""


def objects() -> Any:
    """Plotly's classes of figures and traces, or one sentence on how to install it."""
    return require("plotly.graph_objects", extra="report", purpose="Drawing")


def panels(count: int, **layout: Any) -> "Figure":
    """An empty figure of several panels, styled.

    Args:
        count: how many panels.
        layout: `rows` or `cols` set to `count`, and what `plotly.subplots.make_subplots` takes.

    Returns:
        A Plotly figure without traces.
    """
    subplots = require("plotly.subplots", extra="report", purpose="Drawing")
    shape = layout if {"rows", "cols"} & set(layout) else {"rows": count, **layout}
    return styled(subplots.make_subplots(**shape))


def styled(figure: "Figure") -> "Figure":
    """The same figure with the template of all pictures and no legend."""
    figure.update_layout(template=template(), showlegend=False)
    return figure


def template() -> Any:
    """The template: quiet axes, readable text, transparent ground."""
    axis = {
        "automargin": True,
        "gridcolor": _GRID,
        "linecolor": _GRID,
        "zerolinecolor": GREY,
        "zerolinewidth": 1,
        "ticks": "",
        "title": {"standoff": 10},
    }
    layout = {
        "colorway": [BLUE, ORANGE, GREEN, RED, GREY],
        "font": {"family": _FONT, "size": 13, "color": _INK},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "xaxis": axis,
        "yaxis": axis,
        "margin": {"l": 8, "r": 16, "t": 28, "b": 8},
        "hoverlabel": {"align": "left", "font": {"family": _FONT}},
    }
    return objects().layout.Template(layout=layout)


def label(text: object, widest: int = 30) -> str:
    """Text from a log as Plotly may show it: shortened, and never read as markup.

    Args:
        text: such as the title of an item.
        widest: most characters.

    Returns:
        One line, with `<`, `>` and `&` escaped.

    Example:
        >>> label("<b>REGENCY</b> CAKESTAND 3 TIER", 12)
        '&lt;b&gt;REGENCY&lt;…'
    """
    line = " ".join(str(text).split())
    return html.escape(line if len(line) <= widest else line[: widest - 1] + "…", quote=False)
