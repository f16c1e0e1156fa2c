"""Attention as bfloat16 products, against torch's kernel in float64."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from regard.attention import low_precision
from regard.attention.low_precision import causal_attention
from regard.attention.scaled_dot_product import ScaledDotProductAttention

Given = tuple[int, int, int, int]
SHAPES: list[Given] = [(1, 1, 1, 4), (3, 7, 2, 8), (2, 8, 4, 4), (5, 33, 1, 16), (9, 16, 2, 32)]
"""B, L, H, K: below, at and above what is filled up."""


def given(shape: Given) -> Tensor:
    B, L, H, K = shape
    return torch.randn(B, L, 3, H, K, generator=torch.Generator().manual_seed(L)).bfloat16()


def exact(projected_BL3HK: Tensor) -> Tensor:
    parts = projected_BL3HK.double().permute(2, 0, 3, 1, 4).unbind(0)
    return F.scaled_dot_product_attention(*parts, is_causal=True).transpose(1, 2).flatten(2)


def close(ours: Tensor, theirs: Tensor, tolerance: float = 0.01) -> bool:
    return bool((ours.detach().double() - theirs).norm() <= tolerance * theirs.norm())


@pytest.mark.parametrize("shape", SHAPES)
def test_value_and_gradients_are_those_of_the_formula(shape: Given) -> None:
    low, high = given(shape).requires_grad_(), given(shape).double().requires_grad_()
    ours, theirs = causal_attention(low), exact(high)
    assert ours.dtype == torch.bfloat16
    assert close(ours, theirs)
    weights = torch.linspace(-1, 1, ours.numel()).view(ours.shape)
    (ours * weights).sum().backward()
    (theirs * weights).sum().backward()
    for part in range(3):
        assert close(low.grad[:, :, part], high.grad[:, :, part], 0.02) or shape[1] == 1
    assert torch.isfinite(low.grad).all()


def test_the_future_changes_neither_values_nor_gradients() -> None:
    first, other = given((3, 12, 2, 8)), given((3, 12, 2, 8))
    other[:, 6:] = 50
    answers = []
    for each in (first.requires_grad_(), other.requires_grad_()):
        mixed_BLD = causal_attention(each)[:, :6]
        mixed_BLD.float().sin().sum().backward()
        answers.append((mixed_BLD, each.grad))
    (ours, of_ours), (theirs, of_theirs) = answers
    assert torch.equal(ours, theirs)
    assert torch.equal(of_ours[:, :6], of_theirs[:, :6])
    assert not of_ours[:, 6:].any()


def test_long_histories_are_left_to_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    def noted(projected: Tensor) -> Tensor:
        taken.append(projected.shape[1])
        return causal_attention(projected)

    monkeypatch.setattr("regard.attention.scaled_dot_product.causal_attention", noted)
    attention = ScaledDotProductAttention(8, heads=2)
    at_most = low_precision.LONGEST
    states_BLD = torch.randn(1, at_most + 1, 8, generator=torch.Generator().manual_seed(0))
    found = {}
    for length in (at_most, at_most + 1):
        with torch.autocast("cpu", torch.bfloat16):
            found[length], _ = attention(states_BLD[:, :length])
    attention(torch.randn(1, 4, 8))
    assert taken == [at_most]
    torch.testing.assert_close(
        found[at_most], found[at_most + 1][:, :at_most], rtol=0.05, atol=0.01
    )
