"""What every network promises: each one in `MODELS` is held to all of it, a new one too."""

import dataclasses
import importlib
import inspect
import json
import math
import pkgutil
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from small_worlds import (
    batches_of,
    cycle,
    hit_rate,
    input_of,
    learn,
    loss_of,
    noise,
    said,
    said_last,
    small,
    world,
)
from torch import Tensor

import regard.models
from regard.data.batches import Batch
from regard.errors import ModelInputError
from regard.models import MODELS
from regard.models.contract import ModelInput, SequenceModel
from regard.training.objectives import OBJECTIVES

N = 20
ROWS = [[3, 4, 5, 6, 4], [7], [8, 1, 9]]
"""Histories of unlike lengths, with a repeated and an unknown item."""


def meaningful(
    model: SequenceModel, states_BLD: Tensor, read: ModelInput
) -> list[tuple[int, Tensor]]:
    """Row -> states that may be compared: of all events, or of the newest one alone."""
    ends = read.lengths_B.tolist()
    starts = [0 if model.promises.causal else end - 1 for end in ends]
    return [
        (row, states_BLD[row, start:end])
        for row, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]


@pytest.fixture(params=MODELS.values(), ids=MODELS.keys())
def kind(request: pytest.FixtureRequest) -> type[SequenceModel]:
    return request.param


@pytest.fixture
def model(kind: type[SequenceModel]) -> SequenceModel:
    return small(kind, N)


def _subclasses(of: type[SequenceModel]) -> Iterator[type[SequenceModel]]:
    for each in of.__subclasses__():
        yield each
        yield from _subclasses(each)


def test_every_network_of_the_room_is_in_the_dictionary() -> None:
    for module in pkgutil.walk_packages(regard.models.__path__, "regard.models."):
        importlib.import_module(module.name)
    defined = {
        each
        for each in _subclasses(SequenceModel)
        if each.__module__.startswith("regard.models.") and not inspect.isabstract(each)
    }
    assert defined == set(MODELS.values())
    assert all(kind.name == name for name, kind in MODELS.items())


class TestShape:
    def test_one_state_for_each_position_and_one_vector_for_each_code(
        self, model: SequenceModel
    ) -> None:
        states_BLD = model(input_of(ROWS, N))
        table = model.item_table()
        assert states_BLD.shape[:2] == (3, 5)
        assert table.vectors_ND.shape == (N, states_BLD.shape[2])
        assert table.bias_N is None or table.bias_N.shape == (N,)
        assert torch.isfinite(states_BLD[0]).all()

    def test_maps_are_on_demand_and_their_rows_sum_to_one(self, model: SequenceModel) -> None:
        read = input_of(ROWS, N)
        trace = model.trace(read, need_maps=True)
        promises = model.promises
        assert bool(trace.attention_maps) == promises.has_map
        rows, ends = torch.arange(3), read.lengths_B - 1
        for map_BHLM in trace.attention_maps.values():
            assert (map_BHLM.shape[0], *map_BHLM.shape[2:]) == (3, 5, 5)
            newest_BHM = map_BHLM[rows, :, ends]
            assert all(not newest_BHM[row, :, end + 1 :].any() for row, end in enumerate(ends))
            if promises.rows_sum_to_one:
                torch.testing.assert_close(newest_BHM.sum(-1), torch.ones(newest_BHM.shape[:2]))
            if promises.causal:
                assert (map_BHLM.triu(1) == 0).all()
            if promises.causal and promises.rows_sum_to_one:
                torch.testing.assert_close(map_BHLM.sum(-1), torch.ones(map_BHLM.shape[:3]))
        without = model.trace(read)
        assert without.attention_maps == {}
        for row, states in meaningful(model, without.states_BLD, read):
            theirs = dict(meaningful(model, trace.states_BLD, read))[row]
            torch.testing.assert_close(states, theirs, rtol=1e-5, atol=1e-5)

    def test_a_map_that_tells_less_says_why(self, model: SequenceModel) -> None:
        promises = model.promises
        whole = promises.has_map and promises.rows_sum_to_one and promises.whole_map
        assert bool(promises.because) != whole

    def test_it_is_taught_by_an_objective_that_suits_it(self, model: SequenceModel) -> None:
        objective = OBJECTIVES[model.objective]()
        assert model.promises.causal or not objective.asks_everywhere
        assert isinstance(model, objective.of)

    def test_settings_are_plain_values_that_make_the_same_config(
        self, model: SequenceModel
    ) -> None:
        settings = json.loads(json.dumps(model.settings()))
        assert type(model).config_class(**settings) == model.config
        assert dataclasses.fields(type(model).config_class)
        with pytest.raises(dataclasses.FrozenInstanceError):
            model.config.width = 7

    def test_a_share_may_be_told_as_the_whole_number_0(self, kind: type[SequenceModel]) -> None:
        shares = {
            each.name: 0
            for each in dataclasses.fields(kind.config_class)
            if each.name in {"share", "newest_share"} or each.name.endswith("dropout")
        }
        assert shares
        assert small(kind, N, **shares).settings().items() >= shares.items()


class TestInvariance:
    @pytest.mark.parametrize("moment", [1, 3, 4])
    @pytest.mark.parametrize("need_maps", [False, True])
    def test_the_future_changes_nothing(
        self, model: SequenceModel, moment: int, need_maps: bool
    ) -> None:
        if not model.promises.causal:
            pytest.skip("it promises to be asked at the newest event only")
        history = ROWS[0]
        other = [*history[:moment], *(code + 9 for code in history[moment:])]
        read, changed = input_of([history], N), input_of([other], N)
        traces = [model.trace(each, need_maps=need_maps).states_BLD for each in (read, changed)]
        for ours, theirs in (traces, [said(model, read), said(model, changed)]):
            torch.testing.assert_close(ours[:, :moment], theirs[:, :moment], rtol=0, atol=1e-6)
            assert not torch.allclose(ours[:, moment], theirs[:, moment])

    def test_more_padding_changes_nothing(self, model: SequenceModel) -> None:
        narrow, wide = input_of(ROWS, N), input_of(ROWS, N, columns=model.longest)
        ours = meaningful(model, said(model, narrow), narrow)
        theirs = meaningful(model, said(model, wide), wide)
        for (_, one), (_, other) in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)

    def test_alone_is_as_in_a_batch(self, model: SequenceModel) -> None:
        read = input_of(ROWS, N)
        for row, together in meaningful(model, said(model, read), read):
            alone = input_of([ROWS[row]], N)
            [(_, by_itself)] = meaningful(model, said(model, alone), alone)
            torch.testing.assert_close(by_itself, together, rtol=1e-5, atol=1e-5)

    def test_the_newest_alone_is_as_among_all(self, model: SequenceModel) -> None:
        batch = input_of(ROWS, N, columns=8)
        every_BLD = said(model, batch)
        newest_BD = said_last(model, batch)
        expected_BD = every_BLD[torch.arange(len(ROWS)), batch.lengths_B - 1]
        torch.testing.assert_close(newest_BD, expected_BD, rtol=1e-5, atol=1e-6)

    def test_the_newest_event_and_the_oldest_both_matter(self, model: SequenceModel) -> None:
        history = ROWS[0]
        ours = said_last(model, input_of([history], N))
        for changed in ([9, *history[1:]], [*history[:-1], 9]):
            theirs = said_last(model, input_of([changed], N))
            assert not torch.allclose(ours, theirs, rtol=0, atol=1e-7)

    def test_the_order_of_the_batch_changes_nothing(self, model: SequenceModel) -> None:
        ours, theirs = said(model, input_of(ROWS, N)), said(model, input_of(ROWS[::-1], N))
        ours = [ours[row, : len(codes)] for row, codes in enumerate(ROWS)]
        theirs = [theirs[2 - row, : len(codes)] for row, codes in enumerate(ROWS)]
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)

    def test_answers_are_the_same_each_time(self, kind: type[SequenceModel]) -> None:
        model = small(kind, N, dropout=0.5)
        assert torch.equal(said(model, input_of(ROWS, N)), said(model, input_of(ROWS, N)))
        model.train()
        assert not torch.equal(said(model, input_of(ROWS, N)), said(model, input_of(ROWS, N)))

    def test_weights_on_their_own_make_the_same_network(self, kind: type[SequenceModel]) -> None:
        ours = small(kind, N)
        theirs = kind(ours.config, N).eval()
        assert not torch.equal(said(ours, input_of(ROWS, N)), said(theirs, input_of(ROWS, N)))
        theirs.load_state_dict(ours.state_dict())
        assert torch.equal(said(ours, input_of(ROWS, N)), said(theirs, input_of(ROWS, N)))


class TestLearning:
    def test_a_gradient_reaches_every_parameter(self, model: SequenceModel) -> None:
        # Several rows, since some objectives cut each at random, and one event teaches little;
        # coming back to their first items, since some networks only then read all that they have.
        codes = (2 + np.arange(model.longest)[None] % (model.longest - 3)).repeat(4, axis=0)
        times = (1e9 + 60.0 * np.arange(model.longest + 1)[None] ** 3).repeat(4, axis=0)
        clock = times[:, :-1], times[:, 1:]
        batch = Batch(codes, np.full(4, model.longest), np.roll(codes, 1, axis=1), *clock)
        model.train()
        loss_of(model, batch).backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
            assert parameter.grad.any(), name

    def test_learns_ten_histories_by_heart(self, kind: type[SequenceModel]) -> None:
        histories = 2 + np.random.default_rng(0).permutation(50).reshape(10, 5)
        ten = world(histories, learn=10, catalogue_size=52)
        model = small(kind, 52, width=32)
        # One target a row and step, drawn at random, instead of all: more steps, and not so few
        # that the last digits of a processor decide how far the last one has come.
        steps = 150 if OBJECTIVES[model.objective].asks_everywhere else 450
        # A history whose events are all masked cannot be told from the others.
        enough = 0.5 if model.objective == "masked-item" else 0.01
        assert learn(model, ten.training, steps=steps) < enough
        assert hit_rate(model, ten.queries) == 1.0

    def test_learns_a_world_that_can_be_predicted(self, kind: type[SequenceModel]) -> None:
        clockwork = cycle()
        model = small(kind, clockwork.catalogue_size, width=32)
        learn(model, clockwork.training, steps=200)
        assert hit_rate(model, clockwork.queries) == 1.0

    def test_learns_in_bfloat16_what_it_learns_in_float32(self, kind: type[SequenceModel]) -> None:
        clockwork = cycle()
        model = small(kind, clockwork.catalogue_size, width=32).train()
        [batch] = batches_of(model, clockwork.training)
        # Some objectives draw what they ask; both shall ask the same.
        torch.manual_seed(1)
        exact = loss_of(model, batch)
        torch.manual_seed(1)
        low = loss_of(model, batch, low=True)
        assert low.dtype == torch.float32
        assert low.item() == pytest.approx(exact.item(), rel=0.02)
        # What one block rounds, the next one reads: SASRec's errors double from two to four too.
        tolerance = 0.05 * max(2, getattr(model.config, "blocks", 2))
        for name, parameter in model.named_parameters():
            [witness] = torch.autograd.grad(exact, parameter, retain_graph=True)
            [ours] = torch.autograd.grad(low, parameter, retain_graph=True)
            assert ours.dtype == torch.float32, name
            assert (ours - witness).norm() < tolerance * witness.norm() + 1e-4, name
        learn(model, clockwork.training, steps=200, low=True)
        assert hit_rate(model, clockwork.queries) == 1.0

    def test_does_not_beat_chance_where_there_is_nothing_to_learn(
        self, kind: type[SequenceModel]
    ) -> None:
        chaos = noise()
        items = chaos.catalogue_size - 2
        model = small(kind, chaos.catalogue_size)
        learn(model, chaos.training, steps=60)
        deviation = math.sqrt((1 / items) * (1 - 1 / items) / len(chaos.queries))
        assert hit_rate(model, chaos.queries) < 1 / items + 4 * deviation
        # Asked at every event of unseen histories: a network that peeked would do better.
        sequences, learned = chaos.training.sequences, chaos.training.ends
        rest = sequences.offsets[:-1] + sequences.offsets[1:] - learned
        unseen = dataclasses.replace(chaos.training, ends=rest)
        [batch] = batches_of(model, unseen)
        assert float(loss_of(model, batch).detach()) > math.log(items) - 0.1


class TestRefusals:
    @pytest.mark.parametrize("code", [-1, N, N + 100])
    def test_codes_outside_the_catalogue(self, model: SequenceModel, code: int) -> None:
        with pytest.raises(ModelInputError, match=rf"from 0 to {N - 1}; received"):
            model(input_of([[3, code]], N))

    def test_a_history_of_padding_alone(self, model: SequenceModel) -> None:
        batch = Batch(np.array([[3, 4], [0, 0]]), np.array([2, 0]))
        with pytest.raises(ModelInputError, match="without any event cannot be read"):
            model(ModelInput.of(batch, N))

    def test_a_batch_without_rows(self, model: SequenceModel) -> None:
        batch = Batch(np.zeros((0, 1), np.int64), np.zeros(0, np.int64))
        with pytest.raises(ModelInputError, match="without any event"):
            model(ModelInput.of(batch, N))

    def test_a_history_longer_than_it_looks_at(self, model: SequenceModel) -> None:
        row = [3] * (model.longest + 1)
        message = rf"history of {len(row)} events .* holds {model.longest}; keep its newest"
        with pytest.raises(ModelInputError, match=message):
            model(input_of([row], N))
        model(input_of([row[1:]], N))


def test_a_batch_becomes_tensors_without_a_copy() -> None:
    items = np.array([[3, 4]])
    moments = np.array([[1.0, 2.0]])
    batch = Batch(items, np.array([2]), np.array([[4, 0]]), moments, moments + 1)
    read = ModelInput.of(batch, N)
    for tensor, array in (
        (read.items_BL, items),
        (read.lengths_B, batch.lengths),
        (read.targets_BL, batch.targets),
        (read.times_BL, moments),
        (read.asked_BL, batch.asked),
    ):
        assert tensor.data_ptr() == array.ctypes.data
        assert np.array_equal(tensor.numpy(), array)


def test_a_config_must_be_a_dataclass(model: SequenceModel) -> None:
    model.config = {"width": 4}
    with pytest.raises(TypeError, match="must be a dataclass"):
        model.settings()
