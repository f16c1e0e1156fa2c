"""The best ten items of many users, out of catalogues of several sizes.

    python benchmarks/top_items.py [--items 10000 100000 1000000] [--users 1024]

Random states and item vectors of width 64, float32. Seconds (the fastest of three) and the memory
that came on top of the vectors, for the exact blocks of Regard and for the plain
`(states @ table.T).topk(10)` of torch, which holds all scores at once and is left out where they
would take more than two gigabytes. Each measurement has a process of its own, since memory that was
once used does not come back. Compare the figures of one run only.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from ml1m import surroundings
from regard.data.large.space import peak_megabytes
from regard.data.queries import Queries
from regard.data.sequences import Sequences
from regard.evaluation.ranking import top_items
from regard.losses.contract import ItemTable
from regard.models.scorer import ReadHistories
from regard.shapes import Scores

WIDTH, K, SEED = 64, 10, 7
MOST_BYTES = 2 * 10**9
"""Scores that the plain way may hold."""


class Known:
    """A scorer whose users have states already, so that only the comparison is measured."""

    in_blocks = True

    def __init__(self, states_UD: torch.Tensor, vectors_ND: torch.Tensor) -> None:
        self.states_UD, self.vectors_ND = states_UD, vectors_ND

    def prepare(self, queries: Queries) -> ReadHistories:
        """Look the states up."""
        states_BD = self.states_UD[torch.from_numpy(queries.users)]
        return ReadHistories(states_BD, ItemTable(self.vectors_ND))

    def score(self, queries: Queries) -> Scores:
        """All scores at once, which nobody asks for here."""
        return self.prepare(queries).block(0, len(self.vectors_ND))


def in_blocks(states_UD: torch.Tensor, vectors_ND: torch.Tensor) -> object:
    """What `Recommender.recommend_all` does once histories are read."""
    users = len(states_UD)
    table = {"user": np.arange(users), "item": np.full(users, 2), "row": np.arange(users)}
    asked = Queries.requests(Sequences.of(pl.DataFrame(table)), np.arange(users))
    return top_items(Known(states_UD, vectors_ND), asked, K, catalogue_size=len(vectors_ND))


def plainly(states_UD: torch.Tensor, vectors_ND: torch.Tensor) -> object:
    """What one writes first."""
    return (states_UD @ vectors_ND.T).topk(K)


WAYS: dict[str, Callable[[torch.Tensor, torch.Tensor], object]] = {
    "blocks": in_blocks,
    "plain": plainly,
}


def measure(way: str, items: int, users: int) -> dict[str, float]:
    """Seconds and megabytes of one way, in this process."""
    torch.manual_seed(SEED)
    states_UD, vectors_ND = torch.randn(users, WIDTH), torch.randn(items + 2, WIDTH)
    # Libraries take memory of their own at their first use.
    WAYS[way](states_UD[:2], vectors_ND[:1_000])
    before, taken = peak_megabytes(), []
    for _ in range(3):
        began = time.perf_counter()
        WAYS[way](states_UD, vectors_ND)
        taken.append(time.perf_counter() - began)
    return {"seconds": min(taken), "megabytes": peak_megabytes() - before}


def apart(way: str, items: int, users: int) -> dict[str, float]:
    """The same in a process of its own."""
    words = [sys.executable, __file__, "--one", way, "--items", str(items), "--users", str(users)]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Print one line for each catalogue, and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--users", type=int, default=1_024)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--one", choices=WAYS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.one, given.items[0], given.users)))
        return
    print(f"{given.users:,} users, torch {torch.__version__}, {torch.get_num_threads()} threads")
    results: dict[str, Any] = {**surroundings(SEED), "users": given.users, "table": []}
    for items in given.items:
        ways = {
            way: apart(way, items, given.users)
            for way in WAYS
            if way != "plain" or 4 * items * given.users <= MOST_BYTES
        }
        results["table"].append({"items": items, "ways": ways})
        print(f"{items:>10,}  {ways}", flush=True)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "top-items.json").write_text(json.dumps(results, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
