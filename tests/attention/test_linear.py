"""Linear attention against a loop that keeps the sums of the paper, across several chunks."""

import numpy as np
import pytest
import torch
from references import Array, heads_of, numbers, shaken, states_of

from regard.attention import linear
from regard.attention.linear import LinearAttention

D, H = 8, 2


def features(row: Array) -> Array:
    return np.where(row > 0, row + 1, np.exp(np.minimum(row, 0)))


@pytest.mark.parametrize("length", [1, 3, 4, 5, 13])
def test_equals_a_loop(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "_CHUNK", 4)
    attention = shaken(LinearAttention(D, H))
    states_BLD = states_of(length, D)
    q, k, v = heads_of(attention.queries_keys_values.weight, states_BLD, 3, H)
    joined = np.zeros((length, D))
    for head in range(H):
        columns = slice(head * D // H, (head + 1) * D // H)
        above, below = np.zeros((D // H, D // H)), np.zeros(D // H)
        for i in range(length):
            above += np.outer(features(k[head][i]), v[head][i])
            below += features(k[head][i])
            query = features(q[head][i])
            joined[i, columns] = query @ above / (query @ below)
    expected = joined @ numbers(attention.output.weight).T
    for need_map in (False, True):
        found = numbers(attention(states_BLD, need_map=need_map)[0][0])
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_long_histories_by_sums_are_those_by_the_map() -> None:
    attention = shaken(LinearAttention(D, H))
    states_BLD = states_of(200, D)
    by_sums, by_map = attention(states_BLD)[0], attention(states_BLD, need_map=True)[0]
    torch.testing.assert_close(by_sums, by_map, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("moment", [1, 63, 64, 65, 130])
def test_the_future_changes_nothing_across_chunks(moment: int) -> None:
    attention = LinearAttention(D, H)
    states_BLD = states_of(150, D).float()
    other_BLD = states_BLD.clone()
    other_BLD[:, moment:] = 100 * torch.randn(1, 150 - moment, D)
    ours, theirs = attention(states_BLD)[0], attention(other_BLD)[0]
    assert torch.equal(ours[:, :moment], theirs[:, :moment])
