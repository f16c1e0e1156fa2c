"""How a network learned: loss and validation, epoch by epoch."""

from itertools import accumulate
from typing import TYPE_CHECKING, Final, Literal

from regard.training.history import History
from regard.viz.style import BLUE, GREEN, ORANGE, objects, panels

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_FEW: Final = 12
"""Epochs that all get a tick of their own; half an epoch is none."""


def draw_training_curve(
    history: History, *, by: Literal["epochs", "seconds"] = "epochs"
) -> "Figure":
    """Training loss above, validation metric below, the kept epoch marked.

    Args:
        history: of a training.
        by: what runs along the axis: epochs, or seconds of learning (validation excluded).

    Returns:
        A Plotly figure.

    Example:
        >>> from regard.training.history import Epoch
        >>> epoch = Epoch(1, 5.2, 0.11, 0.002, 1000, 2.0, 0.5)
        >>> figure = draw_training_curve(History((epoch,), "ndcg@10", "all epochs done", 700.0))
        >>> [(trace.name, trace.y) for trace in figure.data][:2]
        [('training loss', (5.2,)), ('validation ndcg@10', (0.11,))]
    """
    go = objects()
    figure = panels(2, shared_xaxes=True, vertical_spacing=0.12)
    epochs = history.epochs
    spent = accumulate(epoch.seconds for epoch in epochs)
    along = [epoch.number for epoch in epochs] if by == "epochs" else list(spent)
    lines = {
        "training loss": ([epoch.loss for epoch in epochs], ORANGE),
        f"validation {history.metric}": ([epoch.validation for epoch in epochs], BLUE),
    }
    for row, (name, (values, colour)) in enumerate(lines.items(), start=1):
        line = go.Scatter(
            x=along, y=values, name=name, mode="lines+markers",
            line={"color": colour, "width": 2}, marker={"size": 5},
        )  # fmt: skip
        figure.add_trace(line, row=row, col=1)
    best = epochs.index(history.best)
    figure.add_trace(
        go.Scatter(
            x=[along[best]], y=[history.best.validation], name="kept",
            mode="markers+text", text=[f"kept: {history.best.validation:.4f}"],
            textposition="top left", cliponaxis=False,
            marker={"color": GREEN, "size": 13, "symbol": "star"},
        ),
        row=2, col=1,
    )  # fmt: skip
    figure.update_yaxes(title_text="training loss (nats)", row=1, col=1)
    figure.update_yaxes(title_text=f"validation {history.metric}", row=2, col=1)
    unit = "epoch" if by == "epochs" else "seconds of learning (s)"
    figure.update_xaxes(title_text=unit, row=2, col=1)
    if by == "epochs" and len(epochs) <= _FEW:
        figure.update_xaxes(dtick=1)
    figure.update_layout(height=460)
    return figure
