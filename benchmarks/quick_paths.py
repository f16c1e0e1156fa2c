"""The hot paths of `benchmarks/quick.py`, in a process that knows one version of Regard.

Reads names of paths from stdin, one a line, and answers each with one line of JSON: the seconds
that one pass takes, or why there is no such path in this version. What a path needs is made when it
is first asked for. Log and network are generated, so nobody needs data.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import polars as pl

from stopwatch import Stopwatch, step_seconds

SEED = 7
ROWS = 1_000_000
ITEMS = 3_416
"""As many as MovieLens-1M keeps."""
ASKED = 2_000
"""Users who are asked and answered."""
ENOUGH = 0.4
"""Seconds of passes that make one measurement."""
IMPORTS = """
import time
began = time.perf_counter()
import regard
for name in regard.__all__:
    getattr(regard, name)
print(time.perf_counter() - began)
"""

Pass = Callable[[], Any]


@cache
def log() -> Any:
    """A raw log of a million rows, oldest first, with a long tail of items."""
    import regard

    rng = np.random.default_rng(SEED)
    table = pl.DataFrame(
        {
            "user": rng.integers(0, ROWS // 20, ROWS),
            "item": (ROWS // 100 * rng.random(ROWS) ** 3).astype(np.int64),
            "timestamp": np.sort(rng.integers(1_500_000_000, 1_600_000_000, ROWS)),
        }
    )
    return regard.read(table)


@cache
def split() -> Any:
    """The log, cut."""
    import regard

    return regard.split_by_time(log())


@cache
def world() -> Any:
    """A log with a pattern: as many users as are asked, thirty events each."""
    from regard.data.synthetic import markov_world

    return markov_world(ASKED, ITEMS, 30, predictability=0.5, seed=SEED).log


@cache
def recommender() -> Any:
    """SASRec, taught for one epoch."""
    import regard

    rules = {"split": {"protocol": "leave-last-out"}, "training": {"epochs": 1}}
    return regard.Recommender("sasrec", seed=SEED, **rules).fit(world())


def imports() -> Pass:
    """Everything public, in a fresh interpreter."""

    def run() -> float:
        words = [sys.executable, "-c", IMPORTS]
        return float(subprocess.run(words, capture_output=True, text=True, check=True).stdout)

    return run


def describe() -> Pass:
    """Describe the million rows."""
    import regard

    return lambda: regard.describe(log())


def clean() -> Pass:
    """Clean them by the default rules."""
    import regard

    return lambda: regard.clean(log())


def cut() -> Pass:
    """Split them by time."""
    import regard

    return lambda: regard.split_by_time(log())


def batches() -> Pass:
    """Plan and draw a whole epoch of them."""
    from regard.data.batches import TrainingBatches

    def run() -> None:
        drawn = TrainingBatches(split().training, longest=200, tokens=4_096, seed=SEED)
        for _ in drawn.epoch(0):
            pass

    return run


def step() -> Pass:
    """Steps of a real training, batches and update included."""
    from regard.data.split import split_leave_last_out
    from regard.data.synthetic import markov_world
    from regard.recommender.recipe import Recipe

    # So many users that no version takes smaller steps because the log is small.
    cut = split_leave_last_out(markov_world(1_400, ITEMS, 203, seed=SEED).log)
    recipe = Recipe(seed=SEED)
    return lambda: median(step_seconds(recipe, cut, Stopwatch(steps=5)))


def exact_loss(items: int, targets: int) -> Callable[[], Pass]:
    """Forward and backward of the exact cross-entropy."""

    def prepare() -> Pass:
        import torch

        from regard.losses.contract import ItemTable
        from regard.losses.cross_entropy import CrossEntropy

        torch.manual_seed(SEED)
        states_TD = torch.randn(targets, 64, requires_grad=True)
        vectors_ND = (torch.randn(items + 2, 64) * 0.1).requires_grad_()
        targets_T = torch.randint(2, items + 2, (targets,))
        return lambda: CrossEntropy()(states_TD, ItemTable(vectors_ND), targets_T).backward()

    return prepare


def evaluate() -> Pass:
    """Measure the network on everybody's last event."""
    taught = recommender()
    return lambda: taught.evaluate()


def top() -> Pass:
    """Ten items for everybody."""
    taught = recommender()
    return lambda: taught.recommend_all(k=10)


def markov() -> Pass:
    """Count the transitions of the million rows."""
    from regard.classical import MarkovChain

    return lambda: MarkovChain().fit(split().training)


def bundle() -> Pass:
    """Save the network and open it again."""
    import regard

    taught = recommender()

    def run() -> None:
        with tempfile.TemporaryDirectory() as place:
            regard.load(str(taught.save(Path(place) / "bundle")))

    return run


def explain() -> Pass:
    """Say why one user is shown the first item."""
    taught = recommender()
    return lambda: taught.explain(user=1)


PATHS: dict[str, Callable[[], Pass]] = {
    "import": imports,
    "describe 1M rows": describe,
    "clean 1M rows": clean,
    "split 1M rows": cut,
    "batches of an epoch": batches,
    "training step": step,
    "exact loss, 3.4k items": exact_loss(ITEMS, 4_096),
    "exact loss, 100k items": exact_loss(100_000, 512),
    "evaluate 2k users": evaluate,
    "top 10 of 2k users": top,
    "Markov fit, 1M rows": markov,
    "bundle write and read": bundle,
    "explain one": explain,
}
"""Name -> what makes it ready and hands back one pass; a pass may say itself what it took."""


@cache
def ready(name: str) -> Pass:
    """A path, made ready and gone once so that nothing is cold."""
    work = PATHS[name]()
    work()
    return work


def seconds(work: Pass) -> float:
    """The fastest of as many passes as enough time holds."""
    taken: list[float] = []
    while sum(taken) < ENOUGH:
        began = time.perf_counter()
        said = work()
        taken.append(said if isinstance(said, float) else time.perf_counter() - began)
    return min(taken)


def main() -> None:
    """Answer until nobody asks any more."""
    for line in sys.stdin:
        try:
            answer = {"seconds": seconds(ready(line.strip()))}
        except Exception as lacking:
            # Whatever an older version does not know shows here; the asker decides what it means.
            answer = {"lacks": f"{type(lacking).__name__}: {' '.join(str(lacking).split())}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
