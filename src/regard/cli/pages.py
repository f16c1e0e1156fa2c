"""A command from a function: groups of options are spread out, failures are reported.

Typer wants every option as a parameter of the function. Here a command names a whole group, a
frozen dataclass whose annotated fields are the options, so that each is described once::

    @page
    def inspect(file: LogFile, *, columns: ColumnOptions, voice: Voice) -> None: ...

    regard inspect FILE [--user NAME --item NAME ...] [--json] [--debug]
"""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_type_hints

from regard.cli.failures import reported


def page(function: Callable[..., None]) -> Callable[..., None]:
    """Make a function a command that Typer can read.

    Args:
        function: its parameters are arguments and options of Typer, or groups of options; one of
            the groups brings `debug`.

    Returns:
        A function with all options as its own parameters, which reports what the given one raises.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True, kw_only=True)
        ... class Group:
        ...     debug: bool = False
        ...     width: int = 3
        >>> @page
        ... def show(name: str, *, group: Group) -> None:
        ...     print(name, group)
        >>> show(name="a", debug=False, width=5)
        a Group(debug=False, width=5)
        >>> print(inspect.signature(show))
        (*, name: str, debug: bool = False, width: int = 3)
    """
    hints = get_type_hints(function, include_extras=True)
    parameters: list[inspect.Parameter] = []
    groups: dict[str, type[Any]] = {}
    for each in inspect.signature(function).parameters.values():
        kind = hints[each.name]
        if is_dataclass(kind) and isinstance(kind, type):
            groups[each.name] = kind
            parameters += _spread(kind)
        else:
            parameters.append(each.replace(annotation=kind, kind=inspect.Parameter.KEYWORD_ONLY))

    def command(**given: Any) -> None:
        with reported(debug=given["debug"]):
            for name, kind in groups.items():
                given[name] = kind(**{each.name: given.pop(each.name) for each in fields(kind)})
            function(**given)

    command.__name__ = function.__name__
    command.__doc__ = _flowing(inspect.getdoc(function) or "")
    command.__annotations__ = {}
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # PEP 362
    return command


def _spread(group: type[Any]) -> list[inspect.Parameter]:
    """The fields of a group as parameters."""
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if each.default is MISSING else each.default,
            annotation=hints[each.name],
        )
        for each in fields(group)
    ]


def _flowing(text: str) -> str:
    """Paragraphs without line breaks of their own, so that help fits every terminal."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
