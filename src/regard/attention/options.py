"""What of a mechanism can be set as plain values: by a recipe, or at a prompt."""

import difflib
import inspect
from collections.abc import Collection, Mapping
from types import NoneType
from typing import Any, Final, get_args, get_type_hints

from torch import nn

from regard.errors import ConfigurationError

_PLAIN: Final = {int, float, bool, str, NoneType}
_OF_THE_MODEL: Final = "width"


def options_of(kind: type[nn.Module]) -> dict[str, inspect.Parameter]:
    """The arguments of a mechanism that a recipe can give, with defaults and annotations.

    Not the width, which is the model's, and none that takes an object, such as `positions`.

    Args:
        kind: a class of mechanisms.

    Example:
        >>> from regard.attention.scaled_dot_product import ScaledDotProductAttention
        >>> list(options_of(ScaledDotProductAttention))
        ['heads', 'dropout', 'bias', 'key_heads', 'scale']
    """
    hints = get_type_hints(kind.__init__)
    return {
        name: each.replace(annotation=hints[name])
        for name, each in inspect.signature(kind).parameters.items()
        if name != _OF_THE_MODEL and _families(hints[name]) <= _PLAIN
    }


def check_options(kind: type[nn.Module], values: Mapping[str, Any], where: str) -> None:
    """Refuse options that a mechanism does not have, and values of another kind than theirs.

    Args:
        kind: a class of mechanisms.
        values: option -> value.
        where: what to call them in messages.

    Raises:
        ConfigurationError: a name is unknown or a value of the wrong kind.

    Example:
        >>> from regard.attention.local_window import LocalWindowAttention
        >>> check_options(LocalWindowAttention, {"windw": 3}, "local-window")
        Traceback (most recent call last):
        regard.errors.ConfigurationError: local-window has no 'windw'; did you mean 'window'?
        >>> check_options(LocalWindowAttention, {"window": "wide"}, "local-window")
        Traceback (most recent call last):
        regard.errors.ConfigurationError: local-window.window='wide' must be int, such as 32.
    """
    known = options_of(kind)
    for name, value in values.items():
        if name not in known:
            raise ConfigurationError(f"{where} has no {name!r}; {nearest(name, known)}")
        families = _families(known[name].annotation)
        if type(value) in families or (type(value) is int and float in families):
            continue
        said = " or ".join(sorted(each.__name__ for each in families - {NoneType}))
        default = known[name].default
        such_as = "" if default is None else f", such as {default!r}"
        raise ConfigurationError(f"{where}.{name}={value!r} must be {said}{such_as}.")


def nearest(name: object, known: Collection[str]) -> str:
    """The end of a sentence that refuses a name: the nearest right one, or all there are.

    Example:
        >>> nearest("linaer", ["linear", "graph"]), nearest("x", ["linear", "graph"])
        ("did you mean 'linear'?", 'choose one of linear, graph.')
    """
    near = difflib.get_close_matches(str(name), known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(known)}."


def _families(annotation: Any) -> set[Any]:
    """The types that an annotation allows."""
    return set(get_args(annotation) or (annotation,))
