"""Where a log is cleaned and split: in memory, or in shards on disk."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from regard.cli.logs import as_cleaned, log_to_learn_from
from regard.cli.options import CleaningOptions
from regard.cli.voice import Voice
from regard.data.catalogue import Catalogue
from regard.data.clean import default_rules
from regard.data.encoders.events import encode_split
from regard.data.encoders.fitted import Encoders
from regard.data.ingest.addresses import is_address
from regard.data.ingest.scan import LargeLog, is_parquet, parquet_bytes, scan
from regard.data.interactions import Interactions
from regard.data.large.cutting import Cut
from regard.data.large.prepare import prepare
from regard.data.large.prepared import Prepared, is_prepared
from regard.data.large.scatter import bytes_of_a_row
from regard.data.large.space import IN_MEMORY, available_memory
from regard.data.report import CleaningReport
from regard.data.split import Split
from regard.errors import ConfigurationError, TooLittleDataError
from regard.recommender.recipe import Recipe, SourceSettings, SplitSettings

ENGINES: Final = ("auto", "memory", "streaming")
"""Where to clean and split."""
_SURELY: Final = 200
"""A file this many times smaller than memory is not looked into: it fits whatever is in it."""


class ShardBar(Progress):
    """A bar for each stage of a preparation.

    Args:
        console: where to draw.

    Example:
        >>> import io
        >>> with ShardBar(Console(file=io.StringIO())) as bar:
        ...     bar.tell("clean", 1, 2)
    """

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description:<12}"), BarColumn(), TimeRemainingColumn())
        super().__init__(*columns, console=console, transient=True)
        self._stages: dict[str, TaskID] = {}

    def tell(self, stage: str, done: int, total: int) -> None:
        """Hear how far a stage is."""
        if stage not in self._stages:
            self._stages[stage] = self.add_task(stage, total=total)
        self.update(self._stages[stage], completed=done)


@dataclass(frozen=True)
class Learnable:
    """A log that is clean and cut.

    Attributes:
        recipe: with the split that was made.
        split: what is learned, and what is asked.
        catalogue: titles.
        cleaned: what was removed.
        log: the kept rows where they are in memory, else None.
        encoders: what made the features of the split, where the recipe names some.
    """

    recipe: Recipe
    split: Split
    catalogue: Catalogue
    cleaned: CleaningReport
    log: Interactions | None
    encoders: Encoders | None = None


def to_learn_from(
    recipe: Recipe, options: CleaningOptions, engine: str, folder: Path, voice: Voice
) -> "Learnable":
    """Clean and split where it is best done.

    Args:
        recipe: names the log, perhaps rules, and how to split.
        options: may name other rules.
        engine: one of `ENGINES`.
        folder: where a prepared log may lie until it is learned from.
        voice: says where it is done, when nobody has asked for it.

    Returns:
        What a model can learn from.

    Raises:
        ConfigurationError: there is no such engine.
        TooLittleDataError: there are not two users and two items.
    """
    if engine not in ENGINES:
        raise ConfigurationError(f"--engine {engine!r} is not known; choose {', '.join(ENGINES)}.")
    if is_prepared(recipe.source.path):
        prepared = _as_it_is(recipe, options)
        recipe = replace(recipe, split=SplitSettings(**asdict(prepared.cut)))
    elif engine == "streaming" or (engine == "auto" and _too_large(recipe.source, voice)):
        prepared = prepared_log(recipe, options, folder, voice)
    else:
        log, report = log_to_learn_from(recipe, options)
        split, encoders = recipe.split.apply(log), None
        if recipe.features:
            split, encoders = encode_split(log, split, recipe.features)
        return Learnable(recipe, split, Catalogue.of(log), report, log, encoders)
    for role, count in (("user", len(prepared.events)), ("item", len(prepared.catalogue))):
        if count < 2:
            raise TooLittleDataError(
                f"After cleaning, {prepared.source} has a single {role}, so there is nothing to "
                f"tell apart. Bring a log with at least two, or check which column is the {role}."
            )
    return Learnable(recipe, prepared.split(), prepared.catalogue, prepared.report(), None)


def prepared_log(
    recipe: Recipe,
    options: CleaningOptions,
    folder: Path,
    voice: Voice,
    *,
    overwrite: bool = True,
) -> Prepared:
    """Prepare the log of a recipe in shards, with a bar for each stage.

    Args:
        recipe: names the log, perhaps rules, and how to split.
        options: may name other rules.
        folder: to be made.
        voice: draws the bars.
        overwrite: replace what another run has left there.

    Returns:
        The prepared log.

    Raises:
        ConfigurationError: a repair or a feature is asked for.
    """
    _refuse_features(recipe)
    if repairs := options.repairs(recipe):
        raise ConfigurationError(
            f"The repair {repairs[0].name!r} reads the spellings of the whole log, which shards do "
            "not hold together; leave it out, or take --engine memory."
        )
    log = _scanned(recipe.source)
    chosen = options.chosen(recipe)
    # Not settled: what depends on the moment is decided once, and a run that goes on keeps it.
    rules = default_rules(log.head, settle=False) if chosen is None else chosen
    cut = Cut(**asdict(recipe.split))
    with ShardBar(voice.console()) as bar:
        return prepare(
            log,
            folder,
            rules=[*rules, *options.added()],
            cut=cut,
            overwrite=overwrite,
            progress=bar.tell,
        )


def _scanned(source: SourceSettings) -> LargeLog:
    """The log of a recipe, to be read in parts."""
    if is_address(source.path):
        raise ConfigurationError(
            "A database cannot be read in shards; export the log as Parquet first, or leave "
            "--engine out."
        )
    return scan(source.path, **source.options())


def _as_it_is(recipe: Recipe, options: CleaningOptions) -> Prepared:
    """A log that was prepared before; nothing about it can be changed any more.

    The recipe of a bundle names the rules and the cut that were, and asks for no other.

    Raises:
        ConfigurationError: something else is asked for.
    """
    prepared = Prepared.open(recipe.source.path)
    was = as_cleaned(Recipe(split=SplitSettings(**asdict(prepared.cut))), prepared.summary())
    asked = recipe.source != SourceSettings(path=recipe.source.path)
    cleans = options != CleaningOptions() or recipe.cleaning not in (None, was.cleaning)
    if asked or cleans or recipe.split not in (SplitSettings(), was.split):
        raise ConfigurationError(
            f"{recipe.source.path} is prepared: its columns are known, it is clean and cut. Leave "
            "options for columns, cleaning and splitting out, or prepare the log anew with them."
        )
    _refuse_features(recipe)
    return prepared


def _refuse_features(recipe: Recipe) -> None:
    """Shards hold who, what and when, and no column more."""
    if recipe.features:
        raise ConfigurationError(
            f"The features {', '.join(recipe.features)} cannot be read from a log prepared in "
            "shards, which keep no other columns; leave them out, or take --engine memory."
        )


def _too_large(source: SourceSettings, voice: Voice) -> bool:
    """Whether a log in Parquet would not fit into memory; says so where it does not."""
    alone = not (source.items or source.users or source.query or source.table)
    if not alone or is_address(source.path) or not is_parquet(source.path):
        return False
    free = available_memory()
    if parquet_bytes(source.path) * _SURELY < free:
        return False
    log = _scanned(source)
    needed = log.rows * bytes_of_a_row(log.part(0, min(log.rows, 10_000), None)) * IN_MEMORY
    if needed < free:
        return False
    voice.say(
        f"{source.path} would take about {needed / 1e9:,.1f} GB of memory, and {free / 1e9:,.1f} "
        "GB are free: it is prepared in shards on disk (--engine memory forces memory)."
    )
    return True
