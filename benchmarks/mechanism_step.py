"""Seconds and memory of a training step of one mechanism at one length; reads a plan, prints JSON.

    python benchmarks/mechanism_step.py < PLAN.json

Full histories of a generated log with a clock, as many positions in a step whatever their length.
A network that learns one target of each draws how much of a history it reads, half in the mean.
"""

import json
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from growth_point import HELD_OUT, generated_split
from ml1m import surroundings
from regard.data.large.space import peak_megabytes
from regard.data.split import Split, assemble
from regard.errors import MissingDependencyError, RegardError
from regard.recommender.recipe import Recipe
from stopwatch import Stopwatch, step_seconds


def with_clock(split: Split) -> Split:
    """The same histories, an hour between two events."""
    sequences = split.sequences
    times = 1e9 + 3_600.0 * np.arange(len(sequences.items))
    return assemble(replace(sequences, times=times), split.vocabulary, split.protocol, "generated")


def split_of(plan: dict[str, Any]) -> Split:
    """Histories of a length, so many that no epoch ends while the watch runs."""
    recipe = Recipe.from_dict(plan["recipe"])
    # Twice as many as steps, for those of whom half is read.
    users = 2 * (plan["steps"] + 4) * max(1, recipe.training.tokens // plan["length"])
    events = plan["length"] + 1 + HELD_OUT
    return with_clock(generated_split(users, events, plan["items"], recipe.seed))


def main() -> None:
    """Measure and print."""
    plan = json.load(sys.stdin)["plan"]
    recipe, split = Recipe.from_dict(plan["recipe"]), split_of(plan)
    base = peak_megabytes()
    found = {**surroundings(recipe.seed), "kind": "step", "base_megabytes": base}
    try:
        watch = Stopwatch(plan["steps"], plan["seconds"])
        found |= {"seconds": step_seconds(recipe, split, watch)}
        found |= {"peak_megabytes": peak_megabytes(), "threads": torch.get_num_threads()}
    except MissingDependencyError as missing:
        found |= {"state": "left out", "message": str(missing)}
    except RegardError as failure:
        sys.exit(f"{type(failure).__name__}: {failure}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
