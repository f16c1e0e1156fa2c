"""Numbers as codes of buckets."""

import json
import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import KBinsDiscretizer

from regard.data.encoders.buckets import Buckets
from regard.errors import ConfigurationError, DataError, TooLittleDataError

numbers = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=30)
strategies = st.sampled_from(["quantile", "uniform", "log"])


def series(values: list[Any]) -> pl.Series:
    return pl.Series("gap", values, dtype=pl.Float64)


@pytest.mark.parametrize("strategy", ["quantile", "uniform"])
def test_codes_of_scikit_learn(strategy: str) -> None:
    values = np.random.default_rng(1).lognormal(3, 1, 500)
    asked = np.concatenate([values, [-1.0, 1e9]])
    more = {"quantile_method": "linear"} if strategy == "quantile" else {}
    bins = KBinsDiscretizer(7, encode="ordinal", strategy=strategy, subsample=None, **more)
    expected = bins.fit(values[:, None]).transform(asked[:, None])[:, 0]
    encoder = Buckets.fit(series(values.tolist()), count=7, strategy=strategy)
    encoded = encoder.transform(series(asked.tolist()))
    assert (encoded["gap"].to_numpy() - 1).tolist() == expected.tolist()
    back = bins.inverse_transform(expected[:, None])[:, 0]
    np.testing.assert_allclose(encoder.inverse(encoded).to_numpy(), back)


def test_log_spaced_by_hand() -> None:
    encoder = Buckets.fit(series([0.0, 1.0, 10.0, 1000.0]), count=3, strategy="log")
    assert encoder.edges == pytest.approx((0.0, 10.0, 100.0, 1000.0))
    assert encoder.size == 4


@given(numbers, strategies, st.integers(1, 9))
def test_the_middle_of_a_bucket_lies_in_it(values: list[float], strategy: str, count: int) -> None:
    encoder = Buckets.fit(series(values), count=count, strategy=strategy)
    encoded = encoder.transform(series([*values, None, math.nan, math.inf]))
    codes = encoded["gap"].to_list()
    assert codes[-3:] == [0, 0, 0]
    assert all(1 <= code < encoder.size <= count + 1 for code in codes[:-3])
    back = encoder.inverse(encoded)
    assert encoder.transform(back)["gap"].to_list() == codes
    ordered = sorted(zip(values, codes[:-3], strict=True))
    assert [code for _, code in ordered] == sorted(codes[:-3])


@given(numbers, strategies, st.randoms())
def test_order_missing_values_and_storing(values: list[float], strategy: str, random: Any) -> None:
    encoder = Buckets.fit(series(values), strategy=strategy)
    dirty = [*values, None, math.nan, -math.inf]
    random.shuffle(dirty)
    assert Buckets.fit(series(dirty), strategy=strategy) == encoder
    assert Buckets.from_dict(json.loads(json.dumps(encoder.to_dict()))) == encoder


@pytest.mark.parametrize("strategy", ["quantile", "uniform", "log"])
@pytest.mark.parametrize("value", [0.0, -2.5, 7.0])
def test_a_constant_column_is_one_bucket(strategy: str, value: float) -> None:
    encoder = Buckets.fit(series([value] * 5), strategy=strategy)
    encoded = encoder.transform(series([value, value - 1, value + 1, None]))
    assert (encoded["gap"].to_list(), encoder.size) == ([1, 1, 1, 0], 2)
    assert encoder.inverse(encoded)[0] == value


def test_faults() -> None:
    with pytest.raises(TooLittleDataError, match="'gap' holds 1 rows"):
        Buckets.fit(series([None]))
    with pytest.raises(ConfigurationError, match="count=0"):
        Buckets.fit(series([1.0]), count=0)
    with pytest.raises(ConfigurationError, match="strategy='kmeans' is not known"):
        Buckets.fit(series([1.0]), strategy="kmeans")
    with pytest.raises(DataError, match="further apart than float64"):
        Buckets.fit(series([-1.7e308, 1.7e308]), strategy="uniform")
    with pytest.raises(DataError, match="from 0 to 1"):
        Buckets.fit(series([1.0])).inverse(pl.DataFrame({"gap": [2]}))
