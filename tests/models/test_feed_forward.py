"""The feed-forward network against torch's layers, in both precisions."""

import pytest
import torch
from torch import Tensor, nn

from regard.models.feed_forward import FeedForward


def passed(layers: nn.Module, states: Tensor, *, low: bool) -> tuple[Tensor, list[Tensor]]:
    states = states.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=low):
        found = layers(states)
    weights = torch.linspace(-1, 1, found.numel()).view(found.shape)
    return found, list(torch.autograd.grad((found * weights).sum(), [states, *layers.parameters()]))


@pytest.mark.parametrize("shape", [(1, 12), (3, 5, 12), (256, 12), (257, 12)])
@pytest.mark.parametrize("low", [True, False])
def test_is_what_torch_does(shape: tuple[int, ...], low: bool) -> None:
    torch.manual_seed(0)
    ours = FeedForward(12, 40)
    theirs = nn.Sequential(nn.Linear(12, 40, bias=False), nn.ReLU(), nn.Linear(40, 12, bias=False))
    theirs.load_state_dict({"0.weight": ours.expand.weight, "2.weight": ours.contract.weight})
    states = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    found, grads = passed(ours, states, low=low)
    expected, witnesses = passed(theirs, states, low=low)
    assert found.dtype == expected.dtype == (torch.bfloat16 if low else torch.float32)
    torch.testing.assert_close(found, expected, rtol=0.02, atol=0.02 if low else 1e-6)
    for mine, witness in zip(grads, witnesses, strict=True):
        assert mine.dtype == witness.dtype == torch.float32
        assert (mine - witness).norm() <= (0.01 if low else 1e-6) * witness.norm()
