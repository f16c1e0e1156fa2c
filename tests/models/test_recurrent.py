"""A recurrent layer over a history: exact under autocast, and causal by itself."""

import pytest
import torch
from torch import Tensor, nn

from regard.models.recurrent import begin_awake, states_after_each

B, L, D, H = 3, 7, 5, 6


@pytest.fixture(params=[nn.GRU, nn.LSTM])
def layer(request: pytest.FixtureRequest) -> nn.GRU | nn.LSTM:
    torch.manual_seed(0)
    return request.param(D, H, batch_first=True)


@pytest.fixture
def vectors_BLD() -> Tensor:
    return torch.randn(B, L, D, generator=torch.Generator().manual_seed(1))


def test_under_autocast_it_is_what_it_is_without(
    layer: nn.GRU | nn.LSTM, vectors_BLD: Tensor
) -> None:
    exact = states_after_each(layer, vectors_BLD)
    with torch.autocast("cpu", torch.bfloat16):
        states = states_after_each(layer, vectors_BLD)
        narrow = states_after_each(layer, vectors_BLD.bfloat16())
    assert states.dtype == narrow.dtype == torch.float32
    assert torch.equal(states, exact)
    torch.testing.assert_close(narrow, exact, rtol=0, atol=0.02)
    exact.sum().backward()
    assert all(each.grad is not None and each.grad.any() for each in layer.parameters())


def test_the_last_state_alone_knows_the_last_event(
    layer: nn.GRU | nn.LSTM, vectors_BLD: Tensor
) -> None:
    ours = states_after_each(layer, vectors_BLD)
    vectors_BLD[:, -1] += 1
    theirs = states_after_each(layer, vectors_BLD)
    assert ours.shape == (B, L, H)
    assert torch.equal(ours[:, :-1], theirs[:, :-1])
    assert not torch.isclose(ours[:, -1], theirs[:, -1]).any()


@pytest.mark.parametrize("spread", [0.05, 1.0])
def test_sums_within_gates_begin_with_unit_size(spread: float) -> None:
    torch.manual_seed(0)
    layer = nn.GRU(64, 32, num_layers=2, batch_first=True)
    begin_awake(layer, spread)
    sums = spread * torch.randn(500, 64) @ layer.weight_ih_l0.T
    assert sums.std().item() == pytest.approx(1, abs=0.05)
    upper = 0.5 * torch.randn(500, 32) @ layer.weight_ih_l1.T
    assert upper.std().item() == pytest.approx(1, abs=0.1)
    for name, each in layer.named_parameters():
        if name.startswith("bias"):
            assert not each.any(), name
        if name.startswith("weight_hh"):
            for gate in each.split(32):
                torch.testing.assert_close(gate @ gate.T, torch.eye(32), rtol=0, atol=1e-5)


def test_of_an_lstm_the_gate_that_forgets_begins_nearly_open() -> None:
    layer = nn.LSTM(5, H, batch_first=True)
    begin_awake(layer, 1.0)
    write, keep, new, show = (layer.bias_ih_l0 + layer.bias_hh_l0).split(H)
    assert (keep == 1).all()
    assert not torch.cat([write, new, show]).any()
