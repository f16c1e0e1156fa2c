"""What checks look at: a split, the log it came from, and what else was fitted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias

import numpy as np
import polars as pl

from regard.data.encoders.fitted import Encoders
from regard.data.interactions import Interactions
from regard.data.queries import Queries
from regard.data.split import Split, questions
from regard.errors import DataError
from regard.schema import FIRST_CODE, ITEM, POSITION, ROW, TIME, UNKNOWN, USER
from regard.shapes import Mask, Offsets, Seconds

Rows: TypeAlias = tuple[Mapping[str, Any], ...]
"""A few rows of a log by column."""
SAMPLES: Final = 3
"""How many rows a finding shows."""


@dataclass(frozen=True)
class Case:
    """A split as the checks see it. All arrays are in the order of `split.events`.

    Attributes:
        split: what is examined.
        log: the interactions that were split, with their columns; None where they are not at hand.
        encoders: fitted for the columns of that log.
        notes: what cleaning had to say.

    Example:
        >>> from regard.data.split import split_leave_last_out
        >>> log = Interactions.of(pl.DataFrame({"user": [1] * 4, "item": list("abab"),
        ...                                     "position": [0, 1, 2, 3]}))
        >>> case = Case(split_leave_last_out(log), log)
        >>> case.trained_E.tolist(), case.target_E.tolist(), case.history_E.tolist()
        ([True, True, False, False], [False, False, False, True], [True, True, True, False])
        >>> case.rows([3])
        ({'row': 3, 'user': 1, 'item': 'b', 'position': 3},)
    """

    split: Split
    log: Interactions | None = None
    encoders: tuple[Encoders, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def times(self) -> Seconds | None:
        """`(E,)` UTC seconds, or None without a clock."""
        return self.split.events.times

    @property
    def clock(self) -> Seconds:
        """`(E,)` UTC seconds, for checks that are left out without a clock."""
        if self.times is None:
            raise DataError("This check needs times; leave it out of a log without a clock.")
        return self.times

    @cached_property
    def owners_E(self) -> Offsets:
        """`(E,)` int64 index of the user of each event."""
        events = self.split.events
        return np.repeat(np.arange(len(events), dtype=np.int64), events.lengths)

    @cached_property
    def trained_E(self) -> Mask:
        """`(E,)` Boolean: events that may be learned from."""
        mask = np.zeros(len(self.split.events.items), np.bool_)
        known = np.flatnonzero(self.split.events.items != UNKNOWN)
        mask[known[self.split.training.mask]] = True
        return mask

    @cached_property
    def asked(self) -> Queries:
        """The questions of the test to whole histories, unknown items included."""
        return questions(self.split.events, self.split.protocol)[1]

    @cached_property
    def targets(self) -> Offsets:
        """`(targets,)` int64 positions of the events that the test asks for, ascending."""
        return np.flatnonzero(self.target_E).astype(np.int64)

    @cached_property
    def target_E(self) -> Mask:
        """`(E,)` Boolean: events that the test asks for."""
        mask = np.zeros(len(self.split.events.items), np.bool_)
        if self.split.protocol.targets == "all":
            asked_U = np.zeros(len(self.split.events), np.bool_)
            asked_U[self.asked.users] = True
            return asked_U[self.owners_E] & ~self.history_E
        mask[self.asked.ends] = True
        return mask

    @cached_property
    def history_E(self) -> Mask:
        """`(E,)` Boolean: events of histories that the test shows to a model."""
        ends_U = np.zeros(len(self.split.events), np.int64)
        ends_U[self.asked.users] = self.asked.ends
        places: Offsets = np.arange(len(self.owners_E), dtype=np.int64)
        return places < ends_U[self.owners_E]

    @cached_property
    def table(self) -> pl.DataFrame:
        """The log in the order of its rows; only where there is one."""
        if self.log is None:
            raise DataError("This check needs the log; give it to diagnose beside the split.")
        return self.log.collect()

    def columns_at(self, positions: Offsets, names: list[str]) -> pl.DataFrame:
        """Columns of the log at some events.

        Args:
            positions: flat positions in `split.events`.
            names: of columns.

        Returns:
            One row for each position.

        Raises:
            DataError: the log is not the one that was split.
        """
        wanted = self.split.events.rows[positions]
        rows = self.table[ROW].to_numpy()
        places = np.minimum(np.searchsorted(rows, wanted), max(len(rows) - 1, 0))
        if not len(rows) or (rows[places] != wanted).any():
            raise DataError(
                "The log given beside the split is another one: it lacks rows of the split. Give "
                "the log that was split."
            )
        return self.table.select(names)[places]

    def rows(self, positions: Sequence[int] | Offsets, *columns: str) -> Rows:
        """The first few of some events as rows.

        Args:
            positions: flat positions in `split.events`.
            columns: of the log, to be shown too.

        Returns:
            `row`, `user`, `item` (None where training does not know it and no log is given), and
            `time` or `position`.
        """
        chosen = np.asarray(positions[:SAMPLES], np.int64)
        events = self.split.events
        named = list(columns)
        if self.log is None:
            items = [
                self.split.vocabulary.decode([code])[0] if code >= FIRST_CODE else None
                for code in events.items[chosen].tolist()
            ]
            whole = pl.DataFrame({
                ROW: events.rows[chosen],
                USER: events.users.gather(self.owners_E[chosen]),
                ITEM: pl.Series(items, dtype=self.split.vocabulary.ids.dtype),
            })  # fmt: skip
            if events.times is not None:
                whole = whole.with_columns(pl.Series(TIME, events.times[chosen]))
            return tuple(whole.to_dicts())
        ordering = TIME if self.times is not None else POSITION
        named = [ROW, USER, ITEM, ordering, *(name for name in named if name != ordering)]
        return tuple(self.columns_at(chosen, named).to_dicts())
