"""A small training that can be killed: as a module, and as a program that kills itself.

    python killable_run.py CHECKPOINT WEIGHTS [STEP]

trains with a checkpoint after every step and writes the final weights; with a step, the process
sends itself SIGKILL when it has taken so many.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from regard.data.queries import Queries
from regard.data.sequences import Sequences
from regard.data.split import TrainingPart
from regard.data.vocabulary import Vocabulary
from regard.losses.cross_entropy import CrossEntropy
from regard.models.contract import SequenceModel
from regard.models.sasrec import SASRec, SASRecConfig
from regard.models.scorer import NetworkScorer
from regard.training.config import TrainingConfig
from regard.training.history import Epoch
from regard.training.loop import Plan, train
from regard.training.objectives import NextItem

# More threads make small networks slower, and sums of another number of threads differ in bits.
torch.set_num_threads(1)

ITEMS, EVENTS = 12, 9


def part_of(histories: list[list[int]]) -> TrainingPart:
    """A training part of whole histories of codes below `ITEMS + 2`."""
    offsets = np.concatenate([[0], np.cumsum([len(each) for each in histories])]).astype(np.int64)
    items = np.array([code for each in histories for code in each], np.int32)
    users = pl.Series("user", range(len(histories)), dtype=pl.Int64)
    rows = np.arange(len(items), dtype=np.int64)
    sequences = Sequences(users, offsets, items, None, rows)
    vocabulary = Vocabulary.fit(pl.Series(range(2, ITEMS + 2)))
    return TrainingPart(sequences, sequences.offsets[1:], vocabulary)


def clockwork() -> TrainingPart:
    """Item after item, the same next one each time, begun everywhere; histories of 4 to 9."""
    lengths = [EVENTS - each % 6 for each in range(2 * ITEMS)]
    return part_of(
        [[2 + (u + step) % ITEMS for step in range(length)] for u, length in enumerate(lengths)]
    )


def hit_rate(model: SequenceModel) -> float:
    """Share of the last events of `clockwork` that are scored highest."""
    sequences = clockwork().sequences
    queries = Queries.next_event(sequences, np.arange(len(sequences)), sequences.offsets[1:] - 1)
    scores = NetworkScorer(model).score(queries)[:, 2:]
    return float((scores.argmax(axis=1) + 2 == queries.targets).mean())


def made_model(longest: int = 6, dropout: float = 0.3) -> SASRec:
    """The same weights each time; dropout on, so that the generator of numbers matters."""
    with torch.random.fork_rng():
        torch.manual_seed(11)
        return SASRec(SASRecConfig(width=16, blocks=1, longest=longest, dropout=dropout), ITEMS + 2)


def made_plan(**changes: Any) -> Plan:
    """A plan of a few epochs; `changes` are fields of the plan or of its config."""
    ours = {name: changes.pop(name) for name in list(changes) if name in Plan.__annotations__}
    config = {"epochs": 3, "tokens": 48, "rate": 0.01, "checkpoint_seconds": 0.0} | changes
    fields: dict[str, Any] = {
        "training": clockwork(),
        "objective": NextItem(),
        "loss": CrossEntropy(),
        "validate": hit_rate,
        "metric": "hit@1",
        "config": TrainingConfig(**config),
        "seed": 5,
        "run": "a run",
    }
    return Plan(**(fields | ours))


class Watch:
    """Remembers what it is told; after so many steps it does something drastic."""

    def __init__(self, at: int | None = None, deed: Callable[[], None] = lambda: None) -> None:
        self.steps: list[tuple[float, float, float]] = []
        self.epochs: list[tuple[Epoch, bool]] = []
        self.at, self.deed = at, deed

    def step(self, done: float, loss: float, targets_per_second: float) -> None:
        """See `Watcher.step`."""
        self.steps.append((done, loss, targets_per_second))
        if len(self.steps) == self.at:
            self.deed()

    def epoch(self, epoch: Epoch, *, best: bool) -> None:
        """See `Watcher.epoch`."""
        self.epochs.append((epoch, best))


def _kill_myself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    network = made_model()
    wanted = int(sys.argv[3]) if len(sys.argv) > 3 else None
    train(network, made_plan(checkpoint=Path(sys.argv[1])), Watch(wanted, _kill_myself))
    torch.save(network.state_dict(), sys.argv[2])
