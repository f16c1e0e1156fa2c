"""Queries against plain loops over lists."""

import numpy as np
import pytest
from coded_logs import Histories, histories, quick, sequences_of
from hypothesis import given
from hypothesis import strategies as st

from regard.data.queries import Queries
from regard.errors import DataError

Asked = tuple[Histories, Queries]


@st.composite
def queries(draw: st.DrawFn) -> Asked:
    """Some users' histories, each cut somewhere (also before its first event), some twice."""
    given = draw(histories(empty=True))
    users = draw(st.lists(st.integers(0, len(given) - 1), max_size=6))
    cuts = [draw(st.integers(0, len(given[user]))) for user in users]
    counts = [draw(st.integers(0, 3)) for _ in users]
    sequences = sequences_of(given)
    users_Q = np.asarray(users, np.int64)
    return given, Queries(
        sequences,
        users_Q,
        sequences.offsets[users_Q] + np.asarray(cuts, np.int64),
        np.arange(2, 2 + sum(counts), dtype=np.int32),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        np.arange(len(users), dtype=np.float64),
    )


def parts(asked: Queries) -> list[tuple[int, list[int], list[int], float]]:
    """Each query as plain values: user, history, targets, moment."""
    assert asked.times is not None
    return [
        (
            int(asked.users[q]),
            asked.sequences.items[asked.starts[q] : asked.ends[q]].tolist(),
            asked.targets[asked.target_offsets[q] : asked.target_offsets[q + 1]].tolist(),
            float(asked.times[q]),
        )
        for q in range(len(asked))
    ]


@quick
@given(queries(), st.integers(1, 4))
def test_history_events_equal_a_loop(given: Asked, longest: int) -> None:
    _, asked = given
    slow = [
        (q, position)
        for q in range(len(asked))
        for position in range(asked.starts[q], asked.ends[q])
    ]
    assert list(zip(*asked.history_events(), strict=True)) == slow
    newest = [
        (q, position)
        for q in range(len(asked))
        for position in range(max(asked.starts[q], asked.ends[q] - longest), asked.ends[q])
    ]
    assert list(zip(*asked.history_events(longest), strict=True)) == newest


@quick
@given(queries())
def test_seen_and_last_items_equal_a_loop(given: Asked) -> None:
    _, asked = given
    seen = asked.seen(9)
    assert seen.shape == (len(asked), 9)
    assert asked.last_items.dtype == np.int32
    for q, (_, history, _, _) in enumerate(parts(asked)):
        assert set(np.flatnonzero(seen[q])) == {code for code in history if code >= 2}
        assert asked.last_items[q] == (history[-1] if history else 0)
        assert asked.history_lengths[q] == len(history)


@quick
@given(queries(), st.data())
def test_select_equals_a_loop(given: Asked, data: st.DataObject) -> None:
    _, asked = given
    all_parts = parts(asked)
    mask = np.asarray(data.draw(st.lists(st.booleans(), min_size=len(asked), max_size=len(asked))))
    mask = mask.astype(np.bool_)
    assert parts(asked.select(mask)) == [all_parts[q] for q in np.flatnonzero(mask)]
    order = data.draw(st.permutations(range(len(asked))))
    assert parts(asked.select(np.asarray(order, np.int64))) == [all_parts[q] for q in order]
    assert parts(asked.select(slice(1, 3))) == all_parts[1:3]


@quick
@given(queries(), st.integers(1, 4))
def test_chunks_are_the_queries_in_order(given: Asked, size: int) -> None:
    _, asked = given
    chunks = list(asked.chunks(size))
    assert [len(chunk) for chunk in chunks[:-1]] == [size] * (len(chunks) - 1)
    assert [part for chunk in chunks for part in parts(chunk)] == parts(asked)


@quick
@given(histories())
def test_next_event_asks_for_the_event_at_the_end(given: Histories) -> None:
    sequences = sequences_of(given)
    users = np.arange(len(given))
    asked = Queries.next_event(sequences, users, sequences.offsets[1:] - 1)
    assert asked.targets.tolist() == [history[-1] for history in given]
    assert [part[1] for part in parts(asked)] == [history[:-1] for history in given]
    assert asked.times is not None
    assert asked.times.tolist() == [10.0 * end for end in asked.ends]


@quick
@given(histories(empty=True))
def test_requests_follow_everything_and_have_no_target(given: Histories) -> None:
    sequences = sequences_of(given)
    asked = Queries.requests(sequences, np.arange(len(given)))
    assert [part[1] for part in parts(asked)] == given
    assert len(asked.targets) == 0
    assert asked.target_offsets.tolist() == [0] * (len(given) + 1)
    expected = [
        10.0 * (end - 1) if history else 0.0
        for end, history in zip(sequences.offsets[1:], given, strict=True)
    ]
    assert asked.times is not None
    assert asked.times.tolist() == expected


def test_a_request_may_name_its_moment() -> None:
    asked = Queries.requests(sequences_of([[2], [3]]), np.array([1]), np.array([77.0]))
    assert parts(asked) == [(1, [3], [], 77.0)]


def test_without_a_clock_nothing_has_a_moment() -> None:
    sequences = sequences_of([[2, 3]], clock=False)
    for asked in (
        Queries.requests(sequences, np.array([0])),
        Queries.next_event(sequences, np.array([0]), np.array([1])),
    ):
        assert asked.times is None
        assert asked.select(np.array([0])).times is None


def test_histories_without_any_event_have_no_last_item() -> None:
    asked = Queries.requests(sequences_of([[], []]), np.array([0, 1]))
    assert asked.last_items.tolist() == [0, 0]
    assert not asked.seen(4).any()


@pytest.mark.parametrize("end", [1, 4])
def test_refuses_an_end_in_the_history_of_somebody_else(end: int) -> None:
    sequences = sequences_of([[2, 3], [4], [5, 6]])
    with pytest.raises(DataError, match="outside the history of its user"):
        Queries.next_event(sequences, np.array([1]), np.array([end]))
