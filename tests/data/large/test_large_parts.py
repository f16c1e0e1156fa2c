"""Ranks against sorting, shards against order, space against what is there."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.data.large import ranks, space
from regard.data.large.partition import Partition, grouped
from regard.data.large.ranks import count_below, value_at_rank
from regard.errors import StorageError

NUMBERS = st.lists(st.floats(allow_nan=False), min_size=1, max_size=60)


@given(numbers=NUMBERS, pieces=st.integers(1, 4), few=st.sampled_from([1, 3, 1_000]))
def test_every_rank_is_that_of_sorting(numbers: list[float], pieces: int, few: int) -> None:
    parts = np.array_split(np.array(numbers), pieces)
    before, ranks._FEW = ranks._FEW, few
    try:
        found = [value_at_rank(lambda: parts, rank) for rank in range(len(numbers))]
    finally:
        ranks._FEW = before
    assert found == sorted(numbers)
    middle = found[len(found) // 2]
    assert count_below(lambda: parts, middle) == sum(each < middle for each in numbers)


IDS = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1) | st.none(), min_size=1, max_size=40),
    st.lists(st.text(max_size=3) | st.none(), min_size=1, max_size=40),
)


@given(ids=IDS, bounds=st.integers(0, 5))
def test_shards_are_ranges_of_users(ids: list[int | str | None], bounds: int) -> None:
    text = any(isinstance(each, str) for each in ids)
    users = pl.Series("user", ids, pl.String if text else pl.Int64)
    cut = Partition(users.drop_nulls().unique().sort()[1 : 1 + bounds])
    shards = cut.assign(users)
    assert len(set(shards[users.is_null().to_numpy()])) <= 1
    table = pl.DataFrame({"user": users, "row": range(len(users))})
    pieces = grouped(table, cut)
    assert [number for number, _ in pieces] == sorted({*shards.tolist()})
    assert all(rows["row"].is_sorted() for _, rows in pieces)
    sorted_apart = pl.concat([rows.drop_nulls().sort("user", "row") for _, rows in pieces])
    assert sorted_apart.equals(table.drop_nulls().sort("user", "row"))


@pytest.mark.parametrize("dtype", [pl.UInt64, pl.Int8, pl.UInt16])
def test_integers_of_every_width(dtype: pl.DataType) -> None:
    users = pl.Series("user", [3, None, 100, 7], dtype)
    assert Partition(pl.Series([7], dtype=dtype)).assign(users).tolist() == [0, 0, 1, 1]


def test_memory_is_what_the_system_says(monkeypatch: pytest.MonkeyPatch) -> None:
    told = space.available_memory()
    assert 0 < told < 2**50
    monkeypatch.setattr(Path, "exists", lambda _: False)
    assert 0 < space.available_memory() < 2**50
    monkeypatch.delattr(space.os, "sysconf", raising=False)
    assert space.available_memory() == 4 * 2**30


def test_disk_that_is_not_there(tmp_path: Path) -> None:
    space.require_disk(tmp_path / "a" / "b", 10, 32.0, 2)
    with pytest.raises(StorageError, match="Free some space"):
        space.require_disk(tmp_path / "a", 10**13, 32.0, 2)
