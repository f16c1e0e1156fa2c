"""Answers of ALS against its normal equations; learning where `implicit` is installed."""

import importlib.util
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from training_parts import CODES, MISSING, SIZE, asked, build, matrix

from regard.classical import ALS, als
from regard.errors import MissingDependencyError

VECTORS = np.random.default_rng(1).normal(size=(SIZE, 3)).astype(np.float32)
VECTORS[:2] = 0.0


def loss_of(history, person, l2, alpha):
    """What the person's vector minimises, all items included."""
    counts = np.bincount([code for code in history if code > 1], minlength=SIZE)
    errors = (counts > 0) - VECTORS.astype(np.float64) @ person
    return ((1 + alpha * counts) * errors**2).sum() + l2 * (person**2).sum()


@given(st.lists(st.lists(CODES, max_size=6), min_size=1, max_size=5), st.floats(0.1, 9.0))
def test_answers_solve_the_normal_equations(histories, alpha):
    method = ALS.from_arrays({"items": VECTORS}, l2=0.3, alpha=alpha)
    wide = VECTORS.astype(np.float64)
    expected = []
    for each in histories:
        counts = np.bincount([code for code in each if code > 1], minlength=SIZE)
        confidence = np.diag(1 + alpha * counts)
        left = wide.T @ confidence @ wide + 0.3 * np.eye(3)
        expected.append(wide @ np.linalg.solve(left, wide.T @ confidence @ (counts > 0)))
    scores = method.score(asked(*histories))
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(als, "_CELLS_AT_A_TIME", 10)
        assert np.array_equal(method.score(asked(*histories)), scores)


def test_what_all_histories_share_is_made_once_for_all_of_them(monkeypatch):
    handed = []
    solved = ALS._solved

    def spy(self, events_BN, *shared):
        handed.append(shared)
        return solved(self, events_BN, *shared)

    monkeypatch.setattr(ALS, "_solved", spy)
    monkeypatch.setattr(als, "_CELLS_AT_A_TIME", 1)
    ALS.from_arrays({"items": VECTORS}, l2=0.3).prepare(asked([2], [3, 4], [], [5]))
    assert len(handed) == 3
    assert len({tuple(map(id, each)) for each in handed}) == 1
    wide, shared = handed[0]
    assert np.array_equal(wide, VECTORS.astype(np.float64))
    assert np.array_equal(shared, wide.T @ wide + 0.3 * np.eye(3))


def test_no_other_vector_fits_a_history_better():
    history, chance = [2, 2, 5], np.random.default_rng(4)
    person = ALS.from_arrays({"items": VECTORS}, l2=0.3).prepare(asked(history)).people_BF[0]
    best = loss_of(history, person, 0.3, 1.0)
    for _ in range(20):
        other = person + chance.normal(scale=0.05, size=3)
        assert loss_of(history, other, 0.3, 1.0) > best


def test_a_history_without_a_known_item_scores_zero():
    scores = ALS.from_arrays({"items": VECTORS}).score(asked([], [1, 1]))
    assert (scores == 0.0).all()


def test_without_implicit_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for refused in (lambda: ALS().fit(build([[2, 3]])), ALS().require):
        with pytest.raises(MissingDependencyError, match=r"needs implicit.*regard\[classical\]"):
            refused()


class Recorded:
    """Stands in for the learner of `implicit`: keeps what it is handed, and learns nothing."""

    def __init__(self, **options):
        self.options = options
        Recorded.latest = self

    def fit(self, confidence, show_progress):
        self.confidence = confidence
        self.item_factors = np.ones((confidence.shape[1], self.options["factors"]), np.float32)


def test_the_learner_is_handed_confidence_and_options(monkeypatch):
    module = SimpleNamespace(AlternatingLeastSquares=Recorded)
    monkeypatch.setattr(als, "_implicit", lambda: module)
    method = ALS(factors=3, iterations=4, l2=0.5, alpha=2.0, seed=9)
    method.fit(build([[2, 3, 2, 6], [4, 1]], kept=[3, 2]))
    given = Recorded.latest
    # `implicit` wants the older kind of sparse matrix, and one plus alpha for each event.
    assert isinstance(given.confidence, sparse.csr_matrix)
    expected = np.zeros((2, SIZE))
    expected[0, [2, 3]], expected[1, 4] = [5.0, 3.0], 3.0
    assert given.confidence.toarray().tolist() == expected.tolist()
    assert given.options == {
        "factors": 3, "iterations": 4, "regularization": 0.5, "random_state": 9, "use_gpu": False,
    }  # fmt: skip
    items = method.arrays()["items"]
    assert items[:2].tolist() == [[0.0] * 3] * 2
    assert (items[2:] == 1.0).all()
    assert method.prepare(asked([2], [])).shape == (2, SIZE)


@pytest.mark.skipif("als" in MISSING, reason="als needs implicit, which is not installed")
def test_it_rebuilds_who_has_what():
    histories = [[2, 3]] * 30 + [[4, 5, 6]] * 30
    method = ALS(factors=2, iterations=30).fit(build(histories))
    scores = method.score(asked([2, 3], [4, 5, 6]))
    expected = matrix([[2, 3], [4, 5, 6]])
    np.testing.assert_allclose(scores[:, 2:], expected[:, 2:], atol=0.1)
    again = ALS(factors=2, iterations=30).fit(build(histories))
    assert np.array_equal(again.arrays()["items"], method.arrays()["items"])
