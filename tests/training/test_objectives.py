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


def _batch(rows: int = 400, length: int = 4) -> ModelInput:
    items = np.tile(np.arange(2, 2 + length), (rows, 1))
    times = items * 10.0
    targets = items + 1
    targets[:, 1] = 0
    lengths = np.full(rows, length)
    lengths[0], targets[0], items[0, 2:], times[0, 2:] = 2, 0, 0, 0.0
    return ModelInput.of(Batch(items, lengths, targets, times, times + 10), N)


class TestNewestItem:
    def test_each_row_is_cut_where_its_target_was(self) -> None:
        torch.manual_seed(0)
        model = Recorder(SASRecConfig(width=8), N)
        states_TD, targets_T = NewestItem()(model, _batch())
        read = model.read
        assert len(states_TD) == len(targets_T) == 399  # the first row has nothing to be asked
        newest_T = read.items_BL.gather(1, read.lengths_B[:, None] - 1).squeeze(1)
        assert torch.equal(newest_T + 1, targets_T)
        assert torch.equal(read.items_BL.count_nonzero(1), read.lengths_B)
        assert torch.equal(read.times_BL, read.items_BL * 10.0)
        real_BL = read.items_BL != 0
        assert torch.equal(read.asked_BL, (read.items_BL * 10.0 + 10) * real_BL)

    def test_every_known_target_is_asked_about_alike(self) -> None:
        torch.manual_seed(0)
        _, targets_T = NewestItem()(Recorder(SASRecConfig(width=8), N), _batch(6_000))
        counts = torch.bincount(targets_T, minlength=N)
        assert counts[[3, 5, 6]].sum() == 5_999
        assert ((counts[[3, 5, 6]] - 2_000).abs() < 150).all()


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
