"""Differential attention against a loop over the paper's equations."""

import numpy as np
import pytest
from references import heads_of, numbers, shaken, softmax, states_of

from regard.attention.differential import DifferentialAttention
from regard.errors import ConfigurationError

L, D, H = 5, 12, 2
K, J = D // H, D // H // 2


@pytest.mark.parametrize("layer", [1, 3])
def test_equals_a_loop(layer: int) -> None:
    attention = shaken(DifferentialAttention(D, H, layer))
    states_BLD = states_of(L, D)
    q, k, v = heads_of(attention.queries_keys_values.weight, states_BLD, 3, H)
    start = 0.8 - 0.6 * np.exp(-0.3 * (layer - 1))
    a, b = numbers(attention.queries_2J), numbers(attention.keys_2J)
    taken_off = np.exp(a[0] @ b[0]) - np.exp(a[1] @ b[1]) + start
    joined, gain = np.zeros((L, D)), numbers(attention.norm.weight)
    for h in range(H):
        for i in range(L):
            first, second = (
                softmax([q[h][i, part] @ k[h][j, part] / np.sqrt(J) for j in range(i + 1)])
                for part in (slice(0, J), slice(J, K))
            )
            mixed = (first - taken_off * second) @ v[h][: i + 1]
            normed = mixed / np.sqrt((mixed**2).mean() + 1e-5) * gain
            joined[i, h * K : (h + 1) * K] = (1 - start) * normed
    expected = joined @ numbers(attention.output.weight).T
    for need_map in (False, True):
        found, _ = attention(states_BLD, need_map=need_map)
        np.testing.assert_allclose(numbers(found[0]), expected, rtol=1e-9, atol=1e-11)


def test_later_layers_start_with_more_taken_off() -> None:
    starts = [DifferentialAttention(D, H, layer).start for layer in (1, 2, 8)]
    assert starts == sorted(starts)
    assert starts[0] == pytest.approx(0.2)


def test_refuses_heads_that_cannot_be_halved_and_layer_nought() -> None:
    with pytest.raises(ConfigurationError, match="twice as many must divide width=6"):
        DifferentialAttention(6, heads=2)
    with pytest.raises(ConfigurationError, match="layer=0 must be 1 or more"):
        DifferentialAttention(8, heads=2, layer=0)
