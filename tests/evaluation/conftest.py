"""Small worlds to judge recommenders in."""

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
import pytest

from regard.data.queries import Queries
from regard.data.sequences import Sequences
from regard.data.split import TrainingPart
from regard.data.vocabulary import Vocabulary


class Table:
    """A scorer that looks its scores up: row `u` for the user at index `u`."""

    def __init__(self, scores_UN: np.ndarray) -> None:
        self.scores_UN = scores_UN

    def score(self, queries: Queries) -> np.ndarray:
        return self.scores_UN[queries.users]


def ask(histories: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> Queries:
    """One query for each history, with the targets that follow it."""
    lengths = [len(history) for history in histories]
    flat = [code for history in histories for code in history]
    offsets = np.array([0, *itertools.accumulate(lengths)], np.int64)
    sequences = Sequences(
        pl.Series("user", [f"u{index}" for index in range(len(histories))], pl.String),
        offsets,
        np.array(flat, np.int32),
        None,
        np.arange(len(flat)),
    )
    return Queries(
        sequences,
        np.arange(len(histories)),
        offsets[1:],
        np.array([code for each in targets for code in each], np.int32),
        np.array([0, *itertools.accumulate(map(len, targets))], np.int64),
        None,
    )


def part(queries: Queries, items: int, counts: Sequence[int] | None = None) -> TrainingPart:
    """The histories of some queries as a training part over a catalogue of `items` items."""
    popularity = np.arange(items, 0, -1) if counts is None else np.array(counts, np.int64)
    vocabulary = Vocabulary(pl.Series("id", [f"i{index}" for index in range(items)]), popularity)
    return TrainingPart(queries.sequences, queries.ends, vocabulary)


@pytest.fixture(scope="session")
def asking() -> Callable[..., Queries]:
    return ask


@pytest.fixture(scope="session")
def table_scorer() -> type[Table]:
    return Table


@pytest.fixture(scope="session")
def training_of() -> Callable[..., TrainingPart]:
    return part
