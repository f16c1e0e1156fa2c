"""Arguments of detectors, fillers and smoothers that make no sense, refused in one sentence."""

from collections.abc import Iterable
from math import isfinite
from typing import Any

from regard.errors import ConfigurationError


def require_positive(owner: str, **values: Any) -> None:
    """Refuse what is not a finite number above zero; None stands for "not set" and passes.

    Args:
        owner: what the arguments belong to, for the message.
        values: argument name -> value.

    Raises:
        ConfigurationError: a value is no such number.

    Example:
        >>> require_positive("hampel", threshold=-1)
        Traceback (most recent call last):
        regard.errors.ConfigurationError: hampel: threshold is -1; it must be a number above 0.
    """
    for name, value in values.items():
        if value is None:
            continue
        if not _is_number(value) or not isfinite(value) or value <= 0:
            raise ConfigurationError(f"{owner}: {name} is {value!r}; it must be a number above 0.")


def require_whole(owner: str, least: int, **values: Any) -> None:
    """Refuse what is not a whole number of at least `least`; None passes.

    Args:
        owner: what the arguments belong to, for the message.
        least: the smallest number allowed.
        values: argument name -> value.

    Raises:
        ConfigurationError: a value is no such number.
    """
    for name, value in values.items():
        if value is None:
            continue
        if not _is_number(value) or isinstance(value, float) or value < least:
            raise ConfigurationError(
                f"{owner}: {name} is {value!r}; it must be a whole number of at least {least}."
            )


def require_one_of(owner: str, allowed: Iterable[str], **values: str) -> None:
    """Refuse a word that is not among those known.

    Args:
        owner: what the arguments belong to, for the message.
        allowed: the words known.
        values: argument name -> word.

    Raises:
        ConfigurationError: a word is not known.
    """
    known = list(allowed)
    for name, value in values.items():
        if value not in known:
            raise ConfigurationError(
                f"{owner}: {name} is {value!r}; it must be one of {', '.join(known)}."
            )


def _is_number(value: Any) -> bool:
    """Whether a value counts as a number; true and false do not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
