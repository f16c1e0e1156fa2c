"""LiGR against its equations in float64, and its gates."""

import numpy as np
import pytest
import torch
from small_worlds import input_of
from torch import Tensor, nn

from regard.attention.scaled_dot_product import ScaledDotProductAttention
from regard.errors import ConfigurationError
from regard.models.gated_block import GatedBlock
from regard.models.ligr import LiGR, LiGRConfig
from regard.models.swiglu import SwiGLU

N, D, H = 20, 8, 2
ROW = [3, 4, 5, 6, 4]


def shaken(module: nn.Module) -> nn.Module:
    """In float64, with parameters away from where they start: an identity would hide a mistake."""
    torch.manual_seed(0)
    with torch.no_grad():
        for each in module.double().eval().parameters():
            each += 0.3 * torch.randn_like(each)
    return module


def numbers(tensor: Tensor) -> np.ndarray:
    return tensor.detach().double().numpy()


def normed(row: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return (row - row.mean()) / np.sqrt(row.var() + 1e-5) * weight + bias


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def written_out(model: LiGR, codes: list[int]) -> np.ndarray:
    """The formula of the page, one position after the other."""
    w = {name: numbers(each) for name, each in model.state_dict().items()}
    newest = len(codes) - 1
    states = [
        w["items.table.weight"][code] * np.sqrt(D) + w["positions.vectors_LD"][newest - place]
        for place, code in enumerate(codes)
    ]
    for b in (f"blocks.{number}." for number in range(model.config.blocks)):
        norm = w[b + "attention_norm.weight"], w[b + "attention_norm.bias"]
        asked = [w[b + "attention.queries_keys_values.weight"] @ normed(x, *norm) for x in states]
        attended = []
        for i in range(len(codes)):
            mixed = []
            for h in range(H):
                here = slice(h * D // H, (h + 1) * D // H)
                q = asked[i][:D][here]
                scores = [q @ asked[j][D : 2 * D][here] / np.sqrt(D / H) for j in range(i + 1)]
                shares = np.exp(scores) / np.exp(scores).sum()
                mixed.append(sum(shares[j] * asked[j][2 * D :][here] for j in range(i + 1)))
            attended.append(w[b + "attention.output.weight"] @ np.concatenate(mixed))
        for i, x in enumerate(states):
            gate = sigmoid(w[b + "attention_gate.weight"] @ x + w[b + "attention_gate.bias"])
            y = x + gate * attended[i]
            z = normed(y, w[b + "forward_norm.weight"], w[b + "forward_norm.bias"])
            first, second = np.split(w[b + "feed_forward.expand.weight"] @ z, 2)
            thought = w[b + "feed_forward.contract.weight"] @ (first * sigmoid(first) * second)
            gate = sigmoid(w[b + "forward_gate.weight"] @ y + w[b + "forward_gate.bias"])
            states[i] = y + gate * thought
    return np.array([normed(x, w["norm.weight"], w["norm.bias"]) for x in states])


def test_equals_its_equations_at_each_position() -> None:
    model = shaken(LiGR(LiGRConfig(width=D, heads=H, expansion=3, longest=7), N))
    read = input_of([ROW, ROW[:2]], N)
    found = model.trace(read, need_maps=True).states_BLD
    for row, codes in enumerate((ROW, ROW[:2])):
        expected = written_out(model, codes)
        np.testing.assert_allclose(numbers(found[row, : len(codes)]), expected, rtol=1e-9)
        np.testing.assert_allclose(numbers(model(read)[row, : len(codes)]), expected, rtol=1e-9)
        np.testing.assert_allclose(numbers(model.newest(read)[row]), expected[-1], rtol=1e-9)


def test_swiglu_is_what_torch_makes_of_its_layers() -> None:
    ours = shaken(SwiGLU(D, hidden=5))
    states = torch.randn(3, 4, D, dtype=torch.float64)
    gates, values = (states @ part.T for part in ours.expand.weight.chunk(2))
    expected = (nn.functional.silu(gates) * values) @ ours.contract.weight.T
    torch.testing.assert_close(ours(states), expected)


@pytest.mark.parametrize("shut", ["attention_gate", "forward_gate"])
def test_a_gate_that_is_shut_lets_nothing_in(shut: str) -> None:
    block = shaken(GatedBlock(ScaledDotProductAttention(D, H), D, hidden=16))
    states_BLD, lengths_B = torch.randn(2, 3, D, dtype=torch.float64), torch.tensor([3, 2])
    of_branch = "attention" if shut == "attention_gate" else "feed_forward"

    def told() -> tuple[Tensor, Tensor]:
        return block(states_BLD)[0], block.newest(states_BLD, lengths_B)

    open_states, _ = told()
    nn.init.constant_(getattr(block, shut).bias, -1e4)
    before = told()
    for each in getattr(block, of_branch).parameters():
        nn.init.normal_(each)
    assert not torch.allclose(before[0], open_states)
    torch.testing.assert_close(told(), before)
    nn.init.constant_(block.attention_gate.bias, -1e4)
    nn.init.constant_(block.forward_gate.bias, -1e4)
    torch.testing.assert_close(block(states_BLD)[0], states_BLD)


def test_a_gate_reads_the_state_and_decides_number_by_number() -> None:
    block = shaken(GatedBlock(ScaledDotProductAttention(D, H), D, hidden=16))
    nn.init.constant_(block.forward_gate.bias, -1e4)
    nn.init.zeros_(block.attention_gate.bias)
    # Number 3 of a state is let in where its number 0 is large.
    nn.init.zeros_(block.attention_gate.weight)
    block.attention_gate.weight.data[3, 0] = 1e4
    block.attention_gate.bias.data[:] = -1e6
    block.attention_gate.bias.data[3] = 0.0
    states_BLD = torch.randn(1, 2, D, dtype=torch.float64)
    states_BLD[0, :, 0] = torch.tensor([1.0, -1.0])
    changed = (block(states_BLD)[0] - states_BLD).abs() > 1e-12
    assert changed.nonzero().tolist() == [[0, 0, 3]]


def test_refuses_sizes_that_make_no_network() -> None:
    with pytest.raises(ConfigurationError, match=r"model\.blocks=0 must be 1 or more"):
        LiGRConfig(blocks=0)
    with pytest.raises(ConfigurationError, match="heads=3 must divide width=8"):
        LiGR(LiGRConfig(width=8, heads=3), N)
