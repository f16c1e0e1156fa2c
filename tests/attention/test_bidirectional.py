"""Bidirectional attention against torch's own and a loop, with padding, and what it sees."""

import numpy as np
import pytest
import torch
from references import heads_of, numbers, shaken, softmax, states_of
from torch import nn

from regard.attention.bidirectional import BidirectionalAttention
from regard.errors import ConfigurationError

B, L, D = 3, 6, 12


def made(heads: int, dropout: float = 0.0) -> BidirectionalAttention:
    torch.manual_seed(heads)
    attention = BidirectionalAttention(D, heads, dropout, bias=True)
    for each in (attention.queries_keys_values, attention.output):
        nn.init.normal_(each.bias)
    return attention


@pytest.mark.parametrize("heads", [1, 2, 4])
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
    states_BLD, lengths_B = torch.randn(B, L, D), torch.tensor([L, 1, 4])
    padding = torch.arange(L) >= lengths_B[:, None]
    expected, expected_map = theirs(
        states_BLD, states_BLD, states_BLD, key_padding_mask=padding, average_attn_weights=False
    )
    fused, _ = ours(states_BLD, lengths_B=lengths_B)
    written, map_BHLM = ours(states_BLD, lengths_B=lengths_B, need_map=True)
    torch.testing.assert_close(map_BHLM, expected_map, rtol=1e-5, atol=1e-6)
    for found in (fused, written):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    newest_BD = ours.newest(states_BLD, lengths_B)
    expected_BD = expected[torch.arange(B), lengths_B - 1]
    torch.testing.assert_close(newest_BD, expected_BD, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("real", [1, 4, L])
def test_equals_a_loop(real: int) -> None:
    heads = 3
    attention = shaken(BidirectionalAttention(D, heads))
    states_BLD = states_of(L, D)
    q, k, v = heads_of(attention.queries_keys_values.weight, states_BLD, 3, heads)
    joined = np.zeros((real, D))
    for h in range(heads):
        for i in range(real):
            row = softmax([q[h][i] @ k[h][j] / np.sqrt(D / heads) for j in range(real)])
            joined[i, h * D // heads : (h + 1) * D // heads] = row @ v[h][:real]
    expected = joined @ numbers(attention.output.weight).T
    for need_map in (False, True):
        found, _ = attention(states_BLD, lengths_B=torch.tensor([real]), need_map=need_map)
        np.testing.assert_allclose(numbers(found[0, :real]), expected, rtol=1e-10, atol=1e-12)


def test_without_lengths_all_events_are_real() -> None:
    attention, states_BLD = made(2), torch.randn(B, L, D)
    told, told_map = attention(states_BLD, lengths_B=torch.full((B,), L), need_map=True)
    untold, untold_map = attention(states_BLD, need_map=True)
    assert torch.equal(told, untold)
    assert torch.equal(told_map, untold_map)
    torch.testing.assert_close(attention(states_BLD)[0], told, rtol=1e-5, atol=1e-6)


def test_each_position_sees_every_other() -> None:
    attention, states_BLD = made(2), torch.randn(1, L, D)
    before, _ = attention(states_BLD)
    for changed in range(L):
        other_BLD = states_BLD.clone()
        other_BLD[:, changed] += 1
        after, _ = attention(other_BLD)
        assert ((after - before).abs().amax(-1) > 1e-4).all()
    assert not attention.promises.causal


def test_attention_values_are_dropped_while_training_only() -> None:
    attention, states_BLD = made(2, dropout=0.5), torch.randn(B, L, D)
    assert not torch.allclose(attention(states_BLD)[0], attention(states_BLD)[0])
    _, map_BHLM = attention(states_BLD, need_map=True)
    torch.testing.assert_close(map_BHLM.sum(-1), torch.ones(B, 2, L))  # the one before dropout
    attention.eval()
    assert torch.equal(attention(states_BLD)[0], attention(states_BLD)[0])


def test_refuses_heads_that_do_not_divide_the_width() -> None:
    with pytest.raises(ConfigurationError, match="heads=3 must divide width=8"):
        BidirectionalAttention(8, heads=3)
