"""A recipe from what was typed: a file of a log or a recipe, options over it, settings by name."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from regard.cli.options import RunOptions, SourceOptions
from regard.data.encoders.gaps import GAP
from regard.errors import ConfigurationError
from regard.recommender.recipe import Recipe
from regard.schema import TIME

_TABLES: Final = ("source", "features", "model", "split", "training", "evaluation")
_OF_THE_CLOCK: Final = ("hour", "weekday", "month", "recency")
_WHOLE: Final = ("seed", "objective", "loss", "memory")


def recipe_of(file: str | Path, columns: SourceOptions, run: RunOptions | None = None) -> Recipe:
    """What to do with a log, or with the log that a recipe names.

    Paths in a recipe are understood like typed ones: from the folder one works in.

    Args:
        file: a log (a path or the URL of a database), or a recipe that ends in `.toml`.
        columns: which column is what; over the recipe's.
        run: model, split, seed, settings; over the recipe's.

    Returns:
        The recipe.

    Raises:
        ConfigurationError: the recipe names no log, or something in it makes no sense.

    Example:
        >>> recipe_of(Path("plays.csv"), SourceOptions(user="who")).source.user
        'who'
    """
    if Path(file).suffix == ".toml":
        recipe = Recipe.from_toml(file)
        if not recipe.source.path:
            raise ConfigurationError(f"The recipe {file} names no log; add path to its [source].")
    else:
        recipe = Recipe()
        recipe = replace(recipe, source=replace(recipe.source, path=str(file)))
    recipe = replace(recipe, source=columns.over(recipe.source))
    return recipe if run is None else with_options(recipe, run)


def with_options(recipe: Recipe, run: RunOptions) -> Recipe:
    """A recipe with options in place of its own settings.

    Args:
        recipe: what to start from.
        run: the options; `--set` comes last.

    Returns:
        The recipe, all names and values checked.

    Raises:
        ConfigurationError: a name or value makes no sense.

    Example:
        >>> run = RunOptions(seed=3, assign=["width=128", "training.epochs=5"])
        >>> recipe = with_options(Recipe(), run)
        >>> recipe.seed, recipe.options, recipe.training.epochs
        (3, {'width': 128}, 5)
        >>> dict(with_options(Recipe(), RunOptions(feature=["price=buckets", "hour"])).features)
        {'price': ['buckets'], 'time': ['hour']}
    """
    values = recipe.to_dict()
    shown = values["source"]["path"]
    if run.model is not None and run.model != recipe.model:
        values["model"] = {"name": run.model}  # the options belonged to another model
    if run.seed is not None:
        values["seed"] = run.seed
    if run.protocol is not None:
        values["split"]["protocol"] = run.protocol
    if run.seen is not None:
        values["evaluation"]["seen"] = run.seen
    if run.feature:
        values["features"] = _features(run.feature)
    _assign(values, run.assign or ())
    if values["source"]["path"] == shown:  # what is shown lacks the password, which reading needs
        values["source"]["path"] = recipe.source.path
    return Recipe.from_dict(values)


def _features(typed: Sequence[str]) -> dict[str, Any]:
    """Columns and their encoders, in the order in which they were typed."""
    features: dict[str, Any] = {}
    for text in typed:
        column, equals, encoder = (part.strip() for part in text.partition("="))
        if equals and column and encoder:
            features.setdefault(column, []).append(encoder)
        elif not equals and column in _OF_THE_CLOCK:
            features.setdefault(TIME, []).append(column)
        elif not equals and column == GAP:
            # Gaps run from seconds to years: equal ratios, not equal shares.
            features.setdefault(GAP, []).append({"name": "buckets", "strategy": "log"})
        else:
            raise ConfigurationError(
                f"--feature {text!r} names no encoder; write COLUMN=ENCODER, such as "
                f"price=buckets, or one of the clock's: {GAP}, {', '.join(_OF_THE_CLOCK)}."
            )
    return features


def _assign(values: dict[str, Any], assignments: Sequence[str]) -> None:
    """Put each `key=value` where it belongs."""
    for text in assignments:
        key, equals, value = (part.strip() for part in text.partition("="))
        *tables, name = key.split(".")
        if not (key and equals and value):
            raise ConfigurationError(
                f"--set {text!r} is no setting; write KEY=VALUE, such as training.epochs=5."
            )
        if key in _WHOLE:
            values[key] = _value(value)
        elif not tables or tables[0] in _TABLES:
            _inmost(values, tables or ["model"])[name] = _value(value)
        else:
            raise ConfigurationError(
                f"--set {text!r} names no part of a recipe; choose one of {', '.join(_TABLES)}, "
                "such as training.epochs=5."
            )


def _inmost(values: dict[str, Any], tables: Sequence[str]) -> dict[str, Any]:
    """The last of some tables, one within the other; those that are not there are made."""
    for table in tables:
        inner = values.get(table, {})
        # A copy, since a recipe may hold the table too; a value that is none gives way.
        values[table] = dict(inner) if isinstance(inner, Mapping) else {}
        values = values[table]
    return values


def _value(text: str) -> Any:
    """A value as TOML spells it; a bare word is text, since prompts take quotes away."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
