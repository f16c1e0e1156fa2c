"""Questions to a recommender: whose history, up to which event, and what came next.

A user's events, a query that ends at event 3, and its target::

    events    12  40   9  | 31
    history   12  40   9
    target                  31
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regard.data.sequences import Sequences
from regard.errors import DataError
from regard.schema import FIRST_CODE
from regard.shapes import Codes, Mask, Offsets, Seconds


@dataclass(frozen=True)
class Queries:
    """Some histories, each cut before an event, with the targets that follow.

    Attributes:
        sequences: where the events lie.
        users: `(Q,)` int64 index of the user in `sequences`.
        ends: `(Q,)` int64 position in the flat arrays where the history ends (exclusive).
        targets: `(T,)` int32 item codes of all targets, query after query.
        target_offsets: `(Q + 1,)` int64; targets of query `q` are
            `targets[target_offsets[q]:target_offsets[q + 1]]`. A request has none.
        times: `(Q,)` float64 UTC seconds at which the question is asked, or None without a clock.

    Raises:
        DataError: an end lies outside its user's history.

    Example:
        >>> import numpy as np, polars as pl
        >>> from regard.data.sequences import Sequences
        >>> seqs = Sequences.of(pl.DataFrame({"user": [7, 7, 7], "item": [2, 3, 4],
        ...                                   "row": [0, 1, 2]}))
        >>> asked = Queries.next_event(seqs, np.array([0]), np.array([2]))
        >>> asked.targets.tolist(), asked.history_lengths.tolist()
        ([4], [2])
    """

    sequences: Sequences
    users: Offsets
    ends: Offsets
    targets: Codes
    target_offsets: Offsets
    times: Seconds | None

    def __post_init__(self) -> None:
        starts = self.sequences.offsets[self.users]
        if (self.ends < starts).any() or (self.ends > self.sequences.offsets[self.users + 1]).any():
            raise DataError("A query ends outside the history of its user.")

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that differ where other questions are asked of the same log."""
        found = hashlib.blake2b(digest_size=8)
        parts: list[NDArray[Any]] = [self.users, self.history_lengths, self.target_offsets]
        parts += [self.targets] if self.times is None else [self.targets, self.times]
        for part in parts:
            found.update(f"{len(part)} ".encode() + np.ascontiguousarray(part).tobytes())
        return found.hexdigest()

    @classmethod
    def next_event(cls, sequences: Sequences, users: Offsets, ends: Offsets) -> "Queries":
        """Ask for the event at `ends` (flat positions), given everything before it."""
        times = None if sequences.times is None else sequences.times[ends]
        offsets = np.arange(len(users) + 1, dtype=np.int64)
        return cls(sequences, users, ends, sequences.items[ends], offsets, times)

    @classmethod
    def requests(
        cls, sequences: Sequences, users: Offsets, times: Seconds | None = None
    ) -> "Queries":
        """Ask what comes after everything that is known of some users; there are no targets.

        Args:
            sequences: where the events lie.
            users: `(Q,)` int64 indices of users.
            times: `(Q,)` float64 moments of the requests; the time of the last event if omitted
                (zero for an empty history).
        """
        ends = sequences.offsets[users + 1]
        if times is None and sequences.times is not None:
            last = np.maximum(ends - 1, 0)
            empty = ends == sequences.offsets[users]
            times = np.where(empty, 0.0, sequences.times[last] if len(sequences.times) else 0.0)
        none = np.zeros(len(users) + 1, np.int64)
        return cls(sequences, users, ends, np.zeros(0, np.int32), none, times)

    def __len__(self) -> int:
        return len(self.users)

    @property
    def starts(self) -> Offsets:
        """`(Q,)` int64 flat position where each history begins."""
        return self.sequences.offsets[self.users]

    @property
    def history_lengths(self) -> Offsets:
        """`(Q,)` int64 number of events in each history."""
        return self.ends - self.starts

    @property
    def last_items(self) -> Codes:
        """`(Q,)` int32 newest item of each history; 0 (padding) where it is empty."""
        if not len(self.sequences.items):
            return np.zeros(len(self), np.int32)
        newest = self.sequences.items[np.maximum(self.ends - 1, 0)]
        return np.where(self.history_lengths > 0, newest, 0).astype(np.int32)

    def select(self, keep: Offsets | Mask | slice) -> "Queries":
        """Some of the queries, with their targets."""
        index = np.arange(len(self))[keep]
        counts = np.diff(self.target_offsets)[index]
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        flat = np.repeat(self.target_offsets[:-1][index] - offsets[:-1], counts)
        targets = self.targets[flat + np.arange(offsets[-1])]
        times = None if self.times is None else self.times[index]
        return Queries(self.sequences, self.users[index], self.ends[index], targets, offsets, times)

    def chunks(self, size: int) -> Iterator["Queries"]:
        """The queries in order, at most `size` at a time."""
        for start in range(0, len(self), size):
            yield self.select(slice(start, start + size))

    def history_events(self, longest: int | None = None) -> tuple[Offsets, Offsets]:
        """Every event of every history as a pair of index arrays.

        Args:
            longest: keep at most this many newest events of each history; all if omitted.

        Returns:
            `(query, position)`, both `(sum of lengths,)` int64: query number and flat position.
        """
        lengths = self.history_lengths
        if longest is not None:
            lengths = np.minimum(lengths, longest)
        query = np.repeat(np.arange(len(self)), lengths)
        firsts = np.cumsum(lengths) - lengths
        within = np.arange(len(query)) - np.repeat(firsts, lengths)
        return query, np.repeat(self.ends - lengths, lengths) + within

    def seen(self, catalogue_size: int) -> Mask:
        """`(Q, N)` Boolean: which items each history holds (special codes are never set)."""
        mask = np.zeros((len(self), catalogue_size), np.bool_)
        query, position = self.history_events()
        mask[query, self.sequences.items[position]] = True
        mask[:, :FIRST_CODE] = False
        return mask
