"""A million items: does a network learn them on two cores, how fast, in how much memory?

    python benchmarks/large.py [--items 1000000] [--interactions 10000000] [--minutes 10]

A generated log: items form groups of fifty; somebody stays within a group or goes to another one,
and takes now a popular item of it, now any. Every item occurs. Who has learned the groups knows
fifty candidates in a million; popularity knows none of this.

Generates in a process of its own, so that the memory told is that of reading, splitting, learning
and answering. Prints seconds and the largest resident memory so far, and NDCG beside popularity's.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl

from ml1m import surroundings
from regard.data.large.space import peak_megabytes

SEED, GROUP, STAYS, EVENTS = 7, 50, 0.9, 33
"""Seed, items of a group, chance to stay in it, mean events of a user."""
Result = TypeVar("Result")
STAGES: list[dict[str, Any]] = []
"""What was done so far, how long it took, and the largest resident memory then."""


def timed(name: str, work: Callable[[], Result]) -> Result:
    """Do something and print what it took."""
    began = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - began
    peak = peak_megabytes()
    STAGES.append({"stage": name, "seconds": seconds, "peak_megabytes": peak})
    print(f"{name:<24}{seconds:>8.1f} s   peak {peak:>8,.0f} MB", flush=True)
    return result


def generate(path: Path, items: int, interactions: int) -> None:
    """Write the log."""
    rng = np.random.default_rng(SEED)
    users = interactions // EVENTS
    owners = np.sort(rng.integers(0, users, interactions, dtype=np.int32))
    groups = items // GROUP
    begins = rng.random(interactions, np.float32) >= STAYS
    begins[1:] |= owners[1:] != owners[:-1]
    begins[0] = True
    last = np.maximum.accumulate(np.where(begins, np.arange(interactions), 0))
    group = rng.integers(0, groups, interactions, dtype=np.int32)[last]
    hours = rng.exponential(24.0, interactions).cumsum()
    first = np.searchsorted(owners, np.arange(users))
    since = hours - hours[np.minimum(first, interactions - 1)][owners]
    moments = rng.uniform(0, 300 * 24, users)[owners] + since
    # The first events of a group take each of its items once, so that all of them occur.
    order = np.lexsort((moments, group))
    rank = np.empty(interactions, np.int64)
    starts = np.searchsorted(group[order], np.arange(groups))
    rank[order] = np.arange(interactions) - starts[group[order]]
    within = (GROUP * rng.random(interactions) ** 2).astype(np.int64)
    item = group.astype(np.int64) * GROUP + np.where(rank < GROUP, rank, within)
    table = {"user": owners, "item": item, "timestamp": (1.5e9 + 3600 * moments).astype(np.int64)}
    pl.DataFrame(table).sort("timestamp").write_parquet(path)


def measure(path: Path, minutes: float, asked: int, memory: str, out: Path) -> None:
    """Learn from the log, ask about some users, save what was seen."""
    import torch
    from rich.console import Console

    import regard
    from regard.evaluation.evaluate import evaluate
    from regard.recommender.recipe import Recipe
    from regard.training.watching import ProgressBar

    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, seed {SEED}")
    results: dict[str, Any] = {**surroundings(SEED), "minutes": minutes, "stages": STAGES}
    recipe = Recipe.from_dict({
        "seed": SEED,
        "training": {"minutes": minutes, "device": "cpu"},
        "memory": memory,
    })  # fmt: skip
    log = timed("read", lambda: regard.read(path))
    log, _ = timed("clean", lambda: regard.clean(log))
    size = log.collect().select(pl.len(), pl.n_unique("item"), pl.n_unique("user")).row(0)
    results["size"] = dict(zip(("interactions", "items", "users"), size, strict=True))
    print(f"  {results['size']}")
    recommender = regard.Recommender.from_recipe(recipe)
    checkpoint = path.with_suffix(".checkpoint")
    with ProgressBar(Console(), "ndcg@10") as bar:
        timed("fit", lambda: recommender.fit(log, checkpoint=checkpoint, watcher=bar))
    learned = recommender.learned
    results["training"] = learned.history.to_dict()
    results["ndcg@10"] = {}
    print(f"  {len(learned.vocabulary):,} items in training; {learned.history}")
    test = learned.split.test
    some = test.select(np.linspace(0, len(test) - 1, asked).astype(np.int64))
    for scorer in (learned.scorer, learned.fallback):
        name = getattr(scorer, "name", recommender.name)
        report = timed(
            f"evaluate {name}",
            lambda scorer=scorer, name=name: evaluate(
                scorer,
                some.select(some.history_lengths > 0),
                name=name,
                protocol=recommender.protocol(),
                training=learned.split.training,
                fingerprint=learned.fingerprint,
            ),
        )
        results["ndcg@10"][name] = report.to_dict()["metrics"]["ndcg@10"]
        print(f"  ndcg@10 {report.metrics['ndcg@10']}")
    timed("save", lambda: recommender.save(path.with_suffix(".bundle")))
    timed("load", lambda: regard.Recommender.load(path.with_suffix(".bundle")))
    results["asked"] = asked
    out.mkdir(parents=True, exist_ok=True)
    (out / "large.json").write_text(json.dumps(results, indent=2) + "\n", "utf-8")


def main() -> None:
    """Generate in one process, learn in another."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--interactions", type=int, default=10_000_000)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--asked", type=int, default=2_000)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--memory", default="auto", help="of transitions: auto, on or off")
    given = parser.parse_args()
    fresh = get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.parquet"
        for work, arguments in (
            (generate, (path, given.items, given.interactions)),
            (measure, (path, given.minutes, given.asked, given.memory, given.out)),
        ):
            process = fresh.Process(target=work, args=arguments)
            process.start()
            process.join()
            if process.exitcode:
                raise SystemExit(process.exitcode)


if __name__ == "__main__":
    main()
