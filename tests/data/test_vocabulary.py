"""Own ids to codes and back."""

from collections import Counter

import numpy as np
import polars as pl
import pytest
from coded_logs import quick
from hypothesis import given
from hypothesis import strategies as st

from regard.data.vocabulary import Id, Vocabulary, coerce_ids
from regard.errors import DataError, UnknownItemError

ids = st.one_of(
    st.lists(st.integers(-50, 50), min_size=1, max_size=40),
    st.lists(st.text(max_size=4), min_size=1, max_size=40),
)


def series(values: list[Id]) -> pl.Series:
    kind = pl.Int64() if isinstance(values[0], int) else pl.String()
    return pl.Series("item", values, dtype=kind)


@quick
@given(ids, st.integers(1, 3))
def test_fit_equals_a_counter(items: list[Id], min_count: int) -> None:
    # `most_common` keeps the order of first appearance among equal counts.
    slow = [pair for pair in Counter(items).most_common() if pair[1] >= min_count]
    if not slow:
        with pytest.raises(DataError, match=f"No item occurs {min_count} times"):
            Vocabulary.fit(series(items), min_count=min_count)
        return
    fitted = Vocabulary.fit(series(items), min_count=min_count)
    assert list(zip(fitted.ids, fitted.counts, strict=True)) == slow
    assert fitted.counts.dtype == np.int64
    assert fitted.size == len(fitted) + 2 == len(slow) + 2


@quick
@given(ids)
def test_codes_come_back_as_ids(items: list[Id]) -> None:
    fitted = Vocabulary.fit(series(items))
    codes = fitted.encode(series(items))
    assert codes.dtype == np.int32
    assert fitted.decode(codes) == items
    assert fitted.encode(items).tolist() == codes.tolist()
    assert [fitted.code(item) for item in items] == codes.tolist()
    assert sorted(set(codes.tolist())) == list(range(2, fitted.size))
    assert all(item in fitted for item in items)


@quick
@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=20))
def test_numbers_typed_as_text_are_found_and_the_other_way_round(numbers: list[int]) -> None:
    texts: list[Id] = [str(number) for number in numbers]
    by_number, by_text = Vocabulary.fit(series(numbers)), Vocabulary.fit(series(texts))
    assert by_number.encode(texts).tolist() == by_number.encode(numbers).tolist()
    assert by_text.encode(numbers).tolist() == by_text.encode(texts).tolist()
    assert by_text.encode(series(numbers)).tolist() == by_text.encode(texts).tolist()


def test_equal_counts_keep_the_order_of_first_appearance() -> None:
    fitted = Vocabulary.fit(pl.Series(["z", "b", "a", "b", "z", "m"]))
    assert fitted.ids.to_list() == ["z", "b", "a", "m"]
    assert fitted.counts.tolist() == [2, 2, 1, 1]


def test_so_they_do_among_many() -> None:
    items = np.random.default_rng(0).permutation(20_000)
    assert Vocabulary.fit(pl.Series(items)).ids.to_list() == items.tolist()


@pytest.mark.parametrize(
    ("known", "asked"),
    [
        (pl.Series([1, 2]), [3, "x", "1.5", "", 10**30, -1]),
        (pl.Series(["a"]), ["A", "", "a ", 7, "ä"]),
    ],
)
def test_whatever_is_not_known_is_one(known: pl.Series, asked: list[Id]) -> None:
    fitted = Vocabulary.fit(known)
    assert fitted.encode(asked).tolist() == [1] * len(asked)
    assert not any(item in fitted for item in asked)


def test_a_missing_id_is_unknown_and_never_learned() -> None:
    fitted = Vocabulary.fit(pl.Series([None, 4, None], dtype=pl.Int64))
    assert fitted.ids.to_list() == [4]
    assert fitted.encode(pl.Series([None, 4], dtype=pl.Int64)).tolist() == [1, 2]


def test_nothing_in_nothing_out() -> None:
    fitted = Vocabulary.fit(pl.Series([4]))
    assert fitted.encode([]).tolist() == []
    assert fitted.decode([]) == []


def test_things_that_are_no_ids_are_not_in_it() -> None:
    fitted = Vocabulary.fit(pl.Series([1]))
    for thing in (None, 1.0, (1,)):
        assert thing not in fitted


def test_an_unknown_item_is_refused_by_name() -> None:
    with pytest.raises(UnknownItemError, match="'caviar' is not among the 1 items"):
        Vocabulary.fit(pl.Series(["tea"])).code("caviar")


@pytest.mark.parametrize("codes", [[0], [1], [2, 4], [-1]])
def test_only_codes_of_real_items_are_decoded(codes: list[int]) -> None:
    with pytest.raises(DataError, match=f"from 2 to 3; received {min(codes)} to {max(codes)}"):
        Vocabulary.fit(pl.Series(["a", "b"])).decode(codes)


def test_refuses_ids_that_are_not_ids() -> None:
    with pytest.raises(DataError, match="each id once and none that is missing"):
        Vocabulary(pl.Series([1, 1]), np.ones(2, np.int64))
    with pytest.raises(DataError, match="each id once and none that is missing"):
        Vocabulary(pl.Series([1, None]), np.ones(2, np.int64))
    with pytest.raises(DataError, match="one count for each"):
        Vocabulary(pl.Series([1, 2]), np.ones(1, np.int64))


def test_ids_take_the_type_of_the_vocabulary() -> None:
    assert coerce_ids([17, "a"], pl.String()).to_list() == ["17", "a"]
    assert coerce_ids(pl.Series(["17", "a"]), pl.Int64()).to_list() == [17, None]
