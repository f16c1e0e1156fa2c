"""Small training parts by hand, and the question what comes after each."""

import importlib.util
import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import strategies as st

from regard.classical import CLASSICAL
from regard.data.queries import Queries
from regard.data.sequences import Sequences
from regard.data.split import TrainingPart
from regard.data.vocabulary import Vocabulary

ITEMS = 5
SIZE = ITEMS + 2
DAY = 86_400.0
CODES = st.integers(1, SIZE - 1)
HISTORIES = st.lists(
    st.tuples(st.lists(CODES, max_size=8), st.integers(0, 8)), min_size=1, max_size=6
)
"""Some users' events, and how many of them belong to the training part."""
EXTRAS = {"als": "implicit", "boosted": "lightgbm"}
MISSING = {name for name, needs in EXTRAS.items() if importlib.util.find_spec(needs) is None}
NAMES = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            name in MISSING, reason=f"{name} needs {EXTRAS.get(name)}, which is not installed"
        ),
    )
    for name in sorted(CLASSICAL)
]
"""Every method; one that cannot learn here is skipped by name."""


def build(histories, kept=None, times=None, items=ITEMS):
    """A training part whose user `u` may be looked at up to `kept[u]` events, or at all."""
    offsets = np.array([0, *itertools.accumulate(map(len, histories))], np.int64)
    codes = np.array([code for each in histories for code in each], np.int32)
    users = pl.Series("user", range(len(histories)), pl.Int64)
    clock = None if times is None else np.array([t for each in times for t in each], np.float64)
    sequences = Sequences(users, offsets, codes, clock, np.arange(len(codes)))
    lengths = np.diff(offsets)
    ends = offsets[:-1] + (lengths if kept is None else np.minimum(kept, lengths))
    vocabulary = Vocabulary(pl.Series("id", [f"i{n}" for n in range(items)]), np.ones(items, int))
    return TrainingPart(sequences, ends, vocabulary)


def after(training):
    """What comes after each training part?"""
    users = np.arange(len(training.sequences))
    none = np.zeros(len(users) + 1, np.int64)
    return Queries(training.sequences, users, training.ends, np.zeros(0, np.int32), none, None)


def asked(*histories):
    """What comes after some histories of people who were not there in training?"""
    return after(build(list(histories)))


def prefixes(world):
    """The training parts of a world of `HISTORIES`, as lists."""
    return [each[:kept] for each, kept in world]


def matrix(histories, size=SIZE):
    """Who has what, dense: `(U, N)` of zeros and ones."""
    held_UN = np.zeros((len(histories), size))
    for user, each in enumerate(histories):
        held_UN[user, [code for code in each if code > 1]] = 1.0
    return held_UN
