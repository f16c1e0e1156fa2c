"""One point of `benchmarks/data.py`, measured in a process of its own; prints JSON.

    python benchmarks/data_point.py shards build/data/log-1000000-seed7 --work build/data/work

From a folder of Parquet to sorted histories of item codes on disk: read, remove missing values,
exact duplicates and implausible times, cut at a moment that leaves a tenth of the events to the
test and a tenth of the others to validation, give codes to the items of the training part, sort
each user's events by time, write flat arrays. All ways must agree on the outcome, but for `least`,
which tells how fast it could be at all.
"""

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from regard.data.large.space import peak_megabytes

EARLIEST = 631_152_000
"""UTC seconds of 1990-01-01, from which `implausible-times` believes a time."""
Way = Callable[[Path, Path, "Clock"], dict[str, int]]


class Clock:
    """Seconds of each stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._began = time.perf_counter()

    def lap(self, stage: str) -> None:
        """End a stage; the next one begins."""
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._began
        self._began = now


def in_memory(log: Path, work: Path, clock: Clock) -> dict[str, int]:
    """Regard as it works on a log that fits into memory."""
    import regard

    read = regard.read(log)
    clock.lap("read")
    kept, report = regard.clean(read)
    clock.lap("clean")
    split = regard.split_by_time(kept)
    split.events.save(work)
    clock.lap("build")
    return {"kept": report.rows_kept, "users": len(split.events), "items": len(split.vocabulary)}


def in_shards(log: Path, work: Path, clock: Clock) -> dict[str, int]:
    """Regard as it works on a log that does not; the rows are read twice, once for the digest."""
    from regard.data.ingest.scan import scan
    from regard.data.large.prepare import prepare

    stages = {"scatter": "read", "clean": "clean", "write": "build", "fingerprint": "build"}

    def hear(stage: str, done: int, total: int) -> None:
        if done == total:
            clock.lap(stages[stage])

    made = prepare(scan(log), work / "made", progress=hear)
    clock.lap("build")
    return {"kept": made.rows_kept, "users": len(made.events), "items": len(made.vocabulary)}


def with_pandas(log: Path, work: Path, clock: Clock) -> dict[str, int]:
    """The same steps in plain pandas."""
    import pandas as pd

    frame = pd.read_parquet(log, columns=["user", "item", "timestamp"])
    clock.lap("read")
    frame = frame.dropna().drop_duplicates()
    frame = frame[frame["timestamp"].between(EARLIEST, time.time())]
    clock.lap("clean")
    moments = frame["timestamp"].sort_values(ignore_index=True)
    test_from = moments.iloc[len(moments) - -(-len(moments) // 10)]
    earlier = moments[moments < test_from]
    validation_from = earlier.iloc[len(earlier) - -(-len(earlier) // 10)]
    known = frame.loc[frame["timestamp"] < validation_from, "item"].value_counts().index
    codes = pd.Series(np.arange(2, len(known) + 2, dtype=np.int32), index=known)
    frame = frame.sort_values(["user", "timestamp"], kind="stable")
    items = frame["item"].map(codes).fillna(1).to_numpy(np.int32)
    lengths = frame.groupby("user", sort=False).size()
    np.save(work / "offsets.npy", np.concatenate([[0], lengths.cumsum()]))
    np.save(work / "items.npy", items)
    np.save(work / "times.npy", frame["timestamp"].to_numpy(np.float64))
    np.save(work / "rows.npy", frame.index.to_numpy(np.int64))
    lengths.index.to_frame().to_parquet(work / "users.parquet")
    clock.lap("build")
    return {"kept": len(frame), "users": len(lengths), "items": len(known)}


def with_polars(log: Path, work: Path, clock: Clock) -> dict[str, int]:
    """The same steps in plain Polars: no count by rule, no quarantine, no check, no fingerprint."""
    import polars as pl

    time_ = pl.col("timestamp")
    raw = pl.read_parquet(log / "*.parquet", columns=["user", "item", "timestamp"])
    clock.lap("read")
    frame = (
        raw.lazy()
        .with_row_index("row")
        .drop_nulls()
        .unique(["user", "item", "timestamp"], keep="first", maintain_order=True)
        .filter(time_.is_between(EARLIEST, time.time()))
        .collect()
    )
    del raw
    clock.lap("clean")
    moments = frame["timestamp"].sort()
    test_from = moments[len(moments) - -(-len(moments) // 10)]
    earlier = moments.filter(moments < test_from)
    validation_from = earlier[len(earlier) - -(-len(earlier) // 10)]
    known = frame.filter(time_ < validation_from)["item"].value_counts(sort=True)
    codes = known.select("item", code=pl.int_range(2, len(known) + 2, dtype=pl.Int32))
    frame = frame.join(codes, on="item", how="left", maintain_order="left").sort(
        "user", "timestamp", maintain_order=True
    )
    lengths = frame.group_by("user", maintain_order=True).len()
    np.save(work / "offsets.npy", np.concatenate([[0], lengths["len"].cum_sum().to_numpy()]))
    np.save(work / "items.npy", frame["code"].fill_null(1).to_numpy())
    np.save(work / "times.npy", frame["timestamp"].cast(pl.Float64).to_numpy())
    np.save(work / "rows.npy", frame["row"].cast(pl.Int64).to_numpy())
    lengths.select("user").write_parquet(work / "users.parquet")
    clock.lap("build")
    return {"kept": len(frame), "users": len(lengths), "items": len(known)}


def at_least(log: Path, work: Path, clock: Clock) -> dict[str, int]:
    """What no way can do without: read, one sort by user and time, write. Nothing is cleaned.

    User and time are packed into one whole number and each thread sorts half of the users, for
    nothing sorts faster; so ids must be small numbers, and items stay ids.
    """
    from concurrent.futures import ThreadPoolExecutor

    import polars as pl

    columns = ["user", "item", "timestamp"]
    frame = pl.read_parquet(log / "*.parquet", columns=columns).drop_nulls()
    user, item, when = (frame[name].to_numpy() for name in columns)
    del frame
    clock.lap("read")
    key = (user.astype(np.uint64) << 32) | (when - when.min()).astype(np.uint64)
    share = -(-(int(user.max()) + 1) // threads())

    def ordered(number: int) -> np.ndarray:
        [mine] = np.nonzero(user // share == number)
        order: np.ndarray = mine[np.argsort(key[mine])]
        return order

    with ThreadPoolExecutor(threads()) as pool:
        order = np.concatenate(list(pool.map(ordered, range(threads()))))
    np.save(work / "offsets.npy", np.concatenate([[0], np.bincount(user).cumsum()]))
    np.save(work / "items.npy", item[order].astype(np.int32))
    np.save(work / "times.npy", when[order].astype(np.float64))
    np.save(work / "rows.npy", order)
    clock.lap("build")
    return {}


WAYS: dict[str, Way] = {
    "memory": in_memory,
    "shards": in_shards,
    "polars": with_polars,
    "pandas": with_pandas,
    "least": at_least,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("way", choices=tuple(WAYS))
    parser.add_argument("log", type=Path, help="a folder of Parquet")
    parser.add_argument("--work", type=Path, required=True, help="an empty folder, emptied again")
    given = parser.parse_args()
    shutil.rmtree(given.work, ignore_errors=True)
    given.work.mkdir(parents=True)
    # What a way imports is loaded before time and memory are measured.
    if given.way == "pandas":
        import pandas as pd  # noqa: F401
    else:
        import regard.data.large.prepare  # noqa: F401
        import regard.data.split  # noqa: F401
    base, clock = peak_megabytes(), Clock()
    found = WAYS[given.way](given.log, given.work, clock)
    shutil.rmtree(given.work)
    result: dict[str, Any] = {"way": given.way, "seconds": clock.seconds, **found}
    result |= {"base_megabytes": base, "megabytes": peak_megabytes(), "threads": threads()}
    print(json.dumps(result))


def threads() -> int:
    """Threads of Polars: as many as there are cores unless the environment says otherwise."""
    told = os.environ.get("POLARS_MAX_THREADS")
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return int(told) if told else cores


if __name__ == "__main__":
    main()
