"""What is asked of which event."""

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor

from regard.attention.contract import Promises
from regard.data.batches import Batch
from regard.data.interactions import Interactions
from regard.data.split import split_by_time
from regard.errors import ConfigurationError
from regard.losses.contract import ItemTable
from regard.models.contract import ModelInput, SequenceModel, Trace
from regard.models.sasrec import SASRec, SASRecConfig
from regard.recommender.networks import teach
from regard.recommender.recipe import Recipe
from regard.training.objectives import NewestItem

N = 30


class Recorder(SASRec):
    """Keeps what it was given."""

    def newest(self, batch: ModelInput) -> Tensor:
        self.read = batch
        return super().newest(batch)


def _batch() -> ModelInput:
    items = np.array([[2, 3, 4], [5, 0, 0], [6, 7, 0]])
    targets = np.array([[3, 4, 9], [10, 0, 0], [7, 0, 0]])  # the newest target of the last is new
    return ModelInput.of(Batch(items, np.array([3, 1, 2]), targets), N)


class TestNewestItem:
    def test_the_newest_events_are_asked_and_what_nobody_knows_is_not(self) -> None:
        torch.manual_seed(0)
        model, read = SASRec(SASRecConfig(width=8, dropout=0.0), N), _batch()
        states_TD, targets_T = NewestItem()(model, read)
        assert targets_T.tolist() == [9, 10]
        everywhere_BLD = model(read)
        newest_TD = everywhere_BLD[[0, 1], [2, 0]]
        assert torch.allclose(states_TD, newest_TD, atol=1e-6)

    def test_a_training_reads_histories_that_end_before_events_drawn(self) -> None:
        given = {"objective": "newest-item", "model": {"width": 8, "longest": 4}}
        split = split_by_time(_log())
        _, history = teach(Recipe.from_dict(given | {"training": {"epochs": 2}}), split)
        inputs = split.training.ends - split.training.sequences.offsets[:-1] - 1
        drawn = int((-(-inputs // 4)).sum())
        assert [epoch.targets for epoch in history.epochs] == [drawn, drawn]
        assert 0 < drawn < inputs.sum()


class Backwards(SequenceModel):
    """Reads whole histories."""

    name = "backwards"
    config_class = SASRecConfig
    promises = Promises(causal=False)
    objective = "newest-item"

    def trace(self, batch: ModelInput, *, need_maps: bool = False) -> Trace:
        raise NotImplementedError

    def item_table(self) -> ItemTable:
        raise NotImplementedError


class Clocked(SASRec):
    """Asks for the clock, and keeps what it saw of it."""

    name = "clocked"
    promises = Promises(needs=("times_BL", "asked_BL"))
    seen: dict[bool, tuple[Tensor | None, Tensor | None]] = {}  # noqa: RUF012 - one for the test

    def trace(self, batch: ModelInput, *, need_maps: bool = False) -> Trace:
        self.seen[self.training] = batch.times_BL, batch.asked_BL
        return super().trace(batch, need_maps=need_maps)

    def newest(self, batch: ModelInput) -> Tensor:
        self.seen[self.training] = batch.times_BL, batch.asked_BL
        return super().newest(batch)


def _known(monkeypatch: pytest.MonkeyPatch, kind: type[SequenceModel]) -> None:
    from regard.models import MODELS

    monkeypatch.setitem(MODELS, kind.name, kind)


def _log() -> Interactions:
    rows = np.arange(200)
    return Interactions.of(
        pl.DataFrame({"user": rows % 10, "item": rows % 7, "time": 1e9 + 60.0 * rows})
    )


def test_who_reads_whole_histories_is_not_asked_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    _known(monkeypatch, Backwards)
    recipe = Recipe.from_dict({"model": {"name": "backwards"}, "objective": "next-item"})
    with pytest.raises(ConfigurationError, match="Choose objective='newest-item'"):
        teach(recipe, split_by_time(_log()))


def test_a_network_that_reads_a_clock_is_given_one(monkeypatch: pytest.MonkeyPatch) -> None:
    _known(monkeypatch, Clocked)
    given = {"model": {"name": "clocked", "width": 8}, "training": {"epochs": 1}}
    teach(Recipe.from_dict(given), split_by_time(_log()))
    for times, asked in Clocked.seen.values():
        assert times is not None
        assert asked is not None
        assert (asked[:, 0] > times[:, 0]).all()
    assert set(Clocked.seen) == {True, False}
