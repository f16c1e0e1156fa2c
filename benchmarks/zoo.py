"""Every network and every classical method on every log, under every protocol, with some seeds.

    REGARD_DATA=... python benchmarks/zoo.py --list
    REGARD_DATA=... python benchmarks/zoo.py [--only sasrec,ease] [--data ml-1m] [--seeds 7,8,9]

Stop it whenever you like and call it again: what is done stays done, and a training goes on from
its last checkpoint. A run is made anew only where its recipe or the version of Regard has changed,
or with `--again`. `python benchmarks/tables.py` then brings docs/zoo.md up to date.

A network that learns at every event trains as `regard fit` does by default. One that learns a
single target a history (or none but masked ones) would learn less in as many epochs, so it is
given the minutes that SASRec took on the same log, and as many epochs as fit into them. On the
larger logs no training takes longer than a few minutes, the learning rate coming down by the clock.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import resumable
from regard.classical import CLASSICAL
from regard.errors import RegardError, SourceError
from regard.optional import require
from regard.recommender.recipe import EvaluationSettings, Recipe, SplitSettings
from regard.schema import FIRST_CODE
from regard.training.config import TrainingConfig
from resumable import Run
from zoo_data import LOGS, as_plan, path_of
from zoo_estimate import Estimate

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "zoo"
MEASURE = "sasrec"
"""The network whose minutes those get that learn few targets an epoch."""
_ENDLESS = 100_000
"""Epochs and patience of a training that minutes alone shall end."""


@dataclass(frozen=True)
class Model:
    """A model of the zoo.

    Attributes:
        name: in recipes.
        kind: "network" or "classical".
        by_minutes: whether it is given minutes instead of epochs.
        seeded: whether it learns otherwise with another seed.
        options: all that it has, with their defaults, so that a result is known to be old where one
            of them has changed since.
    """

    name: str
    kind: str
    by_minutes: bool = False
    seeded: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)


def networks() -> dict[str, Model]:
    """Every network that is registered; none where torch is missing.

    SASRec comes first, since others are given its minutes.
    """
    from regard.models import MODELS
    from regard.recommender.networks import build
    from regard.training.objectives import OBJECTIVES

    found = {}
    for name in sorted(MODELS, key=lambda each: each != MEASURE):
        network = build(Recipe(model=name), FIRST_CODE + 1)
        everywhere = OBJECTIVES[network.objective]().asks_everywhere
        options = asdict(network.config)
        found[name] = Model(name, "network", by_minutes=not everywhere, options=options)
    return found


def models() -> dict[str, Model]:
    """Everything that is registered, classical methods first, for they take seconds."""
    found = {}
    for name, kind in CLASSICAL.items():
        options = asdict(kind().config)
        found[name] = Model(name, "classical", seeded="seed" in options, options=options)
    try:
        require("torch", extra="torch", purpose="A network")
    except RegardError as missing:
        print(f"Networks are left out. {missing}", file=sys.stderr)
        return found
    return found | networks()


def recipe_for(model: Model, log: str, protocol: str, seed: int, minutes: float) -> Recipe:
    """What `regard fit` would do; minutes bind a network alone, no other can stop half-way."""
    training = TrainingConfig()
    if model.by_minutes:
        training = TrainingConfig(epochs=_ENDLESS, patience=_ENDLESS)
    if model.kind == "network":
        training = replace(training, minutes=minutes)
    return Recipe(
        model=model.name,
        options={"seed": seed} if model.kind == "classical" and model.seeded else {},
        seed=seed,
        split=SplitSettings(protocol=protocol),
        training=training,
        evaluation=EvaluationSettings(seen=LOGS[log].seen[0]),
    )


def run_of(
    model: Model,
    log: str,
    protocol: str,
    seed: int,
    *,
    minutes: float = 0.0,
    results: Path = RESULTS,
) -> Run:
    """One run of the zoo.

    Args:
        model: what learns.
        log: a name of `LOGS`.
        protocol: how it is cut.
        seed: of everything random.
        minutes: most minutes of training; 0 for any.
        results: folder of the results.
    """
    recipe = recipe_for(model, log, protocol, seed, minutes)
    plan: dict[str, Any] = {"kind": model.kind, "log": as_plan(log), "recipe": recipe.to_dict()}
    plan["options"] = dict(model.options)
    limit: Callable[[], Mapping[str, Any] | str] = dict
    if model.by_minutes:
        plan["minutes_of"] = MEASURE
        measure = path_of_result(results, log, protocol, MEASURE, seed)

        def limit() -> Mapping[str, Any] | str:
            return minutes_like(measure, most=minutes)

    return Run(
        f"{log}  {protocol}  {model.name}  seed {seed}",
        path_of_result(results, log, protocol, model.name, seed),
        HERE / "zoo_point.py",
        plan,
        limit,
    )


def path_of_result(results: Path, log: str, protocol: str, model: str, seed: int) -> Path:
    """Where the result of a run lies."""
    return results / log / protocol / f"{model}-seed{seed}.json"


def minutes_like(measure: Path, *, most: float) -> Mapping[str, Any] | str:
    """The minutes that SASRec learned for, or why they are not known; `most` is 0 for any."""
    found = resumable.read(measure)
    if found is None or found["state"] != "done":
        return f"left for later: it is given the minutes of {MEASURE}, which has no result here"
    minutes = found["learning_minutes"]
    return {"minutes": min(minutes, most) if most else minutes}


def all_runs(given: argparse.Namespace, known: Mapping[str, Model]) -> Iterator[Run]:
    """Every run that is asked for; a single one of what has no seed.

    Seed after seed, so that a zoo that is stopped half-way compares everything.
    """
    for number, seed in enumerate(given.seeds):
        for log in given.data:
            for protocol in [each for each in LOGS[log].protocols if each in given.protocols]:
                minutes = LOGS[log].minutes if given.minutes is None else given.minutes
                for model in asked_of(log, known):
                    if model.name in given.only and (model.seeded or number == 0):
                        yield run_of(model, log, protocol, seed, minutes=minutes, results=given.out)


def asked_of(log: str, known: Mapping[str, Model]) -> list[Model]:
    """The models that a log is there for."""
    names = LOGS[log].networks
    classical = {each.name for each in known.values() if each.kind == "classical"}
    return [each for each in known.values() if not names or each.name in {*classical, *names}]


def told(found: dict[str, Any]) -> str:
    """A result in words."""
    seen = found["plan"]["log"]["seen"][0]
    numbers = ", ".join(
        f"{way} NDCG@10 {each[seen]['ndcg@10']['mean']:.4f}"
        for way, each in found["results"].items()
    )
    return f"{numbers}; {resumable.hours(found['minutes'])}, {found['peak_megabytes']:,.0f} MB"


def parsed(words: list[str] | None, known: Mapping[str, Model]) -> argparse.Namespace:
    """The options; a name that there is not is refused."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    cuts = dict.fromkeys(each for log in LOGS.values() for each in log.protocols)
    one_of = lambda names: lambda text: chosen(text, names)  # noqa: E731 - two words of a parser
    parser.add_argument("--only", type=one_of(known), default=list(known), metavar="MODEL,...")
    parser.add_argument("--data", type=one_of(LOGS), default=list(LOGS), metavar="LOG,...")
    parser.add_argument(
        "--protocols", type=one_of(cuts), default=list(cuts), metavar="PROTOCOL,..."
    )
    parser.add_argument("--seeds", type=whole, default=[7, 8, 9], metavar="7,8,9")
    parser.add_argument(
        "--minutes", type=float, help="most minutes of each training, 0 for any (the log's own)"
    )
    parser.add_argument("--list", action="store_true", help="say what is done and what is missing")
    parser.add_argument("--again", action="store_true", help="also what is done")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    return parser.parse_args(words)


def chosen(text: str, names: Mapping[str, Any]) -> list[str]:
    """Names with commas between them, in the order of the dictionary."""
    asked = text.split(",")
    if unknown := sorted(set(asked) - set(names)):
        raise argparse.ArgumentTypeError(
            f"{', '.join(unknown)} is not known; choose from {', '.join(names)}"
        )
    return [name for name in names if name in asked]


def whole(text: str) -> list[int]:
    """Whole numbers with commas between them."""
    return [int(each) for each in text.split(",")]


def there(logs: list[str]) -> list[str]:
    """The logs that are there; the others are told of."""
    found = []
    for log in logs:
        try:
            path_of(log)
            found.append(log)
        except SourceError as missing:
            print(f"{log} is left out. {missing}", file=sys.stderr)
    return found


def main(words: list[str] | None = None) -> None:
    """List, or carry out what is due."""
    known = models()
    given = parsed(words, known)
    try:
        given.data = there(given.data)
    except RegardError as wrong:
        sys.exit(f"error: {wrong}")
    runs = list(all_runs(given, known))
    estimate = Estimate(given.out)
    if given.list:
        print(resumable.listing(runs, estimate))
        return
    resumable.carry_out_all(runs, again=given.again, told=told, estimate=estimate)


if __name__ == "__main__":
    main()
