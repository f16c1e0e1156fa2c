"""Item neighbours against scikit-learn's cosines and plain loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_similarity
from training_parts import HISTORIES, SIZE, after, asked, build, matrix, prefixes

from regard.classical import ItemNeighbours, co_occurrence
from regard.explanation.explain import explain


def dense(method):
    """The table of neighbours, written out."""
    learned = method.arrays()
    table = np.zeros((SIZE, SIZE))
    for item in range(SIZE):
        some = slice(*learned["starts"][item : item + 2])
        table[item, learned["neighbours"][some]] = learned["cosines"][some]
    return table


@given(HISTORIES)
def test_without_shrinkage_it_keeps_the_cosines_of_scikit_learn(world):
    training = build(*zip(*world, strict=True))
    method = ItemNeighbours(shrink=0.0).fit(training)
    expected = cosine_similarity(matrix(prefixes(world)).T)
    np.fill_diagonal(expected, 0.0)
    np.testing.assert_allclose(dense(method), expected, atol=1e-6)
    sums = matrix(prefixes(world)) @ expected
    scores = method.score(after(training))
    np.testing.assert_allclose(scores[sums > 0], sums[sums > 0], rtol=1e-5)
    assert (scores[sums == 0] <= 0).all()


@given(HISTORIES, st.integers(1, 3), st.floats(0.0, 5.0))
def test_it_keeps_the_nearest_and_shrinks_as_a_plain_loop_does(world, most, shrink):
    training = build(*zip(*world, strict=True))
    held = matrix(prefixes(world))
    shared, own = held.T @ held, np.sqrt(held.sum(0))
    expected = np.zeros((SIZE, SIZE))
    for i in range(SIZE):
        cosines = {
            j: shared[i, j] / (own[i] * own[j] + shrink)
            for j in range(SIZE)
            if j != i and shared[i, j]
        }
        for j in sorted(cosines, key=lambda j: (-cosines[j], j))[:most]:
            expected[i, j] = cosines[j]
    found = dense(ItemNeighbours(most, shrink).fit(training))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@given(HISTORIES)
def test_blocks_of_any_size_give_the_same_table(world):
    training = build(*zip(*world, strict=True))
    whole = ItemNeighbours().fit(training).arrays()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(co_occurrence, "_ENTRIES", 2)
        in_blocks = ItemNeighbours().fit(training).arrays()
    assert all(np.array_equal(whole[name], in_blocks[name]) for name in whole)


def test_newer_items_of_the_history_weigh_more_and_repeats_weigh_once():
    training = build([[2, 4], [3, 5]])
    method = ItemNeighbours(shrink=0.0, half_life=2.0).fit(training)
    scores = method.score(asked([2, 2, 2, 3], [3, 2]))
    np.testing.assert_allclose(scores[0, 4:6], [0.5**0.5, 1.0], rtol=1e-6)
    np.testing.assert_allclose(scores[1, 4:6], [1.0, 0.5**0.5], rtol=1e-6)
    alike = ItemNeighbours(shrink=0.0).fit(training).score(asked([2, 2, 2, 3]))
    np.testing.assert_allclose(alike[0, 4:6], [1.0, 1.0], rtol=1e-6)


def test_how_often_a_user_has_an_item_does_not_matter():
    once, often = (
        ItemNeighbours().fit(build([each, [3, 4]])).arrays() for each in ([2, 3], [2, 3, 2, 3, 3])
    )
    assert once["cosines"].tolist() == often["cosines"].tolist()


def test_what_nothing_speaks_for_follows_popularity_below_what_something_does():
    training = build([[2, 3], [6, 6, 6, 6], [5, 5], [4]])
    scores = ItemNeighbours().fit(training).score(asked([2], []))
    assert np.argsort(-scores[0], kind="stable")[:4].tolist() == [3, 6, 5, 2]
    assert np.argsort(-scores[1], kind="stable")[:2].tolist() == [6, 5]


def test_an_explanation_names_the_item_it_was_bought_with():
    training = build([[2, 4], [2, 4], [3, 5], [3, 5], [2, 4]])
    method = ItemNeighbours(shrink=0.0).fit(training)
    why = explain(method, asked([2, 3]), 4, vocabulary=training.vocabulary)
    effects = [each.effect for each in why.events]
    assert effects[0] > 0 > effects[1]
