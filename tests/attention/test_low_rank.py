"""Low-rank attention against a loop, with padding, and why it is for the newest event only."""

import numpy as np
import pytest
import torch
from references import heads_of, numbers, shaken, softmax, states_of

from regard.attention.low_rank import LowRankAttention
from regard.errors import ConfigurationError

L, D, H, INTERESTS = 6, 8, 2, 3


@pytest.mark.parametrize("real", [1, 4, L])
def test_equals_a_loop(real: int) -> None:
    attention = shaken(LowRankAttention(D, H, INTERESTS))
    states_BLD = states_of(L, D)
    q, k, v = heads_of(attention.queries_keys_values.weight, states_BLD, 3, H)
    means = []
    for part, layer in ((k, attention.key_interests), (v, attention.value_interests)):
        whole = np.concatenate(part, axis=1)[:real]
        shares = [softmax(list(whole @ theta)) for theta in numbers(layer.weight)]
        means.append([[share @ part[h][:real] for share in shares] for h in range(H)])
    joined = np.zeros((real, D))
    for h in range(H):
        for i in range(real):
            row = softmax([q[h][i] @ key / np.sqrt(D / H) for key in means[0][h]])
            joined[i, h * D // H : (h + 1) * D // H] = row @ np.array(means[1][h])
    expected = joined @ numbers(attention.output.weight).T
    lengths_B = torch.tensor([real])
    for need_map in (False, True):
        found, map_BHLM = attention(states_BLD, lengths_B=lengths_B, need_map=need_map)
        np.testing.assert_allclose(numbers(found[0, :real]), expected, rtol=1e-10, atol=1e-12)
    assert not map_BHLM[..., real:].any()
    newest = numbers(attention.newest(states_BLD, lengths_B)[0])
    np.testing.assert_allclose(newest, expected[-1], rtol=1e-10, atol=1e-12)


def test_without_lengths_all_events_are_real() -> None:
    attention, states_BLD = LowRankAttention(D, H), states_of(L, D).float()
    told, _ = attention(states_BLD, lengths_B=torch.tensor([L]))
    assert torch.equal(attention(states_BLD)[0], told)


def test_an_earlier_position_sees_a_later_one() -> None:
    attention, states_BLD = LowRankAttention(D, H), states_of(L, D).float()
    other_BLD = states_BLD.clone()
    other_BLD[:, -1] += 1
    assert not attention.promises.causal
    assert not torch.allclose(attention(states_BLD)[0][:, 0], attention(other_BLD)[0][:, 0])


def test_refuses_no_interests() -> None:
    with pytest.raises(ConfigurationError, match="interests=0 must be 1 or more"):
        LowRankAttention(D, H, interests=0)
