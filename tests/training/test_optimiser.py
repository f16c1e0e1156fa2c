"""Which parameters decay, and how the learning rate moves."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from regard.models import MODELS
from regard.models.contract import SequenceModel
from regard.training.optimiser import Optimiser, build_optimiser, clip_gradients, rate_at

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
    layers = ("attention.queries_keys_values", "attention.output")
    layers += ("feed_forward.expand", "feed_forward.contract")
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


class TestRows:
    def test_rows_that_were_not_read_rest_and_the_others_move_as_adam_moves_them(self) -> None:
        ours, theirs = (nn.Embedding(6, 3, sparse=sparse) for sparse in (True, False))
        theirs.load_state_dict(ours.state_dict())
        before = ours.weight.detach().clone()
        optimisers = [
            build_optimiser(ours, WEIGHT_DECAY, sparse=[ours.weight]),
            build_optimiser(theirs, WEIGHT_DECAY),
        ]
        for _ in range(3):
            for table, optimiser in zip((ours, theirs), optimisers, strict=True):
                optimiser.rate = 0.1
                optimiser.zero_grad()
                table(torch.tensor([1, 4, 1])).square().sum().backward()
                optimiser.step()
        # These rows have had a gradient in each step, so that lazy and eager Adam are one.
        torch.testing.assert_close(ours.weight[[1, 4]], theirs.weight[[1, 4]])
        assert torch.equal(ours.weight[[0, 2, 3, 5]], before[[0, 2, 3, 5]])
        assert not torch.equal(ours.weight[[1, 4]], before[[1, 4]])

    @pytest.mark.parametrize("kind", MODELS.values(), ids=MODELS.keys())
    def test_every_network_can_make_its_item_tables_sparse(self, kind: type[SequenceModel]) -> None:
        model = kind(kind.config_class(width=8), 31)
        tables = model.make_tables_sparse()
        over_items = {each for each in model.parameters() if len(each) == 31}
        assert len(tables) == len(set(tables))
        assert set(tables) == over_items
        optimiser = build_optimiser(model, WEIGHT_DECAY, sparse=tables)
        [*_, rows] = optimiser.parts
        assert isinstance(rows, torch.optim.SparseAdam)
        moved = [each for group in optimiser.param_groups for each in group["params"]]
        assert sorted(map(id, moved)) == sorted(map(id, model.parameters()))

    def test_the_state_of_all_parts_comes_back(self) -> None:
        def made() -> nn.Sequential:
            torch.manual_seed(0)
            return nn.Sequential(nn.Embedding(6, 3, sparse=True), nn.Linear(3, 2))

        def steps(model: nn.Sequential, optimiser: Optimiser, count: int) -> None:
            for _ in range(count):
                optimiser.zero_grad()
                model(torch.tensor([1, 4, 1])).square().sum().backward()
                optimiser.step()

        whole, first, second = made(), made(), made()
        steps(whole, build_optimiser(whole, 0.1, sparse=[whole[0].weight]), 5)
        before = build_optimiser(first, 0.1, sparse=[first[0].weight])
        steps(first, before, 2)
        second.load_state_dict(first.state_dict())
        after = build_optimiser(second, 0.1, sparse=[second[0].weight])
        after.load_state_dict(before.state_dict())
        steps(second, after, 3)
        for ours, theirs in zip(second.parameters(), whole.parameters(), strict=True):
            assert torch.equal(ours, theirs)


class TestClipping:
    @given(st.floats(0.01, 100.0), st.integers(0, 100))
    def test_sparse_and_dense_gradients_are_one_vector(self, longest: float, seed: int) -> None:
        torch.manual_seed(seed)
        dense, sparse, idle = (nn.Parameter(torch.zeros(5, 2)) for _ in range(3))
        dense.grad = torch.randn(5, 2)
        rows = torch.tensor([[3, 1, 3]])
        sparse.grad = torch.sparse_coo_tensor(
            rows, torch.randn(3, 2), (5, 2), check_invariants=True
        )
        witnesses = [nn.Parameter(torch.zeros(5, 2)) for _ in range(2)]
        witnesses[0].grad, witnesses[1].grad = dense.grad.clone(), sparse.grad.to_dense()
        expected = nn.utils.clip_grad_norm_(witnesses, longest)
        assert clip_gradients([dense, sparse, idle], longest) == pytest.approx(float(expected))
        torch.testing.assert_close(dense.grad, witnesses[0].grad)
        torch.testing.assert_close(sparse.grad.to_dense(), witnesses[1].grad)
        assert idle.grad is None


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
