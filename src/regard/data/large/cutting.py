"""Where to cut a log that lies in clean shards, and which items its training part knows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import repeat

import numpy as np
import polars as pl

from regard.data.catalogue import Catalogue, counted_titles
from regard.data.interactions import Interactions
from regard.data.large.cleaning import ITEMS, ROWS, TIMES, TITLES, USERS, Cleaned
from regard.data.large.flat import FlatWriter
from regard.data.large.ranks import count_below, value_at_rank
from regard.data.large.scatter import Tell
from regard.data.parallel import each
from regard.data.sequences import Sequences
from regard.data.split import (
    SplitProtocol,
    Targets,
    before_ends,
    events_in_newest,
    require_shares,
    training_ends,
)
from regard.data.vocabulary import Vocabulary, counted_items
from regard.errors import TooLittleDataError
from regard.schema import ITEM, ROW, TITLE, USER, Clock
from regard.shapes import Codes, Seconds

_FOLD = 4_000_000  # rows of counts that may wait to be added up


@dataclass(frozen=True, kw_only=True)
class Cut:
    """How to cut; see `regard.split_by_time` and `regard.split_leave_last_out`.

    Attributes:
        protocol: `"global-time"`, `"leave-last-out"`, or `"auto"`: global time where there is a
            clock.
        test_share: share of interactions in the test period (global time).
        validation_share: share of the earlier ones in the validation period (global time).
        targets: `"last"`, `"first"` or `"all"` (global time).
        min_count: items seen less often in training are unknown.
    """

    protocol: str = "auto"
    test_share: float = 0.1
    validation_share: float = 0.1
    targets: str = Targets.LAST.value
    min_count: int = 1

    def settled(self, head: Interactions) -> "Cut":
        """With `"auto"` decided, and nothing in it that makes no sense.

        Raises:
            ConfigurationError: a share or a name makes no sense.
            NeedsClockError: global time is asked of a log that carries only an order.
        """
        protocol = self.protocol
        if protocol == "auto":
            protocol = "global-time" if head.clock is Clock.TIME else "leave-last-out"
        if protocol == "global-time":
            head.require_clock("A global time split")
            require_shares(self.test_share, self.validation_share, self.targets)
        return replace(self, protocol=protocol)


def protocol_of(cleaned: Cleaned, cut: Cut) -> SplitProtocol:
    """The moments at which to cut, exactly those of the log in memory.

    Args:
        cleaned: all shards.
        cut: settled.

    Raises:
        TooLittleDataError: a period is empty.
    """
    if cut.protocol == "leave-last-out":
        return SplitProtocol("leave-last-out", min_count=cut.min_count)

    def times() -> Iterator[Seconds]:
        return cleaned.arrays(TIMES)

    rows = cleaned.report.rows_kept
    test_from = value_at_rank(times, rows - events_in_newest(rows, cut.test_share))
    earlier = count_below(times, test_from)
    if not earlier:
        raise TooLittleDataError(
            f"All interactions of {cleaned.report.source} fall into the test period, perhaps since "
            "they share one moment. Bring more data, lower test_share, or use the leave-last-out "
            "protocol."
        )
    newest = events_in_newest(earlier, cut.validation_share)
    validation_from = value_at_rank(times, earlier - newest)
    targets = Targets(cut.targets)
    return SplitProtocol("global-time", targets, validation_from, test_from, cut.min_count)


def items_of(
    cleaned: Cleaned, protocol: SplitProtocol, head: Interactions
) -> tuple[Vocabulary, Catalogue]:
    """What the training part knows, and what there is.

    Args:
        cleaned: all shards.
        protocol: how to cut.
        head: a sample of the log, typed.

    Raises:
        TooLittleDataError: nothing falls into the training part.
        DataError: no item is frequent enough.
    """
    known, all_items = _Sum("id"), _Sum(ITEM, TITLE)
    count = partial(_counts_of, protocol, titles=TITLE not in head.columns())
    for training, everything in each(count, histories(cleaned, head)):
        known.add(training)
        if everything is not None:
            all_items.add(everything)
    if TITLE in head.columns():
        for path in cleaned.place.outcomes(TITLES, cleaned.shards):
            all_items.add(pl.read_parquet(path, glob=False))
    counts = known.total()
    if counts.is_empty():
        raise TooLittleDataError(
            f"No interaction of {cleaned.report.source} falls into the training part: the others "
            "take all of them. Bring more data, or lower validation_share and test_share."
        )
    vocabulary = Vocabulary.of_counts(counts, min_count=protocol.min_count)
    return vocabulary, Catalogue.from_counts(all_items.total())


def _counts_of(
    protocol: SplitProtocol, history: tuple[Sequences, pl.Series], *, titles: bool
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Counts of the items of a shard in training, and of all of them where titles are wanted."""
    part, items = history
    rows = pl.Series(ROW, part.rows)
    mask = pl.Series(before_ends(part.offsets, training_ends(part, protocol)))
    training = counted_items(items.filter(mask), rows.filter(mask))
    return training, counted_titles(pl.DataFrame([items, rows])) if titles else None


def histories(cleaned: Cleaned, head: Interactions) -> Iterator[tuple[Sequences, pl.Series]]:
    """The histories of each shard without item codes, and the items in their place."""
    clock = head.clock is Clock.TIME
    times = cleaned.arrays(TIMES) if clock else repeat(None, cleaned.shards)
    columns = (cleaned.tables(USERS), cleaned.tables(ITEMS), times, cleaned.arrays(ROWS))
    for users, items, seconds, rows in zip(*columns, strict=True):
        offsets = np.zeros(len(users) + 1, np.int64)
        np.cumsum(users["len"].to_numpy(), out=offsets[1:])
        none = np.zeros(len(rows), np.int32)
        yield Sequences(users[USER], offsets, none, seconds, rows), items[ITEM]


def write_histories(
    cleaned: Cleaned, vocabulary: Vocabulary, head: Interactions, writer: FlatWriter, tell: Tell
) -> None:
    """Code every history and write it.

    Args:
        cleaned: all shards.
        vocabulary: of the training part.
        head: a sample of the log, typed.
        writer: takes the histories in order.
        tell: hears how many shards are done.
    """

    def coded(history: tuple[Sequences, pl.Series]) -> tuple[Sequences, Codes]:
        return history[0], vocabulary.encode(history[1])

    for shard, (part, codes) in enumerate(each(coded, histories(cleaned, head))):
        clocked = {} if part.times is None else {"times": part.times}
        writer.add(part.users, part.lengths, items=codes, rows=part.rows, **clocked)
        tell(shard + 1, cleaned.shards)


class _Sum:
    """Counts that come in parts: `count` is added up, of everything else the least is kept."""

    def __init__(self, *keys: str) -> None:
        self._keys = keys
        self._waiting: list[pl.DataFrame] = []
        self._rows = 0

    def add(self, counts: pl.DataFrame) -> None:
        self._waiting.append(counts)
        self._rows += len(counts)
        if self._rows > _FOLD and len(self._waiting) > 1:
            self._waiting = [self.total()]
            self._rows = (
                len(self._waiting[0]) // 2
            )  # so that a long total is not added up each time

    def total(self) -> pl.DataFrame:
        together = pl.concat(self._waiting).lazy().group_by(*self._keys)
        return together.agg(pl.col("count").sum(), pl.all().exclude("count").min()).collect()
