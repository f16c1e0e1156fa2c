"""Numbers on a scale: scikit-learn's numbers, and values that come back."""

import json
import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import QuantileTransformer, RobustScaler, StandardScaler

from regard.data.encoders.contract import Encoder
from regard.data.encoders.scales import Log1p, Quantile, Robust, Scale, Standard
from regard.errors import ColumnError, ConfigurationError, DataError, TooLittleDataError

SCALES: list[type[Scale]] = [Standard, Robust, Quantile, Log1p]
each_scale = pytest.mark.parametrize("kind", SCALES)
numbers = st.lists(st.integers(-4000, 4000).map(lambda n: n / 8), min_size=1, max_size=40)
anything = st.lists(
    st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True, width=32)), max_size=20
)


def series(values: list[Any]) -> pl.Series:
    return pl.Series("price", values, dtype=pl.Float64)


@pytest.fixture(scope="module")
def sample() -> np.ndarray[Any, Any]:
    random = np.random.default_rng(3)
    return np.concatenate([random.lognormal(2, 1.5, 400), np.full(60, 2.5)])


class TestAgainstScikitLearn:
    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            (lambda s: Standard.fit(s), StandardScaler()),
            (lambda s: Robust.fit(s), RobustScaler()),
            (lambda s: Quantile.fit(s, count=50), QuantileTransformer(n_quantiles=50)),
            (
                lambda s: Quantile.fit(s, count=460, output="normal"),
                QuantileTransformer(n_quantiles=460, output_distribution="normal"),
            ),
        ],
    )
    def test_same_numbers(self, ours: Any, theirs: Any, sample: Any) -> None:
        asked = np.concatenate([sample, [-5.0, 0.0, 1e6]])
        theirs.fit(sample[:, None])
        expected = theirs.transform(asked[:, None])[:, 0]
        encoder = ours(series(sample.tolist()))
        encoded = encoder.transform(series(asked.tolist()))
        np.testing.assert_allclose(encoded["price"].to_numpy(), expected, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(
            encoder.inverse(encoded).to_numpy(),
            theirs.inverse_transform(expected[:, None])[:, 0],
            rtol=1e-6,
        )

    def test_log1p(self, sample: Any) -> None:
        encoded = Log1p.fit(series(sample.tolist())).transform(series(sample.tolist()))
        np.testing.assert_allclose(encoded["price"].to_numpy(), np.log1p(sample))


@each_scale
class TestProperties:
    @given(values=numbers)
    def test_values_come_back(self, kind: type[Scale], values: list[float]) -> None:
        encoder = kind.fit(series(values))  # type: ignore[call-arg] # settings have defaults
        back = encoder.inverse(encoder.transform(series([*values, None])))
        assert back.to_list() == [*(pytest.approx(v, rel=1e-9, abs=1e-9) for v in values), None]

    @given(values=numbers, later=anything)
    def test_later_values_are_finite_and_missing_ones_flagged(
        self, kind: type[Scale], values: list[float], later: list[Any]
    ) -> None:
        encoder = kind.fit(series(values))
        encoded = encoder.transform(series(later))
        assert np.isfinite(encoded["price"].to_numpy()).all()
        assert encoded["price_missing"].to_list() == [
            int(v is None or not math.isfinite(v)) for v in later
        ]

    @given(values=numbers, missing=st.booleans())
    def test_missing_values_teach_nothing_and_storing_loses_nothing(
        self, kind: type[Scale], values: list[float], missing: bool
    ) -> None:
        encoder = kind.fit(series(values), missing=missing)  # type: ignore[call-arg] # all have it
        dirty = series([None, *values, math.nan, math.inf, -math.inf])
        assert kind.fit(dirty, missing=missing) == encoder  # type: ignore[call-arg] # the same
        stored = json.loads(json.dumps(encoder.to_dict(), allow_nan=False))
        assert kind.from_dict(stored) == encoder
        assert encoder.tables() == {}

    @given(values=numbers, random=st.randoms())
    def test_order_does_not_matter(
        self, kind: type[Scale], values: list[float], random: Any
    ) -> None:
        shuffled = values.copy()
        random.shuffle(shuffled)
        first, second = kind.fit(series(values)), kind.fit(series(shuffled))
        a, b = (each.transform(series([0.0, 3.0]))["price"] for each in (first, second))
        np.testing.assert_allclose(a.to_numpy(), b.to_numpy(), rtol=1e-9, atol=1e-9)

    def test_constant_columns(self, kind: type[Scale]) -> None:
        encoder = kind.fit(series([0.1] * 7))
        encoded = encoder.transform(series([0.1]))
        expected = {"log1p": math.log1p(0.1)}.get(kind.name, 0.0)
        assert encoded["price"].to_list() == [pytest.approx(expected)]
        assert encoder.inverse(encoded).to_list() == [pytest.approx(0.1)]

    @pytest.mark.parametrize("values", [[], [None, None], [math.nan, math.inf]])
    def test_refuses_a_column_without_a_value(self, kind: type[Scale], values: Any) -> None:
        with pytest.raises(TooLittleDataError, match=f"'price' holds .* {kind.name!r} has nothing"):
            kind.fit(series(values))

    def test_refuses_text(self, kind: type[Scale]) -> None:
        with pytest.raises(ColumnError, match="'price' holds String, but this encoder reads"):
            kind.fit(pl.Series("price", ["a"]))

    def test_of_whole_numbers_without_a_flag(self, kind: type[Scale]) -> None:
        encoder = kind.fit(pl.Series("n", [1, 2, 3, None]), missing=False)  # type: ignore[call-arg] # all have it
        encoded = encoder.transform(pl.Series("n", [2, None]))
        assert encoded.columns == ["n"]
        assert encoder.inverse(encoded)[0] == pytest.approx(2)


class TestFaults:
    @pytest.mark.parametrize("kind", [Standard, Robust, Quantile])
    def test_values_too_far_apart(self, kind: type[Scale]) -> None:
        values = series([-1.7e308, -1.7e308, 1.7e308, 1.7e308])
        with pytest.raises(DataError, match="further apart than float64 can hold"):
            kind.fit(values)

    @pytest.mark.parametrize("settings", [{"count": 1}, {"count": 2.5}, {"output": "gamma"}])
    def test_settings_that_make_no_sense(self, settings: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError, match=next(iter(settings))):
            Quantile.fit(series([1.0, 2.0]), **settings)

    def test_what_was_stored_must_fit(self) -> None:
        stored = Standard.fit(series([1.0, 2.0])).to_dict()
        with pytest.raises(ConfigurationError, match="'standard', version 1, but this is 'robust'"):
            Robust.from_dict(stored)
        with pytest.raises(ConfigurationError, match="version 9, but this is 'standard'"):
            Standard.from_dict({**stored, "version": 9})
        with pytest.raises(ConfigurationError, match="damaged or incomplete"):
            Standard.from_dict({**stored, "parameters": {"mean": 0.0}})

    def test_equal_by_content(self) -> None:
        one: Encoder = Standard.fit(series([1.0, 2.0]))
        assert one == Standard.fit(series([2.0, 1.0])) != Standard.fit(series([1.0, 3.0]))
        assert one != "standard"
