"""Sequences against a plain loop, on disk and back, and what they refuse."""

import json
import pickle
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from coded_logs import histories, quick, rows, sequences_of
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from regard.data.sequences import Sequences
from regard.errors import DataError

Row = tuple[int, int, int]


def table_of(given: list[Row]) -> pl.DataFrame:
    schema = {"user": pl.Int64, "item": pl.Int64, "time": pl.Float64}
    frame = pl.DataFrame(given, schema=schema, orient="row").with_row_index("row")
    return frame.sort("user", "time", "row")


@quick
@given(rows())
def test_equals_a_plain_loop(given: list[Row]) -> None:
    slow: dict[int, list[tuple[int, int, int]]] = {}
    for row, (user, item, time) in enumerate(given):
        slow.setdefault(user, []).append((time, row, item))
    built = Sequences.of(table_of(given))
    assert built.users.to_list() == sorted(slow)
    assert len(built) == len(slow)
    assert built.times is not None
    assert built.offsets.dtype == built.rows.dtype == np.int64
    assert built.items.dtype == np.int32
    for index, user in enumerate(built.users):
        stretch = slice(built.offsets[index], built.offsets[index + 1])
        found = zip(built.times[stretch], built.rows[stretch], built.items[stretch], strict=True)
        assert list(found) == sorted(slow[user])
        assert built.lengths[index] == len(slow[user])


def test_without_a_clock_there_are_no_times() -> None:
    assert Sequences.of(table_of([(1, 2, 3)]).drop("time")).times is None


def test_of_nothing_is_nothing() -> None:
    built = Sequences.of(table_of([]))
    assert len(built) == 0
    assert built.offsets.tolist() == [0]


def test_refuses_a_user_in_two_places() -> None:
    table = pl.DataFrame({"user": [1, 2, 1], "item": [2, 3, 4], "row": [0, 1, 2]})
    with pytest.raises(DataError, match="must lie together"):
        Sequences.of(table)


def test_refuses_times_that_run_backwards_and_says_where() -> None:
    table = pl.DataFrame(
        {"user": [1, 2, 2], "item": [2, 3, 4], "row": [0, 1, 2], "time": [9.0, 8.0, 7.5]}
    )
    with pytest.raises(DataError, match=r"backwards within a user at event 2 \(time 7\.5\)"):
        Sequences.of(table)


def test_times_may_fall_from_one_user_to_the_next() -> None:
    table = pl.DataFrame({"user": [1, 2], "item": [2, 3], "row": [0, 1], "time": [9.0, 1.0]})
    assert len(Sequences.of(table)) == 2


def test_refuses_arrays_that_do_not_fit() -> None:
    good = sequences_of([[2, 3], [4]])
    with pytest.raises(DataError, match="2 users and 3 events do not fit offsets of length 2"):
        Sequences(good.users, good.offsets[:2], good.items, good.times, good.rows)
    with pytest.raises(DataError, match="do not fit offsets"):
        Sequences(good.users, good.offsets, good.items[:2], good.times, good.rows)
    with pytest.raises(DataError, match="one length"):
        Sequences(good.users, good.offsets, good.items, good.times, good.rows[:2])
    with pytest.raises(DataError, match="one length"):
        Sequences(good.users, good.offsets, good.items, np.zeros(9), good.rows)


@quick
@given(histories(empty=True), st.data())
def test_select_equals_a_loop(given: list[list[int]], data: st.DataObject) -> None:
    every = sequences_of(given)
    keep = data.draw(st.lists(st.integers(0, len(given) - 1), max_size=4))
    chosen = every.select(np.asarray(keep, np.int64))
    assert chosen.users.to_list() == [every.users[u] for u in keep]
    assert chosen.items.tolist() == [code for u in keep for code in given[u]]
    assert chosen.lengths.tolist() == [len(given[u]) for u in keep]
    events = [e for u in keep for e in range(every.offsets[u], every.offsets[u + 1])]
    assert chosen.rows.tolist() == events
    assert chosen.times is not None
    assert chosen.times.tolist() == [10.0 * e for e in events]


@pytest.mark.parametrize("clock", [True, False])
@pytest.mark.parametrize("given", [[[2, 3], [4]], [[5]], [[]]])
def test_comes_back_from_disk_as_it_was(
    tmp_path: Path, clock: bool, given: list[list[int]]
) -> None:
    kept = sequences_of(given, clock=clock)
    kept.save(tmp_path)
    back = Sequences.open(tmp_path)
    assert back.users.equals(kept.users)
    for name in ("offsets", "items", "rows", "times"):
        ours, theirs = getattr(kept, name), getattr(back, name)
        assert (ours is None) == (theirs is None)
        if ours is not None:
            assert isinstance(theirs, np.memmap)
            assert theirs.dtype == ours.dtype
            assert np.array_equal(ours, theirs)


def test_opened_sequences_can_be_cut_and_selected(tmp_path: Path) -> None:
    sequences_of([[2, 3], [4]]).save(tmp_path)
    assert Sequences.open(tmp_path).select(np.array([1])).items.tolist() == [4]


FILES = ("offsets.npy", "items.npy", "rows.npy", "times.npy", "users.parquet", "sequences.json")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("garbage", [None, b"", b"garbage", b"[1]", b"\xff\xfe\x00"])
def test_refuses_a_folder_with_a_damaged_file(
    tmp_path: Path, name: str, garbage: bytes | None
) -> None:
    sequences_of([[2, 3], [4]]).save(tmp_path)
    if garbage is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(garbage)
    with pytest.raises(DataError, match="does not hold saved sequences"):
        Sequences.open(tmp_path)


def test_refuses_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not hold saved sequences"):
        Sequences.open(tmp_path / "nowhere")


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith("npy")])
def test_never_unpickles(tmp_path: Path, name: str) -> None:
    sequences_of([[2, 3], [4]]).save(tmp_path)
    proof = tmp_path / "executed"
    np.save(tmp_path / name, np.array([Bomb(proof)], object), allow_pickle=True)
    with pytest.raises(DataError):
        Sequences.open(tmp_path)
    (tmp_path / name).write_bytes(pickle.dumps(Bomb(proof)))
    with pytest.raises(DataError):
        Sequences.open(tmp_path)
    assert not proof.exists()
    pickle.loads(pickle.dumps(Bomb(proof)))
    assert proof.exists()


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("items", np.array([2, 3], np.int32)),
        ("rows", np.array([0, 1], np.int64)),
        ("times", np.array([0.0])),
        ("offsets", np.array([0, 3], np.int64)),
        ("offsets", np.array([], np.int64)),
        ("offsets", np.array([0, 2, 4], np.int64)),
    ],
)
def test_refuses_arrays_of_another_folder(
    tmp_path: Path, name: str, array: NDArray[np.generic]
) -> None:
    sequences_of([[2, 3], [4]]).save(tmp_path)
    np.save(tmp_path / f"{name}.npy", array)
    with pytest.raises(DataError):
        Sequences.open(tmp_path)


def test_the_clock_is_what_was_saved(tmp_path: Path) -> None:
    sequences_of([[2, 3]], clock=False).save(tmp_path)
    assert json.loads((tmp_path / "sequences.json").read_text()) == {"clock": False}
    assert not (tmp_path / "times.npy").exists()
