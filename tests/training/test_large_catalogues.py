"""Training by rows and by the clock: it learns, touches little, and goes on where it stopped."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from killable_run import ITEMS, Watch, clockwork, hit_rate, made_model, made_plan

from regard.losses.sampled_softmax import SampledSoftmax
from regard.models.attention_pooling import AttentionPooling, AttentionPoolingConfig
from regard.models.contract import SequenceModel
from regard.training.loop import Plan, train


class StoppedError(Exception):
    """Stands for whatever ends a process."""


def stop() -> None:
    raise StoppedError


def sampled_plan(**changes: Any) -> Plan:
    loss = SampledSoftmax(clockwork().vocabulary.counts, negatives=8)
    return made_plan(loss=loss, sparse=True, **changes)


def made_pooling() -> AttentionPooling:
    """Input and output tables of its own, and a bias."""
    with torch.random.fork_rng():
        torch.manual_seed(11)
        return AttentionPooling(AttentionPoolingConfig(width=16, longest=6), ITEMS + 2)


@pytest.mark.parametrize("made", [made_model, made_pooling])
class TestByRows:
    def test_stopped_after_any_step_it_goes_on_to_the_very_same_weights(
        self, made: Callable[[], SequenceModel], tmp_path: Path
    ) -> None:
        whole, watch = made(), Watch()
        train(whole, sampled_plan(), watch)
        assert len(watch.steps) > 9
        for at in range(1, len(watch.steps) + 1, 3):
            plan = sampled_plan(checkpoint=tmp_path / f"{at}")
            with pytest.raises(StoppedError):
                train(made(), plan, Watch(at, stop))
            model = made()
            train(model, plan)
            for name, value in whole.state_dict().items():
                assert torch.equal(model.state_dict()[name], value), name

    def test_weights_have_the_names_and_shapes_of_the_exact_loss(
        self, made: Callable[[], SequenceModel]
    ) -> None:
        model = made()
        train(model, sampled_plan(epochs=1))
        fresh = made()
        fresh.load_state_dict(model.state_dict())
        assert hit_rate(fresh) == hit_rate(model)

    @pytest.mark.parametrize("clip", [0.05, 0.0])
    def test_gradients_of_tables_are_sparse_and_cut_with_the_others(
        self, made: Callable[[], SequenceModel], clip: float
    ) -> None:
        model, norms = made(), []

        def measure(*_: float) -> None:
            grads = {name: each.grad for name, each in model.named_parameters()}
            sparse = {name for name, grad in grads.items() if grad is not None and grad.is_sparse}
            tables = {n for n, each in model.named_parameters() if len(each) == ITEMS + 2}
            assert sparse == tables
            values = [grad.to_dense().flatten() for grad in grads.values()]
            norms.append(float(torch.cat(values).norm()))

        watch = Watch()
        watch.step = measure  # type: ignore[method-assign]
        train(model, sampled_plan(epochs=1, clip=clip), watch)
        assert (max(norms) <= 0.05 + 1e-6) is bool(clip)


def test_a_world_is_learned_from_samples() -> None:
    model = made_model(dropout=0.0)
    history = train(model, sampled_plan(epochs=25, rate=0.03, patience=25))
    assert history.epochs[-1].loss < 0.2
    assert hit_rate(model) == 1.0


class TestMinutes:
    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A clock that shows a second more each time it is read."""
        moments = iter(float(second) for second in range(10**9))
        monkeypatch.setattr(time, "perf_counter", lambda: next(moments))

    @pytest.mark.usefixtures("clock")
    def test_the_first_of_minutes_and_epochs_ends_it(self) -> None:
        watch = Watch()
        history = train(made_model(), made_plan(epochs=50, minutes=0.1, rate=0.01), watch)
        # The clock is read once a step; the step that finds six seconds gone is the last.
        assert len(watch.steps) == 7
        assert history.stopped == "0.1 minutes are over"
        assert watch.steps[-1][0] == 1.0
        assert history.epochs[-1].rate == pytest.approx(0.001)
        assert sum(epoch.targets for epoch in history.epochs) > 0
        short = train(made_model(), made_plan(epochs=1, minutes=99.0))
        assert short.stopped == "all epochs done"

    @pytest.mark.usefixtures("clock")
    def test_a_run_that_was_stopped_has_no_more_time_than_another(self, tmp_path: Path) -> None:
        plan = made_plan(epochs=50, minutes=0.1, checkpoint=tmp_path / "checkpoint")
        first = Watch(5, stop)
        with pytest.raises(StoppedError):
            train(made_model(), plan, first)
        second = Watch()
        history = train(made_model(), plan, second)
        # The fifth step was not in the checkpoint.
        assert second.steps[0][0] == pytest.approx(first.steps[-1][0])
        assert history.seconds < 10
        again = Watch()
        assert train(made_model(), plan, again).epochs == history.epochs
        assert again.steps == []

    def test_without_minutes_the_clock_decides_nothing(self) -> None:
        assert len(train(made_model(), made_plan(minutes=0.0)).epochs) == 3
