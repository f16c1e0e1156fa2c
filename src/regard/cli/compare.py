"""`regard compare`: is a model worth more than the simple methods, on this log?"""

from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.options import CleaningOptions, LogOrRecipe, RunOptions, SourceOptions
from regard.cli.pages import page
from regard.cli.voice import Voice

if TYPE_CHECKING:
    from collections.abc import Callable

    from regard.recommender.recommender import Recommender


@page
def compare(
    file: LogOrRecipe,
    *,
    against: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A rival; may be given several times. markov, recent and popularity if omitted.",
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
    from regard.recommender.comparing import BASELINES, compare_models

    recipe = recipe_of(file, columns, run)
    log, cleaned = log_to_learn_from(recipe, cleaning)
    voice.show(f"{cleaned}\n")

    def fit(recommender: "Recommender", work: "Callable[[], Recommender]") -> "Recommender":
        with voice.console().status(f"fitting {recommender.name}"):
            fitted = work()
        voice.say(f"  {fitted.title}  {fitted.learned.history or 'fitted'}")
        return fitted

    found = compare_models(log, recipe, tuple(against or BASELINES), fit=fit)
    voice.show(found)
    voice.finish({
        **found.comparison.to_dict(),
        "left_out": list(found.left_out),
        "cleaning": cleaned.to_dict(),
    })  # fmt: skip
