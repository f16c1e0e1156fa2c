"""The story of the demo in deeds: what is done with a shop's log, step by step.

Nothing is printed here; `telling` does that. Nothing is chosen by the test part either: training
stops by the validation part, and the customers are drawn by a seed.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

import narwhals as nw
import numpy as np

from regard.data.clean import clean, default_rules
from regard.data.datasets import online_retail
from regard.data.ingest.read import read
from regard.data.interactions import Interactions
from regard.data.overview.report import DataReport
from regard.data.report import CleaningReport
from regard.data.rules import RULES, ExcludedItems
from regard.data.vocabulary import Id
from regard.evaluation.comparison import Comparison
from regard.randomness import stream
from regard.recommender.comparing import Watching, compare_models
from regard.recommender.recipe import Recipe, SourceSettings, SplitSettings
from regard.recommender.recommender import Recommender
from regard.schema import ITEM, ROW, TIME, USER
from regard.training.config import TrainingConfig
from regard.viz.contents import CustomerCase, PastEvent

NO_PRODUCTS: Final = "POST|23444|DOT|M|D|C2|BANK CHARGES|AMAZONFEE|CRUK|PADS|S|B|gift_.*"
"""Codes of the shop that nobody could be recommended: postage, fees, corrections, vouchers."""
ZONE: Final = "Europe/London"
"""The shop's clock; the file names none."""
GLOBAL_TIME: Final = "global-time"
LEAVE_LAST_OUT: Final = "leave-last-out"
CUSTOMERS: Final = 3
EPOCHS: Final = 15
"""Half of the default, so that two trainings take minutes; the rate falls to zero within them."""
_LONG_ENOUGH: Final = 5
_ONE_IN: Final = 5


@dataclass(frozen=True)
class Contest:
    """A network and its rivals on one split.

    Attributes:
        network: the fitted SASRec.
        comparison: who was better, user by user.
    """

    network: Recommender
    comparison: Comparison

    @property
    def protocol(self) -> str:
        """Name of the protocol, such as `"global-time"`."""
        return self.network.learned.protocol.name


@dataclass(frozen=True)
class Story:
    """Everything that the demo found out.

    Attributes:
        data: what the log was, and what cleaning made of it.
        cleaning: what was removed.
        contests: one for each protocol, global time first.
        customers: drawn by the seed.
    """

    data: DataReport
    cleaning: CleaningReport
    contests: tuple[Contest, ...]
    customers: tuple[CustomerCase, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            **self.data.to_dict(),
            "contests": {
                each.protocol: {
                    "recipe": each.network.recipe.to_dict(),
                    "training": _training(each.network),
                    "comparison": each.comparison.to_dict(),
                }
                for each in self.contests
            },
            "customers": [_plain(each) for each in self.customers],
        }


def raw_log() -> Interactions:
    """The shipped log as it is, its times read on the shop's clock."""
    return read(online_retail(), timezone=ZONE)


def clean_shop(log: Interactions) -> tuple[Interactions, CleaningReport]:
    """The default rules, and the shop's own list of codes that are no products.

    Args:
        log: the raw log.

    Returns:
        The kept rows, and the report.
    """
    rules = [*default_rules(log), ExcludedItems(pattern=NO_PRODUCTS)]
    order = list(RULES)
    return clean(log, sorted(rules, key=lambda rule: order.index(rule.name)))


def some_customers(log: Interactions) -> Interactions:
    """One customer in five, all rows of each: enough to see everything work.

    Args:
        log: cleaned; customers have numbers.
    """
    return log.with_frame(log.frame.filter(nw.col(USER) % _ONE_IN == 0))


def recipe_for(protocol: str, cleaning: CleaningReport, *, epochs: int = EPOCHS) -> Recipe:
    """How the demo learns: the defaults of `regard fit` but for the number of epochs.

    Args:
        protocol: how to cut.
        cleaning: its rules become part of the recipe.
        epochs: at most so many.

    Returns:
        The recipe.
    """
    from regard.cli.logs import as_cleaned

    recipe = Recipe(
        source=SourceSettings(path=str(online_retail()), timezone=ZONE),
        split=SplitSettings(protocol=protocol),
        training=TrainingConfig(epochs=epochs),
    )
    return as_cleaned(recipe, cleaning)


def hold_contest(log: Interactions, recipe: Recipe, watching: Watching) -> Contest:
    """Fit the network and its rivals on one split, and compare them on its test part.

    Args:
        log: cleaned.
        recipe: of the network.
        watching: makes the watcher of its training.

    Returns:
        What came of it.
    """
    run = compare_models(log, recipe, watching=watching)
    return Contest(run.recommenders[0], run.comparison)


def draw_customers(network: Recommender, log: Interactions) -> tuple[CustomerCase, ...]:
    """Three customers of the test part with a history, drawn by the recipe's seed.

    Args:
        network: fitted on the log.
        log: cleaned.

    Returns:
        The customers: their latest purchases, an answer, and the reason of its first item.
    """
    test = network.learned.split.test
    asked = np.unique(test.users[test.history_lengths >= _LONG_ENOUGH])
    random = stream(network.recipe.seed, "customers of the demo")
    drawn = random.choice(asked, min(CUSTOMERS, len(asked)), replace=False)
    return tuple(_case(network, log, user) for user in test.sequences.users.gather(drawn.tolist()))


def _case(network: Recommender, log: Interactions, user: Id) -> CustomerCase:
    """What somebody bought last, what comes next, and why."""
    own = log.with_frame(log.frame.filter(nw.col(USER) == user)).collect()
    latest = own.sort(TIME, ROW).tail(_LONG_ENOUGH)
    titles = network.learned.catalogue.titles(latest[ITEM])
    bought = zip(latest[ITEM], titles, latest[TIME], strict=True)
    answer = network.recommend(user, k=5)
    return CustomerCase(
        heading=f"Customer {user}",
        history=tuple(PastEvent(*each) for each in bought),
        recommendations=answer,
        explanations=(network.explain(user, answer.ids[0]),),
    )


def _plain(case: CustomerCase) -> dict[str, Any]:
    """A customer as plain values for JSON."""
    return {
        "heading": case.heading,
        "history": [asdict(each) for each in case.history],
        "recommendations": case.recommendations.to_dict(),
        "explanations": [each.to_dict() for each in case.explanations],
    }


def _training(network: Recommender) -> dict[str, Any] | None:
    history = network.learned.history
    return None if history is None else history.to_dict()
