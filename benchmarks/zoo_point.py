"""One run of the zoo, in a process of its own: read a plan, learn, measure, print JSON.

    python benchmarks/zoo_point.py < PLAN.json

The peak of memory in the books of a process only ever rises, so each run has its own. A training
that was stopped goes on from its last checkpoint, kept in `build/zoo` until the run has ended.
"""

import importlib
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from ml1m import surroundings
from regard.cli.logs import as_cleaned
from regard.data.catalogue import Catalogue
from regard.data.large.space import peak_megabytes
from regard.data.split import Split
from regard.errors import MissingDependencyError, NeedsClockError, RegardError
from regard.recommender.fitting import welcome
from regard.recommender.memory import RememberingScorer
from regard.recommender.recipe import Recipe
from regard.recommender.recommender import Recommender
from zoo_data import cleaned

METRICS = ("ndcg@10", "hit_rate@10", "mrr")
CHECKPOINTS = Path(__file__).resolve().parent.parent / "build" / "zoo"


def measured(plan: dict[str, Any], limit: dict[str, Any]) -> dict[str, Any]:
    """Everything about one run.

    Args:
        plan: names the log, and holds the recipe.
        limit: settings of the training that rest on other runs.
    """
    for module in plan.get("modules", ()):
        for kind in importlib.import_module(module).NETWORKS:
            welcome(kind)
    log, report = cleaned(plan["log"]["name"])
    recipe = Recipe.from_dict(plan["recipe"])
    recipe = replace(recipe, training=replace(recipe.training, **limit))
    split = recipe.split.apply(log)
    began = time.perf_counter()
    recommender = fitted(recipe, split, Catalogue.of(log))
    minutes = (time.perf_counter() - began) / 60
    peak = peak_megabytes()
    return {
        **surroundings(recipe.seed),
        **about_split(split, report.rows_kept),
        **about_training(recommender, minutes),
        "peak_megabytes": peak,
        "results": results(recommender, plan["log"]["seen"]),
        "recipe": without_source(as_cleaned(recommender.recipe, report)),
    }


def fitted(recipe: Recipe, split: Split, catalogue: Catalogue) -> Recommender:
    """Learn, and go on from a checkpoint of the very same run if one was left."""
    # What cleaning did is in the fingerprint of the log; a rule may hold the present moment.
    recommender = Recommender.from_recipe(recipe)
    name = recipe.digest(f"{split.fingerprint} {split.protocol!r}")[:24]
    checkpoint = CHECKPOINTS / f"{recipe.model}-{name}.checkpoint"
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    recommender.fit_split(split, catalogue, checkpoint=checkpoint)
    checkpoint.unlink(missing_ok=True)
    return recommender


def about_split(split: Split, events: int) -> dict[str, Any]:
    """What was learned from."""
    return {
        "fingerprint": split.fingerprint,
        "events": events,
        "catalogue": len(split.vocabulary),
        "protocol": str(split.protocol),
        "repeat_share": split.repeat_share,
        "time_ties": split.tie_share,
    }


def about_training(recommender: Recommender, minutes: float) -> dict[str, Any]:
    """How it went; minutes are of learning, validation included, over all sittings."""
    learned = recommender.learned
    history = learned.history
    if history is None:
        return {"kind": "classical", "minutes": minutes}
    seconds = history.seconds + sum(epoch.validation_seconds for epoch in history.epochs)
    # The scorer of a network without memory is the network's own.
    scorer = learned.scorer
    network = scorer.model
    return {
        "kind": "network",
        "minutes": seconds / 60,
        "learning_minutes": history.seconds / 60,
        "epochs": len(history.epochs),
        "best_epoch": history.best.number,
        "stopped": history.stopped,
        "targets_per_second": history.targets_per_second,
        "parameters": sum(each.numel() for each in network.parameters()),
        "precision": history.precision,
        "loss": history.loss,
        "causal": network.promises.causal,
        "objective": network.objective,
        "memory": None if learned.memory is None else str(learned.memory),
    }


def results(recommender: Recommender, seens: list[str]) -> dict[str, Any]:
    """How -> treatment of seen items -> metric -> mean and interval."""
    ways = {"alone": False}
    if isinstance(recommender.learned.scorer, RememberingScorer):
        ways["with memory"] = True
    return {
        way: {seen: metrics(recommender, seen, memory=memory) for seen in seens}
        for way, memory in ways.items()
    }


def metrics(recommender: Recommender, seen: str, *, memory: bool) -> dict[str, Any]:
    """What the field reports, each with its interval over users."""
    protocol: Any = replace(recommender.protocol(), seen=seen)
    report = recommender.evaluate(protocol=protocol, memory=memory)
    found = {name: report.metrics[name].to_dict() for name in METRICS}
    return {**found, "users": report.users, "cold_share": report.cold_share}


def without_source(recipe: Recipe) -> dict[str, Any]:
    """A recipe without the path on this machine."""
    return {name: each for name, each in recipe.to_dict().items() if name != "source"}


def main() -> None:
    """Measure and print; what cannot be made here is a result, what is broken is a failure."""
    handed = json.load(sys.stdin)
    try:
        found = measured(handed["plan"], handed["limit"])
    except (MissingDependencyError, NeedsClockError) as missing:
        found = {**surroundings(handed["plan"]["recipe"]["seed"]), "state": "left out"}
        found["message"] = str(missing)
    except RegardError as failure:
        sys.exit(f"{type(failure).__name__}: {failure}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
