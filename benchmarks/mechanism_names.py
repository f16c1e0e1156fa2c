"""What is compared in `benchmarks/mechanisms.py`: names, and the recipe of each for `compose`."""

from typing import Any

from regard.attention import DISTANCES
from regard.models.mechanisms import suited

ALONE = "window-of-one"
"""Attention to the event itself: what the rest of the network does with the newest event alone."""
_PLUS = " + "


def mechanisms() -> list[str]:
    """Every mechanism that reads a history once for all candidates, and every scheme of distances.

    A scheme is named behind the mechanism that takes it, with a plus.
    """
    return [ALONE, *suited(), *(f"scaled-dot-product{_PLUS}{name}" for name in DISTANCES)]


def parts_of(name: str) -> dict[str, Any]:
    """The options of `compose` that make SASRec with one mechanism in the place of its own.

    A scheme of distances takes the place of the learned positions, which would tell the same twice.

    Args:
        name: one of `mechanisms()`.
    """
    if name == ALONE:
        window = {"local-window": {"window": 1}}
        return {"mechanisms": ["local-window"], "options_of": window}
    mechanism, _, scheme = name.partition(_PLUS)
    parts: dict[str, Any] = {"mechanisms": [mechanism]}
    return parts | {"distances": scheme, "positions": "none"} if scheme else parts
