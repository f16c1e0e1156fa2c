"""`regard clean --engine spark`: the same cleaning, done where the log lies."""

import shlex
from pathlib import Path
from typing import Final

from regard.cli.clean import flags_to_read
from regard.cli.options import CleaningOptions
from regard.cli.voice import Voice
from regard.errors import ConfigurationError, StorageError
from regard.recommender.recipe import Recipe

ENGINES: Final = ("polars", "spark")
"""Who can clean."""
_SAMPLE_ROWS: Final = 10_000


def require_engine(
    engine: str, *, master: str | None, quarantine: Path | None, report: Path | None
) -> None:
    """Refuse an engine that is not known, and options that are for the other one.

    Args:
        engine: as it was typed.
        master: is for Spark alone.
        quarantine: is for Polars alone.
        report: likewise.

    Raises:
        ConfigurationError: the options do not go together.
    """
    if engine not in ENGINES:
        raise ConfigurationError(f"--engine {engine!r} is not known; choose polars or spark.")
    if engine == "polars" and master is not None:
        raise ConfigurationError("--master is the address of a cluster; add --engine spark.")
    if engine == "spark" and quarantine is not None:
        raise ConfigurationError(
            "--quarantine is not for Spark, which writes the removed rows to quarantine/ in the "
            "folder of --out; leave it out."
        )
    if engine == "spark" and report is not None:
        raise ConfigurationError(
            "--report draws a log that is in memory, which Spark's is not; leave it out, or "
            "inspect the kept rows with --report."
        )


def clean_on_spark(
    recipe: Recipe, cleaning: CleaningOptions, out: str, master: str | None, voice: Voice
) -> None:
    """Clean with Spark, and say where everything lies.

    Args:
        recipe: names the log and perhaps rules.
        cleaning: may name rules instead, and add some.
        out: the folder to be made.
        master: where executors come from.
        voice: how to talk.
    """
    from regard.data.clean import default_rules
    from regard.data.spark import clean_into, read_files
    from regard.data.spark.cleaning import KEPT, QUARANTINE
    from regard.data.spark.places import is_address
    from regard.data.spark.session import session_of

    if not is_address(out):
        _require_free(Path(out))
    with session_of(master) as session:
        log = read_files(session, recipe.source.path, **_options(recipe))
        chosen = cleaning.chosen(recipe)
        rules = default_rules(log) if chosen is None else chosen
        repairs = cleaning.repairs(recipe)
        report = clean_into(log, out, [*rules, *cleaning.added()], repairs=repairs)
    kept, removed = f"{out}/{KEPT}", f"{out}/{QUARANTINE}"
    flags = [] if is_address(out) else _flags(Path(kept))
    again = shlex.join(["regard", "fit", kept, *flags, "--out", "model"])
    voice.show(report)
    voice.show(f"\nKept rows     {kept}\nRemoved rows  {removed}\nGo on with    {again}")
    voice.finish({**report.to_dict(), "out": kept, "quarantine": removed, "next": again})


def _options(recipe: Recipe) -> dict[str, object]:
    """What the recipe says of the source; UTC is what is meant where nothing is said."""
    return {name: value for name, value in recipe.source.options().items() if value is not None}


def _require_free(folder: Path) -> None:
    """Refuse at once a folder that is there, before a cluster is asked."""
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise StorageError(
            f"{folder} is there already and will not be replaced; name another --out."
        )


def _flags(kept: Path) -> list[str]:
    """The options without which the kept rows would be misunderstood, by some of them."""
    import polars as pl

    files = sorted(kept.glob("*.parquet"))
    return flags_to_read(pl.scan_parquet(files, glob=False).head(_SAMPLE_ROWS).collect())
