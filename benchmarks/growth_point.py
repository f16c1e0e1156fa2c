"""One point of `benchmarks/growth.py`, measured in a process of its own; prints JSON.

    python benchmarks/growth_point.py items 100000 --loss cross-entropy

The resident memory of a process only ever grows in its books, so each point has its own.
"""

import argparse
import json
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from itertools import chain, count, islice
from typing import Any

import numpy as np
import polars as pl
import torch

import regard
from regard.data.batches import TrainingBatches
from regard.data.large.space import peak_megabytes
from regard.data.sequences import Sequences
from regard.data.split import Split, SplitProtocol, assemble
from regard.data.vocabulary import Vocabulary
from regard.recommender import networks  # noqa: F401 - loaded before memory is measured
from regard.recommender.recipe import Recipe
from regard.schema import FIRST_CODE
from regard.training.config import TrainingConfig
from stopwatch import Stopwatch, step_seconds

LONGEST = 200
"""Events of a history while items grow: what SASRec looks at by default."""
ITEMS = 10_000
"""Size of the catalogue while something else grows."""
EVENTS = 10
"""Mean events of a user while users grow."""
BATCHES = 200
"""Drawn in one go while users grow."""
HELD_OUT = 2
"""Last events of each user, which leave-last-out keeps from training."""


def generated_split(users: int, length: int, items: int, seed: int) -> Split:
    """Histories of one length over a catalogue with a long tail: the first 1/8 gets one half."""
    rng = np.random.default_rng(seed)
    events = users * length
    codes = FIRST_CODE + (items * rng.random(events) ** 3).astype(np.int32)
    offsets = np.arange(users + 1, dtype=np.int64) * length
    rows = np.arange(events, dtype=np.int64)
    sequences = Sequences(pl.Series("user", np.arange(users)), offsets, codes, None, rows)
    expected = np.diff(events * (np.arange(items + 1) / items) ** (1 / 3))
    counts = np.maximum(expected, 1).astype(np.int64)
    vocabulary = Vocabulary(pl.Series("item", np.arange(items)), counts)
    return assemble(sequences, vocabulary, SplitProtocol("leave-last-out"), "generated")


def generated_log(users: int, seed: int) -> pl.DataFrame:
    """A log as it was written, event after event."""
    rng = np.random.default_rng(seed)
    rows = users * EVENTS
    return pl.DataFrame(
        {
            "user": rng.integers(0, users, rows, np.int32),
            "item": (ITEMS * rng.random(rows, np.float32) ** 3).astype(np.int32),
            "timestamp": np.arange(1_500_000_000, 1_500_000_000 + rows, dtype=np.int64),
        }
    )


def repeated(work: Callable[[], Any], most: int = 5, seconds: float = 20.0) -> list[float]:
    """Seconds of each try; no further one is begun after some time."""
    taken: list[float] = []
    while len(taken) < most and sum(taken) < seconds:
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return taken


def own_megabytes(work: Callable[[], Any]) -> float:
    """What some NumPy work takes at most, while it runs, of what it allocates itself."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def recipe_of(loss: str | None, longest: int, seed: int) -> Recipe:
    """SASRec with its defaults but for how far it looks; what is shipped where no loss is named.

    Steps are as large as those of a large log, however few histories are generated.
    """
    training = TrainingConfig(least_steps=1)
    recipe = Recipe(options={"longest": longest}, seed=seed, training=training)
    return recipe if loss is None else replace(recipe, loss=loss)


def steps_of(items: int, length: int, given: argparse.Namespace) -> dict[str, Any]:
    """Training steps on histories of one length."""
    tokens = TrainingConfig().tokens
    # A few batches more than steps, so that no epoch ends while the watch runs.
    users = (given.steps + 4) * max(1, tokens // length)
    split = generated_split(users, length + 1 + HELD_OUT, items, given.seed)
    watch = Stopwatch(given.steps, given.seconds)
    seconds = {"step": step_seconds(recipe_of(given.loss, length, given.seed), split, watch)}
    return {"seconds": seconds, "megabytes": {"all": peak_megabytes()}}


def cut_log(users: int, seed: int) -> tuple[Split, list[float]]:
    """A log read and cut some times; what is handed back is the last cut."""
    table = generated_log(users, seed)
    cuts: list[Split] = []

    def cut() -> None:
        cuts.clear()  # or two would lie in memory
        cuts.append(regard.split_leave_last_out(regard.read(table)))

    seconds = repeated(cut, most=3)
    return cuts[0], seconds


def users_of(users: int, given: argparse.Namespace) -> dict[str, Any]:
    """The whole way from a log to steps."""
    split, cutting = cut_log(users, given.seed)
    recipe = recipe_of(given.loss, LONGEST, given.seed)
    peak = {"read and split": peak_megabytes()}

    def fresh() -> TrainingBatches:
        return TrainingBatches(
            split.training, longest=LONGEST, tokens=recipe.training.tokens, seed=given.seed
        )

    planned = fresh()

    def plan() -> int:
        return fresh().count(0)

    def draw() -> int:
        epochs = chain.from_iterable(planned.epoch(0) for _ in count())
        return sum(1 for _ in islice(epochs, BATCHES))

    draw()  # the plan of `planned` is made here, and not timed with its batches
    seconds = {"read and split": cutting, "plan": repeated(plan), "batches": repeated(draw)}
    own = {"plan": own_megabytes(plan), "batches": own_megabytes(draw)}
    seconds["step"] = step_seconds(recipe, split, Stopwatch(given.steps, given.seconds))
    return {"seconds": seconds, "megabytes": {**peak, **own, "all": peak_megabytes()}}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("axis", choices=("items", "lengths", "users"))
    parser.add_argument("value", type=int)
    parser.add_argument("--loss", help="name of a loss; what is shipped if omitted")
    parser.add_argument("--steps", type=int, default=7, help="timed at the most")
    parser.add_argument("--seconds", type=float, default=60.0, help="for all timed steps")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    base = peak_megabytes()
    if given.axis == "users":
        found = users_of(given.value, given)
    elif given.axis == "items":
        found = steps_of(given.value, LONGEST, given)
    else:
        found = steps_of(ITEMS, given.value, given)
    threads = torch.get_num_threads()
    print(json.dumps({"x": given.value, "base_megabytes": base, "threads": threads, **found}))


if __name__ == "__main__":
    main()
