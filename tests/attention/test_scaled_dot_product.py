"""Scaled dot-product attention against torch's own and against a loop over NumPy numbers."""

import numpy as np
import pytest
import torch
from torch import nn

from regard.attention.scaled_dot_product import ScaledDotProductAttention
from regard.errors import ConfigurationError

B, L, D = 2, 6, 12


def made(heads: int, dropout: float = 0.0) -> ScaledDotProductAttention:
    torch.manual_seed(heads)
    return ScaledDotProductAttention(D, heads, dropout, bias=True)


@pytest.mark.parametrize("heads", [1, 2, 3, 4])
def test_equals_that_of_torch(heads: int) -> None:
    ours = made(heads)
    theirs = nn.MultiheadAttention(D, heads, batch_first=True)
    theirs.load_state_dict(
        {
            "in_proj_weight": ours.queries_keys_values.weight,
            "in_proj_bias": ours.queries_keys_values.bias,
            "out_proj.weight": ours.output.weight,
            "out_proj.bias": ours.output.bias,
        }
    )
    states_BLD = torch.randn(B, L, D)
    future = torch.ones(L, L, dtype=torch.bool).triu(1)
    expected, expected_map = theirs(
        states_BLD, states_BLD, states_BLD, attn_mask=future, average_attn_weights=False
    )
    fused, _ = ours(states_BLD)
    written, map_BHLM = ours(states_BLD, need_map=True)
    torch.testing.assert_close(fused, expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(written, expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(map_BHLM, expected_map, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("heads", [1, 3])
def test_equals_a_loop(heads: int) -> None:
    attention = made(heads).double()
    states = torch.randn(L, D, dtype=torch.float64)
    weights = {name: value.detach().numpy() for name, value in attention.named_parameters()}
    projected = (
        states.numpy() @ weights["queries_keys_values.weight"].T
        + weights["queries_keys_values.bias"]
    )
    q, k, v = np.split(projected, 3, axis=1)
    K = D // heads
    joined = np.zeros((L, D))
    for head in range(heads):
        columns = slice(head * K, (head + 1) * K)
        for i in range(L):
            scores = [q[i, columns] @ k[j, columns] / np.sqrt(K) for j in range(i + 1)]
            values = np.exp(scores) / np.exp(scores).sum()
            joined[i, columns] = sum(values[j] * v[j, columns] for j in range(i + 1))
    expected = joined @ weights["output.weight"].T + weights["output.bias"]
    for need_map in (False, True):
        found, _ = attention(states[None], need_map=need_map)
        np.testing.assert_allclose(found[0].detach().numpy(), expected, rtol=1e-12, atol=1e-13)


def test_attention_values_are_dropped_while_training_only() -> None:
    attention = made(2, dropout=0.5)
    states_BLD = torch.randn(B, L, D)
    assert not torch.allclose(attention(states_BLD)[0], attention(states_BLD)[0])
    attention.eval()
    assert torch.equal(attention(states_BLD)[0], attention(states_BLD)[0])


def test_the_map_is_the_one_before_dropout() -> None:
    attention = made(2, dropout=0.5)
    _, map_BHLM = attention(torch.randn(B, L, D), need_map=True)
    torch.testing.assert_close(map_BHLM.sum(-1), torch.ones(B, 2, L))


def test_dropout_of_attention_values_does_not_shift_the_mean() -> None:
    attention = made(1, dropout=0.4)
    states_BLD = torch.randn(1, L, D)
    with torch.no_grad():
        sampled, _ = attention(states_BLD.expand(4000, L, D))
        expected, _ = attention.eval()(states_BLD)
    error = sampled.std(0) / len(sampled) ** 0.5
    assert ((sampled.mean(0) - expected[0]).abs() <= 5 * error + 1e-6).all()


def test_refuses_heads_that_do_not_divide_the_width() -> None:
    with pytest.raises(ConfigurationError, match="heads=3 must divide width=8"):
        ScaledDotProductAttention(8, heads=3)
