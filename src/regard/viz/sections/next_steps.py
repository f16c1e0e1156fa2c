"""How to go on."""

from collections.abc import Sequence

from regard.viz.contents import NextStep
from regard.viz.markup import Html, element, section


def next_steps_section(steps: Sequence[NextStep]) -> Html:
    """What can be done next, each with its command.

    Args:
        steps: at least one.

    Returns:
        The section.
    """
    told = (
        part
        for step in steps
        for part in (
            element("p", step.what, css="step"),
            element("pre", element("code", step.command)),
        )
    )
    return section("next", "How to go on", *told)
