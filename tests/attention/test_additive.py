"""Additive attention against a loop, and with scores far apart."""

import numpy as np
import torch

from regard.attention.additive import AdditiveAttention

B, L, D = 2, 6, 5


def test_equals_a_loop() -> None:
    torch.manual_seed(0)
    attention = AdditiveAttention(D).double()
    states = torch.randn(B, L, D, dtype=torch.float64)
    found, map_BHLM = attention(states, need_map=True)
    w, x = attention.score.weight[0].detach().numpy(), states.numpy()
    for b in range(B):
        for i in range(L):
            raised = [np.exp(w @ x[b, j]) for j in range(i + 1)]
            values = [each / sum(raised) for each in raised]
            expected = sum(values[j] * x[b, j] for j in range(i + 1))
            np.testing.assert_allclose(found[b, i].detach().numpy(), expected, rtol=1e-12)
            row = map_BHLM[b, 0, i].detach().numpy()
            np.testing.assert_allclose(row, values + [0.0] * (L - 1 - i), rtol=1e-12)


def test_a_loud_event_does_not_silence_the_ones_before_it() -> None:
    attention = AdditiveAttention(1)
    with torch.no_grad():
        attention.score.weight.fill_(1.0)
    states_BLD = torch.tensor([[[-1e4], [-1e4 + 1], [1e4], [0.0]]], requires_grad=True)
    pooled_BLD, map_BHLM = attention(states_BLD, need_map=True)
    quiet = 1 / (1 + np.e)
    np.testing.assert_allclose(map_BHLM[0, 0, 1, :2].tolist(), [quiet, 1 - quiet], rtol=1e-3)
    assert map_BHLM[0, 0, 2].tolist() == [0.0, 0.0, 1.0, 0.0]
    assert pooled_BLD[0, 3].item() == 1e4
    pooled_BLD.sum().backward()
    assert torch.isfinite(states_BLD.grad).all()
    assert torch.isfinite(attention.score.weight.grad).all()
