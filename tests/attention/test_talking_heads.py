"""Talking heads against a loop."""

import numpy as np
import pytest
import torch
from references import heads_of, numbers, shaken, sigmoid, softmax, states_of

from regard.attention.scaled_dot_product import ScaledDotProductAttention
from regard.attention.talking_heads import TalkingHeadsAttention

L, D, H = 5, 12, 3
K = D // H


@pytest.mark.parametrize("gated", [False, True])
def test_equals_a_loop(gated: bool) -> None:
    attention = shaken(TalkingHeadsAttention(D, heads=H, gated=gated))
    states_BLD = states_of(L, D)
    parts = heads_of(attention.queries_keys_values.weight, states_BLD, 3, H)
    if gated:
        gates = numbers(states_BLD[0]) @ numbers(attention.gates.weight).T
        gates = sigmoid(gates + numbers(attention.gates.bias))
        cut = [np.split(part, H, axis=1) for part in np.split(gates, 3, axis=1)]
        parts = [[parts[p][h] * cut[p][h] for h in range(H)] for p in range(3)]
    q, k, v = parts
    before, after = numbers(attention.before_HG), numbers(attention.after_HG)
    joined = np.zeros((L, D))
    for i in range(L):
        likes = [[q[h][i] @ k[h][j] / K**0.5 for j in range(i + 1)] for h in range(H)]
        shares = [
            softmax([sum(before[h, g] * likes[h][j] for h in range(H)) for j in range(i + 1)])
            for g in range(H)
        ]
        for g in range(H):
            row = sum(after[h, g] * shares[h] for h in range(H))
            joined[i, g * K : (g + 1) * K] = row @ v[g][: i + 1]
    expected = joined @ numbers(attention.output.weight).T
    found = numbers(attention(states_BLD)[0][0])
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_starts_as_plain_attention() -> None:
    ours, plain = TalkingHeadsAttention(D, heads=H), ScaledDotProductAttention(D, heads=H)
    plain.load_state_dict(ours.state_dict(), strict=False)
    states_BLD = states_of(L, D).float()
    torch.testing.assert_close(ours(states_BLD)[0], plain(states_BLD)[0], rtol=1e-5, atol=1e-6)
