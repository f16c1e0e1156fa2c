"""Splits against their definition, and against every way of looking at the future."""

from datetime import UTC, datetime
from itertools import pairwise
from math import ceil, inf
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest
from coded_logs import log_of, quick, rows, sequences_of, vocabulary_of
from hypothesis import assume, given
from hypothesis import strategies as st

from regard.data.interactions import Interactions
from regard.data.queries import Queries
from regard.data.split import (
    Split,
    SplitProtocol,
    Targets,
    TrainingPart,
    assemble,
    split_by_time,
    split_leave_last_out,
)
from regard.data.vocabulary import Vocabulary
from regard.errors import ConfigurationError, DataError, NeedsClockError, TooLittleDataError
from regard.schema import UNKNOWN

Row = tuple[int, int, int]
shares = st.sampled_from([0.1, 0.25, 0.4])
kinds = st.sampled_from(list(Targets))
NEW_ITEM = 999


class Event(NamedTuple):
    """One event in history order."""

    time: float
    row: int
    item: int


def slow_histories(given: list[Row]) -> dict[int, list[Event]]:
    """Each user's events, oldest first, ties in the order of the rows."""
    histories: dict[int, list[Event]] = {}
    for row, (user, item, time) in enumerate(given):
        histories.setdefault(user, []).append(Event(time, row, item))
    return {user: sorted(histories[user]) for user in sorted(histories)}


def by_time(given: list[Row], **options: object) -> Split:
    """A global time split, or another example where the log is too small for one."""
    try:
        return split_by_time(log_of(given), **options)
    except TooLittleDataError:
        assume(False)
        raise


def leave_last_out(given: list[Row]) -> Split:
    assume(any(len(history) >= 3 for history in slow_histories(given).values()))
    return split_leave_last_out(log_of(given))


def training_rows(split: Split) -> set[int]:
    return set(split.sequences.rows[split.training.events()].tolist())


def readable(split: Split, history: list[Event]) -> list[int]:
    """Rows of the events whose items the training part knows."""
    return [event.row for event in history if event.item in split.vocabulary]


def asked(split: Split, queries: Queries) -> list[tuple[int, list[int], list[int]]]:
    """Each query: user, rows of its history, codes of its targets."""
    return [
        (
            split.sequences.users[int(queries.users[q])],
            split.sequences.rows[queries.starts[q] : queries.ends[q]].tolist(),
            queries.targets[queries.target_offsets[q] : queries.target_offsets[q + 1]].tolist(),
        )
        for q in range(len(queries))
    ]


class TestByTime:
    @quick
    @given(rows(users=3, most=40), shares, shares, kinds)
    def test_nothing_trained_on_happens_at_or_after_a_question(
        self, given: list[Row], test: float, validation: float, targets: Targets
    ) -> None:
        split = by_time(given, test_share=test, validation_share=validation, targets=targets)
        assert split.protocol.validation_from is not None
        assert split.protocol.test_from is not None
        assert split.protocol.validation_from < split.protocol.test_from
        times = split.sequences.times
        assert times is not None
        trained = times[split.training.events()]
        for queries, moment in (
            (split.validation, split.protocol.validation_from),
            (split.test, split.protocol.test_from),
        ):
            assert queries.times is not None
            assert (queries.times >= moment).all()
            assert trained.max() < queries.times.min()
        assert (split.validation.times < split.protocol.test_from).all()  # type: ignore[operator]
        assert training_rows(split) == {
            row for row, (_, _, time) in enumerate(given) if time < split.protocol.validation_from
        }

    @quick
    @given(rows(users=3, most=40), shares, shares, kinds)
    def test_questions_equal_a_loop(
        self, given: list[Row], test: float, validation: float, targets: Targets
    ) -> None:
        split = by_time(given, test_share=test, validation_share=validation, targets=targets)
        middle = split.protocol.test_from
        for queries, begin, end in (
            (split.validation, split.protocol.validation_from, middle),
            (split.test, middle, float("inf")),
        ):
            slow = []
            for user, history in slow_histories(given).items():
                inside = [event for event in history if begin <= event.time < end]
                first = {"last": -1, "first": 0, "all": 0}[targets]
                if not inside or inside[first] == history[0]:
                    continue
                known = [event for event in history if event < inside[first]]
                wanted = inside if targets == "all" else [inside[first]]
                codes = split.vocabulary.encode([event.item for event in wanted]).tolist()
                # One code stands for all cold items, so each event of one stays a target.
                distinct = [c for i, c in enumerate(codes) if c == UNKNOWN or c not in codes[:i]]
                slow.append((user, readable(split, known), distinct))
            assert asked(split, queries) == slow

    @quick
    @given(rows(most=40), shares, shares)
    def test_moments_hold_the_shares(
        self, given: list[Row], test: float, validation: float
    ) -> None:
        split = by_time(given, test_share=test, validation_share=validation)
        times = sorted(time for _, _, time in given)
        assert split.protocol.test_from == times[-ceil(len(times) * test - 1e-9)]
        earlier = [time for time in times if time < split.protocol.test_from]
        assert split.protocol.validation_from == earlier[-ceil(len(earlier) * validation - 1e-9)]

    @quick
    @given(rows(users=3, most=40), st.data())
    def test_changing_the_future_changes_nothing_that_is_learned(
        self, given: list[Row], data: st.DataObject
    ) -> None:
        split = by_time(given)
        cut = split.protocol.validation_from
        other = [
            row if row[2] < cut else (row[0], data.draw(st.integers(900, NEW_ITEM)), row[2])
            for row in given
        ]
        _same_training(split, split_by_time(log_of(other)))

    @quick
    @given(rows(users=3, items=4, least=15, most=40), st.integers(1, 3))
    def test_vocabulary_is_that_of_the_training_rows_alone(
        self, given: list[Row], least: int
    ) -> None:
        try:
            split = by_time(given, min_count=least)
        except DataError:
            assume(False)
        trained = [given[row][1] for row in sorted(training_rows(split))]
        alone = Vocabulary.fit(pl.Series(trained), min_count=least)
        assert split.vocabulary.ids.to_list() == alone.ids.to_list()
        assert split.vocabulary.counts.tolist() == alone.counts.tolist()
        every = [given[row][1] for row in split.sequences.rows]
        assert split.sequences.items.tolist() == alone.encode(every).tolist()

    def test_a_target_that_training_never_saw_is_kept_as_unknown(self) -> None:
        split = split_by_time(
            log_of([(1, 5, t) for t in range(8)] + [(1, 5, 8), (1, NEW_ITEM, 9)]),
            test_share=0.1,
        )
        assert split.test.targets.tolist() == [1]

    def test_events_after_the_cut_are_history_of_a_later_question(self) -> None:
        split = split_by_time(
            log_of([(1, 100 + t % 3, t) for t in range(10)]), test_share=0.3, validation_share=0.2
        )
        assert split.protocol.validation_from == 5.0
        assert split.protocol.test_from == 7.0
        assert asked(split, split.validation) == [(1, [0, 1, 2, 3, 4, 5], [2])]
        assert asked(split, split.test) == [(1, [0, 1, 2, 3, 4, 5, 6, 7, 8], [2])]
        assert split.training.items().tolist() == [2, 3, 4, 2, 3]

    def test_an_event_of_an_unknown_item_is_a_target_and_no_history(self) -> None:
        given = [(1, 100 + t % 3, t) for t in range(8)] + [(1, NEW_ITEM, 8), (1, NEW_ITEM, 9)]
        split = split_by_time(log_of(given), test_share=0.2, validation_share=0.2)
        assert asked(split, split.test) == [(1, [0, 1, 2, 3, 4, 5, 6, 7], [1])]
        assert split.events.items.tolist()[-2:] == [1, 1]

    def test_a_user_without_a_past_is_not_asked(self) -> None:
        old = [(1, 5, t) for t in range(10)]
        split = split_by_time(log_of([*old, (2, 5, 9)]), test_share=0.2)
        assert [user for user, _, _ in asked(split, split.test)] == [1]

    def test_a_newcomer_is_asked_for_the_last_event_only(self) -> None:
        given = [(1, 5, t) for t in range(10)] + [(2, 5, 9), (2, 5, 9)]
        users = {
            kind: [user for user, _, _ in asked(split, split.test)]
            for kind in Targets
            if (split := split_by_time(log_of(given), test_share=0.3, targets=kind))
        }
        assert users == {"last": [1, 2], "first": [1], "all": [1]}

    @pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.5, float("nan")])
    @pytest.mark.parametrize("name", ["test_share", "validation_share"])
    def test_refuses_shares_that_are_none(self, name: str, share: float) -> None:
        with pytest.raises(ConfigurationError, match=f"{name}={share} must lie between 0 and 1"):
            split_by_time(log_of([(1, 5, 1)]), **{name: share})

    def test_refuses_targets_that_are_none(self) -> None:
        with pytest.raises(ConfigurationError, match=r"'newest' is not known; .*last, first, all"):
            split_by_time(log_of([(1, 5, 1)]), targets="newest")

    def test_refuses_a_log_that_carries_only_an_order(self) -> None:
        with pytest.raises(NeedsClockError, match="A global time split needs the time"):
            split_by_time(_ordered([5, 6, 7, 8]))

    def test_refuses_empty_periods(self) -> None:
        with pytest.raises(TooLittleDataError, match="All interactions of the log fall into"):
            split_by_time(log_of([(1, 5, 3), (1, 6, 3)]))
        with pytest.raises(TooLittleDataError, match="falls into the training part"):
            split_by_time(log_of([(1, 5, 3)] * 5 + [(1, 5, 4)] * 5), test_share=0.5)
        with pytest.raises(TooLittleDataError, match=r"asked for the test: .*Enlarge test_share"):
            split_by_time(log_of([(1, 5, t) for t in range(9)] + [(2, 5, 9)]))
        with pytest.raises(TooLittleDataError, match=r"for the validation: .*validation_share"):
            split_by_time(log_of([(1, 5, t) for t in range(8)] + [(2, 5, 8), (1, 5, 9)]))


class TestLeaveLastOut:
    @quick
    @given(rows(most=40))
    def test_equals_its_definition(self, given: list[Row]) -> None:
        split = leave_last_out(given)
        trained, validation, test = set(), [], []
        for user, history in slow_histories(given).items():
            order = [event.row for event in history]
            if len(order) < 3:
                trained |= set(order)
                continue
            trained |= set(order[:-2])
            codes = split.vocabulary.encode([history[-2].item, history[-1].item]).tolist()
            validation.append((user, readable(split, history[:-2]), codes[:1]))
            test.append((user, readable(split, history[:-1]), codes[1:]))
        assert training_rows(split) == trained
        assert asked(split, split.validation) == validation
        assert asked(split, split.test) == test

    @quick
    @given(rows(most=40), st.data())
    def test_changing_what_is_held_out_changes_nothing_that_is_learned(
        self, given: list[Row], data: st.DataObject
    ) -> None:
        split = leave_last_out(given)
        trained = training_rows(split)
        other = [
            row if index in trained else (row[0], data.draw(st.integers(900, NEW_ITEM)), row[2])
            for index, row in enumerate(given)
        ]
        _same_training(split, split_leave_last_out(log_of(other)))

    def test_needs_no_clock(self) -> None:
        split = split_leave_last_out(_ordered([5, 6, 7, 8]))
        assert split.training.items().tolist() == [2, 3]
        assert split.validation.times is None
        assert split.tie_share is None

    def test_refuses_a_log_of_short_histories(self) -> None:
        with pytest.raises(TooLittleDataError, match="a user needs three interactions"):
            split_leave_last_out(log_of([(1, 5, 1), (1, 6, 2)]))


@pytest.mark.parametrize("cut", [split_by_time, split_leave_last_out])
class TestBoth:
    def test_ties_keep_the_order_of_the_file_and_not_that_of_the_items(self, cut) -> None:
        # At the end of each history two events tie; the file has the higher item id first for
        # user 1 and the lower one first for user 2, so neither order of ids can be right.
        given = [(user, 100 + t % 3, t) for t in range(20) for user in (1, 2)]
        given += [(1, 102, 50), (1, 100, 50), (2, 100, 50), (2, 102, 50)]
        split = cut(log_of(given))
        assert split.vocabulary.decode(split.test.targets) == [100, 102]
        newest = split.vocabulary.decode(split.test.last_items)
        assert newest == [102, 100]
        # The same log with its rows in another order means other targets.
        turned = cut(log_of([*given[:-4], given[-3], given[-4], given[-1], given[-2]]))
        assert turned.vocabulary.decode(turned.test.targets) == [102, 100]

    @pytest.mark.parametrize("name", ["user", "item", "time"])
    def test_refuses_missing_values_with_their_number_and_first_row(self, cut, name: str) -> None:
        frame = log_of([(1, 5, t) for t in range(20)]).collect().drop("row")
        gone = pl.when(pl.int_range(20).is_in([7, 3])).then(None).otherwise(pl.col(name))
        log = Interactions.of(frame.with_columns(gone.alias(name)), "shop.csv")
        with pytest.raises(DataError, match=rf"2 .* of shop.csv have no {name} \(first: row 3\)"):
            cut(log)

    def test_refuses_an_empty_log(self, cut) -> None:
        with pytest.raises(TooLittleDataError, match="the log holds no interaction"):
            cut(log_of([]))

    def test_refuses_a_log_without_any_moment(self, cut) -> None:
        frame = log_of([(1, 5, t) for t in range(4)]).collect()
        log = Interactions.of(frame.with_columns(time=pl.lit(None, pl.Float64)), "shop.csv")
        with pytest.raises(DataError, match=r"shop.csv .*(have no time|that has a time)"):
            cut(log)

    def test_rare_items_are_unknown_and_too_rare_for_all_is_refused(self, cut) -> None:
        given = [(1, 5 if t % 2 else 6, t) for t in range(19)] + [(1, 5, 19)]
        given[4] = (1, 77, 4)
        split = cut(log_of(given), min_count=2)
        assert 77 not in split.vocabulary
        assert split.events.items[4] == 1
        assert split.sequences.rows.tolist()[:5] == [0, 1, 2, 3, 5]
        assert "at least 2 times" in str(split.protocol)
        with pytest.raises(DataError, match="No item occurs 99 times"):
            cut(log_of(given), min_count=99)


@quick
@given(rows(users=3, most=40), st.sampled_from(["leave-last-out", *Targets]))
def test_assembling_saved_parts_gives_the_same_split(given: list[Row], kind: str) -> None:
    first = leave_last_out(given) if kind == "leave-last-out" else by_time(given, targets=kind)
    again = assemble(first.events, first.vocabulary, first.protocol, first.fingerprint)
    assert np.array_equal(first.training.ends, again.training.ends)
    assert (first.protocol, first.fingerprint) == (again.protocol, again.fingerprint)
    for ours, theirs in ((first.validation, again.validation), (first.test, again.test)):
        assert asked(first, ours) == asked(again, theirs)
        assert np.array_equal(ours.times, theirs.times)


def test_assembling_by_time_needs_times() -> None:
    protocol = SplitProtocol("global-time", Targets.LAST, 1.0, 2.0)
    with pytest.raises(NeedsClockError, match="these histories have none"):
        assemble(sequences_of([[2, 3, 4]], clock=False), vocabulary_of(5), protocol, "")


@quick
@given(rows(users=3, most=40))
def test_shares_of_ties_and_repeats_equal_a_loop(given: list[Row]) -> None:
    split = leave_last_out(given)
    trained = training_rows(split)
    ties, repeats = [], []
    for history in slow_histories(given).values():
        ties += [a.time == b.time for a, b in pairwise(history)]
        seen: set[int] = set()
        for event in history:
            if event.row in trained:
                repeats.append(event.item in seen)
                seen.add(event.item)
    assert split.tie_share == pytest.approx(np.mean(ties))
    # Items of the training part are all known here, so codes repeat where ids do.
    assert split.repeat_share == pytest.approx(np.mean(repeats))


def test_of_one_event_each_nothing_ties_and_nothing_repeats() -> None:
    sequences = sequences_of([[2], [3]])
    nothing = Queries.requests(sequences, np.array([0]))
    part = TrainingPart(sequences, sequences.offsets[:-1], vocabulary_of(2))
    split = Split(part, nothing, nothing, SplitProtocol("leave-last-out"), "", sequences)
    assert split.tie_share == 0.0
    assert split.repeat_share == 0.0
    assert split.training.events().tolist() == []


def test_a_protocol_reads_as_a_sentence() -> None:
    assert str(SplitProtocol("leave-last-out")) == (
        "leave-last-out: the last event of each user is the test, the one before it validation"
    )
    noon = datetime(2020, 5, 17, 12, 30, tzinfo=UTC).timestamp()
    text = str(SplitProtocol("global-time", Targets.ALL, 0.0, noon, min_count=3))
    assert text == (
        "global time: validation from 1970-01-01, test from 2020-05-17 12:30:00 (UTC), "
        "all targets of each user, items seen in training at least 3 times"
    )


def test_a_protocol_beyond_every_calendar_reads_as_seconds() -> None:
    times = [4e11 + number for number in range(10)]
    frame = pl.DataFrame({"user": [1] * 10, "item": list("ab") * 5, "time": times})
    split = split_by_time(Interactions.of(frame), test_share=0.2, validation_share=0.2)
    assert str(split.protocol) == (
        "global time: validation from 400000000006 seconds since 1970, test from 400000000008 "
        "seconds since 1970 (UTC), the last target of each user"
    )
    assert "inf seconds" in str(SplitProtocol("global-time", Targets.LAST, -1e300, inf))


def _ordered(items: list[int]) -> Interactions:
    """One user's log without a clock."""
    return Interactions.of(
        pl.DataFrame({"user": [1] * len(items), "item": items, "position": range(len(items))})
    )


def _same_training(ours: Split, theirs: Split) -> None:
    """Nothing that a method may look at differs."""
    assert ours.protocol == theirs.protocol
    assert ours.vocabulary.ids.to_list() == theirs.vocabulary.ids.to_list()
    assert ours.vocabulary.counts.tolist() == theirs.vocabulary.counts.tolist()
    parts = []
    for part in (ours.training, theirs.training):
        events = part.events()
        parts.append((part.ends - part.sequences.offsets[:-1], part.sequences.rows[events]))
    for mine, other in zip(*parts, strict=True):
        assert np.array_equal(mine, other)
    assert np.array_equal(ours.training.items(), theirs.training.items())


def test_a_time_that_is_no_number_is_refused() -> None:
    log = log_of([(1, 5, 0), (1, 6, 1), (1, 7, 2)])
    frame = log.collect().with_columns(time=pl.Series([0.0, float("nan"), 2.0]))
    with pytest.raises(DataError, match=r"1 interactions .* no time \(first: row 1\)"):
        split_by_time(Interactions.of(frame))
