"""How long the way from a table to batches takes as the log grows.

    python benchmarks/scale.py [--rows 10000000]

A generated log with a long tail of items: one user for twenty rows, one item for a hundred. Seconds
of each step, and the largest resident memory of the process so far.
"""

import argparse
import time
from collections.abc import Callable
from itertools import islice
from typing import TypeVar

import numpy as np
import polars as pl

import regard
from regard.classical import MarkovChain
from regard.data.batches import TrainingBatches
from regard.data.large.space import peak_megabytes

SEED = 7
Result = TypeVar("Result")


def timed(name: str, work: Callable[[], Result]) -> Result:
    """Do something and print what it took."""
    began = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - began
    peak = peak_megabytes()
    print(f"{name:<24}{seconds:>8.2f} s   peak {peak:>8,.0f} MB", flush=True)
    return result


def generated(rows: int) -> pl.DataFrame:
    """The log."""
    rng = np.random.default_rng(SEED)
    items = rows // 100
    return pl.DataFrame(
        {
            "user": rng.integers(0, rows // 20, rows),
            "item": (items * rng.power(0.3, rows)).astype(np.int64),
            "timestamp": rng.integers(1_500_000_000, 1_600_000_000, rows),
        }
    )


def main() -> None:
    """Go the whole way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    given = parser.parse_args()
    print(f"{given.rows:,} rows, seed {SEED}, polars {pl.__version__}")
    table = timed("generate", lambda: generated(given.rows))
    log = timed("read", lambda: regard.read(table))
    timed("describe", lambda: regard.describe(log))
    log, _ = timed("clean", lambda: regard.clean(log))
    split = timed("global time split", lambda: regard.split_by_time(log))
    batches = TrainingBatches(split.training, longest=200, tokens=4096, seed=SEED)
    timed("plan of an epoch", lambda: batches.count(0))
    timed("500 batches", lambda: list(islice(batches.epoch(0), 500)))
    timed("markov", lambda: MarkovChain().fit(split.training))


if __name__ == "__main__":
    main()
