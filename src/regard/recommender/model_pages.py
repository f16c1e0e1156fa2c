"""Pages about models in Markdown: one for each, and one that lists all of them."""

import re
from typing import Final

from regard.evaluation.tables import markdown_table
from regard.recommender.docstrings import HEADINGS
from regard.recommender.listing import CLASSIC, MECHANISM, NETWORK, SCHEME, Entry, Listing, Option

_TITLES: Final = {
    NETWORK: "Networks",
    CLASSIC: "Classical methods",
    MECHANISM: "Mechanisms",
    SCHEME: "Schemes of distances",
}
_INTRODUCTIONS: Final = {
    NETWORK: "They learn by gradient, on a processor or a GPU, and need the extra `torch`.",
    CLASSIC: "They count, or solve one system of equations, and need no network library.",
    MECHANISM: "They attend inside networks; `compose` takes them by name, one or several.",
    SCHEME: "They make scaled dot products depend on how far apart two events are.",
}
_LEGEND: Final = """\
One page each, made from the code that it describes. `L` is the length of a history, `D` the width
of states, `H` the number of heads, `N` the number of items, `E` that of events. *Clock*: whether it
reads times; *cold items*: whether it can recommend what training never showed; *map*: whether it
shows what it looked at; *time*: what a history costs, or learning where a history costs nothing.
How they are used: [models](../models.md), [attention](../attention.md)."""
_OF_THE_MODEL: Final = {"width", "heads", "longest", "layer"}
"""Options of mechanisms that `compose` has for all of them."""
_NUMBER: Final = re.compile(r"\d+(\.\d+)?")
FACTS: Final = ("clock", "features", "cold items", "map", "time")
"""What a table tells of each beside its name and what it is."""


def facts(entry: Entry) -> tuple[str, ...]:
    """The cells of a table under `FACTS`.

    Example:
        >>> from regard.recommender.listing import listing
        >>> facts(listing().entry("recent"))
        ('yes', '', '', '', 'O(E)')
    """
    told = (entry.reads_time, entry.reads_features, entry.cold_items, entry.has_map)
    return (*map(_said, told), entry.cost)


def summary(entry: Entry) -> str:
    """The same in one line, what does not hold left out.

    Example:
        >>> from regard.recommender.listing import listing
        >>> summary(listing().entry("session-knn"))
        'clock (optional) · O(E log E)'
    """
    *told, time = zip(FACTS, facts(entry), strict=True)
    words = [name if fact == "yes" else f"{name} ({fact})" for name, fact in told if fact]
    return " · ".join([*words, time[1]])


def page(entry: Entry) -> str:
    """All that is known of one, as Markdown.

    Args:
        entry: from `regard.recommender.listing`.

    Example:
        >>> from regard.recommender.listing import listing
        >>> print(page(listing().entry("markov")).splitlines()[0])
        # markov
    """
    told = entry.description
    parts = [f"# {entry.name}", told.opening, told.introduction, _facts(entry)]
    parts += [f"## {each}\n\n{_begun(told.parts[each])}" for each in HEADINGS if each in told.parts]
    parts += ["## Options", _options(entry.options), *_use(entry)]
    return "\n\n".join(each for each in parts if each) + "\n"


def index(found: Listing) -> str:
    """The page that lists all, as Markdown, with a link to the page of each.

    Args:
        found: from `regard.recommender.listing`.

    Example:
        >>> from regard.recommender.listing import listing
        >>> "[markov](markov.md)" in index(listing())
        True
    """
    parts = [
        "# All models and mechanisms",
        _LEGEND,
    ]
    for kind, among in found.by_kind().items():
        rows = [(f"[{each.name}]({each.name}.md)", each.line, *facts(each)) for each in among]
        rows = [(*row[:-1], f"`{row[-1]}`" if row[-1] else "") for row in rows]
        table = markdown_table(("name", "what it is", *FACTS), rows).replace("---:", ":---")
        parts += [f"## {_TITLES[kind]}", _INTRODUCTIONS[kind], table]
    return "\n\n".join(parts) + "\n"


def _said(fact: bool | None) -> str:
    return "optional" if fact is None else "yes" if fact else ""


def _facts(entry: Entry) -> str:
    """A list of what is known without reading on."""
    lines = [
        f"**Kind**: {entry.kind}",
        f"**Reads a clock**: {_said(entry.reads_time) or 'no'}",
    ]
    if entry.kind in {NETWORK, CLASSIC}:
        lines += [
            f"**Reads features of events**: {_said(entry.reads_features) or 'no'}",
            f"**Recommends items that training never showed**: {_said(entry.cold_items) or 'no'}",
        ]
    if entry.kind != SCHEME:
        about = f"; {entry.about_map}" if entry.about_map else ""
        lines.append(f"**Attention map**: {_said(entry.has_map) or 'no'}{about}")
    if entry.kind in {NETWORK, MECHANISM}:
        looks = {True: "what came before it", False: "the whole history", None: "optional"}
        lines.append(f"**Each event knows**: {looks[entry.causal]}")
    if entry.objective is not None:
        lines.append(f"**Learns by the objective**: `{entry.objective}`")
    return "\n".join(f"- {each}" for each in [*lines, f"**Written in**: `{entry.module}`"])


def _options(options: tuple[Option, ...]) -> str:
    if not options:
        return "None."
    rows = [
        (f"`{each.name}`", f"`{each.default}`" if each.default else "needed", each.meaning)
        for each in options
    ]
    return markdown_table(("option", "default", "meaning"), rows).replace("---:", ":---")


def _use(entry: Entry) -> list[str]:
    """How it is named in a command or a recipe."""
    if not entry.alone:
        return []
    if entry.kind in {NETWORK, CLASSIC}:
        command = f"$ regard fit clean.parquet --model {entry.name} --out shop"
        return ["## At the prompt", f"```console\n{command}\n```"]
    lines = ["[model]", 'name = "compose"', f'mechanisms = ["{entry.name}"]']
    if entry.kind == SCHEME:
        lines[-1:] = ['mechanisms = ["scaled-dot-product"]', f'distances = "{entry.name}"']
    settable = [
        f"{each.name} = {each.default}"
        for each in entry.options
        if each.name not in _OF_THE_MODEL and _NUMBER.fullmatch(each.default)
    ]
    if settable:
        lines += ["", f"[model.options_of.{entry.name}]", *settable]
    return ["## In a recipe", "\n".join(["```toml", *lines, "```"])]


def _begun(text: str) -> str:
    """A part of a page begins with a capital letter, unless with code."""
    return text[:1].upper() + text[1:]
