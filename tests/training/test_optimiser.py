"""Which parameters decay, and how the learning rate moves."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from regard.models import MODELS
from regard.models.contract import SequenceModel
from regard.training.optimiser import build_optimiser, rate_at

WEIGHT_DECAY = 0.1


def decayed(model: nn.Module) -> set[str]:
    """Names of the parameters that shrink when their gradient is zero."""
    before = {name: value.clone() for name, value in model.named_parameters()}
    for parameter in model.parameters():
        parameter.data.add_(1.0)
        parameter.grad = torch.zeros_like(parameter)
    optimiser = build_optimiser(model, WEIGHT_DECAY)
    for group in optimiser.param_groups:
        group["lr"] = 0.5
    optimiser.step()
    names = set()
    for name, value in model.named_parameters():
        if not torch.equal(value, before[name] + 1.0):
            torch.testing.assert_close(value, (before[name] + 1.0) * (1 - 0.5 * WEIGHT_DECAY))
            names.add(name)
    return names


def test_a_transformer_decays_the_matrices_of_its_linear_layers_and_nothing_else() -> None:
    kind = MODELS["sasrec"]
    model = kind(kind.config_class(width=8, blocks=2), 9)
    layers = ("attention.queries_keys_values", "attention.output", "expand", "contract")
    assert decayed(model) == {
        f"blocks.{number}.{layer}.weight" for number in range(2) for layer in layers
    }


@pytest.mark.parametrize("kind", MODELS.values(), ids=MODELS.keys())
def test_every_parameter_is_in_one_group(kind: type[SequenceModel]) -> None:
    model = kind(kind.config_class(width=8), 9)
    groups = build_optimiser(model, WEIGHT_DECAY).param_groups
    grouped = [id(each) for group in groups for each in group["params"]]
    assert sorted(grouped) == sorted(id(each) for each in model.parameters())
    wide = {
        f"{name}.weight"
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and module.out_features > 1
    }
    assert decayed(model) == wide


def test_without_a_matrix_there_is_nothing_to_decay() -> None:
    assert decayed(nn.LayerNorm(4)) == set()


@pytest.mark.parametrize(
    ("progress", "rate"),
    [
        (0.0, 0.0),
        (0.1, 1.0),
        (0.2, 2.0),
        (0.4, 2 * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi / 4)))),
        (0.6, 1.1),
        (1.0, 0.2),
        (1.5, 0.2),
    ],
)
def test_rates_by_hand(progress: float, rate: float) -> None:
    assert rate_at(progress, highest=2.0, warmup=0.2) == pytest.approx(rate, abs=1e-12)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 0.99))
def test_the_rate_rises_then_falls_and_never_jumps(one: float, two: float, warmup: float) -> None:
    first, second = sorted((one, two))
    early, late = (rate_at(each, highest=1.0, warmup=warmup) for each in (first, second))
    assert 0 <= early <= 1
    if second <= warmup:
        assert early <= late + 1e-12
    elif first >= warmup:
        assert early >= late - 1e-12
    # Nowhere steeper than the rise, or than half a cosine at its middle.
    steepest = max(1 / warmup, 0.9 * math.pi / 2 / (1 - warmup))
    assert abs(early - late) <= steepest * (second - first) + 1e-9
