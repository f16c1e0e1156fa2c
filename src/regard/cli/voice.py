"""How commands talk: results on stdout, for people or as one JSON document; the rest on stderr."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, kw_only=True)
class Voice:
    """Options that every command has.

    Attributes:
        json: print one JSON document on stdout and nothing else there.
        debug: show tracebacks.

    Example:
        >>> Voice(json=True).show("for people only")
        >>> Voice(json=True).finish({"users": 3})
        {
          "users": 3
        }
    """

    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else.")
    ] = False
    debug: Annotated[
        bool, typer.Option("--debug", envvar="REGARD_DEBUG", help="Show tracebacks of failures.")
    ] = False

    def show(self, result: object) -> None:
        """Print a result for people; silent where JSON is wanted."""
        if not self.json:
            typer.echo(str(result))

    def warn(self, lines: Sequence[str]) -> None:
        """Print a paragraph of warnings for people, where there are any."""
        if lines:
            self.show("\n".join(["", *lines]))

    def finish(self, document: Mapping[str, Any]) -> None:
        """Print everything as JSON, where that is wanted."""
        if self.json:
            # A recipe may hold what JSON has no word for, such as a date among SQL parameters.
            typer.echo(json.dumps(document, indent=2, allow_nan=False, default=str))

    def say(self, text: str) -> None:
        """Tell what is going on; never part of the result."""
        typer.echo(text, err=True)

    def console(self) -> "Console":
        """Where progress is drawn: always stderr."""
        from rich.console import Console

        return Console(stderr=True)
