"""The linear layer against torch's own, in both precisions."""

import pytest
import torch
from torch import Tensor, nn

from regard.attention.projection import ROWS, Projection


def pair(bias: bool) -> tuple[Projection, nn.Linear]:
    """Ours and torch's with the same weights."""
    torch.manual_seed(0)
    ours, theirs = Projection(24, 40, bias=bias), nn.Linear(24, 40, bias=bias)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def passed(layer: nn.Module, states: Tensor, *, low: bool) -> tuple[Tensor, list[Tensor]]:
    """The output, and the gradients of states and parameters."""
    states = states.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=low):
        found = layer(states)
    weights = torch.linspace(-1, 1, found.numel()).view(found.shape).to(found.dtype)
    leaves = [states, *layer.parameters()]
    return found, list(torch.autograd.grad((found * weights).sum(), leaves))


@pytest.mark.parametrize("shape", [(1, 24), (3, 5, 24), (ROWS, 24), (ROWS + 1, 24), (2, 3, 7, 24)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("low", [True, False])
def test_is_what_torch_does(shape: tuple[int, ...], bias: bool, low: bool) -> None:
    ours, theirs = pair(bias)
    states = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    found, grads = passed(ours, states, low=low)
    expected, witnesses = passed(theirs, states, low=low)
    assert found.dtype == expected.dtype == (torch.bfloat16 if low else torch.float32)
    torch.testing.assert_close(found, expected, rtol=0.02, atol=0.02 if low else 1e-6)
    for mine, witness in zip(grads, witnesses, strict=True):
        assert mine.dtype == witness.dtype == torch.float32
        assert (mine - witness).norm() <= (0.01 if low else 1e-6) * witness.norm()


def test_low_states_keep_their_type_on_the_way_back() -> None:
    ours, _ = pair(bias=True)
    states = torch.randn(3, 24).bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        ours(states).sum().backward()
    assert states.grad.dtype == torch.bfloat16
    assert ours.weight.grad.dtype == torch.float32
