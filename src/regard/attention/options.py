"""What of a mechanism can be set as plain values: by a recipe, or at a prompt."""

import inspect
from collections.abc import Mapping
from types import NoneType
from typing import Any, Final, get_args, get_type_hints

from torch import nn

from regard.kinds import Setting, check_values

_PLAIN: Final = {int, float, bool, str, NoneType}
_OF_THE_MODEL: Final = "width"


def options_of(kind: type[nn.Module]) -> dict[str, Setting]:
    """The arguments of a mechanism that a recipe can give.

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
        name: Setting(hints[name], each.default)
        for name, each in inspect.signature(kind).parameters.items()
        if name != _OF_THE_MODEL and set(get_args(hints[name]) or (hints[name],)) <= _PLAIN
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
    check_values(values, options_of(kind), where)
