"""Plain values become settings of the right kind, or are refused by name."""

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from regard.errors import ConfigurationError

_Settings = TypeVar("_Settings")


@dataclass(frozen=True)
class Setting:
    """Something that can be set.

    Attributes:
        kind: annotation of its values.
        default: where there is one, an example of its values.
    """

    kind: Any
    default: Any = None


def settings_of(kind: type[_Settings], values: Mapping[str, Any], where: str) -> _Settings:
    """Build a settings dataclass, refusing unknown names and values of the wrong kind by name.

    Args:
        kind: a dataclass.
        values: field -> value.
        where: what to call it in messages.

    Returns:
        The settings.

    Raises:
        ConfigurationError: a name is unknown, a value is of another kind than its field, or one
            that has no default is missing.

    Example:
        >>> from regard.training.config import TrainingConfig
        >>> settings_of(TrainingConfig, {"epochs": "many"}, "training")
        Traceback (most recent call last):
        regard.errors.ConfigurationError: training.epochs='many' must be int, such as 30.
    """
    kinds = get_type_hints(kind)
    known = {each.name: each for each in fields(kind)}  # type: ignore[arg-type]  # a dataclass
    check_values(
        values, {name: Setting(kinds[name], each.default) for name, each in known.items()}, where
    )
    for name, each in known.items():
        if name not in values and each.default is MISSING and each.default_factory is MISSING:
            raise ConfigurationError(f"{where} needs {name} ({_said(kinds[name])}); give it.")
    return kind(**values)


def check_values(values: Mapping[str, Any], known: Mapping[str, Setting], where: str) -> None:
    """Refuse names that cannot be set, and values of another kind than theirs.

    Args:
        values: name -> value.
        known: name -> what it can be set to.
        where: what to call them in messages.

    Raises:
        ConfigurationError: a name is unknown or a value of the wrong kind.

    Example:
        >>> check_values({"window": "wide"}, {"window": Setting(int, 32)}, "local-window")
        Traceback (most recent call last):
        regard.errors.ConfigurationError: local-window.window='wide' must be int, such as 32.
    """
    require_known(values, known, where)
    for name, value in values.items():
        setting = known[name]
        if not _fits(value, setting.kind):
            wanted = f"{_said(setting.kind)}{_such_as(setting.default)}"
            raise ConfigurationError(f"{where}.{name}={value!r} must be {wanted}.")


def require_known(values: Iterable[str], known: Collection[str], where: str) -> None:
    """Refuse names that are not known, with the nearest one that is.

    Args:
        values: names.
        known: the names that there are.
        where: what to call it in messages.

    Raises:
        ConfigurationError: a name is unknown.

    Example:
        >>> require_known(["widht"], ["width", "heads"], "model")
        Traceback (most recent call last):
        regard.errors.ConfigurationError: model has no 'widht'; did you mean 'width'?
    """
    for name in values:
        if name not in known:
            it_has = f"it has {', '.join(known) or 'nothing to set'}."
            raise ConfigurationError(f"{where} has no {name!r}; {nearest(name, known) or it_has}")


def nearest(name: object, known: Iterable[str]) -> str:
    """What a refusal adds where a known name is near: the question whether that was meant.

    Args:
        name: that is not known.
        known: those that are.

    Example:
        >>> nearest("widht", ["width", "heads"]), nearest("x", ["width", "heads"])
        ("did you mean 'width'?", '')
    """
    near = difflib.get_close_matches(str(name), list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else ""


def nearest_of(name: object, known: Collection[str]) -> str:
    """The end of a sentence that refuses a name: the nearest right one, or all there are.

    Args:
        name: that is not known.
        known: those that are.

    Example:
        >>> nearest_of("linaer", ["linear", "graph"]), nearest_of("x", ["linear", "graph"])
        ("did you mean 'linear'?", 'choose one of linear, graph.')
    """
    return nearest(name, known) or f"choose one of {', '.join(known)}."


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value is of an annotated kind; a whole number is welcome where a float is."""
    family, parts = get_origin(kind) or kind, get_args(kind)
    if family is UnionType:
        return any(_fits(value, each) for each in parts)
    if family is tuple:
        return isinstance(value, list | tuple) and all(_fits(each, parts[0]) for each in value)
    if family is Mapping:
        return isinstance(value, Mapping) and all(_fits(each, parts[1]) for each in value.values())
    if kind is Any:
        return True
    if isinstance(value, bool):
        return family is bool
    return isinstance(value, (int, float) if family is float else family)


def _said(kind: Any) -> str:
    """An annotated kind for a sentence.

    Example:
        >>> _said(str | None), _said(tuple[int, ...]), _said(Mapping[str, int])
        ('str', 'a list of int', 'a table of int')
    """
    parts = [each for each in get_args(kind) if each not in {NoneType, Ellipsis}]
    if get_origin(kind) is tuple:
        return f"a list of {_said(parts[0])}"
    if get_origin(kind) is Mapping:
        return "a table" if parts[1] is Any else f"a table of {_said(parts[1])}"
    if get_origin(kind) is UnionType:
        return " or ".join(map(_said, parts))
    return str(getattr(kind, "__name__", kind))


def _such_as(default: Any) -> str:
    """The default as an example, where it is one."""
    if isinstance(default, tuple):
        default = list(default)
    return f", such as {default!r}" if isinstance(default, int | float | str | list) else ""
