"""`regard explain`: which past events carry an answer, and whether attention tells the truth."""

from typing import Annotated

import typer

from regard.cli.options import BundleFolder, PersonOptions, SeenOption
from regard.cli.pages import page
from regard.cli.voice import Voice


@page
def explain(
    bundle: BundleFolder,
    *,
    person: PersonOptions,
    item: Annotated[
        str | None,
        typer.Option(metavar="ID", help="The item; the first recommendation if omitted."),
    ] = None,
    seen: SeenOption = None,
    voice: Voice,
) -> None:
    """Say why somebody is shown an item."""
    from regard.recommender.recommender import Recommender

    asked = person.asked()
    explanation = Recommender.load(bundle).explain(**asked, item=item, seen=seen)
    voice.show(explanation)
    voice.finish(explanation.to_dict())
