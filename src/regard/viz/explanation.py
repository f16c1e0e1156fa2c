"""Which past events carry a recommendation: where the model looked beside what removal did."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from regard.explanation.removal import MATTERS
from regard.explanation.result import EventReason, Explanation, day
from regard.viz.style import BLUE, GREEN, GREY, ORANGE, ROW_HEIGHT, label, objects, panels

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_MOST_EVENTS: Final = 12


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
    figure = panels(columns, cols=columns, shared_yaxes=True, horizontal_spacing=0.05)
    along = list(range(len(events)))
    if explanation.has_attention:
        shares = [None if e.attention is None else 100 * e.attention for e in events]
        figure.add_trace(_bars(shares, [BLUE] * len(events), events), row=1, col=1)
        figure.update_xaxes(title_text="attention (%)", rangemode="tozero", row=1, col=1)
    effects = [event.effect for event in events]
    colours = [ORANGE if (effect or 0.0) < 0 else GREEN for effect in effects]
    figure.add_trace(_bars(effects, colours, events), row=1, col=columns)
    figure.update_xaxes(
        title_text="effect (log-odds)", zeroline=True, range=_reach(effects), row=1, col=columns
    )
    figure.add_vrect(
        -MATTERS, MATTERS, fillcolor=GREY, opacity=0.2, line_width=0, row=1, col=columns
    )
    figure.update_yaxes(
        tickmode="array", tickvals=along, ticktext=[_tick(event) for event in events],
        showgrid=False, zeroline=False,
    )  # fmt: skip
    figure.update_layout(height=90 + ROW_HEIGHT * max(len(events), 1), bargap=0.35)
    return figure


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


def _tick(event: EventReason) -> str:
    """Short enough for a telephone."""
    return label(event.name, 22)


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
