"""What is asked of which event."""

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
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
from regard.training.objectives import NewestItem, NextItem, NextNewItem

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


class TestNextNewItem:
    @given(st.lists(st.lists(st.integers(1, 6), min_size=2, max_size=7), min_size=1, max_size=4))
    def test_the_window_so_far_is_no_candidate_but_for_the_target(
        self, histories: list[list[int]]
    ) -> None:
        longest = max(map(len, histories)) - 1
        items, targets = np.zeros((2, len(histories), longest), np.int64)
        expected = []
        for row, history in enumerate(histories):
            items[row, : len(history) - 1] = history[:-1]
            # What nobody knows is not asked for.
            targets[row, : len(history) - 1] = [0 if code == 1 else code for code in history[1:]]
            for event, target in enumerate(history[1:]):
                if target != 1:
                    expected.append(sorted(set(history[: event + 1]) - {1, target}))
        lengths = np.array([len(history) - 1 for history in histories])
        batch = ModelInput.of(Batch(items, lengths, targets), N)
        model = SASRec(SASRecConfig(width=8, dropout=0.0), N)
        asked, targets_T = NextNewItem()(model, batch)
        states_TD, same_T = NextItem()(model, batch)
        assert torch.equal(asked.states_TD, states_TD)
        assert torch.equal(targets_T, same_T)
        assert asked.row_P.tolist() == sorted(asked.row_P.tolist())
        found: list[set[int]] = [set() for _ in expected]
        for row, code in zip(asked.row_P.tolist(), asked.code_P.tolist(), strict=True):
            found[row].add(code)
        assert [sorted(each) for each in found] == expected

    @pytest.mark.parametrize("loss", ["cross-entropy", "sampled-softmax"])
    def test_where_nobody_comes_back_it_learns_more(self, loss: str) -> None:
        given = {
            "seed": 3, "loss": loss, "evaluation": {"seen": "remove"},
            "model": {"width": 16, "blocks": 1}, "training": {"epochs": 8, "least_steps": 20},
        }  # fmt: skip
        split = split_by_time(_never_twice())
        found = {}
        for objective in ("next-item", "next-new-item"):
            _, history = teach(Recipe.from_dict(given | {"objective": objective}), split)
            found[objective] = history.epochs[-1].loss
        # Fewer candidates, and no lesson in avoiding: less is left to be known.
        assert found["next-new-item"] < found["next-item"] - 0.05

    def test_it_is_refused_where_what_somebody_had_is_offered_again(self) -> None:
        given = {"objective": "next-new-item", "evaluation": {"seen": "keep"}}
        with pytest.raises(ConfigurationError, match=r"evaluation\.seen='keep' offers them again"):
            teach(Recipe.from_dict(given), split_by_time(_log()))

    @pytest.mark.parametrize("model", ["bert4rec", "din"])
    def test_it_is_refused_by_networks_that_are_asked_otherwise(self, model: str) -> None:
        recipe = Recipe.from_dict({"model": {"name": model}, "objective": "next-new-item"})
        with pytest.raises(ConfigurationError, match="objective='next-new-item'"):
            teach(recipe, split_by_time(_log()))


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


def _never_twice() -> Interactions:
    """Each user takes some items in any order, none of them again."""
    rng = np.random.default_rng(3)
    items = np.concatenate([rng.permutation(30)[:16] for _ in range(200)])
    times = 1e9 + 60.0 * np.arange(len(items))
    users = np.repeat(np.arange(200), 16)
    frame = pl.DataFrame({"user": users, "item": items, "time": rng.permutation(times)})
    return Interactions.of(frame)


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
