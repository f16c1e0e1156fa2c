"""Every history in one flat array with offsets: what all later code reads from.

Three users as they lie in memory (codes; `|` marks the offsets)::

    items    4 2 9 | 7 | 3 3 5 8
    offsets  0       3   4       8
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.exceptions import PolarsError

from regard.data.features import Features
from regard.errors import DataError
from regard.schema import ITEM, ROW, TIME, UNKNOWN, USER
from regard.shapes import Codes, Mask, Offsets, Seconds


@dataclass(frozen=True)
class Sequences:
    """Histories of all users, oldest event first, as flat arrays.

    Attributes:
        users: `(U,)` own ids of the users, in the order of the offsets.
        offsets: `(U + 1,)` int64; the history of user `u` is `items[offsets[u]:offsets[u + 1]]`.
        items: `(E,)` int32 item codes (1 = unknown; never 0).
        times: `(E,)` float64 UTC seconds, ascending within a user, or None without a clock.
        rows: `(E,)` int64 row numbers in the source.
        features: `(E, F)` what else is known of each event, encoded; None where nothing is.

    Raises:
        DataError: the arrays do not fit together, or times run backwards.

    Example:
        >>> import polars as pl
        >>> seqs = Sequences.of(pl.DataFrame({"user": ["a", "a", "b"], "item": [4, 2, 7],
        ...                                   "row": [0, 1, 2]}))
        >>> seqs.offsets.tolist(), seqs.items.tolist(), seqs.times
        ([0, 2, 3], [4, 2, 7], None)
    """

    users: pl.Series
    offsets: Offsets
    items: Codes
    times: Seconds | None
    rows: Offsets
    features: Features | None = None

    def __post_init__(self) -> None:
        events = len(self.items)
        if len(self.offsets) != len(self.users) + 1 or self.offsets[-1] != events:
            raise DataError(
                f"Sequences of {len(self.users)} users and {events} events do not fit offsets of "
                f"length {len(self.offsets)} that reach to {self.offsets.max(initial=0)}."
            )
        if len(self.rows) != events or (self.times is not None and len(self.times) != events):
            raise DataError("Items, times and rows of Sequences must have one length.")
        if self.features is not None and len(self.features) != events:
            raise DataError(
                f"Sequences of {events} events have features of {len(self.features)}; encode the "
                "same events."
            )

    @classmethod
    def of(cls, table: pl.DataFrame) -> "Sequences":
        """Build from a coded table: one pass, no loop over users.

        Args:
            table: sorted by user and then by time; columns `user` (own ids), `item` (integer
                codes), `row`, and `time` where there is a clock.

        Returns:
            The sequences, users in the order of the table.

        Raises:
            DataError: a user's rows are not together, or a time runs backwards.
        """
        lengths = table[USER].rle().struct.unnest()
        users = lengths["value"].rename(USER)
        if users.n_unique() != len(users):
            raise DataError("The rows of a user must lie together; sort by user first.")
        offsets = np.zeros(len(users) + 1, np.int64)
        np.cumsum(lengths["len"].to_numpy(), out=offsets[1:])
        times = table[TIME].to_numpy() if TIME in table.columns else None
        if times is not None:
            _require_ascending(times, offsets)
        items = table[ITEM].cast(pl.Int32).to_numpy()
        return cls(users, offsets, items, times, table[ROW].cast(pl.Int64).to_numpy())

    def __len__(self) -> int:
        return len(self.users)

    @property
    def lengths(self) -> Offsets:
        """`(U,)` int64 number of events of each user."""
        return np.diff(self.offsets)

    def select(self, keep_U: Offsets) -> "Sequences":
        """The sequences of some users only.

        Args:
            keep_U: int64 indices of users, in the order wanted.

        Returns:
            New sequences with copies of those users' events.
        """
        lengths = self.lengths[keep_U]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        events = np.repeat(self.offsets[:-1][keep_U] - offsets[:-1], lengths) + np.arange(
            offsets[-1]
        )
        return self.take(self.users[keep_U.tolist()], offsets, events)

    def take(self, users: pl.Series, offsets: Offsets, index: Offsets | Mask) -> "Sequences":
        """Some events, as the histories of some users.

        Args:
            users: `(U,)` own ids.
            offsets: `(U + 1,)` int64 into the events that are taken.
            index: flat positions of those events, user after user, or a Boolean for each event.

        Returns:
            New sequences with copies of those events, all that is known of them included.
        """
        return Sequences(
            users,
            offsets,
            self.items[index],
            None if self.times is None else self.times[index],
            self.rows[index],
            None if self.features is None else self.features.take(index),
        )

    def known(self) -> tuple["Sequences", Offsets]:
        """The events whose items the vocabulary knows, which is all that a model can read.

        Returns:
            The sequences without events of code 1 (all users stay, some perhaps without an
            event), and `(E + 1,)` int64: how many known events lie before each flat position.
        """
        keep = self.items != UNKNOWN
        before = np.concatenate([[0], np.cumsum(keep, dtype=np.int64)])
        if keep.all():
            return self, before
        return self.take(self.users, before[self.offsets], keep), before

    def save(self, folder: Path) -> None:
        """Write flat arrays that `open` can map without reading them.

        Args:
            folder: an existing empty folder.
        """
        np.save(folder / "items.npy", self.items)
        np.save(folder / "rows.npy", self.rows)
        if self.times is not None:
            np.save(folder / "times.npy", self.times)
        if self.features is not None:
            np.save(folder / "feature-codes.npy", self.features.codes)
            np.save(folder / "feature-numbers.npy", self.features.numbers)
        clock, features = self.times is not None, self.features is not None
        self.save_index(folder, self.users, self.offsets, clock=clock, features=features)

    @staticmethod
    def save_index(
        folder: Path, users: pl.Series, offsets: Offsets, *, clock: bool, features: bool = False
    ) -> None:
        """Write who the users are and where their histories lie, beside arrays of events.

        Args:
            folder: holds `items.npy`, `rows.npy` and perhaps `times.npy`.
            users: `(U,)` own ids.
            offsets: `(U + 1,)` int64.
            clock: whether the events have times.
            features: whether they have features, which then lie there too.
        """
        np.save(folder / "offsets.npy", offsets)
        users.to_frame().write_parquet(folder / "users.parquet")
        told = {"clock": clock} | ({"features": True} if features else {})
        (folder / "sequences.json").write_text(json.dumps(told))

    @classmethod
    def open(cls, folder: Path) -> "Sequences":
        """Map sequences from a folder; events are read only when they are used.

        Args:
            folder: what `save` wrote.

        Returns:
            Sequences over memory-mapped arrays.

        Raises:
            DataError: the folder does not hold sequences.
        """
        try:
            told = json.loads((folder / "sequences.json").read_text())
            offsets, items, rows = _mapped(folder, "offsets", "items", "rows")
            times = _mapped(folder, "times")[0] if told["clock"] else None
            features = None
            if told.get("features"):
                features = Features(*_mapped(folder, "feature-codes", "feature-numbers"))
            users = pl.read_parquet(folder / "users.parquet", glob=False).to_series()
        except (OSError, ValueError, KeyError, TypeError, EOFError, PolarsError) as broken:
            raise DataError(f"{folder} does not hold saved sequences: {broken}.") from broken
        return cls(users, offsets, items, times, rows, features)


def _mapped(folder: Path, *names: str) -> list[NDArray[Any]]:
    """Arrays that are read only where they are used."""
    return [np.load(folder / f"{name}.npy", mmap_mode="r") for name in names]


def _require_ascending(times: Seconds, offsets: Offsets) -> None:
    """Refuse times that run backwards within a user."""
    backwards = np.diff(times) < 0
    starts = offsets[1:-1]
    backwards[starts[starts < len(times)] - 1] = False
    if backwards.any():
        event = int(np.flatnonzero(backwards)[0]) + 1
        raise DataError(
            f"Times run backwards within a user at event {event} (time {times[event]}); sort each "
            "user's rows by time first."
        )
