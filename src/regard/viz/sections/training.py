"""How the network learned."""

from regard.training.history import History
from regard.viz.markup import Html, chart, element, section
from regard.viz.training_curve import draw_training_curve


def training_section(history: History) -> Html:
    """A sentence and the curve.

    Args:
        history: of the training.

    Returns:
        The section.
    """
    caption = (
        "Above, the mean loss over what was learned from; below, the metric on the validation "
        "part, which nothing was learned from. The weights of the marked epoch were kept."
    )
    return section(
        "training",
        "How it learned",
        element("p", f"{history}."),
        chart(draw_training_curve(history), "training", caption),
    )
