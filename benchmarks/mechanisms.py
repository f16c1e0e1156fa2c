"""Mechanisms of attention held against each other: one network, only the mechanism is swapped.

    REGARD_DATA=... python benchmarks/mechanisms.py --list
    REGARD_DATA=... python benchmarks/mechanisms.py [--only linear,entmax] [--part quality,step]

Quality on MovieLens-1M (leave-last-out, seen items removed, the network alone), each with as many
minutes of training and three seeds; the same for shorter and longer histories, with one seed and
one mechanism of each kind; seconds and memory of a training step as histories grow, on generated
data. It is stopped and gone on with as the zoo is. It draws the picture of what there is;
`python benchmarks/tables.py` then brings docs/mechanisms.md up to date.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import resumable
from mechanism_names import ALONE, mechanisms, parts_of
from mechanism_pictures import draw
from regard.errors import RegardError
from regard.recommender.recipe import EvaluationSettings, Recipe, SplitSettings
from regard.training.config import TrainingConfig
from resumable import Run
from zoo import chosen, told, whole
from zoo_data import LAST, REMOVE, as_plan, path_of
from zoo_estimate import Estimate

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "mechanisms"
PICTURES = HERE.parent / "docs" / "pictures"
LOG = "ml-1m"
PARTS = ("quality", "lengths", "step")
LENGTHS = (50, 100, 200, 400, 1_000)
LEARNED = (50, 1_000)
"""Lengths of histories that quality is asked of beside the default."""
KINDS = (
    "scaled-dot-product",
    "scaled-dot-product + rotary",
    "local-window",
    "linear",
    "entmax",
    "gated-aggregation",
)
"""One mechanism of each kind: of its cost in the length, and of how it tells positions apart."""
ITEMS = 1_000
"""Of the generated catalogue: few, so that the loss does not hide the mechanism."""
_STEP_MINUTES = 0.5
"""What the steps of one mechanism at one length take, about, imports included."""


def file_of(mechanism: str) -> str:
    """A name as part of a file's."""
    return mechanism.replace(" + ", "+")


def quality(
    mechanism: str, seed: int, minutes: float, results: Path, length: int | None = None
) -> Run:
    """Train and measure, with a budget of minutes and nothing else to stop it.

    Args:
        mechanism: one of `mechanisms()`.
        seed: of everything random.
        minutes: of training.
        results: folder of the results.
        length: most events that the network reads; None for the default of `compose`.
    """
    longest = {} if length is None else {"longest": length}
    recipe = Recipe(
        model="compose",
        options={**parts_of(mechanism), **longest},
        seed=seed,
        memory="off",
        split=SplitSettings(protocol=LAST),
        training=TrainingConfig(epochs=100_000, patience=100_000, minutes=minutes),
        evaluation=EvaluationSettings(seen=REMOVE),
    )
    plan = {"kind": "network", "log": as_plan(LOG), "recipe": recipe.to_dict()}
    plan |= {"mechanism": mechanism}
    name, path = f"quality  {mechanism}", results / "quality" / file_of(mechanism)
    if length is not None:
        plan |= {"length": length}
        name, path = f"{name}  {length} events", results / "lengths" / f"{path.name}-{length}"
    result = path.with_name(f"{path.name}-seed{seed}.json")
    return Run(f"{name}  seed {seed}", result, HERE / "zoo_point.py", plan)


def step(mechanism: str, length: int, results: Path, steps: int) -> Run:
    """Watch some training steps at a length."""
    # A generated log is small, and would take smaller steps for it.
    recipe = Recipe(
        model="compose",
        options={**parts_of(mechanism), "longest": length},
        training=TrainingConfig(least_steps=1),
    )
    return Run(
        f"step  {mechanism}  {length} events",
        results / "step" / f"{file_of(mechanism)}-{length}.json",
        HERE / "mechanism_step.py",
        {
            "kind": "step",
            "mechanism": mechanism,
            "recipe": recipe.to_dict(),
            "length": length,
            "items": ITEMS,
            "steps": steps,
            "seconds": 60.0,
        },
    )


@dataclass
class StepsToo:
    """Estimates of trainings as in the zoo, and of steps."""

    trainings: Estimate

    def __call__(self, run: Run) -> float:
        """See `resumable.Estimator`."""
        return _STEP_MINUTES if run.plan["kind"] == "step" else self.trainings(run)

    def add(self, found: Mapping[str, Any]) -> None:
        """See `resumable.Estimator`."""
        if found["plan"]["kind"] != "step":
            self.trainings.add(found)


def all_runs(given: argparse.Namespace) -> Iterator[Run]:
    """Every run that is asked for: seeds outermost, so that early results compare everything."""
    if "step" in given.part:
        # A window of one is a question of quality; its cost is that of cutting into blocks.
        for mechanism in [each for each in given.only if each != ALONE]:
            for length in LENGTHS:
                yield step(mechanism, length, given.out, given.steps)
    if "quality" in given.part:
        for seed in given.seeds:
            for mechanism in given.only:
                yield quality(mechanism, seed, given.minutes, given.out)
    if "lengths" in given.part:
        for mechanism in [each for each in given.only if each in KINDS]:
            for length in LEARNED:
                yield quality(mechanism, given.seeds[0], given.minutes, given.out, length)


def said(found: dict[str, Any]) -> str:
    """A result in words."""
    if found["plan"]["kind"] != "step":
        return told(found)
    return f"least {1e3 * min(found['seconds']):,.1f} ms, {found['peak_megabytes']:,.0f} MB"


def parsed(words: list[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = dict.fromkeys(mechanisms())
    parser.add_argument(
        "--only", type=lambda text: chosen(text, names), default=list(names), metavar="NAME,..."
    )
    parser.add_argument(
        "--part",
        type=lambda text: chosen(text, dict.fromkeys(PARTS)),
        default=list(PARTS),
        metavar=",".join(PARTS),
    )
    parser.add_argument("--seeds", type=whole, default=[7, 8, 9], metavar="7,8,9")
    parser.add_argument("--minutes", type=float, default=2.0, help="of each training")
    parser.add_argument("--steps", type=int, default=7, help="timed at each length, at the most")
    parser.add_argument("--list", action="store_true", help="say what is done and what is missing")
    parser.add_argument("--again", action="store_true", help="also what is done")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--pictures", type=Path, default=PICTURES, help="folder of the picture")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> None:
    """List, or carry out what is due and draw it."""
    given = parsed(words)
    if given.part != ["step"]:
        try:
            path_of(LOG)
        except RegardError as missing:
            sys.exit(f"error: {missing} Or measure steps alone: --part step.")
    runs = list(all_runs(given))
    estimate = StepsToo(Estimate(given.out / "quality"))
    if given.list:
        print(resumable.listing(runs, estimate))
        return
    resumable.carry_out_all(runs, again=given.again, told=said, estimate=estimate)
    found = [resumable.read(path) for path in sorted((given.out / "step").glob("*.json"))]
    for path in draw([each for each in found if each is not None], given.pictures):
        print(path)


if __name__ == "__main__":
    main()
