"""Byte dropout against what dropout means."""

import math

import pytest
import torch
from torch import nn

from regard.errors import ConfigurationError
from regard.models.dropout import ByteDropout

MANY = 80_000


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("p", [0.1, 0.25, 0.5, 0.9])
def test_rate_and_scale_are_those_of_the_rounded_probability(p: float) -> None:
    rate = round(p * 256) / 256
    assert abs(rate - p) <= 1 / 512
    dropped = ByteDropout(p)(torch.ones(MANY))
    share = (dropped == 0).float().mean().item()
    assert share == pytest.approx(rate, abs=4 * math.sqrt(rate * (1 - rate) / MANY))
    kept = dropped[dropped != 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - rate)))


def test_no_byte_of_a_word_is_special() -> None:
    dropped = ByteDropout(0.3)(torch.ones(MANY // 8, 8)) == 0
    rate = round(0.3 * 256) / 256
    error = math.sqrt(rate * (1 - rate) / (MANY // 8))
    assert ((dropped.float().mean(0) - rate).abs() < 4 * error).all()
    together = torch.corrcoef(dropped.T.float()) - torch.eye(8)
    assert together.abs().max() < 5 / math.sqrt(MANY // 8)


def test_the_gradient_passes_where_the_value_did() -> None:
    values = torch.randn(50, 7).abs().add(1).requires_grad_()
    dropped = ByteDropout(0.4)(values)
    dropped.sum().backward()
    torch.testing.assert_close(values.grad, (dropped / values).detach())
    assert (values.grad == 0).any()
    assert (values.grad > 0).any()


@pytest.mark.parametrize("shape", [(1,), (7,), (8,), (9,), (3, 5, 7), (0,)])
def test_every_shape_keeps_its_shape_and_type(shape: tuple[int, ...]) -> None:
    for dtype in (torch.float32, torch.float64):
        dropped = ByteDropout(0.5)(torch.ones(shape, dtype=dtype))
        assert dropped.shape == shape
        assert dropped.dtype == dtype
        assert set(dropped.flatten().tolist()) <= {0.0, 2.0}


def test_each_call_draws_anew_and_a_seed_draws_the_same() -> None:
    dropout, values = ByteDropout(0.5), torch.ones(200)
    first = dropout(values)
    assert not torch.equal(first, dropout(values))
    torch.manual_seed(0)
    assert torch.equal(first, dropout(values))


@pytest.mark.parametrize("p", [0.0, 0.001])
def test_a_probability_of_nothing_hands_the_values_through(p: float) -> None:
    values = torch.randn(5)
    assert ByteDropout(p)(values) is values


def test_answers_are_never_dropped() -> None:
    values = torch.randn(5)
    assert nn.Sequential(ByteDropout(0.9)).eval()(values) is values


def test_a_probability_close_to_one_leaves_something() -> None:
    dropped = ByteDropout(0.9999)(torch.ones(MANY))
    assert (dropped != 0).any()
    assert torch.isfinite(dropped).all()


@pytest.mark.parametrize("p", [-0.1, 1.0, 1.5, float("nan")])
def test_refuses_what_is_no_probability(p: float) -> None:
    with pytest.raises(ConfigurationError, match=f"dropout={p} must be at least 0"):
        ByteDropout(p)
