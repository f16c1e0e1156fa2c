"""The generated log of `benchmarks/data.py`: made in chunks, so that any size fits into memory.

Thirty-three rows a user and two hundred an item, as in a shop of 3 million users and 0.5 million
items at 100 million rows. Items follow Zipf's law (exponent 1), users a milder one; rows lie in the
order of time but for one in a hundred, which is booked up to an hour late. One row in a hundred
stands twice, and some say nothing of the user, the item or the time, so that the rules have work.
"""

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

SEED = 7
CHUNK = 5_000_000
BEGIN, END = 1_600_000_000, 1_700_000_000
"""UTC seconds between which everything happens."""
SCATTER = 7_919
"""A prime that brings neighbours in popularity apart, so that ids say nothing of it."""


def users_of(rows: int) -> int:
    """How many users a log of so many rows has, about."""
    return max(10, rows * 3 // 100)


def items_of(rows: int) -> int:
    """How many items."""
    return max(10, rows // 200)


def chunk(number: int, size: int, rows: int) -> pl.DataFrame:
    """Some rows of the log.

    Args:
        number: of the chunk, from 0.
        size: rows of it.
        rows: of the whole log.
    """
    rng = np.random.default_rng((SEED, number))
    users, items = users_of(rows), items_of(rows)
    who = (users * rng.random(size) ** 2).astype(np.int64) * SCATTER % users
    what = np.exp(rng.random(size) * np.log(items + 1)).astype(np.int64) - 1
    span = (END - BEGIN) / rows
    when = np.sort(rng.random(size)) * size * span + BEGIN + number * CHUNK * span
    late = rng.random(size) < 0.01
    when[late] -= 3_600 * rng.random(int(late.sum()))
    table = pl.DataFrame(
        {
            "user": who,
            "item": what.clip(0, items - 1) * SCATTER % items,
            "timestamp": when.astype(np.int64),
        }
    )
    again = np.flatnonzero(rng.random(size) < 0.01)
    source = np.arange(size)
    source[again] = np.maximum(again - rng.integers(1, 1_000, len(again)), 0)
    lacks = rng.random(size)
    return table[source].with_columns(
        _unless("user", lacks < 0.005),
        _unless("item", (lacks >= 0.005) & (lacks < 0.007)),
        pl.when(pl.Series(lacks < 0.999)).then("timestamp").otherwise(0).alias("timestamp"),
    )


def _unless(column: str, lacking: NDArray[np.bool_]) -> pl.Expr:
    """A column without some of its values."""
    return pl.when(pl.Series(~lacking)).then(column).alias(column)


def generated(rows: int, cache: Path) -> Path:
    """A folder of Parquet files with the log, made if it is not there yet.

    Args:
        rows: of the log.
        cache: where logs are kept from run to run.
    """
    folder = cache / f"log-{rows}-seed{SEED}"
    made = {"rows": rows, "chunk": CHUNK, "version": 1}
    notes = folder / "_made.json"
    if notes.exists() and json.loads(notes.read_text("utf-8")) == made:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    for number, start in enumerate(range(0, rows, CHUNK)):
        file = folder / f"part-{number:05d}.parquet"
        chunk(number, min(CHUNK, rows - start), rows).write_parquet(file)
        print(f"  generated {min(start + CHUNK, rows):,} of {rows:,} rows", flush=True)
    draft = folder / f"_made.{os.getpid()}"
    draft.write_text(json.dumps(made), "utf-8")
    draft.replace(notes)
    return folder
