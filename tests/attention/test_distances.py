"""Scaled dot product: a scale, fewer key heads, schemes of distance, against torch and loops."""

import math

import numpy as np
import pytest
import torch
from references import heads_of, numbers, shaken, softmax, states_of
from torch.nn import functional as F

from regard.attention.linear_bias import LinearBiases
from regard.attention.positions import Distances
from regard.attention.rotary import RotaryPositions
from regard.attention.scaled_dot_product import ScaledDotProductAttention
from regard.errors import ConfigurationError

L, D = 6, 16


@pytest.mark.parametrize("key_heads", [1, 2, 4])
@pytest.mark.parametrize("scale", [None, 1.0, 0.3])
def test_key_heads_and_scale_are_those_of_torch(key_heads: int, scale: float | None) -> None:
    attention = ScaledDotProductAttention(D, heads=4, key_heads=key_heads, scale=scale).double()
    states_BLD = torch.cat([states_of(L, D, seed) for seed in range(2)])
    projected = attention.queries_keys_values(states_BLD)
    parts = projected.split([16, 4 * key_heads, 4 * key_heads], dim=-1)
    q, k, v = (part.unflatten(-1, (-1, 4)).transpose(1, 2) for part in parts)
    mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale, enable_gqa=True)
    expected = attention.output(mixed.transpose(1, 2).flatten(2))
    for need_map in (False, True):
        found, _ = attention(states_BLD, need_map=need_map)
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-13)


def test_fewer_key_heads_have_fewer_parameters() -> None:
    sizes = [
        sum(each.numel() for each in ScaledDotProductAttention(D, 4, key_heads=G).parameters())
        for G in (4, 2, 1)
    ]
    assert sizes == [4 * D * D, 3 * D * D, 2 * D * D + D * D // 2]


@pytest.mark.parametrize("key_heads", [0, 3, 8])
def test_refuses_key_heads_that_do_not_divide_the_heads(key_heads: int) -> None:
    with pytest.raises(ConfigurationError, match=f"key_heads={key_heads} must divide heads=4"):
        ScaledDotProductAttention(D, heads=4, key_heads=key_heads)


def test_rotary_positions_equal_rotation_matrices() -> None:
    parts = torch.randn(1, 2, L, 8, dtype=torch.float64)
    turned = numbers(RotaryPositions(base=100.0).turn(parts, torch.arange(L)[None]))
    for head in range(2):
        for place in range(L):
            for pair in range(4):
                angle = place * 100.0 ** (-2 * pair / 8)
                matrix = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
                columns = [pair, pair + 4]
                expected = matrix @ numbers(parts[0, head, place])[columns]
                np.testing.assert_allclose(turned[0, head, place, columns], expected, rtol=1e-12)


def test_rotary_likeness_knows_only_the_difference_of_places() -> None:
    scheme, (q, k) = RotaryPositions(), torch.randn(2, 1, 1, 1, 8, dtype=torch.float64)

    def product(first: int, second: int) -> float:
        turned = scheme.turn(q, torch.tensor([[first]])), scheme.turn(k, torch.tensor([[second]]))
        return float((turned[0] * turned[1]).sum())

    assert product(7, 3) == pytest.approx(product(104, 100), rel=1e-10)
    assert product(7, 3) != pytest.approx(product(7, 4), rel=1e-3)


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_linear_biases_equal_a_loop(heads: int) -> None:
    attention = shaken(ScaledDotProductAttention(D, heads, positions=LinearBiases(heads)))
    states_BLD = states_of(L, D)
    q, k, v = heads_of(attention.queries_keys_values.weight, states_BLD, 3, heads)
    joined = np.zeros((L, D))
    for head in range(heads):
        slope = 2 ** (-8 * (head + 1) / heads)
        columns = slice(head * D // heads, (head + 1) * D // heads)
        for i in range(L):
            scores = [
                q[head][i] @ k[head][j] / math.sqrt(D / heads) - slope * (i - j)
                for j in range(i + 1)
            ]
            joined[i, columns] = softmax(scores) @ v[head][: i + 1]
    expected = joined @ numbers(attention.output.weight).T
    for need_map in (False, True):
        found = numbers(attention(states_BLD, need_map=need_map)[0][0])
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_an_order_is_seen_through_a_scheme_and_not_without_one() -> None:
    states_BLD = states_of(4, D)
    swapped_BLD = states_BLD[:, [1, 0, 2, 3]]
    for positions in (None, Distances(), RotaryPositions(), LinearBiases(2)):
        attention = shaken(ScaledDotProductAttention(D, 2, positions=positions))
        ours, theirs = attention(states_BLD)[0][:, 3], attention(swapped_BLD)[0][:, 3]
        blind = positions is None or type(positions) is Distances
        assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-10) == blind


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"base=1.0 of rotary positions must be above 1"):
        RotaryPositions(base=1.0)
    with pytest.raises(ConfigurationError, match="a head has 3; choose width and heads"):
        ScaledDotProductAttention(6, heads=2, positions=RotaryPositions())(torch.randn(1, 2, 6))
    with pytest.raises(ConfigurationError, match="heads=0 of linear biases must be 1 or more"):
        LinearBiases(heads=0)
