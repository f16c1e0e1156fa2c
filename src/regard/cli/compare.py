"""`regard compare`: is a model worth more than the simple methods, on this log?"""

from typing import Annotated

import typer

from regard.cli.options import CleaningOptions, LogOrRecipe, RunOptions, SourceOptions
from regard.cli.pages import page
from regard.cli.voice import Voice


@page
def compare(
    file: LogOrRecipe,
    *,
    against: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A rival; may be given several times. markov, item-knn, recent and popularity if "
            "omitted.",
        ),
    ] = None,
    columns: SourceOptions,
    cleaning: CleaningOptions,
    run: RunOptions,
    voice: Voice,
) -> None:
    """Fit a model and its rivals on one split, and hold them against each other user by user."""
    from regard.cli.logs import log_to_learn_from
    from regard.cli.recipes import recipe_of
    from regard.cli.training import bar_for
    from regard.data.leakage.diagnose import diagnose
    from regard.recommender.comparing import BASELINES, compare_models

    recipe = recipe_of(file, columns, run)
    log, cleaned = log_to_learn_from(recipe, cleaning)
    voice.show(f"{cleaned}\n")

    rivals = tuple(against or BASELINES)
    found = compare_models(
        log, recipe, rivals, watching=lambda each: bar_for(each, voice.console())
    )
    for each in found.recommenders:
        voice.say(f"  {each.title}: {each.learned.history or 'fitted'}")
    voice.show(found)
    diagnosis = diagnose(found.recommenders[0].learned.split, log=log)
    voice.warn(diagnosis.warnings())
    voice.finish({
        **found.comparison.to_dict(),
        "left_out": list(found.left_out),
        "cleaning": cleaned.to_dict(),
        "leakage": diagnosis.to_dict(),
    })  # fmt: skip
