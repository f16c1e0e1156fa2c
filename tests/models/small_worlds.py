"""Worlds so small that a network learns them in seconds."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from regard.data.batches import Batch, TrainingBatches
from regard.data.queries import Queries
from regard.data.sequences import Sequences
from regard.data.split import TrainingPart
from regard.data.vocabulary import Vocabulary
from regard.losses.candidate_softmax import CandidateSoftmax
from regard.losses.cross_entropy import CrossEntropy
from regard.models.candidates import CandidateModel
from regard.models.contract import ModelInput, SequenceModel
from regard.models.scorer import NetworkScorer
from regard.training.objectives import OBJECTIVES
from regard.training.optimiser import build_optimiser

# More threads make small networks slower, not faster.
torch.set_num_threads(1)

SMALL = {"width": 16, "longest": 12, "dropout": 0.0, "attention_dropout": 0.0}
"""Sizes for whichever of these a config has; dropout only where a test asks for it."""

PACE = {"masked-item": (3, 0.25)}
"""How much longer, and at which part of the rate, what learns by such an objective has to learn:
each step asks other events, and a fifth of them."""


def small(kind: type[SequenceModel], catalogue_size: int, **settings: Any) -> SequenceModel:
    """A small network of a kind, the same weights each time, in evaluation mode."""
    known = {each.name for each in fields(kind.config_class)}
    chosen = {name: value for name, value in (SMALL | settings).items() if name in known}
    torch.manual_seed(0)
    return kind(kind.config_class(**chosen), catalogue_size).eval()


def clock_of(
    lengths: NDArray[np.int64], columns: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times and moments asked `(B, columns)`: unlike pauses, the same for the same place."""
    steps = np.arange(1, columns + 1)
    real = steps <= lengths[:, None]
    times = np.where(real, 1e9 + 60.0 * steps**3, 0.0)
    return times, np.where(real, 1e9 + 60.0 * (steps + 1) ** 3, 0.0)


def input_of(rows: list[list[int]], catalogue_size: int, columns: int = 0) -> ModelInput:
    """Histories as a network reads them, with at least so many columns."""
    lengths = np.array([len(row) for row in rows], np.int64)
    items = np.zeros((len(rows), max(columns, lengths.max())), np.int64)
    for row, codes in zip(items, rows, strict=True):
        row[: len(codes)] = codes
    times, asked = clock_of(lengths, items.shape[1])
    return ModelInput.of(Batch(items, lengths, None, times, asked), catalogue_size)


@dataclass(frozen=True)
class World:
    """Histories of equal length: the first ones to learn from, the others to be asked about.

    Attributes:
        training: the first histories, whole.
        queries: about the last event of each other history.
        catalogue_size: N.
    """

    training: TrainingPart
    queries: Queries
    catalogue_size: int


def world(histories_UL: NDArray[np.int64], learn: int, catalogue_size: int) -> World:
    """A world of some histories (codes), of which the first `learn` are for training."""
    users, length = histories_UL.shape
    offsets = np.arange(users + 1, dtype=np.int64) * length
    items = histories_UL.ravel().astype(np.int32)
    times = 1e9 + 3600.0 * np.tile(np.arange(length), users)
    sequences = Sequences(
        pl.Series("user", np.arange(users)), offsets, items, times, np.arange(len(items))
    )
    ends = np.where(np.arange(users) < learn, offsets[1:], offsets[:-1])
    vocabulary = Vocabulary.fit(pl.Series(np.arange(2, catalogue_size)))
    asked = np.arange(learn, users) if learn < users else np.arange(users)
    queries = Queries.next_event(sequences, asked, offsets[1:][asked] - 1)
    return World(TrainingPart(sequences, ends, vocabulary), queries, catalogue_size)


def cycle(items: int = 12, length: int = 5) -> World:
    """Item after item, always the same next one; three learners and one asked per beginning."""
    begins = np.tile(np.arange(items), 4)
    histories = 2 + (begins[:, None] + np.arange(length)) % items
    return world(histories, learn=3 * items, catalogue_size=items + 2)


def noise(items: int = 12, length: int = 8, users: int = 400) -> World:
    """Nothing follows from anything."""
    histories = np.random.default_rng(5).integers(2, items + 2, (users, length))
    return world(histories, learn=users // 4, catalogue_size=items + 2)


def loss_of(model: SequenceModel, batch: Batch, *, low: bool = False) -> torch.Tensor:
    """The training loss of one batch; in bfloat16 if it shall be `low`."""
    read = ModelInput.of(batch, model.catalogue_size)
    objective = OBJECTIVES[model.objective]()
    # Entered anew for each step: autocast keeps its copies of the weights until it is left.
    with torch.autocast("cpu", torch.bfloat16, enabled=low):
        states_TD, targets_T = objective(model, read)
        if not isinstance(model, CandidateModel):
            return CrossEntropy()(states_TD, model.item_table(), targets_T)
        # Every item drawn once, each as likely as any other: the exact loss.
        items = model.catalogue_size - 2
        every_K = torch.arange(2, model.catalogue_size)
        loss = CandidateSoftmax(np.ones(items, np.int64), items, uniform=1.0, sparse=False)
        return loss.compared(states_TD, model.item_table(), targets_T, every_K)


def said(model: SequenceModel, read: ModelInput) -> torch.Tensor:
    """What a network says at each event: its states, or scores `(B, L, N)` where it has none."""
    states_BLD = model(read)
    if isinstance(model, CandidateModel):
        return model.scores(states_BLD, model.item_table().vectors_ND)
    return states_BLD


def said_last(model: SequenceModel, read: ModelInput) -> torch.Tensor:
    """The same after the newest event alone, as an answer needs it."""
    if isinstance(model, CandidateModel):
        vectors_ND = model.item_table().vectors_ND
        return model.newest_scores(model(read), read.lengths_B, vectors_ND)
    return model.newest(read)


def batches_of(model: SequenceModel, training: TrainingPart, epoch: int = 0) -> Iterator[Batch]:
    """The one batch of an epoch over a small world, with all that a network reads."""
    return TrainingBatches(
        training,
        longest=model.longest,
        tokens=10**6,
        seed=0,
        with_times=model.with_times,
        with_features=model.layout is not None,
        prefixes=OBJECTIVES[model.objective]().prefixes,
    ).epoch(epoch)


def learn(
    model: SequenceModel,
    training: TrainingPart,
    steps: int,
    rate: float = 0.02,
    *,
    low: bool = False,
) -> float:
    """Descend on all histories at once, at the pace of the objective; the last loss."""
    longer, slower = PACE.get(model.objective, (1, 1.0))
    optimiser = build_optimiser(model, 0.0)
    for group in optimiser.param_groups:
        group["lr"] = rate * slower
    model.train()
    for step in range(steps * longer):
        [batch] = batches_of(model, training, epoch=step)
        loss = loss_of(model, batch, low=low)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.eval()
    return float(loss.detach())


def hit_rate(model: SequenceModel, queries: Queries) -> float:
    """Share of queries whose target is scored highest among all items."""
    best = 2 + NetworkScorer(model).score(queries)[:, 2:].argmax(axis=1)
    return float((best == queries.targets).mean())
