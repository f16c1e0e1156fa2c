"""Which past events carry a recommendation: where the model looked beside what removal did."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from regard.explanation.removal import MATTERS
from regard.explanation.result import EventReason, Explanation, day
from regard.viz.style import BLUE, GREEN, GREY, ORANGE, label, objects, panels

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_MOST_EVENTS: Final = 12
_ROW_HEIGHT: Final = 42
"""Pixels of a bar with a name above it."""


def draw_explanation(explanation: Explanation) -> "Figure":
    """The history along one axis, attention shares and removal effects side by side.

    Args:
        explanation: of one recommendation.

    Returns:
        A Plotly figure, the newest event on top; the twelve most important events where there
        are more. Without attention there is one panel. A grey band marks effects that are too
        small to matter.

    Example:
        >>> tea = EventReason("T1", "Green tea", None, 0.7, 1.5, 4)
        >>> figure = draw_explanation(Explanation(item="C1", title="Cup", score=2.0, log_odds=-1.0,
        ...     place=1, candidates=300, events=(tea,), sentence="Because.", notes=()))
        >>> [trace.x for trace in figure.data]
        [(70.0,), (1.5,)]
    """
    events = explanation.most_important(_MOST_EVENTS)
    columns = 2 if explanation.has_attention else 1
    figure = panels(columns, cols=columns, shared_yaxes=True, horizontal_spacing=0.06)
    if explanation.has_attention:
        shares = [None if e.attention is None else 100 * e.attention for e in events]
        figure.add_trace(_bars(shares, [BLUE] * len(events), events), row=1, col=1)
        figure.update_xaxes(title_text="attention (%)", rangemode="tozero", row=1, col=1)
    effects = [event.effect for event in events]
    colours = [ORANGE if (effect or 0.0) < 0 else GREEN for effect in effects]
    figure.add_trace(_bars(effects, colours, events), row=1, col=columns)
    figure.update_xaxes(title_text="effect (log-odds)", range=_reach(effects), row=1, col=columns)
    band = {"fillcolor": GREY, "opacity": 0.18, "line_width": 0, "layer": "below"}
    figure.add_vrect(-MATTERS, MATTERS, **band, row=1, col=columns)
    _name_rows(figure, events)
    figure.update_xaxes(nticks=5, tickangle=0)
    figure.update_layout(height=70 + _ROW_HEIGHT * max(len(events), 1), bargap=0.55)
    return figure


def _name_rows(figure: "Figure", events: Sequence[EventReason]) -> None:
    """Names above the bars: beside them they would leave no room for bars on a telephone."""
    for row, event in enumerate(events):
        when = "" if event.time is None else f"  {day(event.time)}"
        figure.add_annotation(
            text=label(event.name, 27) + when, x=0, xref="paper", xanchor="left",
            y=row + 0.24, yanchor="bottom", showarrow=False, font={"size": 12},
        )  # fmt: skip
    figure.update_yaxes(
        showticklabels=False, showgrid=False, zeroline=False, range=[-0.5, len(events) - 0.2]
    )


def _reach(effects: Sequence[float | None]) -> list[float]:
    """An axis on which what is too small to matter looks small."""
    finite = [effect for effect in effects if effect is not None and math.isfinite(effect)]
    return [1.1 * min([-2 * MATTERS, *finite]), 1.1 * max([2 * MATTERS, *finite])]


def _bars(values: Sequence[float | None], colours: list[str], events: Sequence[EventReason]) -> Any:
    """Horizontal bars along the history, oldest at the bottom."""
    return objects().Bar(
        x=list(values),
        y=list(range(len(events))),
        orientation="h",
        marker={"color": colours},
        hovertext=[_told(event) for event in events],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _told(event: EventReason) -> str:
    """Everything about one event, for the pointer."""
    lines = [label(event.name, 80)]
    if event.time is not None:
        lines.append(day(event.time))
    if event.attention is not None:
        lines.append(f"attention {100 * event.attention:.1f} %")
    if event.effect is not None:
        lines.append(f"effect {event.effect:+.3f}")
        without = "never" if event.place_without is None else f"{event.place_without:,}"
        lines.append(f"place without it: {without}")
    return "<br>".join(lines)
