"""Limits of what people do: what makes sense as one, and how one is learned."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from regard.errors import ConfigurationError

NORMAL: Final = 1.4826
"""The standard deviation of a normal distribution in units of its median absolute deviation."""


def robust_limit(values: NDArray[np.float64], deviations: float, least_spread: float) -> float:
    """The median and so many robust standard deviations.

    Source: F. R. Hampel, "The influence curve and its role in robust estimation", JASA 69 (1974).

    Args:
        values: `(N,)` one per user.
        deviations: how far; below the median where negative.
        least_spread: what counts as one deviation at least.

    Returns:
        The limit, on the scale of the values.

    Example:
        >>> round(robust_limit(np.array([1.0, 2.0, 3.0, 2.0, 900.0]), 2.0, 0.1), 4)
        4.9652
    """
    median = float(np.median(values))
    spread = max(NORMAL * float(np.median(np.abs(values - median))), least_spread)
    return median + deviations * spread


def check_deviations(deviations: float) -> None:
    """Refuse a distance from the median that is none.

    Args:
        deviations: should be positive and finite.

    Raises:
        ConfigurationError: it is not.

    Example:
        >>> check_deviations(5.0)
    """
    if not 0 < deviations < math.inf:
        raise ConfigurationError(f"deviations={deviations} must be a positive number.")


def check_rows(rule: str, rows: object) -> None:
    """Refuse a least number of rows of which nothing can be said.

    Args:
        rule: its name, for the message.
        rows: should be a whole number of 3 or more.

    Raises:
        ConfigurationError: it is not.

    Example:
        >>> check_rows("clockwork", 100)
    """
    if not isinstance(rows, int) or isinstance(rows, bool) or rows < 3:
        raise ConfigurationError(f"rows={rows!r} of {rule} must be a whole number of 3 or more.")


def check_limit(
    rule: str,
    name: str,
    limit: object,
    *,
    least: float = 0.0,
    what: str = "a number",
    whole: bool = False,
    needed: bool = False,
) -> None:
    """Refuse a limit that is none.

    Args:
        rule: its name, for the message.
        name: of the limit.
        limit: None, where it may be left out, or a finite number.
        least: the smallest that makes sense.
        what: the words for what it must be.
        whole: whether it must be a whole number.
        needed: whether it may not be left out.

    Raises:
        ConfigurationError: it makes no sense.

    Example:
        >>> check_limit("bursts", "per_hour", 500, least=1, whole=True)
    """
    if limit is None and not needed:
        return
    kind: type | tuple[type, ...] = int if whole else (int, float)
    if not isinstance(limit, kind) or isinstance(limit, bool) or not least <= limit < math.inf:  # type: ignore[operator] # of those kinds
        raise ConfigurationError(f"The limit {name} of {rule} is {limit!r}; it must be {what}.")


def require_one(rule: str, limits: dict[str, object], advice: str) -> None:
    """Refuse a rule without any limit.

    Args:
        rule: its name.
        limits: name -> limit.
        advice: what to give.

    Raises:
        ConfigurationError: all limits are None.

    Example:
        >>> require_one("bursts", {"per_hour": 500}, "give per_hour")
    """
    if all(limit is None for limit in limits.values()):
        raise ConfigurationError(f"The rule {rule!r} needs a limit: {advice}.")
