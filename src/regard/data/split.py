"""Cut a log into what a model may learn from and what it will be asked.

Two ways, on five events of one user (`t` training, `V` validation target, `X` test target)::

    leave-last-out         t  t  t  V  X
    global time            t  t | V | .  X      the bars are moments, the same for everybody

In the second picture the event `.` lies after the test moment and before the target: it is part of
the history of the question, as it would be on the day of the request, and never trained on.

Histories hold known items only: an event whose item the training part does not know, or too little
(`min_count`), is left out of them, since no model can read it. As a target it stays, and is a miss
for everybody.
"""

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property

import numpy as np
import polars as pl

from regard.data.fingerprint import fingerprint_of
from regard.data.interactions import Interactions
from regard.data.ordering import in_history_order
from regard.data.queries import Queries
from regard.data.sequences import Sequences
from regard.data.vocabulary import Vocabulary, counted_items
from regard.errors import ConfigurationError, DataError, NeedsClockError, TooLittleDataError
from regard.schema import ITEM, ROW, TIME, UNKNOWN, USER
from regard.shapes import Codes, Mask, Offsets, Seconds


class Targets(StrEnum):
    """Which events after the cut of a global time split are asked for."""

    LAST = "last"
    """The last one of each user, given everything before it."""
    FIRST = "first"
    """The first one after the cut, given everything before the cut."""
    ALL = "all"
    """All distinct items after the cut at once, given everything before the cut; events of items
    outside the vocabulary each count, since one code stands for all of them."""


@dataclass(frozen=True)
class SplitProtocol:
    """How a log was cut, in words and numbers.

    Attributes:
        name: `"leave-last-out"` or `"global-time"`.
        targets: which events are asked for.
        validation_from: UTC seconds at which validation begins (global time only).
        test_from: UTC seconds at which the test begins (global time only).
        min_count: items seen less often in training are unknown to the model.

    Example:
        >>> print(SplitProtocol("global-time", Targets.LAST, 0.0, 86400.0))
        global time: validation from 1970-01-01, test from 1970-01-02 (UTC), the last target of
        each user
    """

    name: str
    targets: Targets = Targets.LAST
    validation_from: float | None = None
    test_from: float | None = None
    min_count: int = 1

    def __str__(self) -> str:
        rare = f", items seen in training at least {self.min_count} times"
        if self.validation_from is None or self.test_from is None:
            text = "leave-last-out: the last event of each user is the test, the one before it"
            text += " validation"
        else:
            which = {"last": "the last target", "first": "the first target", "all": "all targets"}
            text = (
                f"global time: validation from {_day(self.validation_from)}, test from "
                f"{_day(self.test_from)} (UTC), {which[self.targets]} of each user"
            )
        return text + (rare if self.min_count > 1 else "")


@dataclass(frozen=True)
class TrainingPart:
    """What a method may learn from: a prefix of each history.

    Attributes:
        sequences: the histories, known items only; nothing outside `[offsets[u], ends[u])` of user
            `u` may be looked at.
        ends: `(U,)` int64 flat position where each user's training part ends (exclusive).
        vocabulary: the items, counted on these events alone.
    """

    sequences: Sequences
    ends: Offsets
    vocabulary: Vocabulary

    @cached_property
    def mask(self) -> Mask:
        """`(E,)` Boolean: which events belong to the training part."""
        return before_ends(self.sequences.offsets, self.ends)

    def events(self) -> Offsets:
        """`(training events,)` int64 flat positions, user after user, oldest first."""
        return np.flatnonzero(self.mask).astype(np.int64)

    def items(self) -> Codes:
        """`(training events,)` int32 codes."""
        return self.sequences.items[self.mask]


@dataclass(frozen=True)
class Split:
    """A log cut in three, coded with what the training part knows.

    Attributes:
        training: what may be learned from.
        validation: questions for choosing when to stop.
        test: questions for the report; never used for any choice.
        protocol: how the cut was made.
        fingerprint: of the log that was cut.
        events: the whole log, unknown items included.
    """

    training: TrainingPart
    validation: Queries
    test: Queries
    protocol: SplitProtocol
    fingerprint: str
    events: Sequences

    @property
    def vocabulary(self) -> Vocabulary:
        """The items of the training part."""
        return self.training.vocabulary

    @property
    def sequences(self) -> Sequences:
        """All histories, the parts after the cut included, unknown items left out."""
        return self.training.sequences

    @cached_property
    def tie_share(self) -> float | None:
        """Share of consecutive events of one user with equal time; None without a clock.

        Where it is high, the order inside a history is largely the order of the file.
        """
        times, offsets = self.events.times, self.events.offsets
        if times is None:
            return None
        within = np.ones(max(len(times) - 1, 0), np.bool_)
        starts = offsets[(offsets > 0) & (offsets < len(times))]
        within[starts - 1] = False
        return float((np.diff(times)[within] == 0).mean()) if within.any() else 0.0

    @cached_property
    def repeat_share(self) -> float:
        """Share of training events whose item the user had before."""
        owners = np.repeat(np.arange(len(self.sequences)), self.sequences.lengths)
        pairs = pl.DataFrame({"u": owners, "i": self.sequences.items}).filter(self.training.mask)
        return 1.0 - pairs.n_unique() / len(pairs) if len(pairs) else 0.0


def split_leave_last_out(log: Interactions, *, min_count: int = 1) -> Split:
    """Hold out the last event of each user as test and the one before it as validation.

    Users with fewer than three events are trained on and not asked. The moments of the targets
    differ from user to user, so a model may learn from events that happened after another user's
    test target: this protocol compares with the literature, `split_by_time` with reality.

    Args:
        log: cleaned interactions; a clock is not needed.
        min_count: items seen less often in the training part are unknown.

    Returns:
        The split.

    Raises:
        DataError: a user, item or time is missing.
        TooLittleDataError: no user has three events.

    Example:
        >>> import polars as pl
        >>> log = Interactions.of(pl.DataFrame({"user": [1, 1, 1, 1], "item": ["a", "b", "a", "b"],
        ...                                     "position": [0, 1, 2, 3]}))
        >>> split = split_leave_last_out(log)
        >>> split.vocabulary.decode(split.test.targets), len(split.training.events())
        (['b'], 2)
    """
    return _split(log, SplitProtocol("leave-last-out", min_count=min_count))


def split_by_time(
    log: Interactions,
    *,
    test_share: float = 0.1,
    validation_share: float = 0.1,
    targets: Targets | str = Targets.LAST,
    min_count: int = 1,
) -> Split:
    """Cut at two moments that are the same for everybody: the past, validation, the test.

    Args:
        log: cleaned interactions with a clock.
        test_share: share of all interactions that lie in the test period.
        validation_share: share of the remaining ones that lie in the validation period.
        targets: which events of each period are asked for.
        min_count: items seen less often in the training part are unknown.

    Returns:
        The split. Users with no event before their target are not asked.

    Raises:
        NeedsClockError: the log carries only an order.
        ConfigurationError: a share is not between 0 and 1, or `targets` is not one of the three.
        DataError: a user, item or time is missing.
        TooLittleDataError: a period is empty.

    Example:
        >>> import polars as pl
        >>> log = Interactions.of(pl.DataFrame({"user": [1] * 10, "item": list("ababababab"),
        ...                                     "time": [float(t) for t in range(10)]}))
        >>> split = split_by_time(log, test_share=0.2, validation_share=0.2)
        >>> split.protocol.test_from, split.test.history_lengths.tolist()
        (8.0, [9])
    """
    log.require_clock("A global time split")
    require_shares(test_share, validation_share, targets)
    rows = _rows_of(log)
    test_from, earlier = _newest(rows[TIME].to_numpy(), test_share)
    if not len(earlier):
        raise TooLittleDataError(
            f"All interactions of {log.source} fall into the test period, perhaps since they share "
            "one moment. Bring more data, lower test_share, or use the leave-last-out protocol."
        )
    validation_from, _ = _newest(earlier, validation_share)
    protocol = SplitProtocol("global-time", Targets(targets), validation_from, test_from, min_count)
    return _split_rows(rows, log, protocol)


def require_shares(test_share: float, validation_share: float, targets: Targets | str) -> None:
    """Refuse what makes no sense of a split by time; see `split_by_time`.

    Raises:
        ConfigurationError: a share is not between 0 and 1, or `targets` is not one of the three.
    """
    for name, share in (("test_share", test_share), ("validation_share", validation_share)):
        if not 0.0 < share < 1.0:
            raise ConfigurationError(f"{name}={share} must lie between 0 and 1, such as 0.1.")
    if targets not in list(Targets):
        raise ConfigurationError(
            f"targets={targets!r} is not known; choose one of {', '.join(Targets)}."
        )


def assemble(
    sequences: Sequences, vocabulary: Vocabulary, protocol: SplitProtocol, log_fingerprint: str
) -> Split:
    """Cut sequences that are coded already, as those of a saved model are.

    Args:
        sequences: all events, coded with `vocabulary`.
        vocabulary: learned on what `protocol` calls the training part.
        protocol: how to cut.
        log_fingerprint: of the log that the sequences came from.

    Returns:
        The split.

    Raises:
        TooLittleDataError: nobody is left to be asked.
    """
    validation, test = questions(sequences, protocol)
    for name, queries in (("validation", validation), ("test", test)):
        if not len(queries):
            raise TooLittleDataError(
                f"No user can be asked for the {name}: a user needs "
                + (
                    "three interactions. Bring longer histories."
                    if protocol.name == "leave-last-out"
                    else f"an event in the {name} period and one before it. Enlarge {name}_share "
                    "or bring more data."
                )
            )
    known, before = sequences.known()

    def readable(asked: Queries) -> Queries:
        return replace(asked, sequences=known, ends=before[asked.ends])

    ends = before[training_ends(sequences, protocol)]
    return Split(
        TrainingPart(known, ends, vocabulary),
        readable(validation),
        readable(test),
        protocol,
        log_fingerprint,
        sequences,
    )


def questions(sequences: Sequences, protocol: SplitProtocol) -> tuple[Queries, Queries]:
    """What validation and test ask of whole histories, unknown items included.

    Args:
        sequences: all events.
        protocol: how to cut.

    Returns:
        Both. A query with one target has it at its end; one with several has them from there on.
    """
    if protocol.name == "leave-last-out":
        asked = np.flatnonzero(sequences.lengths >= 3).astype(np.int64)
        last = sequences.offsets[1:][asked] - 1
        validation = Queries.next_event(sequences, asked, last - 1)
        test = Queries.next_event(sequences, asked, last)
    else:
        middle, ends = _cut(sequences, protocol.test_from), sequences.offsets[1:]
        begins = _cut(sequences, protocol.validation_from)
        validation = _period(sequences, begins, middle, protocol.targets)
        test = _period(sequences, middle, ends, protocol.targets)
    return validation, test


def _split(log: Interactions, protocol: SplitProtocol) -> Split:
    """Cut a log as a protocol says, its moments included."""
    return _split_rows(_rows_of(log), log, protocol)


def _split_rows(rows: pl.DataFrame, log: Interactions, protocol: SplitProtocol) -> Split:
    """Learn the vocabulary on the training part, code everything with it, and cut."""
    table = in_history_order(rows, log.ordering)
    raw = Sequences.of(table.with_columns(pl.lit(0, pl.Int32).alias(ITEM)))
    mask = before_ends(raw.offsets, training_ends(raw, protocol))
    training = table.select(ITEM, ROW).filter(pl.Series(mask))
    if training.is_empty():
        raise TooLittleDataError(
            f"No interaction of {log.source} falls into the training part: the others take "
            "all of them. Bring more data, or lower validation_share and test_share."
        )
    counts = counted_items(training[ITEM], training[ROW])
    vocabulary = Vocabulary.of_counts(counts, min_count=protocol.min_count)
    coded = Sequences(raw.users, raw.offsets, vocabulary.encode(table[ITEM]), raw.times, raw.rows)
    digest = fingerprint_of(rows, (USER, ITEM, log.ordering))
    return assemble(coded, vocabulary, protocol, digest)


def training_ends(sequences: Sequences, protocol: SplitProtocol) -> Offsets:
    """Where the training part of each user ends.

    Args:
        sequences: whatever their items.
        protocol: how to cut.

    Returns:
        `(U,)` int64 flat positions.
    """
    if protocol.name == "leave-last-out":
        return sequences.offsets[1:] - np.where(sequences.lengths >= 3, 2, 0)
    return _cut(sequences, protocol.validation_from)


def _cut(sequences: Sequences, moment: float | None) -> Offsets:
    """`(U,)` int64 position of each user's first event at or after a moment."""
    if sequences.times is None or moment is None:
        raise NeedsClockError("A global time split needs times, but these histories have none.")
    running: Offsets = np.concatenate([[0], np.cumsum(sequences.times < moment)]).astype(np.int64)
    first = sequences.offsets[:-1]
    ends: Offsets = first + running[sequences.offsets[1:]] - running[first]
    return ends


def events_in_newest(events: int, share: float) -> int:
    """How many events the newest share of them are.

    Example:
        >>> events_in_newest(10, 0.9), events_in_newest(3, 0.1)
        (9, 1)
    """
    # A hair less, so that 0.9 of ten events are nine although 10 * 0.9 is not exactly 9.
    return max(1, math.ceil(events * share - 1e-9))


def _newest(times: Seconds, share: float) -> tuple[float, Seconds]:
    """The moment at which the newest share of events begins, and the times before it."""
    place = len(times) - events_in_newest(len(times), share)
    moment = float(np.partition(times, place)[place])
    return moment, times[times < moment]


def _period(sequences: Sequences, begins: Offsets, ends: Offsets, targets: Targets) -> Queries:
    """Ask about the events in `[begins, ends)` of each user."""
    first = sequences.offsets[:-1]
    has_events = ends > begins
    if targets is Targets.LAST:
        asked = np.flatnonzero(has_events & (ends - 1 > first)).astype(np.int64)
        return Queries.next_event(sequences, asked, ends[asked] - 1)
    asked = np.flatnonzero(has_events & (begins > first)).astype(np.int64)
    if targets is Targets.FIRST:
        return Queries.next_event(sequences, asked, begins[asked])
    lengths = (ends - begins)[asked]
    query = np.repeat(np.arange(len(asked)), lengths)
    within = np.arange(len(query)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    position = np.repeat(begins[asked], lengths) + within
    pairs = pl.DataFrame({"query": query, "item": sequences.items[position]})
    # Cold items share one code and cannot be told apart: each stays, and each is a miss.
    wanted = pairs.filter(pl.struct(pl.all()).is_first_distinct() | (pl.col("item") == UNKNOWN))
    offsets = np.searchsorted(wanted["query"].to_numpy(), np.arange(len(asked) + 1))
    times = None if sequences.times is None else sequences.times[begins[asked]]
    codes = wanted["item"].to_numpy()
    return Queries(sequences, asked, begins[asked], codes, offsets.astype(np.int64), times)


def _rows_of(log: Interactions) -> pl.DataFrame:
    """What histories need of a log, in its own order; missing values are refused by name."""
    rows = log.with_frame(log.frame.select(USER, ITEM, log.ordering, ROW)).collect()
    if rows.is_empty():
        raise TooLittleDataError(f"{log.source} holds no interaction.")
    for name in (USER, ITEM, log.ordering):
        missing = rows[name].is_null()
        if rows[name].dtype.is_float():
            missing |= rows[name].is_nan()
        if count := int(missing.sum()):
            first = rows[ROW].filter(missing)[0]
            raise DataError(
                f"{count:,} interactions of {log.source} have no {name} (first: row {first}). Run "
                "regard.clean on the log first."
            )
    return rows


def before_ends(offsets: Offsets, ends: Offsets) -> Mask:
    """`(E,)` Boolean: events that lie before their user's end.

    Args:
        offsets: `(U + 1,)` int64 of the histories.
        ends: `(U,)` int64 flat positions.

    Example:
        >>> before_ends(np.array([0, 2, 3]), np.array([1, 3])).tolist()
        [True, False, True]
    """
    steps = np.zeros(int(offsets[-1]) + 1, np.int64)
    np.add.at(steps, offsets[:-1], 1)
    np.add.at(steps, ends, -1)
    return np.cumsum(steps[:-1]) > 0


def _day(seconds: float) -> str:
    """A moment in UTC, the day alone at midnight; seconds where no calendar reaches."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{seconds:.0f} seconds since 1970"
    midnight = moment.time() == datetime.min.time()
    return moment.strftime("%Y-%m-%d" if midnight else "%Y-%m-%d %H:%M:%S")
