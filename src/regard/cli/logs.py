"""From a recipe to a clean log, as every command does it."""

from dataclasses import replace
from typing import Any

import narwhals as nw

from regard.cli.options import CleaningOptions
from regard.data.clean import clean, default_rules
from regard.data.ingest.read import read
from regard.data.interactions import Interactions
from regard.data.report import CleaningReport
from regard.errors import TooLittleDataError
from regard.recommender.recipe import Recipe
from regard.schema import ITEM, USER


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
    return clean(log, [*rules, *options.added()], repairs=options.repairs(recipe))


def log_to_learn_from(
    recipe: Recipe, options: CleaningOptions
) -> tuple[Interactions, CleaningReport]:
    """Read and clean, and refuse what would give numbers without a meaning.

    Args:
        recipe: names the log and perhaps rules.
        options: may name other rules.

    Returns:
        The kept rows, and the report.

    Raises:
        TooLittleDataError: there are not two users and two items.
    """
    log, report = clean_log(read_log(recipe), recipe, options)
    for role in (USER, ITEM):
        if log.frame.select(nw.col(role).n_unique()).collect().item() < 2:
            raise TooLittleDataError(
                f"After cleaning, {log.source} has a single {role}, so there is nothing to tell "
                f"apart. Bring a log with at least two, or check which column is the {role}."
            )
    return log, report


def as_cleaned(recipe: Recipe, report: CleaningReport) -> Recipe:
    """A recipe that names the very rules and repairs that ran, so that it can be run again."""
    rules: list[dict[str, Any]] = [
        {"rule": each.rule, **{k: v for k, v in each.parameters.items() if v is not None}}
        for each in report.removals
    ]
    repairs = tuple({"repair": each.repair, **each.parameters} for each in report.mendings)
    return replace(recipe, cleaning=tuple(rules), repair=repairs)
