"""Entmax: what it says without its package, how it asks it, and its numbers with it."""

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np
import pytest
import torch
from references import heads_of, numbers, shaken, states_of
from torch import Tensor

from regard.attention.entmax import EntmaxAttention
from regard.attention.scaled_dot_product import ScaledDotProductAttention
from regard.errors import MissingDependencyError

L, D, H = 6, 8, 2


def test_says_how_to_get_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"needs entmax.* 'regard\[entmax\]'"):
        EntmaxAttention(D)(torch.randn(1, 3, D))


def test_asks_for_alpha_by_head_with_scores_of_the_past(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Tensor] = []

    def softmax(scores: Tensor, alpha: Tensor, dim: int, n_iter: int) -> Tensor:
        asked.append(alpha)
        return scores.softmax(dim)

    stand_in = ModuleType("entmax")
    stand_in.__spec__ = ModuleSpec("entmax", None)
    stand_in.entmax_bisect = softmax
    monkeypatch.setitem(sys.modules, "entmax", stand_in)
    ours, plain = EntmaxAttention(D, H), ScaledDotProductAttention(D, H)
    plain.load_state_dict(ours.state_dict(), strict=False)
    with torch.no_grad():
        ours.sparsity_H.copy_(torch.tensor([-1.0, 3.0]))
    states_BLD, lengths_B = states_of(L, D).float(), torch.tensor([4])
    found, expected = ours(states_BLD)[0], plain(states_BLD)[0]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    assert asked[0].shape == (1, H, L, 1)
    torch.testing.assert_close(asked[0][0, :, 0, 0], ours.alphas())
    assert ((ours.alphas() > 1) & (ours.alphas() < 2)).all()
    newest = ours.newest(states_BLD, lengths_B)
    torch.testing.assert_close(newest, expected[:, 3], rtol=1e-5, atol=1e-6)
    with torch.no_grad():
        ours.log_temperature_H.fill_(20.0)  # so hot that everything so far counts the same
    _, map_BHLM = ours(states_BLD, need_map=True)
    torch.testing.assert_close(map_BHLM[0, :, 3, :4], torch.full((H, 4), 0.25))


def test_equals_a_loop() -> None:
    pytest.importorskip("entmax", reason="the package entmax (extra entmax) is not installed")
    attention = shaken(EntmaxAttention(D, H))
    states_BLD = states_of(L, D)
    q, k, v = heads_of(attention.queries_keys_values.weight, states_BLD, 3, H)
    alphas = numbers(attention.alphas())
    heat = np.exp(numbers(attention.log_temperature_H))
    joined = np.zeros((L, D))
    for head in range(H):
        columns = slice(head * D // H, (head + 1) * D // H)
        for i in range(L):
            scores = q[head][i] @ k[head][: i + 1].T / (np.sqrt(D / H) * heat[head])
            joined[i, columns] = entmax(scores, alphas[head]) @ v[head][: i + 1]
    expected = joined @ numbers(attention.output.weight).T
    found = numbers(attention(states_BLD)[0][0])
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)


def entmax(scores: np.ndarray, alpha: float) -> np.ndarray:
    """Equation 4, its threshold by a root finder of another library."""
    from scipy.optimize import brentq

    def shares(threshold: float) -> np.ndarray:
        return np.maximum((alpha - 1) * scores - threshold, 0) ** (1 / (alpha - 1))

    top = (alpha - 1) * scores.max()
    # Below top - 1 the largest share alone is above one; at it, rounding decides.
    return shares(brentq(lambda tau: shares(tau).sum() - 1, top - 1.5, top, xtol=1e-14))


def test_float32_is_as_close_to_float64_as_its_bits_allow() -> None:
    pytest.importorskip("entmax", reason="the package entmax (extra entmax) is not installed")
    torch.manual_seed(5)
    attention = EntmaxAttention(D, H).double()
    states_BLD = 4 * torch.randn(2, 200, D, dtype=torch.float64)
    _, exact_BHLM = attention(states_BLD, need_map=True)
    _, map_BHLM = attention.float()(states_BLD.float(), need_map=True)
    torch.testing.assert_close(map_BHLM.double(), exact_BHLM, rtol=0, atol=2e-6)
