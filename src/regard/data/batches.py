"""Histories of like length side by side: what a network reads.

Two histories in one batch, padded on the right; `lengths` says where the padding begins::

    items     12 40  9 31        lengths  4
               7  5  0  0                 2
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from regard.data.features import Features
from regard.data.queries import Queries
from regard.data.sequences import Sequences
from regard.data.split import TrainingPart
from regard.errors import ModelInputError
from regard.randomness import stream
from regard.schema import PADDING
from regard.shapes import Offsets, Seconds


@dataclass(frozen=True)
class Batch:
    """Histories and, when training, what followed each of their events.

    Attributes:
        items: `(B, L)` int64 codes, oldest first, padded on the right with 0.
        lengths: `(B,)` int64 real events of each row, at least 1.
        targets: `(B, L)` int64 code of the event that follows; 0 where there is none to learn
            (padding, or an item outside the vocabulary). None when nothing is learned.
        times: `(B, L)` float64 UTC seconds (0 at padding), or None.
        asked: `(B, L)` float64 UTC seconds of the event that follows, the moment of the request
            (0 at padding), or None.
        features: `(B, L, F)` what else is known of each event, encoded (0 at padding), or None.
            Nothing of the event that follows is among them.
    """

    items: NDArray[np.int64]
    lengths: Offsets
    targets: NDArray[np.int64] | None = None
    times: Seconds | None = None
    asked: Seconds | None = None
    features: Features | None = None


@dataclass(frozen=True)
class Windows:
    """Stretches of histories, each a row of some batch.

    A window of events `[start, end)` trains on `end - start - 1` targets: each event predicts the
    next one.

    Attributes:
        starts: `(W,)` int64 flat positions.
        ends: `(W,)` int64 flat positions (exclusive).
    """

    starts: Offsets
    ends: Offsets

    def __len__(self) -> int:
        return len(self.starts)


def training_windows(training: TrainingPart, longest: int, rng: np.random.Generator) -> Windows:
    """Cut each training history into windows so that every event but the first is a target once.

    A history longer than a window is cut at a phase drawn anew, so that over the epochs every
    event is seen with every length of context. With `longest=3` and phase 1, eight events::

        0 1 . . . . . .          inputs 0      -> targets 1
        . 1 2 3 4 . . .          inputs 1 2 3  -> targets 2 3 4
        . . . . 4 5 6 7          inputs 4 5 6  -> targets 5 6 7

    Args:
        training: what may be learned from.
        longest: most inputs in a window.
        rng: where the phases come from.

    Returns:
        The windows, users in order.
    """
    firsts = training.sequences.offsets[:-1]
    targets = training.ends - firsts - 1
    keep = targets > 0
    firsts, targets = firsts[keep], targets[keep]
    head = np.where(targets > longest, rng.integers(1, longest + 1, len(targets)), targets)
    counts = 1 + -(-(targets - head) // longest)
    owner, number = _numbered(counts)
    begins = np.where(number == 0, 0, head[owner] + (number - 1) * longest)
    ends = np.minimum(head[owner] + number * longest, targets[owner])
    return Windows(firsts[owner] + begins, firsts[owner] + ends + 1)


def training_prefixes(training: TrainingPart, longest: int, rng: np.random.Generator) -> Windows:
    """Draw events of each training history, each with what came before it.

    For who learns of the newest event alone and would waste the rest of a window: as many events of
    a history as it would give windows, spread over it, each as likely as any other. With
    `longest=3`, seven events, two of which are drawn::

        0 1 2 . . . .          inputs 0      -> target 1, or 0 1 -> 2, or 0 1 2 -> 3
        . 1 2 3 4 5 6          inputs 1 2 3  -> target 4, or 2 3 4 -> 5, or 3 4 5 -> 6

    Args:
        training: what may be learned from.
        longest: most inputs of an event.
        rng: where the events come from.

    Returns:
        The windows, users in order; the newest target of each is meant.
    """
    firsts = training.sequences.offsets[:-1]
    targets = training.ends - firsts - 1
    keep = targets > 0
    firsts, targets = firsts[keep], targets[keep]
    counts = -(-targets // longest)
    owner, number = _numbered(counts)
    drawn = targets[owner] * (number + rng.random(len(owner))) / counts[owner]
    ends = np.minimum(1 + drawn.astype(np.int64), targets[owner])
    begins = np.maximum(0, ends - longest)
    return Windows(firsts[owner] + begins, firsts[owner] + ends + 1)


def _numbered(counts: Offsets) -> tuple[Offsets, Offsets]:
    """Owners, each as often as it counts, and the number of each among those of its owner."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)


class TrainingBatches:
    """The batches of every epoch: same seed, same batches, wherever one starts to read.

    Windows of like length share a batch, so that little is padding, and a batch holds about
    `tokens` positions whatever their length, so that steps cost alike.

    Args:
        training: what may be learned from.
        longest: most events in a row of a batch (`L`).
        tokens: positions in a batch, padding included.
        seed: of the run.
        with_times: whether to gather times as well.
        with_features: whether to gather features as well.
        prefixes: whether rows are cut by `training_prefixes` instead of `training_windows`.

    Raises:
        ModelInputError: features are wanted and the training part has none.

    Example:
        >>> import polars as pl
        >>> from regard.data.interactions import Interactions
        >>> from regard.data.split import split_leave_last_out
        >>> log = Interactions.of(pl.DataFrame({"user": [1] * 6, "item": list("abcabc"),
        ...                                     "position": range(6)}))
        >>> training = split_leave_last_out(log).training
        >>> [batch] = TrainingBatches(training, longest=8, tokens=64, seed=0).epoch(0)
        >>> batch.items.tolist(), batch.targets.tolist()
        ([[2, 3, 4]], [[3, 4, 2]])
    """

    def __init__(
        self,
        training: TrainingPart,
        *,
        longest: int,
        tokens: int,
        seed: int,
        with_times: bool = False,
        with_features: bool = False,
        prefixes: bool = False,
    ) -> None:
        if with_features and training.sequences.features is None:
            raise ModelInputError(
                "A network that reads features was given a training part without any; encode the "
                "split first (regard.data.encoders.events.encode_split)."
            )
        self.training = training
        self.longest = longest
        self.tokens = tokens
        self.seed = seed
        self.with_times = with_times and training.sequences.times is not None
        self.with_features = with_features
        self.prefixes = prefixes
        self._planned: tuple[int, tuple[Windows, Offsets, Offsets]] | None = None

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of one epoch, from batch `start` on.

        Args:
            number: which epoch, from 0.
            start: batches to skip, for a run that goes on where it was stopped.
        """
        windows, bounds, order = self._plan(number)
        for batch in order[start:]:
            rows = slice(bounds[batch], bounds[batch + 1])
            yield self._gather(windows.starts[rows], windows.ends[rows])

    def count(self, number: int) -> int:
        """How many batches an epoch has."""
        return len(self._plan(number)[2])

    def _plan(self, number: int) -> tuple[Windows, Offsets, Offsets]:
        """Windows sorted by length, the bounds of batches in them, the order of batches."""
        if self._planned is None or self._planned[0] != number:
            self._planned = number, self._draw(number)
        return self._planned[1]

    def _draw(self, number: int) -> tuple[Windows, Offsets, Offsets]:
        rng = stream(self.seed, "batches", number)
        cut = training_prefixes if self.prefixes else training_windows
        windows = cut(self.training, self.longest, rng)
        lengths = windows.ends - windows.starts
        shuffled = rng.permutation(len(windows))
        shuffled = shuffled[np.argsort(lengths[shuffled], kind="stable")]
        windows = Windows(windows.starts[shuffled], windows.ends[shuffled])
        bounds = _equal_bounds(lengths[shuffled] - 1, self.tokens)
        return windows, bounds, rng.permutation(len(bounds) - 1)

    def _gather(self, starts: Offsets, ends: Offsets) -> Batch:
        sequences = self.training.sequences
        index, real, lengths = _grid(starts, ends - 1)
        following = np.minimum(index + 1, len(sequences.items) - 1)
        targets = np.where(real, sequences.items[following], PADDING).astype(np.int64)
        targets[targets == 1] = PADDING
        items = np.where(real, sequences.items[index], PADDING).astype(np.int64)
        features = _features(sequences, index, real) if self.with_features else None
        if not self.with_times or sequences.times is None:
            return Batch(items, lengths, targets, features=features)
        times = np.where(real, sequences.times[index], 0.0)
        asked = np.where(real, sequences.times[following], 0.0)
        return Batch(items, lengths, targets, times, asked, features)


def query_batch(queries: Queries, longest: int, *, with_features: bool = False) -> Batch:
    """The newest events of each history, for answering.

    Args:
        queries: none may have an empty history.
        longest: keep at most this many newest events.
        with_features: whether to gather features as well, where the sequences have some.

    Returns:
        A batch without targets; times are there where the sequences have a clock.

    Raises:
        ModelInputError: a history is empty.
    """
    if (queries.history_lengths < 1).any():
        raise ModelInputError(
            "A history without any event cannot be read by a network. Answer such users by "
            "popularity."
        )
    starts = np.maximum(queries.starts, queries.ends - longest)
    index, real, lengths = _grid(starts, queries.ends)
    sequences = queries.sequences
    items = np.where(real, sequences.items[index], PADDING).astype(np.int64)
    features = _features(sequences, index, real) if with_features else None
    if sequences.times is None or queries.times is None:
        return Batch(items, lengths, features=features)
    times = np.where(real, sequences.times[index], 0.0)
    asked = np.zeros_like(times)
    asked[:, :-1] = np.where(real[:, 1:], times[:, 1:], 0.0)
    asked[np.arange(len(lengths)), lengths - 1] = queries.times
    return Batch(items, lengths, None, times, asked, features)


def query_batches(
    queries: Queries, longest: int, tokens: int, *, with_features: bool = False
) -> Iterator[tuple[Offsets, Batch]]:
    """Batches of histories of like length, so that little of them is padding.

    Args:
        queries: none may have an empty history.
        longest: keep at most this many newest events.
        tokens: padded positions of a batch, about; at least one history.
        with_features: whether to gather features as well, where the sequences have some.

    Yields:
        `(rows, batch)`: `(B,)` int64 numbers of the queries in the batch, and the batch.

    Raises:
        ModelInputError: a history is empty.

    Example:
        >>> import polars as pl
        >>> from regard.data.sequences import Sequences
        >>> seqs = Sequences.of(pl.DataFrame({"user": [7, 7, 8], "item": [2, 3, 4],
        ...                                   "row": [0, 1, 2]}))
        >>> asked = Queries.requests(seqs, np.array([0, 1]))
        >>> [(rows.tolist(), batch.items.tolist()) for rows, batch in query_batches(asked, 9, 2)]
        [([1], [[4]]), ([0], [[2, 3]])]
    """
    lengths = np.minimum(queries.history_lengths, longest)
    order = np.argsort(lengths, kind="stable")
    bounds = _equal_bounds(lengths[order], tokens)
    for start, stop in pairwise(bounds.tolist()):
        rows = order[start:stop]
        yield rows, query_batch(queries.select(rows), longest, with_features=with_features)


def _features(sequences: Sequences, index: Offsets, real: NDArray[np.bool_]) -> Features | None:
    """Features `(B, L, F)` at flat positions, where the sequences have some."""
    if sequences.features is None:
        return None
    taken = sequences.features.take(index)
    taken.codes[~real] = 0
    taken.numbers[~real] = 0
    return taken


def _grid(starts: Offsets, ends: Offsets) -> tuple[Offsets, NDArray[np.bool_], Offsets]:
    """Flat positions `(B, L)` of stretches, which of them are real, and their lengths."""
    lengths = ends - starts
    steps = np.arange(lengths.max(initial=1))
    real = steps < lengths[:, None]
    return np.where(real, starts[:, None] + steps, 0), real, lengths


def _equal_bounds(lengths: Offsets, tokens: int) -> Offsets:
    """Bounds of batches over ascending lengths, each about `tokens` padded positions.

    One step per batch, not per window: the longest row of a batch is its last one, so the bound
    is found by bisection on `rows * length`.
    """
    bounds, total = [0], len(lengths)
    while bounds[-1] < total:
        start = bounds[-1]
        low, high = start + 1, total
        while low < high:
            middle = (low + high + 1) // 2
            if (middle - start) * lengths[middle - 1] <= tokens:
                low = middle
            else:
                high = middle - 1
        bounds.append(low)
    return np.asarray(bounds, np.int64)
