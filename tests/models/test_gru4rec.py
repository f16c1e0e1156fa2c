"""GRU4Rec against a loop, its gates, and an explanation without a map."""

import numpy as np
import pytest
import torch
from recurrent_references import ROWS, N, gru, linear, numbers, read_in, rows, shaken
from small_worlds import input_of
from torch import nn

from regard.errors import ConfigurationError
from regard.models.gru4rec import GRU4Rec, GRU4RecConfig


def network(layers: int = 1) -> GRU4Rec:
    torch.manual_seed(0)
    return GRU4Rec(GRU4RecConfig(width=6, hidden=5, layers=layers, longest=12), N)


@pytest.mark.parametrize("layers", [1, 2])
def test_equals_a_loop(layers: int) -> None:
    model = shaken(network(layers))
    found = model(rows())
    for row, codes in enumerate(ROWS):
        states = read_in(model, codes)
        for number in range(layers):
            states = gru(model.gru, states, number)
        for place, state in enumerate(states):
            expected = linear(model.output, state)
            np.testing.assert_allclose(numbers(found[row, place]), expected, rtol=1e-9)


def with_gates(model: GRU4Rec, *, reset: float, keep: float) -> GRU4Rec:
    """Gates that stand still, nearly open or shut."""
    with torch.no_grad():
        model.gru.bias_ih_l0[:5] = reset
        model.gru.bias_ih_l0[5:10] = keep
    return model


def test_a_gate_that_keeps_all_lets_nothing_in() -> None:
    model = with_gates(network().eval(), reset=0.0, keep=1e3)
    states_BLD = model(rows())
    torch.testing.assert_close(states_BLD, model.output.bias.expand_as(states_BLD))


def test_gates_that_keep_nothing_leave_the_last_event_alone() -> None:
    one, other = input_of([[3, 4, 5]], N), input_of([[8, 9, 5]], N)
    model = network().eval()
    assert not torch.allclose(model.newest(one), model.newest(other))
    model = with_gates(model, reset=-1e3, keep=-1e3)
    torch.testing.assert_close(model.newest(one), model.newest(other))


def test_order_counts() -> None:
    model = network().eval()
    one, other = input_of([[3, 4, 5]], N), input_of([[4, 3, 5]], N)
    assert not torch.allclose(model.newest(one), model.newest(other))


@pytest.mark.parametrize("layers", [1, 2])
def test_dropout_lies_between_layers_too(layers: int) -> None:
    model = GRU4Rec(GRU4RecConfig(width=6, hidden=5, layers=layers, dropout=0.5), N)
    model.dropout = nn.Identity()
    asked, learning = model.eval()(rows()), model.train()(rows())
    assert torch.equal(asked, learning) == (layers == 1)


@pytest.mark.parametrize("name", ["width", "hidden", "layers", "longest"])
def test_a_size_below_one_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"model.{name}=0 must be 1 or more"):
        GRU4RecConfig(**{name: 0})
