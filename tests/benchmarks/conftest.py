"""Benchmarks are scripts, not a package: their folder is looked in, as when one of them runs."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log in the place of MovieLens-100K: 40 people who walk through 12 films, more or less."""
    rng = np.random.default_rng(7)
    steps = rng.integers(1, 3, (40, 14)).cumsum(1) + rng.integers(0, 12, (40, 1))
    table = pl.DataFrame(
        {
            "user_id": np.repeat(np.arange(40), 14),
            "item_id": (steps % 12).ravel(),
            "timestamp": 880_000_000 + np.tile(np.arange(14), 40) * 3_600,
        }
    )
    table.write_parquet(tmp_path / "ml-100k.parquet")
    monkeypatch.setenv("REGARD_DATA", str(tmp_path))
    import zoo_data

    log = replace(zoo_data.LOGS["ml-100k"], protocols=(zoo_data.LAST,), events=560)
    monkeypatch.setitem(zoo_data.LOGS, "ml-100k", log)
    return tmp_path
