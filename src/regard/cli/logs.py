"""From a recipe to a clean log, as every command does it."""

from dataclasses import replace
from typing import Any

from regard.cli.options import CleaningOptions
from regard.data.clean import clean, default_rules
from regard.data.ingest.read import read
from regard.data.interactions import Interactions
from regard.data.report import CleaningReport
from regard.recommender.recipe import Recipe


def read_log(recipe: Recipe) -> Interactions:
    """Read the log that a recipe names."""
    return read(recipe.source.path, **recipe.source.options())


def clean_log(
    log: Interactions, recipe: Recipe, options: CleaningOptions
) -> tuple[Interactions, CleaningReport]:
    """Clean by the rules of the options, or else of the recipe, or else the default ones.

    Args:
        log: as it was read.
        recipe: may name rules.
        options: may name rules instead, and add some.

    Returns:
        The kept rows, and the report.
    """
    chosen = options.chosen(recipe)
    rules = default_rules(log) if chosen is None else chosen
    return clean(log, [*rules, *options.added()])


def as_cleaned(recipe: Recipe, report: CleaningReport) -> Recipe:
    """A recipe that names the very rules that ran, so that it can be run again."""
    rules: list[dict[str, Any]] = [
        {"rule": each.rule, **{k: v for k, v in each.parameters.items() if v is not None}}
        for each in report.removals
    ]
    return replace(recipe, cleaning=tuple(rules))
