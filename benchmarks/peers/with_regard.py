"""Regard, as `regard fit` runs it with its defaults: the network, its memory, and a Markov chain.

The schedule is that of the defaults; where the budget ends before it, the average of the weights at
that moment is measured, and where it ends before the budget, the weights that it keeps. Validation
belongs to a fit, but not to its steps: its seconds are reported beside them.
"""

import time
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
from protocol import (
    SEED,
    Codes,
    Log,
    Meter,
    Score,
    Scores,
    arguments,
    measure,
    peak_megabytes,
    timed_lists,
    top_lists,
    write,
)
from torch import Tensor

import regard
from regard.classical import MarkovChain, Popularity
from regard.data.split import Split
from regard.evaluation.protocol import Seen
from regard.evaluation.ranking import Scorer, top_items
from regard.models.contract import ModelInput, SequenceModel
from regard.models.scorer import NetworkScorer
from regard.recommender import networks
from regard.recommender.learned import Answering
from regard.recommender.memory import remember
from regard.recommender.recipe import Recipe
from regard.schema import FIRST_CODE
from regard.training.device import PROCESSOR, choose_precision, precision_name
from regard.training.history import History
from regard.training.loop import Plan, train
from regard.training.objectives import Objective
from regard.training.watching import Silence

FEWER = 50
"""Events that RecBole's network reads."""
NARROW = {"expansion": 1, "heads": 1}
"""The feed-forward network and the heads of most others, as in the paper of SASRec."""
NARROW_SECONDS = 30.0


class BudgetSpentError(Exception):
    """Ends a training inside of an epoch."""


class Counted:
    """An objective that remembers how many targets it picked last.

    Args:
        objective: that picks them.
    """

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.targets = 0

    def __call__(self, model: SequenceModel, batch: ModelInput) -> tuple[Any, Tensor]:
        """See `Objective`."""
        asked, targets_T = self.objective(model, batch)
        self.targets = len(targets_T)
        return asked, targets_T

    def __getattr__(self, name: str) -> Any:
        """What else an objective says of itself."""
        return getattr(self.objective, name)


class Watch(Silence):
    """Stands between Regard's own `teach` and its loop, and tells the meter of each step.

    Args:
        meter: the clock.
        split: what is learned.
        epochs: of the planned training.
    """

    def __init__(self, meter: Meter, split: Split, epochs: int) -> None:
        self.meter = meter
        self.split = split
        self.epochs = epochs
        self.validation_seconds = 0.0
        self._done = 0.0

    def train(self, model: SequenceModel, plan: Plan, _: object) -> History:
        """Regard's loop, with the same plan but watched."""
        self.meter.score = score_of(NetworkScorer(model), self.split)
        objective, validate = Counted(plan.objective), plan.validate
        self._asked = objective

        def timed(model: SequenceModel) -> float:
            # What is validated is what a fit keeps: the average of the weights of late.
            self.model = model
            self.meter.score = score_of(NetworkScorer(model), self.split)
            began = time.perf_counter()
            with self.meter.stopped():
                value = validate(model)
            self.validation_seconds += time.perf_counter() - began
            return value

        self.model = model
        self.meter.begin()
        return train(model, replace(plan, objective=objective, validate=timed), self)

    def step(self, done: float, _loss: float, _speed: float) -> None:
        """See `Watcher`; `done` is a share of the planned training."""
        taken, self._done = done - self._done, done
        if self.meter.stepped(self._asked.targets, taken * self.epochs):
            raise BudgetSpentError


def teach(recipe: Recipe, split: Split, meter: Meter) -> Watch:
    """What `regard fit` does with a network, watched."""
    watch = Watch(meter, split, recipe.training.epochs)
    with patch.object(networks, "train", watch.train):
        try:
            networks.teach(recipe, split)
        except BudgetSpentError:
            return watch
    meter.end()
    return watch


def unready(users: Codes) -> Scores:
    """Stands for the network until Regard has built it."""
    raise AssertionError(f"{len(users)} users are asked about before there is a network")


def score_of(scorer: Scorer, split: Split) -> Score:
    """See `protocol.Score`; Regard's codes begin with two special ones."""

    def score(users: Codes) -> Scores:
        return scorer.score(split.test.select(users))[:, FIRST_CODE:]

    return score


def lists_of(scorer: Scorer, split: Split) -> Callable[[], Codes]:
    """The path of `recommend_all`, asked before the event of the test."""
    answering = Answering(scorer, Popularity().fit(split.training))

    def lists() -> Codes:
        size = split.vocabulary.size
        codes, _ = top_items(answering, split.test, 10, catalogue_size=size, seen=Seen.REMOVE)
        return codes.astype(np.int64) - FIRST_CODE

    return lists


def judged(scorer: Scorer, split: Split, log: Log) -> dict[str, Any]:
    """Quality of something fitted, and how long it takes to answer."""
    score = score_of(scorer, split)
    found = timed_lists(lists_of(scorer, split), top_lists(score, log))
    return {"quality": measure(score, log), **found}


def at_fewer_events(model: SequenceModel, split: Split, log: Log) -> dict[str, Any]:
    """Lists by a network of the same size that reads as little as RecBole's; it needs no lesson."""
    short = type(model)(replace(model.config, longest=FEWER), model.catalogue_size)
    scorer = NetworkScorer(short)
    timed = timed_lists(lists_of(scorer, split), top_lists(score_of(scorer, split), log))
    return {"events": FEWER, "lists_seconds": timed["lists_seconds"]}


def with_memory(recipe: Recipe, split: Split, log: Log, network: NetworkScorer) -> dict[str, Any]:
    """What a default fit answers with: the network, with its memory where validation says so."""
    began = time.perf_counter()
    rules = recipe.evaluation.protocol(str(split.protocol), recipe.seed)
    mixed, verdict = remember(network, split, rules)
    seconds = time.perf_counter() - began
    return {
        "settings": {"title": "Regard, as it ships", "memory": str(verdict)},
        "seconds": seconds,
        **judged(mixed if verdict.pays else network, split, log),
    }


def as_narrow(recipe: Recipe, split: Split, log: Log, given: Namespace) -> dict[str, Any]:
    """Speed of a network as small as that of most others; what it learns is not asked."""
    brief = {"budget": min(NARROW_SECONDS, given.budget), "speed": True}
    meter = Meter(Namespace(**{**vars(given), **brief}), log, unready)
    watch = teach(replace(recipe, options=NARROW), split, meter)
    settings = {"title": "Regard, as narrow as they", **vars(watch.model.config)}
    speed = meter.targets / meter.seconds
    return {"settings": settings, "seconds": meter.seconds, "targets_per_second": speed}


def counted(split: Split, log: Log) -> dict[str, Any]:
    """A first-order Markov chain; needs no epochs."""
    began = time.perf_counter()
    chain = MarkovChain().fit(split.training)
    seconds = time.perf_counter() - began
    return {
        "settings": {"title": "Regard, Markov chain"},
        "seconds": seconds,
        "epoch_seconds": seconds,
        **judged(chain, split, log),
        "peak_megabytes": peak_megabytes(),
    }


def main() -> None:
    """Teach, measure, write."""
    given = arguments()
    log = Log.read(given.log)
    recipe = Recipe.from_dict({
        "seed": SEED, "split": {"protocol": "leave-last-out"}, "evaluation": {"seen": "remove"}
    })  # fmt: skip
    source = given.log.with_suffix(".parquet")
    split = recipe.split.apply(regard.read(source, user="user", item="item", order="position"))
    if (split.test.targets - FIRST_CODE != log.targets).any():
        raise ValueError(f"{source} and {given.log} are not the same log.")
    markov = {} if given.speed else {"markov": counted(split, log)}
    meter = Meter(given, log, unready)
    watch = teach(recipe, split, meter)
    network = NetworkScorer(watch.model)
    products = precision_name(choose_precision(recipe.training.precision, PROCESSOR))
    settings = {
        "title": "Regard, network alone",
        **vars(watch.model.config),
        **vars(recipe.training),
        "loss": f"cross-entropy over all items, in slices, products in {products}",
        "optimiser": "AdamW with warm-up and cosine",
    }
    found = meter.report(settings, ("regard", "polars"))
    found |= meter.answers(lists_of(network, split)) | markov
    found["validation_seconds"] = watch.validation_seconds
    if not given.speed:
        found["fewer"] = at_fewer_events(watch.model, split, log)
        found["memory"] = with_memory(recipe, split, log, network)
        found["narrow"] = as_narrow(recipe, split, log, given)
    write(given.out, found)


if __name__ == "__main__":
    main()
