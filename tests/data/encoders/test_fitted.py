"""All encoders of a log together, as a user drives them."""

import inspect
import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from regard.data.encoders import ENCODERS
from regard.data.encoders.contract import Encoder
from regard.data.encoders.fitted import Encoders, training_part
from regard.data.interactions import Interactions
from regard.data.split import split_by_time
from regard.errors import (
    BundleMissingError,
    BundleVersionError,
    ColumnError,
    ConfigurationError,
    StorageError,
    TooLittleDataError,
)

VECTORS = pl.DataFrame({"word": ["a", "b"], "vector": [[1.0, 0.0], [0.0, 1.0]]})
SPEC: dict[str, Any] = {
    "price": "robust",
    "quantity": {"name": "quantile", "count": 5, "missing": False},
    "country": {"name": "categories", "min_count": 2},
    "time": ["hour", {"name": "weekday", "zone": "Europe/London"}, "month", "recency"],
    "gap": {"name": "buckets", "strategy": "log", "count": 4},
    "title": {"name": "words", "length": 2},
    "item": {"name": "vectors", "table": VECTORS},
    "session": {"name": "hashes", "count": 10},
    "event": "one-hot",
}

ROWS = {
    "user": [1, 1, 2, 2, 1, 2, 1, 1, 2, 1],
    "item": list("abababbaab"),
    "price": [1.0, None, 3.0, 4.0, 2.5, 9.0, 3.0, 1.0, float("nan"), 2.0],
    "quantity": [1, 2, 3, 1, 1, 8, 1, 2, 1, 1],
    "country": ["UK", "FR", "UK", None, "FR", "UK", "IS", "UK", "UK", "??"],
    "title": ["red tea", "cup", "red tea", None, "tea", "a b c", "", "tea", "tea", "new"],
    "session": ["1", "1", "2", "3", "4", "5", "6", None, "8", "9"],
    "event": ["view", "buy"] * 5,
    "time": [1e9 + 5_000 * n for n in range(10)],
}
LOG = Interactions.of(pl.DataFrame(ROWS))
TRAINING = LOG.collect().head(6)


def test_names_are_those_of_the_encoders() -> None:
    assert {name: kind.name for name, kind in ENCODERS.items()} == {n: n for n in ENCODERS}


def test_every_encoder_of_the_room_is_named() -> None:
    def concrete(kind: type[Encoder]) -> set[type[Encoder]]:
        below = {each for sub in kind.__subclasses__() for each in concrete(sub)}
        return below | (set() if inspect.isabstract(kind) else {kind})

    assert concrete(Encoder) == set(ENCODERS.values())


class TestFitting:
    def test_numbers_only_and_as_many_rows(self) -> None:
        encoded = Encoders.fit(TRAINING, SPEC).transform(LOG)
        assert encoded.height == 10
        assert encoded.columns == [
            "price", "price_missing", "quantity", "country", "time_hour_sin", "time_hour_cos",
            "time_weekday_sin", "time_weekday_cos", "time_month_sin", "time_month_cos",
            "time_recency", "gap", "title", "item", "session", "event_0", "event_1", "event_2",
            "event_3",
        ]  # fmt: skip
        for kind in encoded.schema.values():
            assert (kind.inner if isinstance(kind, pl.Array) else kind).is_numeric()
        assert encoded.null_count().sum_horizontal().item() == 0

    @settings(max_examples=15)
    @given(st.lists(st.integers(6, 9), max_size=12), st.randoms())
    def test_the_test_part_changes_nothing(self, picked: list[int], random: Any) -> None:
        table = LOG.collect()
        later = table[picked].with_columns(pl.col("price", "time") * random.uniform(1, 9))
        log = Interactions.of(pl.concat([TRAINING, later]).drop("row"))
        fitted = Encoders.fit(log.collect().head(6), SPEC)
        assert fitted == Encoders.fit(TRAINING, SPEC)
        assert_frame_equal(fitted.transform(log).head(6), fitted.transform(TRAINING))

    def test_the_training_part_of_a_split(self) -> None:
        split = split_by_time(LOG, test_share=0.2, validation_share=0.2)
        rows = training_part(LOG, split)
        assert rows["row"].to_list() == list(range(6))
        assert len(split.training.events()) == 6
        assert rows.columns == LOG.columns()

    def test_of_interactions_in_the_order_of_the_source(self) -> None:
        fitted = Encoders.fit(TRAINING, {"price": "standard"})
        table = LOG.collect()
        shuffled = Interactions.of(table.sample(fraction=1, shuffle=True, seed=1))
        assert_frame_equal(fitted.transform(shuffled), fitted.transform(table))


class TestInverse:
    def test_what_can_be_told(self) -> None:
        fitted = Encoders.fit(TRAINING, SPEC)
        encoded = fitted.transform(TRAINING)
        back = fitted.inverse(encoded)
        assert back.columns == ["price", "quantity", "country", "gap", "event"]
        assert back["price"].to_list() == [pytest.approx(v) for v in ROWS["price"][:6]]
        assert back["country"].to_list() == ["UK", "FR", "UK", None, "FR", "UK"]
        assert back["event"].to_list() == ROWS["event"][:6]

    def test_lacking_columns_are_named(self) -> None:
        fitted = Encoders.fit(TRAINING, SPEC)
        encoded = fitted.transform(TRAINING).drop("price_missing")
        with pytest.raises(ColumnError, match=re.escape("['price_missing'] are missing")):
            fitted.inverse(encoded)


class TestStoring:
    def test_by_way_of_json_and_parquet(self, tmp_path: Path) -> None:
        fitted = Encoders.fit(TRAINING, SPEC)
        stored = json.loads(json.dumps(fitted.to_dict(), allow_nan=False))
        again = Encoders.from_dict(stored, fitted.tables())
        assert again == fitted
        fitted.save(tmp_path / "encoders")
        loaded = Encoders.load(tmp_path / "encoders")
        assert loaded == fitted
        assert_frame_equal(loaded.transform(LOG), fitted.transform(LOG))

    def test_does_not_overwrite_unasked(self, tmp_path: Path) -> None:
        fitted = Encoders.fit(TRAINING, {"price": "standard"})
        fitted.save(tmp_path / "encoders")
        with pytest.raises(StorageError):
            fitted.save(tmp_path / "encoders")
        fitted.save(tmp_path / "encoders", overwrite=True)

    def test_faults(self, tmp_path: Path) -> None:
        with pytest.raises(BundleMissingError, match=r"holds no encoders\.json"):
            Encoders.load(tmp_path)
        place = tmp_path / "encoders"
        Encoders.fit(TRAINING, SPEC).save(place)
        (place / "2.known.parquet").unlink()
        with pytest.raises(BundleVersionError, match="damaged or incomplete"):
            Encoders.load(place)
        (place / "encoders.json").write_text("{", "utf-8")
        with pytest.raises(BundleVersionError, match="cannot be read"):
            Encoders.load(place)
        with pytest.raises(ConfigurationError, match=r"of version 9, .* fit them again"):
            Encoders.from_dict({"version": 9, "encoders": []})


class TestFaults:
    @pytest.mark.parametrize(
        ("spec", "kind", "said"),
        [
            ({"weight": "robust"}, ColumnError, "no column 'weight' to encode; the log has user"),
            ({"price": "sturdy"}, ConfigurationError, "'sturdy' of column 'price' is not known"),
            ({"price": {"count": 3}}, ConfigurationError, "The encoder None of column 'price'"),
            (
                {"price": {"name": "robust", "count": 3}},
                ConfigurationError,
                "'robust' of column 'price' has no setting 'count'; it has missing",
            ),
            (
                {"price": ["robust", "buckets"]},
                ColumnError,
                "Two encoders write the column 'price'",
            ),
            ({"country": "standard"}, ColumnError, "'country' holds String"),
        ],
    )
    def test_specifications(self, spec: dict[str, Any], kind: Any, said: str) -> None:
        with pytest.raises(kind, match=re.escape(said)):
            Encoders.fit(TRAINING, spec)

    def test_an_empty_training_part(self) -> None:
        for column, choice in SPEC.items():
            with pytest.raises(TooLittleDataError, match=f"'{column}' holds 0 rows"):
                Encoders.fit(TRAINING.head(0), {column: choice})
