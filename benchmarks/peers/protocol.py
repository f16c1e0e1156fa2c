"""What every peer is held to: one log, one clock, one evaluator. Needs numpy and torch only.

Each peer runs in an environment of its own, in which Regard is not installed, so nothing of Regard
is used here; `tests/benchmarks` holds this evaluator equal to that of `regard.evaluation`.

Leave-last-out: of each user's events the last is the target of the test, the one before it that of
validation, the rest is training. Ranked is the whole catalogue; tied items count half.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

Codes: TypeAlias = NDArray[np.int64]
Scores: TypeAlias = NDArray[np.float32]
Score: TypeAlias = Callable[[Codes], Scores]
"""Numbers of users to `(B, N)` scores of all items, from the histories before the test."""

K = 10
ROWS = 256
"""Users that are scored at a time."""
SEED = 7
WIDTH, BLOCKS, LONGEST, BATCH, RATE, DROPOUT = 64, 2, 200, 128, 1e-3, 0.2
"""The size of every network, and how the textbook teaches it."""


@dataclass(frozen=True)
class Log:
    """All histories as one flat array.

    Attributes:
        items: `(E,)` int64 codes from 0 to N - 1, user after user, oldest first.
        offsets: `(U + 1,)` int64; user `u` has `items[offsets[u]:offsets[u + 1]]`.
        catalogue: N.
    """

    items: Codes
    offsets: Codes
    catalogue: int

    @classmethod
    def read(cls, path: Path) -> "Log":
        """The neutral file: `user` and `item` of each event, sorted by user and position."""
        with np.load(path) as columns:
            user, item = columns["user"].astype(np.int64), columns["item"].astype(np.int64)
        offsets = np.concatenate([[0], np.cumsum(np.bincount(user))]).astype(np.int64)
        return cls(item, offsets, int(item.max()) + 1)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def targets(self) -> Codes:
        """`(U,)` the last item of each user: the target of the test."""
        return self.items[self.offsets[1:] - 1]

    @cached_property
    def training(self) -> list[Codes]:
        """What may be learned from: each history without its last two events."""
        return self._without(2)

    @cached_property
    def histories(self) -> list[Codes]:
        """What the test may read: each history without its last event."""
        return self._without(1)

    def table(self, held_out: int) -> tuple[Codes, Codes, Codes]:
        """Columns user, item and position of all events but the newest ones of each user."""
        lengths = np.diff(self.offsets)
        user = np.repeat(np.arange(len(self)), lengths)
        position = np.arange(len(self.items)) - np.repeat(self.offsets[:-1], lengths)
        keep = position < np.repeat(lengths, lengths) - held_out
        return user[keep], self.items[keep], position[keep]

    def _without(self, events: int) -> list[Codes]:
        ends = self.offsets[1:] - events
        return [self.items[start:end] for start, end in zip(self.offsets, ends, strict=False)]


def padded(histories: list[Codes], longest: int, *, left: bool, filler: int = 0) -> torch.Tensor:
    """The newest events of histories as an int64 matrix `(B, longest)`.

    Args:
        histories: any codes.
        longest: columns.
        left: whether padding stands before the events, or behind them.
        filler: what padding is.

    Example:
        >>> rows = [np.array([5]), np.array([1, 2, 3])]
        >>> padded(rows, 2, left=True).tolist(), padded(rows, 2, left=False).tolist()
        ([[0, 5], [2, 3]], [[5, 0], [2, 3]])
    """
    matrix = np.full((len(histories), longest), filler, np.int64)
    for row, history in zip(matrix, histories, strict=True):
        newest = history[-longest:]
        row[slice(longest - len(newest), None) if left else slice(len(newest))] = newest
    return torch.from_numpy(matrix)


def measure(score: Score, log: Log) -> dict[str, dict[str, float]]:
    """Rank every user's target in the whole catalogue.

    Args:
        score: what is judged.
        log: histories and targets.

    Returns:
        `"removed"` and `"kept"` (seen items) to NDCG@10, hit rate@10 and MRR.
    """
    ranks: dict[str, list[NDArray[np.float64]]] = {"removed": [], "kept": []}
    for start in range(0, len(log), ROWS):
        users = np.arange(start, min(start + ROWS, len(log)))
        scores = np.array(score(users), np.float32)
        ranks["kept"].append(target_ranks(scores, log.targets[users]))
        hide_seen(scores, log, users)
        ranks["removed"].append(target_ranks(scores, log.targets[users]))
    return {seen: metrics(np.concatenate(parts)) for seen, parts in ranks.items()}


def hide_seen(scores: Scores, log: Log, users: Codes) -> None:
    """Let no item of a user's history be a candidate, in place."""
    seen = [log.histories[user] for user in users]
    scores[
        np.repeat(np.arange(len(users)), [len(each) for each in seen]), np.concatenate(seen)
    ] = -np.inf


def target_ranks(scores: Scores, targets: Codes) -> NDArray[np.float64]:
    """Rank = 1 + higher candidates + half of the tied others; infinite for no candidate.

    Raises:
        ValueError: a score is NaN, which would look like rank 1.

    Example:
        >>> target_ranks(np.array([[3, 2, 2, 1], [0, 0, 0, -np.inf]], np.float32), np.array([1, 3]))
        array([2.5, inf])
    """
    if np.isnan(scores).any():
        raise ValueError("A score is NaN: training diverged.")
    own = scores[np.arange(len(targets)), targets]
    higher = (scores > own[:, None]).sum(axis=1)
    tied = (scores == own[:, None]).sum(axis=1) - 1
    return np.where(own > -np.inf, 1 + higher + tied / 2, np.inf)


def metrics(ranks: NDArray[np.float64]) -> dict[str, float]:
    """What the field reports of ranks, one target each.

    Example:
        >>> metrics(np.array([1.0, 3.0, np.inf, 11.0]))["ndcg@10"]
        0.375
    """
    hit = ranks <= K
    return {
        "ndcg@10": float(np.where(hit, 1 / np.log2(1 + ranks), 0).mean()),
        "hit_rate@10": float(hit.mean()),
        "mrr": float((1 / ranks).mean()),
    }


def top_lists(score: Score, log: Log) -> Codes:
    """`(U, 10)` the best unseen items of all users, straight from scores."""
    lists = []
    for start in range(0, len(log), ROWS):
        users = np.arange(start, min(start + ROWS, len(log)))
        scores = np.array(score(users), np.float32)
        hide_seen(scores, log, users)
        lists.append(torch.from_numpy(scores).topk(K, dim=1).indices.numpy())
    return np.concatenate(lists)


class Meter:
    """The clock of a training, which stands still while quality is measured.

    Args:
        given: from `arguments`.
        log: what is learned.
        score: the model as it is.
    """

    def __init__(self, given: argparse.Namespace, log: Log, score: Score) -> None:
        self.given = given
        self.log = log
        self.score = score
        self.targets = 0
        self.epochs = 0.0
        self.curve: list[dict[str, Any]] = []
        self._waited = 0.0
        self._ended: float | None = None
        self._began = self._created = time.perf_counter()
        self._due = given.every

    def begin(self) -> None:
        """Training starts now."""
        self._began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Of training so far."""
        if self._ended is not None:
            return self._ended
        return time.perf_counter() - self._began - self._waited

    def stepped(self, targets: int, epochs: float = 0.0) -> bool:
        """A step was taken.

        Args:
            targets: real next items that it learned from.
            epochs: the share of an epoch that it was.

        Returns:
            Whether the budget is spent, and training has to stop.
        """
        self.targets += targets
        self.epochs += epochs
        seconds = self.seconds
        if seconds >= self.given.budget:
            self.end()
            return True
        if seconds >= self._due and not self.given.speed:
            self.look()
            self._due = seconds + self.given.every
        return False

    def end(self) -> None:
        """Training is over: nothing after this moment counts."""
        self._ended = self.seconds
        if not self.given.speed:
            self.look()

    def look(self) -> None:
        """Measure the model as it is, with the clock stopped."""
        seconds = self.seconds
        with self.stopped():
            found = measure(self.score, self.log)
        point = {"seconds": seconds, "targets": self.targets, "epochs": self.epochs, **found}
        self.curve.append(point)
        print(
            f"{seconds:7.1f} s  {self.epochs:6.2f} epochs  NDCG@10 removed "
            f"{found['removed']['ndcg@10']:.4f}  kept {found['kept']['ndcg@10']:.4f}",
            flush=True,
        )

    def stopped(self) -> "_Stopped":
        """A context in which the clock stands still."""
        return _Stopped(self)

    def finish(
        self, settings: dict[str, Any], packages: tuple[str, ...], lists: Callable[[], Codes]
    ) -> None:
        """Write the report of a training that has ended.

        Args:
            settings: what a reader must know of how the peer was set.
            packages: whose versions to state.
            lists: the library's own way to `(U, 10)` lists of unseen items for all users.
        """
        write(self.given.out, self.report(settings, packages) | self.answers(lists))

    def report(self, settings: dict[str, Any], packages: tuple[str, ...]) -> dict[str, Any]:
        """What a training that has ended came to; arguments as in `finish`."""
        seconds = self.seconds
        found: dict[str, Any] = {
            "settings": settings,
            "versions": {name: version(name) for name in ("torch", "numpy", *packages)},
            "threads": torch.get_num_threads(),
            "seed": SEED,
            "setup_seconds": self._began - self._created,
            "seconds": seconds,
            "epochs": self.epochs,
            "epoch_seconds": seconds / self.epochs,
            "targets": self.targets,
            "targets_per_second": self.targets / seconds,
            "peak_megabytes": peak_megabytes(),
        }
        if not self.given.speed:
            found |= {
                "curve": self.curve,
                "quality": {seen: self.curve[-1][seen] for seen in ("removed", "kept")},
            }
        return found

    def answers(self, lists: Callable[[], Codes]) -> dict[str, float]:
        """How long all lists take, unless only speed of training is asked for."""
        return {} if self.given.speed else timed_lists(lists, top_lists(self.score, self.log))


class _Stopped:
    """See `Meter.stopped`."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter

    def __enter__(self) -> None:
        self.began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.meter._waited += time.perf_counter() - self.began


def timed_lists(lists: Callable[[], Codes], measured: Codes) -> dict[str, float]:
    """How long a library needs for all lists, and whether they are those that were measured.

    Args:
        lists: makes `(U, 10)` codes.
        measured: `(U, 10)` codes by the scores that the evaluator saw.

    Returns:
        Seconds (the faster of two tries), and the share of items in which the two agree.
    """
    taken = []
    for _ in range(2):
        began = time.perf_counter()
        made = lists()
        taken.append(time.perf_counter() - began)
    return {"lists_seconds": min(taken), "lists_agree": agreement(made, measured)}


def agreement(one: Codes, other: Codes) -> float:
    """The share of items that stand in both of two lists, averaged over users.

    Example:
        >>> agreement(np.array([[1, 2], [3, 4]]), np.array([[2, 1], [3, 5]]))
        0.75
    """
    return float((one[:, :, None] == other[:, None, :]).any(axis=2).mean())


def peak_megabytes() -> float:
    """Largest resident memory so far, of this process and of the largest child that has ended.

    Linux hands the peak of whoever starts a process on to it in `getrusage`, so its own is asked
    there only where there is no `/proc`.
    """
    unit = 2**20 if sys.platform == "darwin" else 2**10
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    status = Path("/proc/self/status")
    if status.exists():
        [line] = [each for each in status.read_text().splitlines() if each.startswith("VmHWM:")]
        own = int(line.split()[1]) / 2**10
    return own + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / unit


def write(path: Path, found: dict[str, Any]) -> None:
    """Save a report, complete or not at all."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    draft.replace(path)


def arguments() -> argparse.Namespace:
    """What `run.py` tells a peer's script; sets threads and seeds on the way."""
    parser = argparse.ArgumentParser()
    parser.add_argument("log", type=Path, help="the neutral file")
    parser.add_argument("out", type=Path, help="the report to write")
    parser.add_argument("--budget", type=float, default=300.0, help="seconds of training")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between evaluations")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--speed", action="store_true", help="measure speed only, no quality")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002 - peers draw from numpy's global generator
    return given
