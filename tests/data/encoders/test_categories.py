"""Words as codes: by frequency, as columns, by hash."""

import hashlib
import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from regard.data.encoders.categories import Categories, OneHot
from regard.data.encoders.hashes import Hashes
from regard.errors import ColumnError, ConfigurationError, DataError, TooLittleDataError

words = st.lists(st.text(max_size=3), min_size=1, max_size=30)


def series(values: list[Any], dtype: Any = pl.String) -> pl.Series:
    return pl.Series("country", values, dtype=dtype)


class TestAgainstScikitLearn:
    trained, asked = ["UK", "FR", "UK", "DE", "DE", "UK"], ["DE", "UK", "IS", "FR"]

    def test_ordinal(self) -> None:
        encoder = Categories.fit(series(self.trained))
        order = [encoder.known["word"].to_numpy()]
        theirs = OrdinalEncoder(
            categories=order, handle_unknown="use_encoded_value", unknown_value=-1
        ).fit(np.array(self.trained)[:, None])
        expected = theirs.transform(np.array(self.asked)[:, None])[:, 0] + 2
        assert encoder.transform(series(self.asked))["country"].to_list() == expected.tolist()

    def test_one_hot(self) -> None:
        encoder = OneHot.fit(series(self.trained))
        order = [encoder.known["word"].to_numpy()]
        theirs = OneHotEncoder(categories=order, handle_unknown="ignore", sparse_output=False)
        expected = theirs.fit(np.array(self.trained)[:, None]).transform(
            np.array(self.asked)[:, None]
        )
        encoded = encoder.transform(series(self.asked))
        assert encoded.to_numpy()[:, 2:].tolist() == expected.tolist()
        assert encoded["country_1"].to_list() == [0, 0, 1, 0]
        assert encoder.inverse(encoded).to_list() == ["DE", "UK", None, "FR"]


@pytest.mark.parametrize("kind", [Categories, OneHot])
class TestProperties:
    @given(values=words, later=words, min_count=st.integers(1, 3))
    def test_known_words_come_back(
        self, kind: type[Categories], values: list[str], later: list[str], min_count: int
    ) -> None:
        known = {word for word in values if values.count(word) >= min_count}
        if not known:
            with pytest.raises(TooLittleDataError, match="would be unknown; lower min_count"):
                kind.fit(series(values), min_count=min_count)
            return
        encoder = kind.fit(series(values), min_count=min_count)
        back = encoder.inverse(encoder.transform(series([*later, None])))
        assert back.to_list() == [*(w if w in known else None for w in later), None]

    @given(values=words, random=st.randoms())
    def test_order_does_not_matter_and_storing_loses_nothing(
        self, kind: type[Categories], values: list[str], random: Any
    ) -> None:
        encoder = kind.fit(series(values))
        dirty = [*values, None]
        random.shuffle(dirty)
        assert kind.fit(series(dirty)) == encoder
        stored = json.loads(json.dumps(encoder.to_dict()))
        assert kind.from_dict(stored, encoder.tables()) == encoder


class TestCategories:
    @pytest.mark.parametrize("dtype", [pl.Int8, pl.Boolean, pl.Categorical])
    def test_of_other_kinds(self, dtype: Any) -> None:
        raw = {pl.Int8: [3, 4], pl.Boolean: [True, False], pl.Categorical: ["a", "b"]}[dtype]
        encoder = Categories.fit(series([raw[0], raw[0], raw[1], None], dtype))
        assert encoder.transform(series([raw[0], raw[1], None], dtype))["country"].to_list() == [
            2, 3, 0,
        ]  # fmt: skip

    @pytest.mark.parametrize("values", [[1.5], [[1]]])
    def test_refuses_what_names_nothing(self, values: list[Any]) -> None:
        with pytest.raises(ColumnError, match=r"'country' holds .*, which names no categories"):
            Categories.fit(pl.Series("country", values))

    def test_empty_missing_and_senseless(self) -> None:
        for kind in (Categories, OneHot, Hashes):
            with pytest.raises(TooLittleDataError, match=f"{kind.name!r} has nothing to learn"):
                kind.fit(series([]))
            with pytest.raises(TooLittleDataError, match="holds 2 rows and not one value"):
                kind.fit(series([None, None]))
        with pytest.raises(ConfigurationError, match="min_count=0"):
            Categories.fit(series(["a"]), min_count=0)
        with pytest.raises(DataError, match="from 0 to 2"):
            Categories.fit(series(["a"])).inverse(pl.DataFrame({"country": [3]}))

    def test_a_blank_word_is_a_word(self) -> None:
        assert Categories.fit(series(["", ""])).transform(series([""]))["country"].to_list() == [2]


class TestHashes:
    @given(words, st.integers(1, 50), st.integers(0, 3))
    def test_agrees_with_a_loop(self, values: list[str], count: int, seed: int) -> None:
        encoder = Hashes.fit(series(values), count=count, seed=seed)
        key = seed.to_bytes(8, "little")
        digests = [hashlib.blake2b(w.encode(), digest_size=8, key=key).digest() for w in values]
        expected = [1 + int.from_bytes(each, "little") % count for each in digests]
        codes = encoder.transform(series([*values, None]))["country"]
        assert codes.to_list() == [*expected, 0]
        assert (codes < encoder.size).all()
        assert Hashes.from_dict(json.loads(json.dumps(encoder.to_dict()))) == encoder

    def test_spreads_evenly(self) -> None:
        many = series([str(n) for n in range(20_000)])
        counts = np.bincount(Hashes.fit(many, count=20).transform(many)["country"].to_numpy())[1:]
        # 1,000 each, standard deviation 31.
        assert (abs(counts - 1_000) < 150).all()

    def test_settings(self) -> None:
        with pytest.raises(ConfigurationError, match="seed=-1"):
            Hashes.fit(series(["a"]), seed=-1)
        with pytest.raises(ConfigurationError, match="count=0"):
            Hashes.fit(series(["a"]), count=0)
