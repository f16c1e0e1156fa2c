"""`regard evaluate`: how good a saved model is on the test part of its own log."""

from typing import Annotated

import typer

from regard.cli.options import BundleFolder, SeenOption
from regard.cli.pages import page
from regard.cli.voice import Voice


@page
def evaluate(
    bundle: BundleFolder,
    *,
    seen: SeenOption = None,
    k: Annotated[
        list[int] | None,
        typer.Option("--k", "-k", metavar="N", help="A cut-off; may be given several times."),
    ] = None,
    memory: Annotated[
        bool,
        typer.Option(
            "--memory/--no-memory",
            help="Measure a network with its memory of transitions, or alone.",
        ),
    ] = True,
    voice: Voice,
) -> None:
    """Measure a bundle on the test part of the log that it learned from, with intervals."""
    from dataclasses import replace
    from typing import Any

    from regard.data.leakage.diagnose import diagnose
    from regard.recommender.recommender import Recommender

    recommender = Recommender.load(bundle)
    asked: dict[str, Any] = {"seen": seen, "ks": tuple(sorted(set(k or ()))) or None}
    given = {name: value for name, value in asked.items() if value is not None}
    protocol = replace(recommender.protocol(), **given)
    report = recommender.evaluate(protocol=protocol, memory=memory)
    voice.show(report)
    notes = [rule.note for rule in recommender.recipe.rules() or ()]
    diagnosis = diagnose(recommender.learned.split, notes=notes)
    voice.warn(diagnosis.warnings())
    voice.finish({**report.to_dict(), "leakage": diagnosis.to_dict()})
