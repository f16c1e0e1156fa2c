"""`regard fit`: from a log to a bundle."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli.options import CleaningOptions, LogOrRecipe, RunOptions, SourceOptions
from regard.cli.pages import page
from regard.cli.voice import Voice

if TYPE_CHECKING:
    from regard.cli.large import Learnable
    from regard.data.report import CleaningReport
    from regard.recommender.recommender import Recommender


@page
def fit(
    file: LogOrRecipe,
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The bundle, a folder to be made.")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a bundle that is there.")
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Discard the checkpoint of a run that was stopped.")
    ] = False,
    engine: Annotated[
        str,
        typer.Option(
            metavar="auto|memory|streaming",
            help="Where to clean and split: in memory, or in shards on disk as `regard prepare` "
            "does. auto: on disk where memory would not do.",
        ),
    ] = "auto",
    columns: SourceOptions,
    cleaning: CleaningOptions,
    run: RunOptions,
    voice: Voice,
) -> None:
    """Learn from a log: clean it, split it, train, measure on the test part, save a bundle.

    A run that was stopped, by Ctrl-C or by force, goes on from its last checkpoint when the same
    command is given again. The bundle appears complete or not at all. A folder of `regard prepare`
    is cleaned and split already; it is learned from as it is.
    """
    from dataclasses import replace

    from regard.bundle.manifest import is_bundle
    from regard.cli.large import to_learn_from
    from regard.cli.logs import as_cleaned
    from regard.cli.places import (
        checkpoint_beside,
        free_folder,
        quarantine_beside,
        refuse_anothers,
    )
    from regard.cli.recipes import recipe_of
    from regard.data.leakage.diagnose import diagnose
    from regard.recommender.recommender import Recommender

    target = free_folder(
        out,
        replaceable=is_bundle if overwrite else lambda _: False,
        advice="only a bundle can be, with --overwrite",
    )
    refuse_anothers(quarantine_beside(out), out.with_name(f"{out.name}.parquet"))
    recipe = recipe_of(file, columns, run)
    Recommender.from_recipe(recipe)  # refuses at once what no log could mend
    with checkpoint_beside(target, restart=restart) as checkpoint:
        place = checkpoint.with_name("prepared")
        found = to_learn_from(recipe, cleaning, engine, place, voice)
        recipe, split, cleaned = found.recipe, found.split, found.cleaned
        voice.show(cleaned)
        encoders = [] if found.encoders is None else [found.encoders]
        diagnosis = diagnose(split, log=found.log, encoders=encoders)
        voice.warn(diagnosis.warnings())
        # Cleaning is in the fingerprint of the log; its rules would only date the checkpoint.
        recommender = Recommender.from_recipe(replace(recipe, cleaning=None))
        learn(recommender, found, checkpoint, voice)
        recommender.recipe = as_cleaned(recommender.recipe, cleaned)
        test = recommender.evaluate()
        recommender.add_to_card(
            cleaning=cleaned.to_dict(), leakage=diagnosis.to_dict(), test=test.to_dict()
        )
        quarantine = save_with_quarantine(recommender, cleaned, target, overwrite=overwrite)
    again = shlex.join(["regard", "recommend", str(out), "--user", str(test.user_ids[0])])
    voice.show(
        f"\n{test}\n\nBundle        {out}\nRemoved rows  {quarantine}\nGo on with    {again}"
    )
    history, counted = recommender.learned.history, recommender.learned.counted
    voice.warn([] if counted is None else counted.warnings(recommender.title))
    voice.finish({
        "bundle": str(target),
        "quarantine": str(quarantine),
        "recipe": recommender.recipe.to_dict(),
        "cleaning": cleaned.to_dict(),
        "leakage": diagnosis.to_dict(),
        "training": None if history is None else history.to_dict(),
        "counted": None if counted is None else counted.to_dict(),
        "test": test.to_dict(),
        "next": again,
    })  # fmt: skip


def learn(
    recommender: "Recommender", found: "Learnable", checkpoint: Path | None, voice: Voice
) -> None:
    """Fit with a progress bar.

    Args:
        recommender: what shall learn.
        found: what to learn from.
        checkpoint: file for checkpoints.
        voice: says what is going on.
    """
    from regard.cli.training import bar_for

    with bar_for(recommender.recipe, voice.console(), checkpoint) as bar:
        recommender.fit_split(
            found.split,
            found.catalogue,
            encoders=found.encoders,
            checkpoint=checkpoint,
            watcher=bar,
        )
    if (history := recommender.learned.history) is not None:
        voice.say(f"  {history}")
    if (memory := recommender.learned.memory) is not None:
        voice.say(f"  {memory}")
    if (counted := recommender.learned.counted) is not None:
        voice.say(f"  {counted}")


def save_with_quarantine(
    recommender: "Recommender", cleaned: "CleaningReport", target: Path, **how: Any
) -> Path:
    """Save a bundle and, beside it, the rows that cleaning removed: both or neither.

    Args:
        recommender: fitted.
        cleaned: holds the removed rows.
        target: the folder of the bundle.
        how: as in `Recommender.save`.

    Returns:
        The path of the quarantine.
    """
    from regard.cli.places import quarantine_beside
    from regard.data.atomic import atomic_file

    quarantine = quarantine_beside(target)
    with atomic_file(quarantine) as draft:
        cleaned.quarantine.write_parquet(draft)
        recommender.save(target, **how)
    return quarantine
