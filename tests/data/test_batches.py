"""Batches: each training event a target once, whatever the window, the padding and the order."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pytest
from coded_logs import Histories, histories, quick, sequences_of, vocabulary_of
from hypothesis import given
from hypothesis import strategies as st

from regard.data.batches import (
    Batch,
    TrainingBatches,
    query_batch,
    query_batches,
    training_prefixes,
    training_windows,
)
from regard.data.queries import Queries
from regard.data.sequences import Sequences
from regard.data.split import TrainingPart
from regard.schema import FIRST_CODE


def numbered(lengths: list[int], *, clock: bool = True) -> Sequences:
    """Sequences in which event `e` of the flat arrays has code `e + 2`: codes name positions."""
    codes = iter(range(FIRST_CODE, FIRST_CODE + sum(lengths)))
    return sequences_of([[next(codes) for _ in range(n)] for n in lengths], clock=clock)


@st.composite
def parts(draw: st.DrawFn) -> TrainingPart:
    """Numbered histories of which the last few events are not for training."""
    lengths = draw(st.lists(st.integers(0, 12), min_size=1, max_size=8))
    held_out = [draw(st.integers(0, min(2, n))) for n in lengths]
    sequences = numbered(lengths)
    ends = sequences.offsets[1:] - np.asarray(held_out, np.int64)
    return TrainingPart(sequences, ends, vocabulary_of(len(sequences.items)))


def batches_of(part: TrainingPart, **options: object) -> TrainingBatches:
    return TrainingBatches(part, **{"longest": 4, "tokens": 16, "seed": 3, **options})


def same(ours: Iterable[Batch], theirs: Iterable[Batch]) -> bool:
    """Whether two runs of batches hold the same arrays in the same order."""
    return [_plain(batch) for batch in ours] == [_plain(batch) for batch in theirs]


def _plain(batch: Batch) -> list[object]:
    arrays = (batch.items, batch.lengths, batch.targets, batch.times, batch.asked)
    return [None if each is None else each.tolist() for each in arrays]


longest = st.integers(1, 6)
tokens = st.integers(1, 40)
epochs = st.integers(0, 3)


class TestTraining:
    @quick
    @given(parts(), longest, tokens, epochs)
    def test_each_event_but_the_first_is_a_target_exactly_once(
        self, part: TrainingPart, longest: int, tokens: int, epoch: int
    ) -> None:
        batches = batches_of(part, longest=longest, tokens=tokens)
        found = Counter(
            int(code) for batch in batches.epoch(epoch) for code in batch.targets[batch.targets > 0]
        )
        first = part.sequences.offsets[:-1]
        expected = [
            event + FIRST_CODE
            for start, end in zip(first, part.ends, strict=True)
            for event in range(start + 1, end)
        ]
        assert found == Counter(expected)

    @quick
    @given(parts(), longest, tokens, epochs)
    def test_rows_are_stretches_padded_on_the_right(
        self, part: TrainingPart, longest: int, tokens: int, epoch: int
    ) -> None:
        sequences = part.sequences
        for batch in batches_of(part, longest=longest, tokens=tokens).epoch(epoch):
            assert batch.items.dtype == batch.targets.dtype == batch.lengths.dtype == np.int64
            assert batch.items.shape == batch.targets.shape
            assert batch.items.shape[1] == batch.lengths.max() <= longest
            assert batch.lengths.min() >= 1
            for row, length in enumerate(batch.lengths):
                begin = batch.items[row, 0] - FIRST_CODE
                stretch = sequences.items[begin : begin + length + 1]
                assert batch.items[row, :length].tolist() == stretch[:-1].tolist()
                assert batch.targets[row, :length].tolist() == stretch[1:].tolist()
                assert not batch.items[row, length:].any()
                assert not batch.targets[row, length:].any()
                owner = np.searchsorted(sequences.offsets, begin, side="right") - 1
                assert begin + length < part.ends[owner]

    @quick
    @given(parts(), longest, tokens)
    def test_batches_are_filled_to_the_budget_and_no_further(
        self, part: TrainingPart, longest: int, tokens: int
    ) -> None:
        batches = batches_of(part, longest=longest, tokens=tokens)
        shapes = sorted(batch.items.shape[::-1] for batch in batches.epoch(0))
        assert all(rows * length <= tokens or rows == 1 for length, rows in shapes)
        lengths = sorted(int(n) for batch in batches.epoch(0) for n in batch.lengths)
        slow: list[tuple[int, int]] = []
        rows = 0
        for number, length in enumerate(lengths):
            rows += 1
            following = lengths[number + 1] if number + 1 < len(lengths) else None
            if following is None or (rows + 1) * following > tokens:
                slow.append((length, rows))
                rows = 0
        assert shapes == sorted(slow)
        assert batches.count(0) == len(slow)

    @quick
    @given(parts(), epochs, st.integers(0, 6))
    def test_an_epoch_can_be_taken_up_anywhere(
        self, part: TrainingPart, epoch: int, start: int
    ) -> None:
        whole = list(batches_of(part).epoch(epoch))
        assert same(whole[start:], batches_of(part).epoch(epoch, start=start))

    def test_same_seed_same_batches_and_other_seed_or_epoch_other_ones(self) -> None:
        part = _part([9, 8, 7, 30, 5, 4, 3, 2] * 4)
        ours = list(batches_of(part).epoch(1))
        assert same(ours, batches_of(part).epoch(1))
        assert not same(ours, batches_of(part).epoch(0))
        assert not same(ours, batches_of(part, seed=4).epoch(1))

    def test_lengths_come_in_no_order(self) -> None:
        lengths = [batch.items.shape[1] for batch in batches_of(_part([2, 3, 4, 5] * 9)).epoch(0)]
        assert sorted(lengths) != lengths != sorted(lengths, reverse=True)

    def test_unknown_items_are_read_and_never_learned(self) -> None:
        sequences = sequences_of([[2, 1, 3]])
        part = TrainingPart(sequences, sequences.offsets[1:], vocabulary_of(2))
        [batch] = batches_of(part).epoch(0)
        assert batch.items.tolist() == [[2, 1]]
        assert batch.targets.tolist() == [[0, 3]]

    def test_of_single_events_there_are_no_batches(self) -> None:
        part = _part([1, 0, 1])
        assert batches_of(part).count(0) == 0
        assert list(batches_of(part).epoch(0)) == []

    @quick
    @given(parts(), epochs)
    def test_times_stand_beside_their_events(self, part: TrainingPart, epoch: int) -> None:
        plain = batches_of(part).epoch(epoch)
        for batch, without in zip(
            batches_of(part, with_times=True).epoch(epoch), plain, strict=True
        ):
            assert without.times is None
            assert without.asked is None
            assert np.array_equal(batch.items, without.items)
            # Event `e` has code `e + 2` and happens at second `10 e`.
            real = batch.items > 0
            assert np.array_equal(batch.times, np.where(real, 10.0 * (batch.items - 2), 0.0))
            assert np.array_equal(batch.asked, np.where(real, 10.0 * (batch.targets - 2), 0.0))

    def test_without_a_clock_there_are_no_times_to_ask_for(self) -> None:
        sequences = numbered([3], clock=False)
        part = TrainingPart(sequences, sequences.offsets[1:], vocabulary_of(3))
        [batch] = batches_of(part, with_times=True).epoch(0)
        assert batch.times is None


class TestWindows:
    @quick
    @given(parts(), longest, st.integers(0, 9))
    def test_windows_of_a_history_follow_one_another(
        self, part: TrainingPart, longest: int, seed: int
    ) -> None:
        windows = training_windows(part, longest, np.random.default_rng(seed))
        assert len(windows) == len(windows.ends)
        for start, end in zip(part.sequences.offsets[:-1], part.ends, strict=True):
            inside = (windows.starts >= start) & (windows.ends <= end)
            starts, ends = windows.starts[inside], windows.ends[inside]
            if end - start < 2:
                assert not len(starts)
                continue
            assert starts[0] == start
            assert ends[-1] == end
            assert np.array_equal(starts[1:], ends[:-1] - 1)
            inputs = ends - starts - 1
            assert (inputs[1:-1] == longest).all()
            assert (inputs >= 1).all()
            assert (inputs <= longest).all()

    def test_a_short_history_is_one_window(self) -> None:
        windows = training_windows(_part([4]), 3, np.random.default_rng(0))
        assert (windows.starts.tolist(), windows.ends.tolist()) == ([0], [4])

    def test_every_phase_is_drawn_about_equally_often(self) -> None:
        windows = training_windows(_part([9] * 3000), 4, np.random.default_rng(0))
        first = np.isin(windows.starts, np.arange(0, 27_000, 9))
        inputs = (windows.ends - windows.starts)[first] - 1
        assert np.bincount(inputs)[1:] == pytest.approx([750] * 4, abs=4 * 750**0.5)


class TestPrefixes:
    @quick
    @given(parts(), longest, st.integers(0, 9))
    def test_an_event_is_read_with_all_that_fits_before_it(
        self, part: TrainingPart, longest: int, seed: int
    ) -> None:
        prefixes = training_prefixes(part, longest, np.random.default_rng(seed))
        windows = training_windows(part, longest, np.random.default_rng(seed))
        firsts = part.sequences.offsets[:-1]
        owner = np.searchsorted(firsts, prefixes.starts, side="right") - 1
        assert (prefixes.ends <= part.ends[owner]).all()
        inputs = prefixes.ends - prefixes.starts - 1
        assert (inputs >= 1).all()
        expected = np.minimum(prefixes.ends - 1 - firsts[owner], longest)
        assert np.array_equal(inputs, expected)
        assert set(owner) == set(np.searchsorted(firsts, windows.starts, side="right") - 1)
        targets = np.maximum(part.ends - firsts - 1, 0)
        assert np.array_equal(np.bincount(owner, minlength=len(targets)), -(-targets // longest))

    def test_every_event_is_drawn_about_equally_often(self) -> None:
        prefixes = training_prefixes(_part([9] * 3000), 3, np.random.default_rng(0))
        targets = (prefixes.ends - 1) % 9
        assert np.bincount(targets)[1:] == pytest.approx([9_000 / 8] * 8, abs=4 * 1_125**0.5)

    @quick
    @given(parts(), longest, tokens, epochs)
    def test_batches_of_them_hold_histories_of_like_length(
        self, part: TrainingPart, longest: int, tokens: int, epoch: int
    ) -> None:
        batches = batches_of(part, longest=longest, tokens=tokens, prefixes=True)
        asked = [
            (batch.items[row, length - 1], batch.targets[row, length - 1])
            for batch in batches.epoch(epoch)
            for row, length in enumerate(batch.lengths)
        ]
        # Event `e` has code `e + 2`, and what follows it the next one.
        assert all(target == item + 1 for item, target in asked)
        targets = np.maximum(part.ends - part.sequences.offsets[:-1] - 1, 0)
        assert len(asked) == (-(-targets // longest)).sum()


class TestQueries:
    @quick
    @given(histories(), st.integers(1, 5), st.data())
    def test_keeps_the_newest_events_of_each_history(
        self, given: Histories, longest: int, data: st.DataObject
    ) -> None:
        sequences = sequences_of(given)
        cuts = [data.draw(st.integers(1, len(history))) for history in given]
        users = np.arange(len(given))
        none = np.zeros(len(given) + 1, np.int64)
        asked = Queries(
            sequences,
            users,
            sequences.offsets[:-1] + np.asarray(cuts),
            np.zeros(0, np.int32),
            none,
            np.arange(len(given)) + 5000.0,
        )
        batch = query_batch(asked, longest)
        assert batch.targets is None
        assert batch.times is not None
        assert batch.asked is not None
        for row, cut in enumerate(cuts):
            events = range(asked.starts[row], asked.ends[row])[-longest:]
            padding = batch.items.shape[1] - len(events)
            assert batch.lengths[row] == len(events)
            codes = given[row][:cut][-longest:]
            assert batch.items[row].tolist() == codes + [0] * padding
            moments = [10.0 * event for event in events]
            assert batch.times[row].tolist() == moments + [0.0] * padding
            following = [*moments[1:], 5000.0 + row]
            assert batch.asked[row].tolist() == following + [0.0] * padding

    def test_without_a_clock_there_are_no_times(self) -> None:
        asked = Queries.requests(sequences_of([[2, 3]], clock=False), np.array([0]))
        batch = query_batch(asked, 9)
        assert batch.times is batch.asked is None
        assert batch.items.tolist() == [[2, 3]]

    def test_no_queries_make_an_empty_batch(self) -> None:
        asked = Queries.requests(sequences_of([[2, 3]]), np.array([], np.int64))
        assert query_batch(asked, 9).items.shape == (0, 1)


def _part(lengths: list[int]) -> TrainingPart:
    sequences = numbered(lengths)
    return TrainingPart(sequences, sequences.offsets[1:], vocabulary_of(len(sequences.items)))


@quick
@given(parts(), longest, tokens)
def test_batches_of_queries_hold_each_query_once_and_little_padding(
    part: TrainingPart, longest: int, tokens: int
) -> None:
    users = np.flatnonzero(part.ends > part.sequences.offsets[:-1])
    asked = Queries.requests(part.sequences, users)
    found = list(query_batches(asked, longest, tokens))
    assert sorted(row for rows, _ in found for row in rows) == list(range(len(users)))
    for rows, batch in found:
        assert same([batch], [query_batch(asked.select(rows), longest)])
        assert batch.items.size <= tokens or len(rows) == 1
    lengths = [length for _, batch in found for length in batch.lengths]
    assert lengths == sorted(lengths)
