"""Several methods on one split, under one protocol, paired user by user."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from regard.classical import CLASSICAL
from regard.data.catalogue import Catalogue
from regard.data.encoders.events import encode_split
from regard.data.encoders.fitted import Encoders
from regard.data.interactions import Interactions
from regard.data.split import Split
from regard.errors import ConfigurationError, NeedsClockError
from regard.evaluation.comparison import Comparison, compare
from regard.recommender.fitting import classical, reads_features
from regard.recommender.recipe import Recipe
from regard.recommender.recommender import Recommender

if TYPE_CHECKING:
    from regard.training.watching import Watcher

Watching: TypeAlias = Callable[[Recipe], "AbstractContextManager[Watcher | None]"]
"""What makes a watcher for the fit of a recipe."""
BASELINES = ("markov", "item-knn", "recent", "popularity")
"""In every comparison, unless others are named: what a model must beat to be worth its cost."""


@dataclass(frozen=True)
class ComparisonRun:
    """A comparison and the recommenders it is about.

    Attributes:
        comparison: the reports and what separates them.
        recommenders: fitted, in the order in which they were named.
        left_out: names of methods that the log cannot serve, each with the reason.
    """

    comparison: Comparison
    recommenders: tuple[Recommender, ...]
    left_out: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([str(self.comparison), *(f"  left out   {why}" for why in self.left_out)])


def compare_models(
    log: Interactions,
    recipe: Recipe | None = None,
    models: Sequence[str] = BASELINES,
    *,
    watching: Watching | None = None,
) -> ComparisonRun:
    """Fit a candidate and its rivals on one split and hold them against each other on its test.

    Args:
        log: cleaned interactions.
        recipe: of the candidate, and of split, seed and evaluation for all.
        models: names of the rivals; they learn with their default options, and from features where
            they can read them. One that needs a clock is left out, by name, where the log has none.
        watching: makes what watches each fit from its recipe, so that progress can be shown.

    Returns:
        The comparison on NDCG at the last cut-off, and all recommenders.

    Raises:
        ConfigurationError: no rival is named or left, or a name is unknown.
        DataError: the log has missing values, or is too small to be cut (`TooLittleDataError`).
        MissingDependencyError: a model is named whose extra is not installed.
        NeedsClockError: the split or the candidate needs times, and the log has none.
        TrainingError: training diverged.
    """
    recipe = recipe or Recipe()
    contestants = _contestants(recipe, models)
    splits = _splits(log, recipe)
    catalogue = Catalogue.of(log)
    recommenders: list[Recommender] = []
    left_out = []
    for recommender in contestants:
        watched = nullcontext() if watching is None else watching(recommender.recipe)
        try:
            with watched as watcher:
                split, encoders = splits[bool(recommender.recipe.features)]
                recommender.fit_split(split, catalogue, encoders=encoders, watcher=watcher)
                recommenders.append(recommender)
        except NeedsClockError as refused:
            if not recommenders:  # the candidate itself
                raise
            left_out.append(f"{recommender.name}: {refused}")
    if len(recommenders) < 2:
        raise ConfigurationError(
            f"No rival of {recipe.model} is left ({' '.join(left_out)}) Name another one, such as "
            "'markov'."
        )
    reports = [each.evaluate() for each in recommenders]
    # What the memory of transitions adds to a network is for the reader to see.
    reports += [each.evaluate(memory=False) for each in recommenders if each.title != each.name]
    metric = f"ndcg@{recommenders[0].recipe.evaluation.ks[-1]}"
    comparison = compare(reports, recommenders[0].title, metric)
    return ComparisonRun(comparison, tuple(recommenders), tuple(left_out))


def _contestants(recipe: Recipe, models: Sequence[str]) -> list[Recommender]:
    """The candidate and its rivals, each once, all known to exist before the first one learns."""
    rivals = [name for name in dict.fromkeys(models) if name != recipe.model]
    if not rivals:
        raise ConfigurationError(
            f"A comparison needs a rival of {recipe.model}; name one, such as 'markov'."
        )
    found = [Recommender.from_recipe(recipe)]
    for name in rivals:
        plain = replace(recipe, objective="auto", loss="auto", options={}, features={})
        rival = Recommender.from_recipe(replace(plain, model=name))
        if reads_features(name):
            rival.recipe = replace(rival.recipe, features=recipe.features)
        found.append(rival)
    for each in found:
        if each.recipe.model in CLASSICAL:
            classical(each.recipe).require()
    return found


def _splits(log: Interactions, recipe: Recipe) -> dict[bool, tuple[Split, Encoders | None]]:
    """The split for whoever reads features and for the others; all are asked the same."""
    split = recipe.split.apply(log)
    splits: dict[bool, tuple[Split, Encoders | None]] = {False: (split, None)}
    if recipe.features:
        splits[True] = encode_split(log, split, recipe.features)
    return splits
