"""`regard prepare`: a log larger than memory to clean, coded histories on disk."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from regard.cli.options import CleaningOptions, LogOrRecipe, RunOptions, SourceOptions
from regard.cli.pages import page
from regard.cli.voice import Voice


@page
def prepare(
    file: LogOrRecipe,
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The prepared log, to be made.")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a prepared log that is there.")
    ] = False,
    protocol: Annotated[
        str | None,
        typer.Option(
            metavar="auto|global-time|leave-last-out",
            help="How to cut the log. auto: global-time where times are known.",
        ),
    ] = None,
    assign: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="A setting of the split: split.test_share=0.2."
        ),
    ] = None,
    columns: SourceOptions,
    cleaning: CleaningOptions,
    voice: Voice,
) -> None:
    """Clean and cut a log in Parquet that is larger than memory, shard after shard.

    The outcome is that of `regard clean` and the split of `regard fit`, to the last row, as a
    folder that `regard fit` learns from: histories of item codes, and the removed rows with their
    reasons.
    A run that was stopped goes on when the same command is given again.
    """
    from regard.cli.large import prepared_log
    from regard.cli.places import free_folder
    from regard.cli.recipes import recipe_of
    from regard.data.large.prepared import is_prepared

    # Not resolved away: the same log, prepared before, is found there and taken as it is.
    target = free_folder(out, replaceable=is_prepared, advice="only a prepared log can be")
    recipe = recipe_of(file, columns, RunOptions(protocol=protocol, assign=assign))
    prepared = prepared_log(recipe, cleaning, target, voice, overwrite=overwrite)
    again = shlex.join(["regard", "fit", str(out), "--out", "model"])
    report = prepared.summary()
    voice.show(report)
    voice.show(f"\n{prepared.protocol}\nPrepared log  {out}\nGo on with    {again}")
    voice.finish({
        **report.to_dict(),
        "out": str(target),
        "protocol": str(prepared.protocol),
        "fingerprint": prepared.fingerprint,
        "users": len(prepared.events),
        "items": len(prepared.vocabulary),
        "next": again,
    })  # fmt: skip
