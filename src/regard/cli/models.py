"""`regard models`: every network, classical method and mechanism, or the page of one."""

from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.pages import page
from regard.cli.voice import Voice

if TYPE_CHECKING:
    from rich.table import Table

    from regard.recommender.listing import Listing


@page
def models(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="Whose page to show: idea, formula, source, cost, options."
        ),
    ] = None,
    *,
    voice: Voice,
) -> None:
    """List the networks, classical methods and mechanisms, or tell all that is known of one.

    Models are named with --model; mechanisms are parts, which the model compose takes by name.
    Networks and mechanisms are listed where torch is installed.
    """
    from regard.recommender.listing import listing

    found = listing()
    if name is None:
        _list(found, voice)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    from regard.recommender.model_pages import page as page_of

    entry = found.entry(name)
    if not voice.json:
        Console().print(Markdown(page_of(entry)))
    voice.finish(entry.to_dict())


def _list(found: "Listing", voice: Voice) -> None:
    """What there is, and what is missing here."""
    from rich.console import Console

    if not voice.json:
        Console().print(_table(found))
    voice.show(
        "time: what a history of L events costs, or learning where a history costs nothing; \n"
        "width D, N items, E events in all. All about one of them    regard models sasrec"
    )
    voice.warn(found.missing)
    voice.finish(found.to_dict())


def _table(found: "Listing") -> "Table":
    """The list for people, each kind above what stands under it."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from regard.recommender.model_pages import summary

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("kind, name", no_wrap=True)
    table.add_column("what it is, what it reads and shows, what it costs in time")
    for kind, among in found.by_kind().items():
        table.add_row(kind, style="bold")
        for each in among:
            told = Text.assemble(f"{each.line}\n", (summary(each), "dim"))
            table.add_row(f"  {each.name}", told)
        table.add_section()
    return table
