"""The smallest attention model against its neighbours, on MovieLens-100K.

    REGARD_DATA=... python benchmarks/smallest.py [--seeds 7,8,9] [--minutes M] [--list]

Leave-last-out, the whole catalogue ranked, seen items removed, networks without the memory of
transitions, everything else as in the zoo, and stopped and gone on with as the zoo is.
`python benchmarks/tables.py` then brings docs/smallest.md up to date.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import resumable
from regard.classical import CLASSICAL
from regard.errors import RegardError
from regard.models import MODELS
from resumable import Run
from smallest_models import NETWORKS
from zoo import Model, recipe_for, told, whole
from zoo_data import LAST, as_plan, path_of
from zoo_estimate import Estimate

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "smallest"
LOG = "ml-100k"
MODULES = ("smallest_models",)
STEPS = {
    "markov": "counts what followed the newest event",
    "last-item": "a vector of the newest event",
    "mean-pooling": "the mean of the vectors",
    "attention-pooling": "a mean with learned shares",
    "lstm": "read one after the other",
    "lstm-attention": "read one after the other, and a look back at all states",
    "gru4rec": "the same, with gates of another kind",
    "sasrec": "every event looks back at those before it, twice",
}
"""Model -> what it makes of a history, simplest first."""


def compared() -> list[str]:
    """Those of the steps that are there, simplest first."""
    there = {*CLASSICAL, *MODELS, *(kind.name for kind in NETWORKS)}
    return [name for name in STEPS if name in there]


def all_runs(given: argparse.Namespace) -> Iterator[Run]:
    """Every run: a method without anything random once."""
    for number, seed in enumerate(given.seeds):
        for name in compared():
            kind = "classical" if name in CLASSICAL else "network"
            if kind == "network" or number == 0:
                recipe = recipe_for(Model(name, kind, seeded=False), LOG, LAST, seed, given.minutes)
                yield Run(
                    f"{name}  seed {seed}",
                    given.out / f"{name}-seed{seed}.json",
                    HERE / "zoo_point.py",
                    {
                        "kind": kind,
                        "log": as_plan(LOG),
                        "recipe": replace(recipe, memory="off").to_dict(),
                        # A counting method is measured without what networks load.
                        "modules": list(MODULES) if kind == "network" else [],
                    },
                )


def main(words: list[str] | None = None) -> None:
    """List, or carry out what is due."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=whole, default=[7, 8, 9], metavar="7,8,9")
    parser.add_argument("--minutes", type=float, default=0.0, help="most minutes of each training")
    parser.add_argument("--list", action="store_true", help="say what is done and what is missing")
    parser.add_argument("--again", action="store_true", help="also what is done")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    given = parser.parse_args(words)
    try:
        path_of(LOG)
    except RegardError as missing:
        sys.exit(f"error: {missing}")
    runs, estimate = list(all_runs(given)), Estimate(given.out)
    if given.list:
        print(resumable.listing(runs, estimate))
        return
    resumable.carry_out_all(runs, again=given.again, told=told, estimate=estimate)


if __name__ == "__main__":
    main()
