"""The average of weights against a loop in float64, in a checkpoint, and in the training."""

import pytest
import torch
from test_loop import made_model, made_plan

from regard.errors import ConfigurationError
from regard.models.contract import SequenceModel
from regard.training.averaging import EVERY, WeightAverage
from regard.training.config import TrainingConfig
from regard.training.loop import train


def wander(model: SequenceModel, steps: int, average: WeightAverage) -> list[torch.Tensor]:
    """Change all weights at random; the first weight after each step that was taken in."""
    seen = []
    for number in range(1, steps + 1):
        with torch.no_grad():
            for weight in model.parameters():
                weight.add_(torch.randn_like(weight))
        average.after_step(number)
        if number % EVERY == 0:
            seen.append(next(model.parameters()).detach().double().clone())
    return seen


@pytest.mark.parametrize("keep", [0.0, 0.9, 0.995])
def test_is_the_exponential_average_of_every_tenth_step(keep: float) -> None:
    model = made_model()
    average = WeightAverage(model, keep)
    first, *others = wander(model, 300, average)
    expected = first
    for number, weight in enumerate(others, start=1):
        kept = min(keep**EVERY, (1 + number) / (10 + number))
        expected = kept * expected + (1 - kept) * weight
    found = next(average.model.parameters()).double()
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_goes_on_from_its_state() -> None:
    model = made_model()
    one, two = WeightAverage(model, 0.99), WeightAverage(model, 0.99)
    wander(model, 50, one)
    two.restore(one.state())
    for average in (one, two):
        torch.manual_seed(1)
        with torch.no_grad():
            for weight in model.parameters():
                weight.fill_(3.0)
        average.update()
    for ours, theirs in zip(one.model.parameters(), two.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_the_average_is_what_is_validated_and_kept() -> None:
    validated: list[torch.Tensor] = []

    def validate(model: SequenceModel) -> float:
        validated.append(model.item_table().vectors_ND.detach().clone())
        return float(len(validated))

    model = made_model()
    train(model, made_plan(epochs=3, averaging=0.99, validate=validate))
    assert torch.equal(model.item_table().vectors_ND, validated[-1])
    latest = made_model()
    train(latest, made_plan(epochs=3, averaging=0.0, validate=validate))
    assert not torch.equal(latest.item_table().vectors_ND, validated[2])


def test_without_averaging_the_latest_weights_are_validated() -> None:
    average = WeightAverage(model := made_model(), keep=0.0)
    wander(model, 25, average)
    average.update()
    for ours, theirs in zip(average.model.parameters(), model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("value", [-0.1, 1.0, 2.0])
def test_refuses_what_is_no_share(value: float) -> None:
    with pytest.raises(ConfigurationError, match=f"averaging={value} must be at least 0"):
        TrainingConfig(averaging=value)
