"""Normalised linear attention against the paper's products over each prefix, across chunks."""

import numpy as np
import pytest
import torch
from references import Array, heads_of, numbers, shaken, states_of

from regard.attention import linear
from regard.attention.normalised_linear import NormalisedLinearAttention

D, H = 8, 2


def elu(values: Array) -> Array:
    return np.where(values > 0, values, np.expm1(np.minimum(values, 0)))


@pytest.mark.parametrize("length", [1, 3, 4, 5, 13])
def test_equals_the_paper_on_each_prefix(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "_CHUNK", 4)
    attention = shaken(NormalisedLinearAttention(D, H))
    states_BLD = states_of(length, D)
    q, k, v = heads_of(attention.queries_keys_values.weight, states_BLD, 3, H)
    joined = np.zeros((length, D))
    for head in range(H):
        columns = slice(head * D // H, (head + 1) * D // H)
        for i in range(length):
            features, values = elu(k[head][: i + 1]), v[head][: i + 1]
            features = features / np.linalg.norm(features, axis=0)
            question = elu(q[head][i]) / np.linalg.norm(elu(q[head][i]))
            joined[i, columns] = question @ (features.T @ values) / np.sqrt(D / H)
    expected = joined @ numbers(attention.output.weight).T
    for need_map in (False, True):
        found = numbers(attention(states_BLD, need_map=need_map)[0][0])
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("moment", [1, 63, 64, 65, 130])
def test_the_future_changes_nothing_across_chunks(moment: int) -> None:
    attention = NormalisedLinearAttention(D, H)
    states_BLD = states_of(150, D).float()
    other_BLD = states_BLD.clone()
    other_BLD[:, moment:] = 100 * torch.randn(1, 150 - moment, D)
    ours, theirs = attention(states_BLD)[0], attention(other_BLD)[0]
    assert torch.equal(ours[:, :moment], theirs[:, :moment])


def test_states_of_nothing_stay_finite_and_so_do_their_gradients() -> None:
    attention = NormalisedLinearAttention(D, H)
    states_BLD = torch.cat([states_of(3, D).float(), torch.zeros(1, 2, D)], dim=1).requires_grad_()
    for need_map in (False, True):
        mixed_BLD, _ = attention(states_BLD.flip(1), need_map=need_map)
        [grad] = torch.autograd.grad(mixed_BLD[:, -1].sum(), states_BLD)
        assert torch.isfinite(mixed_BLD).all()
        assert torch.isfinite(grad).all()
