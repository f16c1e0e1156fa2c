"""Does cleaning help? SASRec with cleaning on and off, on logs whose noise is known.

    python benchmarks/cleaning.py [--datasets online-retail] [--noise 0 0.1 0.3] [--everywhere]

Noise of three kinds at once (insertions, swaps of neighbours, exact and near duplicates; numbers
that got lost too, where a log has any) goes into the training part of Online Retail and, where
REGARD_DATA names a folder with `ml-1m.parquet`, of MovieLens-1M. Each log is learned from twice, as
it is and cleaned by one set of rules, with one seed. Validation and test targets stay clean. About
twenty minutes on two cores. Results are kept after each level of noise: a run that was stopped goes
on where it was.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from cleaning_exam import SUBJECTS, Cell, Exam, Subject, with_some_users
from ml1m import surroundings
from regard.data.atomic import atomic_file
from regard.data.catalogue import Catalogue
from regard.data.queries import Queries
from regard.data.report import CleaningReport
from regard.data.split import Split
from regard.data.truth import Truth
from regard.errors import ConfigurationError, RegardError
from regard.evaluation.evaluate import evaluate
from regard.evaluation.intervals import paired_difference
from regard.evaluation.report import EvaluationReport
from regard.recommender.learned import Answering
from regard.recommender.memory import RememberingScorer
from regard.recommender.recipe import Recipe
from regard.recommender.recommender import Recommender
from regard.training.watching import ProgressBar

HERE = Path(__file__).resolve().parent
METRICS = ("ndcg@10", "hit_rate@10")
LEVELS = (0.0, 0.1, 0.3)
HISTORIES = ("as-logged", "clean")
WHO = ("alone", "shipped")
Reports = dict[tuple[str, str], EvaluationReport]
"""By the histories that were read and who answered."""


def asked(recommender: Recommender, split: Split, queries: Queries) -> dict[str, EvaluationReport]:
    """What the network alone and the recommender as shipped answer."""
    learned = recommender.learned
    network = learned.scorer
    if isinstance(network, RememberingScorer):
        network = network.network
    return {
        who: evaluate(
            Answering(scorer, learned.fallback),
            queries,
            name=who,
            protocol=recommender.protocol(),
            training=split.training,
            fingerprint=split.fingerprint,
        )
        for who, scorer in zip(WHO, (network, learned.scorer), strict=True)
    }


def arm(
    cell: Cell, recipe: Recipe, console: Console, *, on: bool
) -> tuple[dict[str, Any], Reports]:
    """Clean or not, learn, and be asked with histories as logged and with clean ones."""
    began = time.perf_counter()
    log, report = cell.cleaned(on=on)
    split = cell.split(log)
    with ProgressBar(console, METRICS[0]) as watcher:
        catalogue = Catalogue.of(cell.exam.subject.trusted)
        recommender = Recommender.from_recipe(recipe).fit_split(split, catalogue, watcher=watcher)
    reports: Reports = {}
    tests = (split.test, cell.clean_questions(split.vocabulary))
    for histories, queries in zip(HISTORIES, tests, strict=True):
        found = asked(recommender, split, queries)
        reports |= {(histories, who): each for who, each in found.items()}
    history, memory = recommender.learned.history, recommender.learned.memory
    assert history is not None
    return {
        **cleaning_of(report, cell.truth),
        "items": len(split.vocabulary),
        "interactions": len(split.training.events()),
        "epochs": len(history.epochs),
        "best_epoch": history.best.number,
        "memory": str(memory),
        "seconds": time.perf_counter() - began,
        "metrics": {
            histories: {who: numbers(reports[histories, who]) for who in WHO}
            for histories in HISTORIES
        },
    }, reports


def numbers(report: EvaluationReport) -> dict[str, Any]:
    """What the field reports, each with its interval."""
    return {name: report.metrics[name].to_dict() for name in METRICS}


def cleaning_of(report: CleaningReport, truth: Truth) -> dict[str, Any]:
    """What cleaning removed, and what of that was noise."""
    parameters = {each.rule: dict(each.parameters) for each in report.removals}
    return {
        "rows_in": report.rows_in,
        "rows_kept": report.rows_kept,
        "rules": [
            {**each.to_dict(), "parameters": parameters.get(each.rule, {})}
            for each in truth.judge(report)
        ],
    }


def measured(
    exam: Exam, level: float, recipe: Recipe, console: Console, *, popular: bool
) -> dict[str, Any]:
    """One level of noise: both ways, and the difference that cleaning makes, user by user."""
    cell = Cell.of(exam, level, recipe.seed, popular=popular)
    arms, reports = {}, {}
    for name, on in (("off", False), ("on", True)):
        console.print(f"{exam.subject.name}, noise {level:.0%}, cleaning {name}", highlight=False)
        arms[name], reports[name] = arm(cell, recipe, console, on=on)
        console.print(told(arms[name]), highlight=False)
    users = reports["off"]["clean", "alone"].users
    return {
        "users": users,
        "of_kind": {kind.value: count for kind, count in cell.truth.counts().items()},
        "arms": arms,
        "on_minus_off": differences(reports["on"], reports["off"], recipe.seed),
    }


def differences(on: Reports, off: Reports, seed: int) -> dict[str, Any]:
    """Cleaning on minus off, paired by user."""
    found: dict[str, Any] = {histories: {} for histories in HISTORIES}
    for (histories, who), report in on.items():
        metric = METRICS[0]
        values = report.per_user[metric], off[histories, who].per_user[metric]
        apart = paired_difference(*values, names=("on", "off"), seed=seed)
        found[histories][who] = apart.to_dict()
    return found


def told(found: dict[str, Any]) -> str:
    """An arm as one line."""
    scores = ", ".join(
        f"{who} {found['metrics'][histories][who][METRICS[0]]['mean']:.4f} ({histories})"
        for histories in HISTORIES
        for who in WHO
    )
    removed = found["rows_in"] - found["rows_kept"]
    return (
        f"  {removed:,} of {found['rows_in']:,} rows removed; NDCG@10 {scores}; "
        f"{found['seconds']:.0f} s"
    )


def settings_of(given: argparse.Namespace) -> dict[str, Any]:
    """What must be equal before two cells may stand in one file."""
    return {
        "seed": given.seed,
        "epochs": given.epochs,
        "users": given.users,
        "everywhere": given.everywhere,
        "insertions": "alike" if given.alike else "popular",
    }


def opened(path: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """What an earlier run has kept, or an empty page."""
    if not path.exists():
        return {**surroundings(settings["seed"]), "settings": settings, "datasets": {}}
    kept: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if kept["settings"] != settings:
        raise ConfigurationError(
            f"{path} was measured with other settings ({kept['settings']}); remove it, or name "
            "another folder with --out."
        )
    return kept


def keep(path: Path, results: dict[str, Any]) -> None:
    """Write the results, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as draft:
        draft.write_text(json.dumps(results, indent=1) + "\n", "utf-8")


def run(given: argparse.Namespace, path: Path, console: Console) -> dict[str, Any]:
    """Every cell that is asked for and not there yet."""
    results = opened(path, settings_of(given))
    for name in given.datasets:
        levels = list(dict.fromkeys(f"{level:g}" for level in given.noise))
        done = results["datasets"].get(name, {}).get("levels", {})
        if missing := [level for level in levels if level not in done]:
            subject = SUBJECTS[name]()
            if given.users:
                subject = with_some_users(subject, given.users, given.seed)
            into = results["datasets"].setdefault(name, page(subject, given))
            exam = Exam.of(subject, everywhere=given.everywhere)
            recipe = subject.recipe(given.seed, into["epochs"])
            for level in missing:
                popular = not given.alike
                found = measured(exam, float(level), recipe, console, popular=popular)
                into["levels"][level] = found
                into["levels"] = dict(sorted(into["levels"].items(), key=lambda x: float(x[0])))
                keep(path, results)
    return results


def page(subject: Subject, given: argparse.Namespace) -> dict[str, Any]:
    """What is said of a log above its cells."""
    return {
        "protocol": subject.protocol,
        "seen": subject.seen,
        "epochs": given.epochs or subject.epochs,
        "levels": {},
    }


def arguments() -> argparse.Namespace:
    """What was asked for at the prompt."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", nargs="+", choices=tuple(SUBJECTS), default=list(SUBJECTS))
    parser.add_argument("--noise", nargs="+", type=float, default=LEVELS, metavar="SHARE")
    parser.add_argument("--epochs", type=int, help="at most; 10 and 8 if omitted")
    parser.add_argument("--users", type=int, help="so many, drawn by the seed: not for numbers")
    parser.add_argument("--alike", action="store_true", help="insert all items alike often")
    parser.add_argument(
        "--everywhere", action="store_true", help="noise after the training part too"
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, help="folder of the results")
    return parser.parse_args()


def main() -> None:
    """Measure what is missing, keep it."""
    given = arguments()
    # What is no whole measurement must not take the place of one.
    scratch = given.users or given.epochs
    folder = given.out or (HERE.parent / "build" / "cleaning" if scratch else HERE / "results")
    name = "cleaning" + "-everywhere" * given.everywhere + "-alike" * given.alike
    path = folder / f"{name}.json"
    console = Console(stderr=True)
    try:
        results = run(given, path, console)
    except RegardError as refused:
        sys.exit(f"error: {refused}")
    for dataset, found in results["datasets"].items():
        for level, cell in found["levels"].items():
            for histories in HISTORIES:
                apart = cell["on_minus_off"][histories]["shipped"]
                print(
                    f"{dataset}, noise {float(level):.0%}, histories {histories}: cleaning adds "
                    f"{apart['mean']:+.4f} [{apart['low']:+.4f}, {apart['high']:+.4f}] NDCG@10"
                )
    print(f"saved in {path}")


if __name__ == "__main__":
    main()
