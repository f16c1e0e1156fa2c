"""Whole numbers in text, against Python's own reading of each value."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.data.ingest.columns import as_context, as_ids, as_numbers, missing_to_null
from regard.data.numerals import are_canonical, whole_numbers

WHOLE = st.integers(-(2**63), 2**63 - 1) | st.integers(-10, 1_000)
SPELLINGS = WHOLE.map(str) | st.sampled_from(["+5", "05", "-0", "0", "-007", "00", "9" * 18])
STRANGE = st.sampled_from(
    ["", " ", " 5", "5 ", "1.0", "1e3", "1_0", "NA", "x", str(2**63), "\u0665"]
)


@given(texts=st.lists(SPELLINGS | st.none(), min_size=1))
def test_numbers_are_read_and_only_shortest_spellings_are_canonical(
    texts: list[str | None],
) -> None:
    column = pl.Series(texts, dtype=pl.String)
    numbers = whole_numbers(column)
    if all(text is None for text in texts):
        assert numbers is None
        return
    assert numbers is not None
    assert numbers.to_list() == [None if text is None else int(text) for text in texts]
    canonical = all(text is None or str(int(text)) == text for text in texts)
    assert are_canonical(column, numbers) == canonical


@given(texts=st.lists(SPELLINGS | st.none()), strange=STRANGE, data=st.data())
def test_one_value_of_another_kind_is_enough(texts: list[str | None], strange: str, data) -> None:
    texts.insert(data.draw(st.integers(0, len(texts))), strange)
    assert whole_numbers(pl.Series(texts, dtype=pl.String)) is None


def test_a_stranger_behind_the_sample_is_found() -> None:
    assert whole_numbers(pl.Series(["7"] * 500 + ["seven"])) is None


@pytest.mark.parametrize("text", ["+5", "05", "-0", str(-(2**63))])
def test_ids_stay_text_unless_nothing_is_lost(text: str) -> None:
    lossless = str(int(text)) == text
    made, notes = as_ids(pl.Series(["12", None, text]))
    assert made.to_list() == ([12, None, int(text)] if lossless else ["12", None, text])
    assert notes == ()


def test_numbers_and_context_take_the_short_way_to_the_same_end() -> None:
    column = pl.Series("c", ["3", None, "-4"])
    assert as_numbers(column).to_list() == as_context(column).to_list() == [3, None, -4]
    assert as_context(pl.Series(["3", "04"])).to_list() == ["3", "04"]
    assert missing_to_null(column).to_list() == ["3", None, "-4"]
