"""Where a network looked, and whether that is true."""

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.data.queries import Queries
from regard.data.sequences import Sequences
from regard.errors import ModelInputError
from regard.explanation.attention_map import Tracer, attention_shares, shares_by_layer
from regard.explanation.faithfulness import agreement, check_deletion
from regard.models.attention_pooling import AttentionPooling, AttentionPoolingConfig
from regard.models.contract import Trace
from regard.models.sasrec import SASRec, SASRecConfig
from regard.models.scorer import NetworkScorer

SIZE = 20


def histories(*lengths: int) -> Queries:
    """Requests of people with random histories of these lengths."""
    rng = np.random.default_rng(3)
    users = np.repeat(np.arange(len(lengths)), lengths)
    table = {"user": users, "item": rng.integers(2, SIZE, len(users)), "row": np.arange(len(users))}
    return Queries.requests(Sequences.of(pl.DataFrame(table)), np.arange(len(lengths)))


def networks() -> list[NetworkScorer]:
    torch.manual_seed(0)
    return [
        NetworkScorer(SASRec(SASRecConfig(width=8, blocks=3), SIZE)),
        NetworkScorer(AttentionPooling(AttentionPoolingConfig(width=8), SIZE)),
    ]


@pytest.mark.parametrize("scorer", networks(), ids=["sasrec", "attention-pooling"])
def test_shares_sum_to_one_over_the_history_and_padding_has_none(scorer: NetworkScorer) -> None:
    lengths = np.array([5, 1, 3])
    trace = scorer.trace(histories(*lengths))
    layers = shares_by_layer(trace, lengths)
    assert list(layers) == list(trace.attention_maps)
    for shares in layers.values():
        assert shares.shape == (3, 5)
        assert shares.dtype == np.float64
        np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=0, atol=1e-12)
        assert (shares[np.arange(5) >= lengths[:, None]] == 0).all()
    assert (attention_shares(trace, lengths) == list(layers.values())[-1]).all()
    assert isinstance(scorer, Tracer)


def test_shares_are_the_mean_over_heads_of_the_newest_row() -> None:
    maps = torch.tensor([[[[1.0, 0.0], [0.2, 0.8]], [[1.0, 0.0], [0.6, 0.4]]]])
    trace = Trace(torch.zeros(1, 2, 4), {"first": maps.flip(1) * 0 + 0.5, "last": maps})
    np.testing.assert_allclose(attention_shares(trace, np.array([2])), [[0.4, 0.6]], atol=1e-7)
    np.testing.assert_allclose(attention_shares(trace, np.array([1])), [[1.0, 0.0]], atol=1e-7)


def test_a_trace_without_maps_or_with_other_lengths_is_refused() -> None:
    with pytest.raises(ModelInputError, match="need_maps=True"):
        attention_shares(Trace(torch.zeros(1, 2, 4)), np.array([2]))
    trace = Trace(torch.zeros(1, 2, 4), {"only": torch.ones(1, 1, 2, 2) / 2})
    for lengths in ([3], [0], [1, 1]):
        with pytest.raises(ModelInputError, match="does not fit lengths"):
            attention_shares(trace, np.array(lengths))


@given(st.lists(st.integers(0, 30), min_size=4, max_size=30, unique=True), st.randoms())
@settings(max_examples=50, deadline=None)
def test_agreement_is_one_for_the_same_order_and_minus_one_for_the_opposite(
    values: list[int], random: object
) -> None:
    shares = np.array(values, np.float64) / (1 + sum(values))
    assert agreement(shares, np.exp(shares)) == 1.0
    assert agreement(shares, -shares) == -1.0
    shuffled = np.array(random.sample(values, len(values)), np.float64)
    # Spearman's own formula, which holds where no two values are equal.
    n, d = len(values), np.argsort(np.argsort(shares)) - np.argsort(np.argsort(shuffled))
    assert agreement(shares, shuffled) == pytest.approx(1 - 6 * (d**2).sum() / (n * (n**2 - 1)))


@pytest.mark.parametrize(
    ("shares", "effects"),
    [
        ([0.2, 0.3, 0.5], [0.0, 1.0, 2.0]),
        ([0.25] * 4, [0, 1, 2, 3]),
        ([0.1, 0.2, 0.3, 0.4], [0] * 4),
    ],
)
def test_agreement_is_unknown_without_an_order(shares: list[float], effects: list[float]) -> None:
    assert agreement(np.array(shares), np.array(effects, np.float64)) is None


class Sum:
    """The score of item 2 is the sum of the codes in the history."""

    def score(self, queries: Queries) -> np.ndarray:
        scores = np.zeros((len(queries), SIZE), np.float32)
        query, position = queries.history_events()
        np.add.at(scores[:, 2], query, queries.sequences.items[position])
        return scores


CANDIDATES = np.arange(SIZE) >= 2


def test_true_attention_falls_further_than_chance_and_false_attention_less() -> None:
    query = histories(12)
    codes = query.sequences.items.astype(np.float64)
    true = check_deletion(Sum(), query, 2, CANDIDATES, codes / codes.sum())
    false = check_deletion(Sum(), query, 2, CANDIDATES, (SIZE - codes) / SIZE)
    assert (true.removed, true.draws) == (3, 20)
    assert true.most_attended == np.sort(codes)[-3:].sum()
    assert false.most_attended == np.sort(codes)[:3].sum()
    assert true.above >= 0.95 > 0.05 >= false.above
    assert false.most_attended < true.random == false.random < true.most_attended


def test_the_random_removals_depend_on_the_seed_alone() -> None:
    query, shares = histories(12), np.full(12, 1 / 12)
    first, again, other = (
        check_deletion(Sum(), query, 2, CANDIDATES, shares, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again
    assert first.random != other.random
    assert first.to_dict()["random"] == first.random


def test_what_makes_no_difference_falls_no_further_than_chance() -> None:
    class Constant:
        def score(self, queries: Queries) -> np.ndarray:
            return np.zeros((len(queries), SIZE), np.float32)

    found = check_deletion(Constant(), histories(6), 2, CANDIDATES, np.arange(6.0))
    assert (found.most_attended, found.random, found.above) == (0.0, 0.0, 0.5)
    assert check_deletion(Constant(), histories(3), 2, CANDIDATES, np.arange(3.0)) is None
