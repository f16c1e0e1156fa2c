"""What every attention mechanism promises: a new one is held to it by one line in `MECHANISMS`."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from regard.attention.additive import AdditiveAttention
from regard.attention.scaled_dot_product import ScaledDotProductAttention

MECHANISMS: dict[str, Callable[[int], nn.Module]] = {
    "additive": AdditiveAttention,
    "scaled dot product": lambda width: ScaledDotProductAttention(width, heads=1),
    "scaled dot product, two heads": lambda width: ScaledDotProductAttention(width, heads=2),
}
B, L, D = 3, 7, 8


@pytest.fixture(params=MECHANISMS.values(), ids=MECHANISMS.keys())
def attention(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(0)
    return request.param(D).eval()


@pytest.fixture
def states_BLD() -> Tensor:
    return torch.randn(B, L, D, generator=torch.Generator().manual_seed(1))


def test_with_and_without_the_map_the_output_is_the_same(
    attention: nn.Module, states_BLD: Tensor
) -> None:
    fused_BLD, nothing = attention(states_BLD)
    written_BLD, map_BHLM = attention(states_BLD, need_map=True)
    assert nothing is None
    assert map_BHLM.shape[0] == B
    assert map_BHLM.shape[2:] == (L, L)
    torch.testing.assert_close(fused_BLD, written_BLD, rtol=1e-5, atol=1e-6)


def test_rows_of_the_map_sum_to_one_over_the_past(attention: nn.Module, states_BLD: Tensor) -> None:
    _, map_BHLM = attention(states_BLD, need_map=True)
    torch.testing.assert_close(map_BHLM.sum(-1), torch.ones(map_BHLM.shape[:3]))
    assert (map_BHLM >= 0).all()
    assert (map_BHLM.triu(1) == 0).all()


@pytest.mark.parametrize("need_map", [False, True])
@pytest.mark.parametrize("moment", [1, 4, L - 1])
def test_the_future_changes_nothing(
    attention: nn.Module, states_BLD: Tensor, need_map: bool, moment: int
) -> None:
    other_BLD = states_BLD.clone()
    other_BLD[:, moment:] = 100 * torch.randn(B, L - moment, D)
    ours, _ = attention(states_BLD, need_map=need_map)
    theirs, _ = attention(other_BLD, need_map=need_map)
    assert torch.equal(ours[:, :moment], theirs[:, :moment])
    assert not torch.allclose(ours[:, moment], theirs[:, moment])


@pytest.mark.parametrize("need_map", [False, True])
def test_padding_on_the_right_changes_nothing(
    attention: nn.Module, states_BLD: Tensor, need_map: bool
) -> None:
    padded_BLD = torch.cat([states_BLD, torch.full((B, 5, D), 9.0)], dim=1)
    ours, map_BHLM = attention(states_BLD, need_map=need_map)
    theirs, padded_map = attention(padded_BLD, need_map=need_map)
    torch.testing.assert_close(ours, theirs[:, :L], rtol=1e-5, atol=1e-6)
    if map_BHLM is not None:
        torch.testing.assert_close(map_BHLM, padded_map[:, :, :L, :L], rtol=1e-5, atol=1e-6)


def test_alone_is_as_in_a_batch(attention: nn.Module, states_BLD: Tensor) -> None:
    together, _ = attention(states_BLD)
    for row in range(B):
        alone, _ = attention(states_BLD[row : row + 1])
        torch.testing.assert_close(alone[0], together[row], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("need_map", [False, True])
def test_gradients_are_those_of_finite_differences(attention: nn.Module, need_map: bool) -> None:
    small = attention.double()
    states_BLD = torch.randn(2, 4, D, dtype=torch.float64, requires_grad=True)
    names = list(dict(small.named_parameters()))

    def outputs(states: Tensor, *parameters: Tensor) -> Tensor:
        values = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(small, values, states, {"need_map": need_map})[0]

    inputs = (states_BLD, *small.parameters())
    assert torch.autograd.gradcheck(outputs, inputs, fast_mode=True)


def test_a_single_event_attends_to_itself(attention: nn.Module) -> None:
    _, map_BHLM = attention(torch.randn(1, 1, D), need_map=True)
    assert (map_BHLM == 1).all()


def test_bfloat16_changes_little(attention: nn.Module, states_BLD: Tensor) -> None:
    exact_BLD, _ = attention(states_BLD)
    with torch.autocast("cpu", torch.bfloat16):
        low_BLD, _ = attention(states_BLD)
        written_BLD, _ = attention(states_BLD, need_map=True)
    for ours in (low_BLD, written_BLD):
        # Some products one after the other, 8 bits each.
        assert (ours - exact_BLD).norm() < 0.03 * exact_BLD.norm()


def test_the_newest_alone_is_as_among_all(attention: nn.Module, states_BLD: Tensor) -> None:
    lengths_B = torch.tensor([L, 1, 4])
    every_BLD, _ = attention(states_BLD)
    states_BLD[1, 1:] = 1e3  # padding, which must not be looked at
    newest_BD = attention.newest(states_BLD, lengths_B)
    expected_BD = every_BLD[torch.arange(B), lengths_B - 1]
    torch.testing.assert_close(newest_BD, expected_BD, rtol=1e-5, atol=1e-6)
