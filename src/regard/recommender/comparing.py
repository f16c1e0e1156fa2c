"""Several methods on one split, under one protocol, paired user by user."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from regard.data.catalogue import Catalogue
from regard.data.interactions import Interactions
from regard.errors import ConfigurationError, NeedsClockError
from regard.evaluation.comparison import Comparison, compare
from regard.recommender.recipe import Recipe
from regard.recommender.recommender import Recommender

BASELINES = ("markov", "recent", "popularity")
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
    fit: Callable[[Recommender, Callable[[], Recommender]], Recommender] | None = None,
) -> ComparisonRun:
    """Fit a candidate and its rivals on one split and hold them against each other on its test.

    Args:
        log: cleaned interactions.
        recipe: of the candidate, and of split, seed and evaluation for all.
        models: names of the rivals; they learn with their default options. One that needs a
            clock is left out, by name, where the log has none.
        fit: is handed each recommender and what fits it, so that progress can be shown.

    Returns:
        The comparison on NDCG at the last cut-off, and all recommenders.

    Raises:
        ConfigurationError: no rival is left, or a name is unknown.
    """
    recipe = recipe or Recipe()
    split = recipe.split.apply(log)
    catalogue = Catalogue.of(log)
    recommenders, left_out = [], []
    for name in dict.fromkeys([recipe.model, *models]):
        options = recipe.options if name == recipe.model else {}
        recommender = Recommender.from_recipe(replace(recipe, model=name, options=options))

        def work(recommender: Recommender = recommender) -> Recommender:
            return recommender.fit_split(split, catalogue)

        try:
            recommenders.append(work() if fit is None else fit(recommender, work))
        except NeedsClockError as refused:
            left_out.append(f"{name}: {refused}")
    if len(recommenders) < 2:
        raise ConfigurationError("A comparison needs a candidate and at least one rival.")
    reports = [recommender.evaluate() for recommender in recommenders]
    # What the memory of transitions adds to a network is for the reader to see.
    alone = [recommender.evaluate(memory=False) for recommender in recommenders]
    reports += [each for each in alone if each.name not in {report.name for report in reports}]
    metric = f"ndcg@{recommenders[0].recipe.evaluation.ks[-1]}"
    comparison = compare(reports, recommenders[0].title, metric)
    return ComparisonRun(comparison, tuple(recommenders), tuple(left_out))
