"""Words of texts, and stored vectors."""

import json
import re
import unicodedata
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from regard.data.encoders.texts import Words, split_words
from regard.data.encoders.vectors import Vectors
from regard.errors import ColumnError, ConfigurationError, DataError, TooLittleDataError

ALPHABET = "aB é\u0301ßЖ2²,-\n漢"
texts = st.lists(st.one_of(st.none(), st.text(ALPHABET, max_size=12)), max_size=15)


def series(values: list[Any]) -> pl.Series:
    return pl.Series("title", values, dtype=pl.String)


def loop(text: str | None) -> list[str]:
    kept = unicodedata.normalize("NFKC", text or "").lower()
    return "".join(
        letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in kept
    ).split(" ")


class TestWords:
    @given(texts)
    def test_split_as_a_loop_does(self, values: list[Any]) -> None:
        expected = [[word for word in loop(text) if word] for text in values]
        assert split_words(series(values)).to_list() == expected

    @given(texts, texts, st.integers(1, 4))
    def test_codes_of_a_loop(self, trained: list[Any], later: list[Any], length: int) -> None:
        encoder = Words.fit(series([*trained, "a"]), length=length)
        code = {word: n + 2 for n, word in enumerate(encoder.known["word"])}
        expected = [
            ([code.get(word, 1) for word in loop(text) if word] + [0] * length)[:length]
            for text in later
        ]
        assert encoder.transform(series(later))["title"].to_list() == expected
        assert all(max(row) < encoder.size for row in expected)

    @given(texts, st.randoms())
    def test_order_does_not_matter_and_storing_loses_nothing(
        self, trained: list[Any], random: Any
    ) -> None:
        encoder = Words.fit(series([*trained, "a"]), length=2)
        shuffled = [*trained, "a"]
        random.shuffle(shuffled)
        assert Words.fit(series(shuffled), length=2) == encoder
        stored = json.loads(json.dumps(encoder.to_dict()))
        assert Words.from_dict(stored, encoder.tables()) == encoder

    def test_counts_of_scikit_learn(self) -> None:
        titles = ["Red tea cup", "TEA pot, red", "tea & tea", "Éclair"]
        theirs = CountVectorizer(token_pattern=r"\w+")
        counts = theirs.fit_transform(titles).sum(axis=0).A1
        names = theirs.get_feature_names_out()
        expected = dict(zip(names.tolist(), counts.tolist(), strict=True))
        assert dict(Words.fit(series(titles)).known.iter_rows()) == expected

    def test_rare_words_and_the_most_frequent(self) -> None:
        titles = series(["a a b", "a b c"])
        assert Words.fit(titles, min_count=2).known["word"].to_list() == ["a", "b"]
        assert Words.fit(titles, most=1).known["word"].to_list() == ["a"]

    def test_faults(self) -> None:
        for values in ([], [None], ["- , !"]):
            with pytest.raises(TooLittleDataError, match="'words' has nothing to learn"):
                Words.fit(series(values))
        with pytest.raises(TooLittleDataError, match="occurs 3 times"):
            Words.fit(series(["a a"]), min_count=3)
        for name in ("length", "min_count", "most"):
            with pytest.raises(ConfigurationError, match=f"{name}=0"):
                Words.fit(series(["a"]), **{name: 0})


class TestVectors:
    table = pl.DataFrame({"word": [3, 7], "vector": [[1.0, 2.0], [3.0, 4.0]]})

    def test_of_lists_and_arrays(self) -> None:
        values = pl.Series("item", [7, 3, 7, 9, None])
        arrays = self.table.with_columns(pl.col("vector").cast(pl.Array(pl.Float64, 2)))
        for table in (self.table, arrays):
            encoder = Vectors.fit(values, table=table)
            found = encoder.transform(values)["item"].to_numpy()
            assert found.dtype == np.float32
            assert found.tolist() == [[3, 4], [1, 2], [3, 4], [0, 0], [0, 0]]
            assert encoder.width == 2

    def test_storing(self) -> None:
        encoder = Vectors.fit(pl.Series("item", [3]), table=self.table)
        stored = json.loads(json.dumps(encoder.to_dict()))
        assert Vectors.from_dict(stored, encoder.tables()) == encoder
        assert encoder != Vectors.fit(pl.Series("item", [3]), table=self.table[:1])

    @pytest.mark.parametrize(
        ("columns", "kind", "said"),
        [
            ({"id": [1], "vector": [[1.0]]}, ColumnError, "it needs 'word' and 'vector'"),
            ({"word": [1, 1], "vector": [[1.0], [2.0]]}, DataError, "each word once"),
            ({"word": [1, None], "vector": [[1.0], [2.0]]}, DataError, "each word once"),
            ({"word": [1], "vector": [["x"]]}, ColumnError, "must hold numbers"),
            ({"word": [1], "vector": [1.0]}, ColumnError, "must hold numbers"),
            ({"word": [1, 2], "vector": [[1.0], [1.0, 2.0]]}, DataError, "these have [1, 2]"),
            ({"word": [1], "vector": [[float("nan")]]}, DataError, "missing or not finite"),
            ({"word": [1], "vector": [[1.0, None]]}, DataError, "missing or not finite"),
        ],
    )
    def test_refuses_a_broken_table(self, columns: Any, kind: Any, said: str) -> None:
        with pytest.raises(kind, match=re.escape(said)):
            Vectors.fit(pl.Series("item", [1]), table=pl.DataFrame(columns))

    def test_refuses_no_table_and_no_values(self) -> None:
        with pytest.raises(ConfigurationError, match="need a table"):
            Vectors.fit(pl.Series("item", [1]))
        with pytest.raises(TooLittleDataError, match="not one value"):
            Vectors.fit(pl.Series("item", [None], dtype=pl.Int64), table=self.table)
