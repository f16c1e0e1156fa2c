"""Small logs and sequences for the tests of splits, queries and batches, and slow twins of code."""

import numpy as np
import polars as pl
from hypothesis import settings
from hypothesis import strategies as st

from regard.data.interactions import Interactions
from regard.data.sequences import Sequences
from regard.data.vocabulary import Vocabulary

quick = settings(max_examples=40, deadline=None)
"""For properties whose examples build tables: few, and on a busy machine none is too slow."""

Histories = list[list[int]]
"""Item codes, user after user."""


def histories(*, users: int = 6, events: int = 9, empty: bool = False) -> st.SearchStrategy:
    """Histories of codes 1 to 7, so that items repeat and some are unknown."""
    codes = st.integers(1, 7)
    history = st.lists(codes, min_size=0 if empty else 1, max_size=events)
    return st.lists(history, min_size=1, max_size=users)


def sequences_of(given: Histories, *, clock: bool = True) -> Sequences:
    """Sequences straight from lists; event `e` happens at second `10 e`, users one by one."""
    lengths = [len(each) for each in given]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    items = np.asarray([code for each in given for code in each], np.int32)
    rows = np.arange(len(items), dtype=np.int64)
    return Sequences(
        pl.Series("user", [f"u{u}" for u in range(len(given))], dtype=pl.String),
        offsets,
        items,
        rows * 10.0 if clock else None,
        rows,
    )


def rows(
    *, users: int = 5, items: int = 6, moments: int = 30, least: int = 1, most: int = 60
) -> st.SearchStrategy:
    """Rows (user, item, whole second) of a log, in no order and with ties."""
    row = st.tuples(st.integers(1, users), st.integers(100, 100 + items), st.integers(0, moments))
    return st.lists(row, min_size=least, max_size=most)


def log_of(given: list[tuple[int, int, int]]) -> Interactions:
    """The interactions of such rows."""
    schema = {"user": pl.Int64, "item": pl.Int64, "time": pl.Float64}
    return Interactions.of(pl.DataFrame(given, schema=schema, orient="row"), "the log")


def vocabulary_of(codes: int) -> Vocabulary:
    """A vocabulary whose item of code `c` is called `c * 10`."""
    ids = pl.Series([10 * (2 + each) for each in range(codes)], dtype=pl.Int64)
    return Vocabulary(ids, np.arange(codes, 0, -1, dtype=np.int64))
