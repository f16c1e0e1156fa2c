"""Metrics against scikit-learn, a plain loop, and numbers worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from regard.errors import ConfigurationError
from regard.evaluation.metrics import (
    METRICS,
    UNCUT,
    accuracy,
    average_per_user,
    f1,
    hit_rate,
    measure,
    metric_names,
    mrr,
    ndcg,
    precision,
    recall,
)
from regard.evaluation.ranking import Ranks, rank_targets

ITEMS = 12
RANK = st.one_of(st.integers(1, 30).map(float), st.just(math.inf), st.just(2.5))
PER_QUERY = st.lists(st.lists(RANK, min_size=1, max_size=5), min_size=1, max_size=6)


def as_ranks(per_query):
    counts = [len(each) for each in per_query]
    flat = [rank for each in per_query for rank in each]
    return Ranks(np.array(flat), np.concatenate([[0], np.cumsum(counts)]))


@pytest.fixture(scope="module")
def world(asking, table_scorer):
    """Fifty queries with one to four targets, scores without ties, the same for scikit-learn."""
    rng = np.random.default_rng(5)
    scores = rng.permuted(np.tile(np.arange(ITEMS + 2.0), (50, 1)), axis=1)
    targets = [rng.choice(np.arange(2, ITEMS + 2), rng.integers(1, 5), False) for _ in range(50)]
    relevant = np.zeros((50, ITEMS), int)
    for query, each in enumerate(targets):
        relevant[query, each - 2] = 1
    queries = asking([[]] * 50, [each.tolist() for each in targets])
    ranks = rank_targets(table_scorer(scores), queries, catalogue_size=ITEMS + 2)
    return ranks, relevant, scores[:, 2:]


@pytest.mark.parametrize("k", [1, 3, 10, ITEMS])
def test_ndcg_is_that_of_scikit_learn(world, k):
    ranks, relevant, scores = world
    theirs = [sk.ndcg_score(relevant[[q]], scores[[q]], k=k) for q in range(50)]
    np.testing.assert_allclose(ndcg(ranks, k), theirs, rtol=1e-12)


@pytest.mark.parametrize("k", [1, 3, 10])
def test_precision_recall_f1_are_those_of_scikit_learn(world, k):
    ranks, relevant, scores = world
    listed = (np.argsort(np.argsort(-scores, axis=1), axis=1) < k).astype(int)
    for query in range(50):
        theirs = sk.precision_recall_fscore_support(
            relevant[query], listed[query], average="binary", zero_division=0
        )[:3]
        ours = [metric(ranks, k)[query] for metric in (precision, recall, f1)]
        assert ours == pytest.approx(theirs)


def test_single_targets_against_scikit_learn(asking, table_scorer):
    rng = np.random.default_rng(3)
    scores = rng.permuted(np.tile(np.arange(ITEMS + 2.0), (40, 1)), axis=1)
    targets = rng.integers(2, ITEMS + 2, 40)
    queries = asking([[]] * 40, [[int(each)] for each in targets])
    ranks = rank_targets(table_scorer(scores), queries, catalogue_size=ITEMS + 2)
    labels = np.arange(2, ITEMS + 2)
    for k in (1, 5):
        theirs = sk.top_k_accuracy_score(targets, scores[:, 2:], k=k, labels=labels)
        assert hit_rate(ranks, k).mean() == pytest.approx(theirs)
    assert accuracy(ranks).mean() == pytest.approx(
        sk.accuracy_score(targets, scores[:, 2:].argmax(axis=1) + 2)
    )
    relevant = (targets[:, None] == labels).astype(int)
    # With one relevant item, average precision is the reciprocal rank.
    theirs = sk.label_ranking_average_precision_score(relevant, scores[:, 2:])
    assert mrr(ranks).mean() == pytest.approx(theirs)


def by_loop(name, ranks, k):
    """The definitions, one query at a time."""
    hits = [r for r in ranks if r <= k]
    if name == "ndcg":
        ideal = sum(1 / math.log2(1 + r) for r in range(1, min(k, len(ranks)) + 1))
        return sum(1 / math.log2(1 + r) for r in hits) / ideal
    if name == "f1":
        p, r = len(hits) / k, len(hits) / len(ranks)
        return 2 * p * r / (p + r) if hits else 0.0
    return {
        "hit_rate": float(bool(hits)),
        "recall": len(hits) / len(ranks),
        "precision": len(hits) / k,
        "mrr": 1 / min(hits) if hits else 0.0,
    }[name]


@given(PER_QUERY, st.integers(1, 30), st.sampled_from(sorted(METRICS)))
def test_every_metric_is_that_of_a_plain_loop(per_query, k, name):
    expected = [by_loop(name, each, k) for each in per_query]
    np.testing.assert_allclose(measure(f"{name}@{k}", as_ranks(per_query)), expected, rtol=1e-12)


@given(st.permutations(range(1, 16)), st.integers(1, 5), st.integers(1, 20))
def test_metrics_lie_between_zero_and_one(order, targets, k):
    ranks = as_ranks([[float(rank) for rank in order[:targets]]])
    for name in metric_names([k]):
        assert 0.0 <= measure(name, ranks)[0] <= 1.0 + 1e-12


def test_cold_targets_lower_what_can_be_reached():
    ranks = as_ranks([[1.0, math.inf]])
    assert recall(ranks, 10).tolist() == [0.5]
    assert ndcg(ranks, 10)[0] == pytest.approx(1 / (1 + 1 / math.log2(3)))


def test_uncut_metrics():
    ranks = as_ranks([[20.0, 4.0], [1.0]])
    assert {name: measure(name, ranks).tolist() for name in UNCUT} == {
        "accuracy": [0.0, 1.0],
        "mrr": [0.25, 1.0],
    }


@pytest.mark.parametrize("name", ["ndgc@10", "ndcg", "ndcg@", "ndcg@x", "accuracy@", "ndcg@-1"])
def test_an_unknown_metric_is_refused_with_the_known_ones(name):
    with pytest.raises(ConfigurationError, match="such as ndcg@10"):
        measure(name, as_ranks([[1.0]]))


@pytest.mark.parametrize("name", sorted(METRICS))
def test_a_cut_off_of_zero_is_refused(name):
    with pytest.raises(ConfigurationError, match="from 1; received 0"):
        METRICS[name](as_ranks([[1.0]]), 0)


def test_users_weigh_equally():
    values, users = np.array([1.0, 1.0, 1.0, 0.0]), np.array([8, 8, 8, 5])
    assert average_per_user(values, users).tolist() == [0.0, 1.0]
    assert average_per_user(values, users).mean() == 0.5
