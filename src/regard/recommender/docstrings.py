"""What the docstring of a method says, part by part, as Markdown.

A method is described where it is written, in paragraphs that open with a heading::

    NAME: what it is.

    Idea: ...

    Formula: ...

Whatever stands before the first heading is the introduction; a paragraph without a heading belongs
to the part above it.
"""

import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

HEADINGS: Final = ("Idea", "Formula", "Source", "Differs from the paper", "Cost")
"""The parts of a description, in order."""
_HEADED: Final = re.compile(rf"({'|'.join(HEADINGS)}):\s+(.+)", re.DOTALL)
_ENTRY: Final = re.compile(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)
_APART: Final = re.compile(r"((?:^ {4}.*\n?|^\n(?= {4}))+)|((?:^\S.*\n?)+)", re.MULTILINE)
"""Lines that are indented, with blank ones between them, or a paragraph."""
_COLONS: Final = re.compile(r"::\s*\Z")


@dataclass(frozen=True)
class Description:
    """What a docstring says of a method.

    Attributes:
        opening: its first sentence.
        introduction: Markdown between that and the first heading; often empty.
        parts: heading -> Markdown.

    Example:
        >>> told = describe('''Counting: who counts, wins.
        ...
        ... Idea: what is
        ... seen most.
        ...
        ... Cost: time `O(N)`.
        ... ''')
        >>> told.opening, told.parts["Idea"]
        ('Counting: who counts, wins.', 'what is seen most.')
        >>> told.missing
        ('Formula', 'Source', 'Differs from the paper')
    """

    opening: str
    introduction: str = ""
    parts: dict[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[str, ...]:
        """Headings that are not there."""
        return tuple(each for each in HEADINGS if each not in self.parts)


def describe(docstring: str | None) -> Description:
    """Take a docstring apart.

    Args:
        docstring: of a module or class.

    Returns:
        Its parts; a docstring without any gives an opening alone.
    """
    opening, *rest = list(_paragraphs(docstring or "")) or [""]
    parts: dict[str, list[str]] = {"": []}
    heading = ""
    for paragraph in rest:
        if headed := _HEADED.fullmatch(paragraph):
            heading, paragraph = headed.groups()
        parts.setdefault(heading, []).append(paragraph)
    introduction = "\n\n".join(parts.pop(""))
    return Description(opening, introduction, {k: "\n\n".join(v) for k, v in parts.items()})


def entries(docstring: str | None, section: str) -> dict[str, str]:
    """What a section such as `Args` or `Attributes` says of each name.

    Args:
        docstring: in the style of Google.
        section: its title.

    Example:
        >>> entries('''Sizes.
        ...
        ... Attributes:
        ...     width: of the
        ...         states.
        ...     heads: how many.
        ... ''', "Attributes")
        {'width': 'of the states.', 'heads': 'how many.'}
    """
    _, _, behind = inspect.cleandoc(docstring or "").partition(f"{section}:\n")
    inside = re.split(r"^\S", behind, maxsplit=1, flags=re.MULTILINE)[0]
    return {name: " ".join(text.split()) for name, text in _ENTRY.findall(inside)}


def _paragraphs(docstring: str) -> Iterator[str]:
    """Paragraphs in one line each; what is indented behind a `::` is fenced."""
    text = inspect.cleandoc(docstring)
    for apart, told in _APART.findall(text):
        if apart:
            yield f"```text\n{textwrap.dedent(apart).strip()}\n```"
        elif (flowing := " ".join(_COLONS.sub(":", told).split())) not in ("", ":"):
            yield flowing
