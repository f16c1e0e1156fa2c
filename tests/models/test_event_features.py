"""A network that reads features: of the past only, whatever the padding, and to good effect."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from small_worlds import World, clock_of, hit_rate, learn, loss_of, small, world

from regard.data.batches import Batch
from regard.data.features import FeatureLayout, Features
from regard.models import MODELS
from regard.models.contract import ModelInput, SequenceModel
from regard.models.event_features import EventFeatures
from regard.models.sasrec import SASRec, SASRecConfig
from regard.models.scorer import NetworkScorer

N = 20
LAYOUT = FeatureLayout(sizes=(5, 3), missing_codes=(0, 0), missing_numbers=(0.0, 1.0))
READERS = {name: kind for name, kind in MODELS.items() if kind.features}


@pytest.fixture(params=READERS.values(), ids=READERS.keys())
def model(request: pytest.FixtureRequest) -> SequenceModel:
    return reader(request.param)


def reader(kind: type[SequenceModel], layout: FeatureLayout = LAYOUT) -> SequenceModel:
    """A small network whose features speak, as they do once it has learned."""
    config = small(kind, N).config
    torch.manual_seed(0)
    model = kind(config, N, layout).eval()
    for module in model.modules():
        if isinstance(module, EventFeatures):
            for parameter in module.parameters():
                torch.nn.init.normal_(parameter, std=0.3)
    return model


def batch_of(rows: list[list[int]], *, columns: int = 0, seed: int = 0) -> Batch:
    """Histories whose features are drawn event by event, so that padding moves none of them."""
    lengths = np.array([len(row) for row in rows], np.int64)
    shape = len(rows), max(columns, int(lengths.max()))
    features = Features(np.zeros((*shape, 2), np.int32), np.zeros((*shape, 2), np.float32))
    clock = clock_of(lengths, shape[1])
    batch = Batch(np.zeros(shape, np.int64), lengths, None, *clock, features)
    assert batch.features is not None
    for number, row in enumerate(rows):
        random = np.random.default_rng([seed, number])
        batch.items[number, : len(row)] = row
        batch.features.codes[number, : len(row)] = random.integers([5, 3], size=(len(row), 2))
        batch.features.numbers[number, : len(row)] = random.normal(size=(len(row), 2))
    return batch


ROWS = [[3, 4, 5, 6, 4], [7], [8, 1, 9]]


@pytest.mark.parametrize("moment", [1, 3, 4])
@pytest.mark.parametrize("part", ["codes", "numbers"])
def test_features_of_the_future_change_nothing(
    model: SequenceModel, moment: int, part: str
) -> None:
    if not model.promises.causal:
        pytest.skip("it promises to be asked at the newest event only")
    ours, theirs = batch_of(ROWS[:1]), batch_of(ROWS[:1])
    array = getattr(theirs.features, part)
    array[:, moment:] = (array[:, moment:] + 1) % 3
    before, after = (model(ModelInput.of(each, N)) for each in (ours, theirs))
    torch.testing.assert_close(before[:, :moment], after[:, :moment], rtol=0, atol=1e-6)
    assert not torch.allclose(before[:, moment], after[:, moment])


def test_padding_and_company_change_nothing(model: SequenceModel) -> None:
    ours = model(ModelInput.of(batch_of(ROWS), N))
    wide = batch_of(ROWS, columns=model.longest)
    theirs = model(ModelInput.of(wide, N))
    assert wide.features is not None
    wide.features.codes[0, 5:] = 2
    wide.features.numbers[0, 5:] = 9.0
    odd = model(ModelInput.of(wide, N))
    for row, codes in enumerate(ROWS):
        real = slice(0, len(codes))
        torch.testing.assert_close(ours[row, real], theirs[row, real], rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(ours[row, real], odd[row, real], rtol=1e-5, atol=1e-5)
    alone = batch_of(ROWS[:1])
    torch.testing.assert_close(model(ModelInput.of(alone, N))[0], ours[0, :5], rtol=1e-5, atol=1e-5)


def test_the_newest_alone_is_as_among_all(model: SequenceModel) -> None:
    read = ModelInput.of(batch_of(ROWS, columns=8), N)
    expected_BD = model(read)[torch.arange(3), read.lengths_B - 1]
    torch.testing.assert_close(model.newest(read), expected_BD, rtol=1e-5, atol=1e-6)


def test_a_gradient_reaches_every_parameter(model: SequenceModel) -> None:
    batch = batch_of([list(range(2, 2 + model.longest))] * 4)
    model.train()
    targets = np.roll(batch.items, 1, axis=1)
    loss_of(model, dataclasses.replace(batch, targets=targets)).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.any(), name


def test_it_is_the_sum_of_what_was_looked_up_and_projected() -> None:
    module = EventFeatures(LAYOUT, width=4, scale=2.0)
    assert module.codes is not None
    assert module.numbers is not None
    torch.nn.init.normal_(module.codes.weight)
    torch.nn.init.normal_(module.numbers.weight)
    batch = batch_of(ROWS)
    assert batch.features is not None
    table, matrix = (each.weight.detach().double() for each in (module.codes, module.numbers))
    found_BLD = module(ModelInput.of(batch, N))
    for place in np.ndindex(3, 5):
        first, second = batch.features.codes[place].tolist()
        numbers = torch.from_numpy(batch.features.numbers[place]).double()
        expected = 2 * (table[first] + table[5 + second] + matrix @ numbers)
        torch.testing.assert_close(found_BLD[place].double(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "layout",
    [FeatureLayout((5,), (0,), ()), FeatureLayout((), (), (0.5,))],
    ids=["codes", "numbers"],
)
def test_one_kind_of_column_alone(layout: FeatureLayout) -> None:
    model = reader(SASRec, layout)
    batch = batch_of(ROWS)
    assert batch.features is not None
    codes, numbers = batch.features.codes, batch.features.numbers
    fitting = Features(codes[..., : len(layout.sizes)], numbers[..., : len(layout.missing_numbers)])
    with_them = model(ModelInput.of(dataclasses.replace(batch, features=fitting), N))
    without = model(ModelInput.of(dataclasses.replace(batch, features=None), N))
    assert not torch.allclose(with_them[0], without[0])


def test_a_history_without_features_is_read_as_one_whose_are_missing(model: SequenceModel) -> None:
    batch = batch_of(ROWS)
    bare = dataclasses.replace(batch, features=None)
    shape = batch.items.shape
    missing = Features(
        np.broadcast_to(np.array(LAYOUT.missing_codes, np.int32), (*shape, 2)).copy(),
        np.broadcast_to(np.array(LAYOUT.missing_numbers, np.float32), (*shape, 2)).copy(),
    )
    told = dataclasses.replace(batch, features=missing)
    assert torch.equal(model(ModelInput.of(bare, N)), model(ModelInput.of(told, N)))


def test_it_begins_as_a_network_without_features() -> None:
    config = SASRecConfig(width=16, longest=12, dropout=0.0)
    torch.manual_seed(0)
    plain = SASRec(config, N)
    torch.manual_seed(0)
    model = SASRec(config, N, LAYOUT)
    read = ModelInput.of(batch_of(ROWS), N)
    assert torch.equal(plain(read), model(read))
    assert set(model.state_dict()) - set(plain.state_dict()) == {
        "event_features.codes.weight",
        "event_features.numbers.weight",
    }


def moods(items: int = 12, length: int = 6, users: int = 240) -> World:
    """The mood of an event says which item comes next; the items themselves say nothing."""
    random = np.random.default_rng(7)
    mood_UL = random.integers(items, size=(users, length))
    items_UL = random.integers(items, size=(users, length))
    items_UL[:, 1:] = (5 * mood_UL[:, :-1] + 3) % items
    plain = world(2 + items_UL, learn=users // 2, catalogue_size=items + 2)
    features = Features(
        (1 + mood_UL.reshape(-1, 1)).astype(np.int32), np.zeros((users * length, 0), np.float32)
    )
    sequences = dataclasses.replace(plain.training.sequences, features=features)
    return dataclasses.replace(
        plain,
        training=dataclasses.replace(plain.training, sequences=sequences),
        queries=dataclasses.replace(plain.queries, sequences=sequences),
    )


@pytest.mark.parametrize("kind", READERS.values(), ids=READERS.keys())
def test_learns_a_world_that_only_features_foretell(kind: type[SequenceModel]) -> None:
    told = moods()
    layout = FeatureLayout((13,), (0,), ())
    config = small(kind, told.catalogue_size, width=32).config
    torch.manual_seed(0)
    model, blind = kind(config, told.catalogue_size, layout), kind(config, told.catalogue_size)
    learn(model, told.training, steps=120)
    learn(blind, told.training, steps=120)
    chance = 1 / 12
    deviation = math.sqrt(chance * (1 - chance) / len(told.queries))
    assert hit_rate(model, told.queries) > 0.95
    assert hit_rate(blind, told.queries) < chance + 4 * deviation


def test_answers_do_not_see_the_features_of_the_target() -> None:
    told = moods()
    model = reader(SASRec, FeatureLayout((13,), (0,), ()))
    model.catalogue_size = N
    before = NetworkScorer(model).score(told.queries)
    features = told.queries.sequences.features
    assert features is not None
    features.codes[told.queries.ends] = 0
    assert np.array_equal(NetworkScorer(model).score(told.queries), before)
    features.codes[told.queries.ends - 1] = 0
    assert not np.array_equal(NetworkScorer(model).score(told.queries), before)
