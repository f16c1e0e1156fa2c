"""Target attention: the paper's concatenation in a loop, and what every such mechanism promises."""

import numpy as np
import pytest
import torch
from references import linear, numbers, shaken, states_of
from torch import Tensor

from regard.attention.target import TargetAttention
from regard.errors import ConfigurationError

B, L, D, C = 2, 5, 6, 3
LENGTHS = torch.tensor([5, 2])


@pytest.fixture
def attention() -> TargetAttention:
    return shaken(TargetAttention(D, hidden=7))


@pytest.fixture
def states_BLD() -> Tensor:
    return torch.cat([states_of(L, D, seed) for seed in range(B)])


@pytest.fixture
def candidates_BCD() -> Tensor:
    return torch.cat([states_of(C, D, seed) for seed in range(7, 7 + B)])


def test_equals_a_loop(
    attention: TargetAttention, states_BLD: Tensor, candidates_BCD: Tensor
) -> None:
    found, map_BCM = attention(states_BLD, candidates_BCD, LENGTHS, need_map=True)
    slope = numbers(attention.activation.weight)[0]
    for b in range(B):
        for c in range(C):
            pooled = np.zeros(D)
            for j in range(int(LENGTHS[b])):
                x, y = numbers(states_BLD[b, j]), numbers(candidates_BCD[b, c])
                hidden = linear(attention.compare, np.concatenate([x, y, x - y, x * y]))
                hidden = np.where(hidden > 0, hidden, slope * hidden)
                strength = linear(attention.score, hidden)[0]
                assert numbers(map_BCM)[b, c, j] == pytest.approx(strength, rel=1e-9)
                pooled += strength * x
            np.testing.assert_allclose(numbers(found[b, c]), pooled, rtol=1e-9, atol=1e-11)


def test_without_the_map_the_output_is_the_same_and_its_type_kept(
    attention: TargetAttention, states_BLD: Tensor, candidates_BCD: Tensor
) -> None:
    pooled, nothing = attention(states_BLD, candidates_BCD, LENGTHS)
    again, _ = attention(states_BLD, candidates_BCD, LENGTHS, need_map=True)
    assert nothing is None
    assert torch.equal(pooled, again)
    low, _ = attention.float()(states_BLD.float(), candidates_BCD.float(), LENGTHS)
    assert low.dtype == torch.float32
    with torch.autocast("cpu", torch.bfloat16):
        lower, _ = attention(states_BLD.float(), candidates_BCD.float(), LENGTHS)
    assert (lower - low).norm() < 0.03 * low.norm()


def test_padding_and_neighbours_change_nothing(
    attention: TargetAttention, states_BLD: Tensor, candidates_BCD: Tensor
) -> None:
    pooled, map_BCM = attention(states_BLD, candidates_BCD, LENGTHS, need_map=True)
    assert not map_BCM[1, :, 2:].any()
    other_BLD = states_BLD.clone()
    other_BLD[1, 2:] = 1e3
    assert torch.equal(attention(other_BLD, candidates_BCD, LENGTHS)[0], pooled)
    for b in range(B):
        row = slice(b, b + 1)
        alone, _ = attention(states_BLD[row], candidates_BCD[row, :1], LENGTHS[row])
        torch.testing.assert_close(alone[0, 0], pooled[b, 0])


def test_gradients_are_those_of_finite_differences(
    attention: TargetAttention, states_BLD: Tensor, candidates_BCD: Tensor
) -> None:
    names = list(dict(attention.named_parameters()))

    def outputs(states: Tensor, candidates: Tensor, *parameters: Tensor) -> Tensor:
        values = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(attention, values, (states, candidates, LENGTHS))[0]

    inputs = (states_BLD.requires_grad_(), candidates_BCD.requires_grad_(), *attention.parameters())
    assert torch.autograd.gradcheck(outputs, inputs, fast_mode=True)
    outputs(states_BLD, candidates_BCD, *attention.parameters()).sum().backward()
    assert all(each.grad.any() for each in attention.parameters())


def test_what_was_saved_is_what_is_loaded(
    attention: TargetAttention, states_BLD: Tensor, candidates_BCD: Tensor
) -> None:
    other = TargetAttention(D, hidden=7).double()
    other.load_state_dict(attention.state_dict())
    given = states_BLD, candidates_BCD, LENGTHS
    assert torch.equal(other(*given)[0], attention(*given)[0])


def test_refuses_a_layer_of_nothing() -> None:
    with pytest.raises(ConfigurationError, match="hidden=0 must be 1 or more"):
        TargetAttention(D, hidden=0)
