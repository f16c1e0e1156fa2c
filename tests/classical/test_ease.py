"""EASE against the regressions that it solves all at once."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_parts import HISTORIES, SIZE, after, asked, build, matrix, prefixes

from regard.classical import EASE, ease
from regard.errors import ConfigurationError


@given(HISTORIES, st.floats(0.5, 50.0))
def test_each_column_is_a_ridge_regression_on_all_other_items(world, l2):
    training = build(*zip(*world, strict=True))
    weights = EASE(l2).fit(training).arrays()["weights"]
    held = matrix(prefixes(world))
    for item in range(SIZE):
        others = np.delete(held, item, axis=1)
        gram = others.T @ others + l2 * np.eye(SIZE - 1)
        expected = np.linalg.solve(gram, others.T @ held[:, item])
        assert weights[item, item] == 0.0
        found = np.delete(weights[:, item], item)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@given(HISTORIES, st.integers(1, 9))
def test_it_is_the_closed_form_of_the_paper_in_blocks_of_any_size(world, rows):
    training = build(*zip(*world, strict=True))
    held = matrix(prefixes(world))
    inverse = np.linalg.inv(held.T @ held + 3.0 * np.eye(SIZE))
    expected = -inverse / np.diagonal(inverse)
    np.fill_diagonal(expected, 0.0)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ease, "_ROWS_AT_A_TIME", rows)
        method = EASE(3.0).fit(training)
    np.testing.assert_allclose(method.arrays()["weights"], expected, rtol=1e-4, atol=1e-6)
    scores = method.score(after(training))
    np.testing.assert_allclose(scores, held @ expected, rtol=1e-4, atol=1e-6)


def test_it_knows_what_another_item_explains_already():
    # 4 comes with 3 and 3 comes with 2; given 3, item 2 says little of 4.
    training = build([[2, 3]] * 20 + [[3, 4]] * 20 + [[2, 3, 4]] * 5 + [[5]] * 20)
    scores = EASE(l2=1.0).fit(training).score(asked([3], [2], [2, 3]))
    assert scores[0, 4] > scores[2, 4]
    assert scores[1, 4] < 0.1 * scores[0, 4]


def test_a_repeated_item_counts_once():
    method = EASE(l2=1.0).fit(build([[2, 3], [2, 3], [4, 5]]))
    once, often = method.score(asked([2], [2, 2, 2]))
    assert once.tolist() == often.tolist()


def test_a_catalogue_too_large_for_a_dense_inverse_is_refused_before_anything_is_held():
    with pytest.raises(ConfigurationError, match=r"dense matrix of 7 by 7 items.*or use item-knn"):
        EASE(gigabytes=1e-7).fit(build([[2, 3]]))


def test_fitting_takes_the_memory_that_is_promised(monkeypatch):
    monkeypatch.setattr(ease, "_ROWS_AT_A_TIME", 8)
    items = 500
    training = build([[2 + item, 2 + (item + 1) % items] for item in range(items)], items=items)
    tracemalloc.start()
    try:
        EASE().fit(training)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most / training.vocabulary.size**2 < 1.1 * ease._BYTES_A_CELL


def test_a_penalty_too_small_to_invert_is_refused():
    with pytest.raises(ConfigurationError, match=r"cannot be inverted.*raise model\.l2"):
        EASE(l2=1e-300).fit(build([[2, 3]] * 4))
