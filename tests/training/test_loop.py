"""The loop: it learns, stops, repeats itself to the bit, and tells what happens."""

import json
import random
from collections.abc import Callable

import numpy as np
import pytest
import torch
from killable_run import Watch, clockwork, hit_rate, made_model, made_plan, part_of
from torch import Tensor

from regard.data.batches import TrainingBatches
from regard.errors import ConfigurationError, TooLittleDataError, TrainingError
from regard.losses.contract import ItemTable
from regard.losses.cross_entropy import CrossEntropy
from regard.models.contract import SequenceModel
from regard.training.config import TrainingConfig
from regard.training.history import History
from regard.training.loop import tokens_of_a_step, train
from regard.training.objectives import MaskedItem, NewestItem, NextItem


def scripted(*values: float) -> Callable[[SequenceModel], float]:
    """A validation that says what it is told to and keeps the weights that it saw."""
    seen: list[dict[str, Tensor]] = []

    def validate(model: SequenceModel) -> float:
        seen.append({name: value.clone() for name, value in model.state_dict().items()})
        return values[len(seen) - 1]

    validate.seen = seen  # type: ignore[attr-defined]
    return validate


def same(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> bool:
    return ours.keys() == theirs.keys() and all(
        torch.equal(ours[name], theirs[name]) for name in ours
    )


class TestLearning:
    def test_loss_falls_and_the_world_is_learned(self) -> None:
        model = made_model(dropout=0.0)
        history = train(model, made_plan(epochs=25, rate=0.03, patience=25))
        losses = [epoch.loss for epoch in history.epochs]
        assert losses[-1] < 0.2 < 1.5 < losses[0]
        assert history.best.validation == 1.0
        assert hit_rate(model) == 1.0

    def test_the_mean_loss_is_over_targets(self) -> None:
        losses = []

        def spy(states_TD: Tensor, table: ItemTable, targets_T: Tensor) -> Tensor:
            loss = CrossEntropy()(states_TD, table, targets_T)
            losses.append((len(targets_T), float(loss.detach())))
            return loss

        history = train(made_model(), made_plan(epochs=1, loss=spy))
        [epoch] = history.epochs
        assert epoch.targets == sum(count for count, _ in losses)
        assert epoch.targets == len(clockwork().events()) - len(clockwork().sequences)
        mean = sum(count * loss for count, loss in losses) / epoch.targets
        assert epoch.loss == pytest.approx(mean, rel=1e-12)

    @pytest.mark.parametrize("clip", [0.05, 0.0])
    def test_gradients_are_cut_to_a_length_if_so_wanted(self, clip: float) -> None:
        model = made_model()
        norms = []

        def measure() -> None:
            norms.append(float(torch.cat([p.grad.flatten() for p in model.parameters()]).norm()))

        watch = Watch()
        watch.step = lambda *_: measure()  # type: ignore[method-assign]
        train(model, made_plan(epochs=1, clip=clip), watch)
        assert (max(norms) <= 0.05 + 1e-6) is bool(clip)
        assert max(norms) > 0.049

    def test_the_rate_follows_its_schedule(self) -> None:
        history = train(made_model(), made_plan(epochs=3, rate=0.01, warmup=0.05))
        rates = [epoch.rate for epoch in history.epochs]
        assert 0.01 > rates[0] > rates[1] > rates[2] == pytest.approx(0.001)


class TestStopping:
    def test_patience_ends_it_and_the_best_weights_are_kept(self) -> None:
        validate = scripted(0.1, 0.5, 0.4, 0.5, 0.9)
        model = made_model()
        history = train(model, made_plan(epochs=9, patience=2, validate=validate))
        assert len(history.epochs) == 4
        assert history.best.number == 2
        assert history.stopped == "no better validation for 2 epochs"
        assert same(model.state_dict(), validate.seen[1])
        assert not same(model.state_dict(), validate.seen[3])

    def test_the_best_weights_are_kept_when_all_epochs_are_done(self) -> None:
        validate = scripted(0.2, 0.3, 0.1)
        model = made_model()
        history = train(model, made_plan(epochs=3, patience=2, validate=validate))
        assert history.stopped == "all epochs done"
        assert same(model.state_dict(), validate.seen[1])

    def test_negative_metrics_are_metrics(self) -> None:
        validate = scripted(-3.0, -2.0)
        model = made_model()
        assert train(model, made_plan(epochs=2, validate=validate)).best.number == 2
        assert same(model.state_dict(), validate.seen[1])

    @pytest.mark.parametrize("factor", [float("nan"), float("inf"), -float("inf")])
    def test_divergence_is_an_error_with_advice(self, factor: float) -> None:
        def loss(states_TD: Tensor, table: ItemTable, targets_T: Tensor) -> Tensor:
            return states_TD.abs().sum() * factor

        model = made_model()
        before = {name: value.clone() for name, value in model.state_dict().items()}
        with pytest.raises(TrainingError, match=r"became .*Lower training.rate \(now 0.01\)"):
            train(model, made_plan(loss=loss))
        assert same(model.state_dict(), before)

    def test_a_rate_beyond_reason_diverges(self) -> None:
        with pytest.raises(TrainingError, match="training diverged"):
            train(made_model(), made_plan(rate=1e30, epochs=9, clip=0.0))

    def test_a_validation_that_is_no_number_is_an_error(self) -> None:
        with pytest.raises(TrainingError, match="validation hit@1 of epoch 1 is nan"):
            train(made_model(), made_plan(validate=lambda _: float("nan")))

    @pytest.mark.parametrize("histories", [[[2], [3]], [[2, 1], [3, 1, 1]]])
    def test_nothing_to_learn_from_is_an_error(self, histories: list[list[int]]) -> None:
        with pytest.raises(TooLittleDataError, match="no next item to learn from"):
            train(made_model(), made_plan(training=part_of(histories)))

    def test_a_batch_of_unknown_targets_is_passed_over(self) -> None:
        training = part_of([[2, 1], [3, 1], [2, 3, 4, 5, 6]])
        watch = Watch()
        history = train(made_model(), made_plan(training=training, tokens=2, epochs=1), watch)
        assert history.epochs[0].targets == 4
        assert [loss for _, loss, _ in watch.steps].count(0.0) == 1


class TestRepeating:
    def test_the_same_seed_gives_the_same_weights_to_the_bit(self) -> None:
        ours, theirs, others = made_model(), made_model(), made_model()
        first, second = train(ours, made_plan()), train(theirs, made_plan())
        train(others, made_plan(seed=6))
        assert same(ours.state_dict(), theirs.state_dict())
        assert not same(ours.state_dict(), others.state_dict())
        assert [epoch.loss for epoch in first.epochs] == [epoch.loss for epoch in second.epochs]

    def test_the_numbers_of_the_caller_are_neither_used_nor_disturbed(
        self, gpus: list[torch.Generator]
    ) -> None:
        ours, theirs = made_model(), made_model()
        torch.manual_seed(1)
        train(ours, made_plan())
        torch.manual_seed(2)
        np.random.seed(2)  # noqa: NPY002 - the global generator is what must be left alone
        random.seed(2)
        before = (torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate())  # noqa: NPY002 - see above
        of_gpus = [each.get_state() for each in gpus]
        train(theirs, made_plan())
        assert all(map(torch.equal, of_gpus, [each.get_state() for each in gpus]))
        assert torch.equal(before[0], torch.get_rng_state())
        assert np.array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002 - see above
        assert before[2] == random.getstate()
        assert same(ours.state_dict(), theirs.state_dict())

    def test_watching_changes_nothing(self) -> None:
        ours, theirs = made_model(), made_model()
        train(ours, made_plan())
        train(theirs, made_plan(), Watch())
        assert same(ours.state_dict(), theirs.state_dict())


def test_a_watcher_is_told_everything() -> None:
    watch = Watch()
    plan = made_plan(epochs=4, validate=scripted(0.1, 0.3, 0.2, 0.4))
    model = made_model()
    history = train(model, plan, watch)
    batches = TrainingBatches(
        plan.training, longest=model.longest, tokens=plan.config.tokens, seed=plan.seed
    )
    assert len(watch.steps) == sum(batches.count(number) for number in range(4))
    done = [step[0] for step in watch.steps]
    assert done == sorted(set(done))
    assert done[0] > 0.0, "a step at rate zero would be wasted"
    assert done[-1] == 1.0
    assert all(loss > 0 and speed > 0 for _, loss, speed in watch.steps)
    assert tuple(epoch for epoch, _ in watch.epochs) == history.epochs
    assert [best for _, best in watch.epochs] == [True, True, False, True]
    assert [epoch.number for epoch in history.epochs] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("events", "settings", "tokens"),
    [
        (1_000_000, {}, 4_096),
        (64 * 4_096, {}, 4_096),
        (63 * 4_096, {}, 2_048),
        (99_000, {}, 1_024),
        (12, {}, 1_024),
        (12, {"least_steps": 1}, 4_096),
        (99_000, {"tokens": 48}, 48),
        (99_000, {"tokens": 1_500}, 1_500),
        (30_000, {"tokens": 8_192, "least_steps": 8}, 4_096),
    ],
)
def test_a_small_log_is_learned_in_smaller_steps(
    events: int, settings: dict[str, int], tokens: int
) -> None:
    training = part_of([[2] * (events - 3), [3, 4, 2]])
    config = TrainingConfig(**settings)
    assert tokens_of_a_step(config, training, NextItem()) == tokens
    assert tokens_of_a_step(config, training, MaskedItem()) == tokens
    assert tokens_of_a_step(config, training, NewestItem()) == config.tokens


def test_a_history_is_plain_and_says_what_happened() -> None:
    history = train(made_model(), made_plan(epochs=2, validate=scripted(0.25, 0.125)))
    plain = json.loads(json.dumps(history.to_dict()))
    assert History.from_dict(plain) == history
    assert plain["best_epoch"] == 1
    assert history.metric == "hit@1"
    assert history.seconds == sum(epoch.seconds for epoch in history.epochs) > 0
    assert history.targets_per_second == pytest.approx(
        sum(epoch.targets for epoch in history.epochs) / history.seconds
    )
    assert all(epoch.validation_seconds > 0 for epoch in history.epochs)
    assert 50 < history.peak_megabytes < 50_000
    assert str(history).startswith("2 epochs in ")
    assert str(history).endswith("best validation hit@1 0.2500 after epoch 1")


@pytest.mark.parametrize("name", ["epochs", "tokens", "negatives", "rate", "patience"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_config_refuses_what_must_be_positive(name: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=f"training.{name}={value} must be greater than 0"):
        TrainingConfig(**{name: value})


@pytest.mark.parametrize("name", ["minutes", "weight_decay", "clip", "checkpoint_seconds"])
@pytest.mark.parametrize("value", [-1, float("nan")])
def test_config_refuses_what_must_not_be_negative(name: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=f"training.{name}={value} must be 0 or more"):
        TrainingConfig(**{name: value})
    TrainingConfig(**{name: 0})


@pytest.mark.parametrize("value", [0.0, 1.0, -0.5, float("nan")])
def test_config_refuses_a_warmup_that_is_no_share(value: float) -> None:
    with pytest.raises(ConfigurationError, match=f"warmup={value} must lie between 0 and 1"):
        TrainingConfig(warmup=value)


def test_config_refuses_a_precision_that_it_does_not_know() -> None:
    with pytest.raises(ConfigurationError, match="precision='half' must be one of auto, float32"):
        TrainingConfig(precision="half")


def test_precision_is_obeyed_and_told() -> None:
    losses = {}
    for precision in ("float32", "bfloat16"):
        history = train(made_model(), made_plan(epochs=1, precision=precision))
        assert history.precision == precision
        assert f"targets/s in {precision}" in str(history)
        losses[precision] = history.epochs[0].loss
    assert losses["float32"] != losses["bfloat16"]
    assert losses["float32"] == pytest.approx(losses["bfloat16"], rel=0.01)
