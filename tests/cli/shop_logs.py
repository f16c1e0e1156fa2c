"""Small logs for the command line: a world in which the next item mostly follows the last."""

from pathlib import Path

import numpy as np
import polars as pl

ITEMS = 12


def table(users: int = 60, seed: int = 0) -> pl.DataFrame:
    """A log with text ids, titles and seconds; four steps in five go to the following item."""
    random = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        item, time = int(random.integers(ITEMS)), 1.6e9 + float(random.integers(3_000_000))
        for _ in range(int(random.integers(5, 14))):
            rows.append((f"u{user}", f"T{item}", f"Tea {item}", int(time)))
            item = (item + 1) % ITEMS if random.random() < 0.8 else int(random.integers(ITEMS))
            time += float(random.integers(60, 900_000))
    return pl.DataFrame(rows, schema=["user_id", "item_id", "title", "timestamp"], orient="row")


def write_log(path: Path, users: int = 60) -> Path:
    """The log as CSV."""
    table(users).write_csv(path)
    return path


def column_of(path: Path, rows: list[tuple[object, ...]], header: str = "user,item,time") -> Path:
    """A CSV of a few rows."""
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def names_in(folder: Path) -> set[str]:
    """Everything that lies in a folder, hidden or not."""
    return {path.name for path in folder.iterdir()}


TINY = ("--set", "width=8", "--set", "blocks=1", "--set", "longest=16")
"""A network that learns in a blink."""
ONE_EPOCH = (*TINY, "--set", "training.epochs=1")
