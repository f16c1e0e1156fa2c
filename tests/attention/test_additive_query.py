"""Additive attention with a query: against a loop, tiles against all at once, what it holds."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from references import linear, numbers, shaken, sigmoid, states_of
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from regard.attention import additive_strengths
from regard.attention.additive_query import AdditiveQueryAttention
from regard.attention.additive_strengths import causal_strengths

L, D = 6, 4


class Sizes(TorchDispatchMode):
    """Keeps the size of the largest tensor that an operation makes."""

    largest = 0

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        if isinstance(made, Tensor):
            self.largest = max(self.largest, made.numel())
        return made


def written_out(asking_BLD: Tensor, asked_BLD: Tensor, vector_D: Tensor) -> Tensor:
    """All sums at once."""
    both_BLMD = asking_BLD[:, :, None] + asked_BLD[:, None]
    return (both_BLMD.sigmoid() * vector_D).sum(-1).tril()


def three(B: int, length: int, kind: torch.dtype = torch.float64) -> list[Tensor]:
    generator = torch.Generator().manual_seed(3)
    shapes = ((B, length, D), (B, length, D), (D,))
    made = [torch.randn(each, generator=generator, dtype=kind) for each in shapes]
    return [each.requires_grad_() for each in made]


@pytest.mark.parametrize("by_itself", [True, False])
def test_equals_a_loop(by_itself: bool) -> None:
    attention = shaken(AdditiveQueryAttention(D, None if by_itself else 3, bias=not by_itself))
    states = states_of(L, D)
    asking = None if by_itself else states_of(L, 3, seed=1)
    found, map_BHLM = attention(states, need_map=True, asking_BLP=asking)
    x = numbers(states[0])
    q = x if asking is None else numbers(asking[0])
    v = numbers(attention.strength.weight[0])
    for i in range(L):
        pooled = np.zeros(D)
        for j in range(i + 1):
            strength = v @ sigmoid(linear(attention.asking, q[i]) + linear(attention.asked, x[j]))
            assert map_BHLM[0, 0, i, j].item() == pytest.approx(strength, rel=1e-10)
            pooled += strength * x[j]
        np.testing.assert_allclose(numbers(found[0, i]), pooled, rtol=1e-10)
        newest = attention.newest(states, torch.tensor([i + 1]), asking_BLP=asking)
        np.testing.assert_allclose(numbers(newest[0]), pooled, rtol=1e-10)


def test_the_same_event_counts_differently_for_another_asker() -> None:
    attention = shaken(AdditiveQueryAttention(D))
    _, map_BHLM = attention(states_of(L, D), need_map=True)
    assert map_BHLM[0, 0, 1:, 0].std() > 0.01


@pytest.mark.parametrize("numbers_of_a_tile", [1, 40 * D * 70, 2**30])
@pytest.mark.parametrize("length", [1, 31, 32, 33, 70])
def test_tiles_are_as_all_at_once_there_and_back(
    monkeypatch: pytest.MonkeyPatch, numbers_of_a_tile: int, length: int
) -> None:
    monkeypatch.setitem(additive_strengths._NUMBERS, "cpu", numbers_of_a_tile)
    given = three(5, length)
    ours, theirs = causal_strengths(*given), written_out(*given)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    asked = torch.randn(ours.shape, dtype=ours.dtype)
    for one, other in zip(
        torch.autograd.grad(ours, given, asked),
        torch.autograd.grad(theirs, given, asked),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


def test_nothing_is_made_that_is_larger_than_the_map_or_a_tile() -> None:
    B, length = 4, 300
    given = three(B, length, torch.float32)
    map_and_tile = max(B * length**2, additive_strengths._NUMBERS["cpu"])
    with Sizes() as ours:
        causal_strengths(*given).sum().backward()
    with Sizes() as theirs:
        written_out(*given).sum().backward()
    assert ours.largest <= map_and_tile
    assert theirs.largest == B * length**2 * D > map_and_tile


def test_under_autocast_strengths_and_gradients_stay_exact() -> None:
    given = three(2, 40, torch.float32)
    exact = causal_strengths(*given)
    gradients = torch.autograd.grad(exact.square().sum(), given)
    with torch.autocast("cpu", torch.bfloat16):
        low = causal_strengths(*given)
        also = torch.autograd.grad(low.square().sum(), given)
    assert torch.equal(low, exact)
    assert all(torch.equal(one, other) for one, other in zip(gradients, also, strict=True))


def test_what_is_given_in_bfloat16_is_summed_in_float32() -> None:
    asking, asked, vector = three(2, 5, torch.bfloat16)
    ours = causal_strengths(asking, asked, vector)
    assert ours.dtype == torch.float32
    wide = (asking.float(), asked.float(), vector.float())
    torch.testing.assert_close(ours, written_out(*wide), rtol=1e-5, atol=1e-5)


def test_sums_far_from_zero_stay_finite() -> None:
    given = [torch.full((1, 3, D), each, requires_grad=True) for each in (1e4, -3e4)]
    strengths = causal_strengths(*given, torch.ones(D, requires_grad=True))
    assert not strengths.any()
    strengths.sum().backward()
    assert all(torch.isfinite(each.grad).all() for each in given)
