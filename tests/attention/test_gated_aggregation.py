"""Gated aggregation against a loop over the paper's equations."""

import math

import numpy as np
import pytest
import torch
from references import Array, heads_of, layer_norm, linear, numbers, shaken, sigmoid, states_of

from regard.attention.gated_aggregation import GatedAggregation
from regard.errors import ConfigurationError, ModelInputError

L, D, H, LONGEST = 5, 8, 2, 12
K = D // H
TIMES = torch.tensor([[0.0, 0.0, 5.0, 3600.0, 1e8]], dtype=torch.float64)
ASKED = torch.tensor([[1.0, 4.0, 3000.0, 9e7, 2e8]], dtype=torch.float64)


def silu(values: Array) -> Array:
    return values * sigmoid(values)


def expected(attention: GatedAggregation, states: torch.Tensor, asked: list[float] | None) -> Array:
    """Equations 1 to 3; without time where no moments are asked."""
    weight = attention.gates_values_queries_keys.weight
    parts = heads_of(weight, states, 4, H)
    u, v, q, k = ([silu(head) for head in part] for part in parts)
    by_distance, by_time = numbers(attention.by_distance_S), numbers(attention.by_time_T)
    rows = []
    for i in range(L):
        mixed = []
        for h in range(H):
            total = np.zeros(K)
            for j in range(i + 1):
                strength = q[h][i] @ k[h][j] + by_distance[i - j]
                if asked is not None:
                    between = abs(asked[i] - float(TIMES[0, j]))
                    strength += by_time[int(math.log(max(1.0, between)) / 0.301)]
                total += silu(np.float64(strength)) / LONGEST * v[h][j]
            mixed.append(total)
        gate = np.concatenate([head[i] for head in u])
        normed = layer_norm(np.concatenate(mixed), eps=1e-6)
        rows.append(linear(attention.output, normed * gate))
    return np.array(rows)


@pytest.mark.parametrize("clock", ["none", "own", "asked"])
def test_equals_a_loop(clock: str) -> None:
    attention = shaken(GatedAggregation(D, H, longest=LONGEST))
    states_BLD = states_of(L, D)
    given = {"none": {}, "own": {"times_BL": TIMES}}
    given["asked"] = {"times_BL": TIMES, "asked_BL": ASKED}
    moments = {"none": None, "own": TIMES[0].tolist(), "asked": ASKED[0].tolist()}[clock]
    rows = expected(attention, states_BLD, moments)
    for need_map in (False, True):
        found, _ = attention(states_BLD, need_map=need_map, **given[clock])
        np.testing.assert_allclose(numbers(found[0]), rows, rtol=1e-9, atol=1e-11)
    newest = attention.newest(states_BLD, torch.tensor([4]), **given[clock])
    np.testing.assert_allclose(numbers(newest[0]), rows[3], rtol=1e-9, atol=1e-11)


def test_much_is_more_than_little() -> None:
    attention = shaken(GatedAggregation(D, H, longest=LONGEST))
    once_BLD = states_of(1, D)
    _, once = attention(once_BLD, need_map=True)
    _, thrice = attention(once_BLD.repeat(1, 3, 1), need_map=True)
    assert not torch.allclose(once.sum(-1)[..., -1], thrice.sum(-1)[..., -1])


def test_refuses_what_is_longer_than_its_table_and_sizes_of_nothing() -> None:
    attention = GatedAggregation(D, H, longest=3)
    with pytest.raises(ModelInputError, match=r"4 events .* holds 3; keep its newest 3"):
        attention(torch.randn(1, 4, D))
    with pytest.raises(ConfigurationError, match="longest=0 and buckets=128 must be 1 or more"):
        GatedAggregation(D, H, longest=0)
