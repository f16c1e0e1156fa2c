"""A small trained model in every shape that a bundle can take."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from regard.bundle import Bundle, write_bundle
from regard.data.sequences import Sequences
from regard.data.vocabulary import Vocabulary

Maker = Callable[..., Bundle]


def _make(
    *, text: bool = True, clock: bool = True, histories: bool = True, seed: int = 0
) -> Bundle:
    ids: list[str] | list[int] = ["tea", "milk", "salt"] if text else [85123, 71053, -4]
    users: list[str] | list[int] = ["ada", "ada", "ada", "bob"] if text else [7, 7, 7, 9]
    events = pl.DataFrame({"user": users, "item": [2, 3, 1, 4], "row": [0, 1, 2, 3]})
    if clock:
        events = events.with_columns(time=pl.Series([10.0, 20.0, 20.0, 5.5]))
    return Bundle(
        recipe={"model": {"name": "sasrec", "blocks": 2}, "seed": seed},
        card={"metrics": {"ndcg@10": 0.125}, "title": "Café", "dates": None},
        weights={"item.table": np.random.default_rng(seed).normal(size=(5, 4)), "bias": np.ones(5)},
        vocabulary=Vocabulary.fit(pl.Series([ids[0], ids[0], ids[1], ids[2]])),
        catalogue=pl.DataFrame({"id": ids, "title": ["Tea", None, "Salt"]}),
        histories=Sequences.of(events) if histories else None,
    )


@pytest.fixture(scope="session")
def make_bundle() -> Maker:
    """Make a bundle with text or integer ids, with or without clock and histories."""
    return _make


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A folder that holds a complete bundle."""
    write_bundle(_make(), tmp_path / "model")
    return tmp_path / "model"
