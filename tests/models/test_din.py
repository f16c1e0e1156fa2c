"""DIN: the paper's network by loops, one answer for each candidate, and exact blocks of them."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_worlds import input_of, noise, said, small

from regard.data.queries import Queries
from regard.errors import ConfigurationError, ModelInputError
from regard.evaluation.protocol import Seen
from regard.evaluation.ranking import rank_and_list
from regard.losses.candidate_softmax import CandidateSoftmax
from regard.models.candidates import AskedEvents, ReadEvents
from regard.models.din import DIN, DINConfig
from regard.models.scorer import NetworkScorer
from regard.recommender.networks import check
from regard.recommender.recipe import Recipe

N = 12


def shaken(**settings: int) -> DIN:
    """A DIN none of whose weights is what it was made with, in double precision."""
    model = small(DIN, N, width=6, hidden=5, layers=4, **settings)
    assert isinstance(model, DIN)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.5 * torch.randn_like(parameter))
        model.items.table.weight[0] = 0.0
    return model.double()


def prelu(values: np.ndarray, module: torch.nn.Module) -> np.ndarray:
    slope = float(module.weight.detach())
    return np.where(values > 0, values, slope * values)


def affine(layer: torch.nn.Linear, values: np.ndarray) -> np.ndarray:
    bias = 0.0 if layer.bias is None else layer.bias.detach().numpy()
    return layer.weight.detach().numpy() @ values + bias


def slowly(model: DIN, history: list[int], candidate: int) -> float:
    """The score after a history, without the bias, as the equations have it."""
    table = model.items.table.weight.detach().numpy() * model.items.scale
    c, attention, judge = table[candidate], model.attention, model.judge
    pooled = np.zeros_like(c)
    for age, item in enumerate(reversed(history)):
        x = table[item]
        hidden = prelu(affine(attention.compare, np.concatenate([x, c, x - c, x * c])),
                       attention.activation)  # fmt: skip
        [strength] = affine(attention.score, hidden)
        pooled += float(model.recency[age].detach()) * strength * x
    hidden = affine(judge.first, np.concatenate([pooled, c, pooled * c]))
    hidden = prelu(hidden, judge.activations[0])
    hidden = prelu(affine(judge.second, hidden), judge.activations[1])
    return float(affine(judge.last, hidden)[0] + (pooled * c) @ judge.product.detach().numpy())


def test_equals_the_equations_at_every_event() -> None:
    model, rows = shaken(), [[3, 4, 5, 3], [7, 2]]
    read = input_of(rows, N)
    scores_BLN = said(model, read).detach()
    newest_BN = model.newest_scores(model(read), read.lengths_B, model.item_table().vectors_ND)
    own_BL = model.own_scores(model(read), model.item_table().vectors_ND[torch.full((2, 4), 9)])
    for b, row in enumerate(rows):
        for end in range(1, len(row) + 1):
            expected = [slowly(model, row[:end], code) for code in range(2, N)]
            np.testing.assert_allclose(scores_BLN[b, end - 1, 2:], expected, rtol=1e-9)
            assert own_BL[b, end - 1].item() == pytest.approx(expected[7], rel=1e-9)
        np.testing.assert_allclose(newest_BN[b, 2:].detach(), expected, rtol=1e-9)


def test_the_loss_over_every_item_is_cross_entropy() -> None:
    model, read = shaken(), input_of([[3, 4, 5, 3], [7, 2]], N)
    asked_T, targets_T = torch.tensor([0, 2, 5]), torch.tensor([4, 3, 11])
    asked = AskedEvents(model, model(read), asked_T)
    loss = CandidateSoftmax(np.ones(N - 2, np.int64), uniform=1.0, sparse=False)
    ours = loss.compared(asked, model.item_table(), targets_T, torch.arange(2, N))
    scores_TN = said(model, read).flatten(0, 1)[asked_T] + model.item_table().bias_N
    theirs = torch.nn.functional.cross_entropy(scores_TN[:, 2:], targets_T - 2)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-9)


def test_samples_estimate_the_exact_sum_whatever_the_chances() -> None:
    torch.manual_seed(3)
    counts = np.array([50, 20, 10, 5, 5, 4, 3, 1, 1, 1])
    model, read = shaken(), input_of([[3, 4, 5]], N)
    asked, targets_T = AskedEvents(model, model(read), torch.tensor([2])), torch.tensor([6])
    loss = CandidateSoftmax(counts, negatives=200_000, sparse=False)
    sampled = loss(asked, model.item_table(), targets_T).item()
    exact = loss.compared(asked, model.item_table(), targets_T, torch.arange(2, N))
    scores_N = said(model, read)[0, 2] + model.item_table().bias_N
    expected = torch.nn.functional.cross_entropy(scores_N[None, 2:], targets_T - 2).item()
    assert sampled == pytest.approx(expected, rel=0.02)
    assert exact.item() != pytest.approx(expected, rel=0.02)


def test_sparse_gradients_are_the_dense_ones() -> None:
    grads = []
    for sparse in (False, True):
        model, read = shaken(), input_of([[3, 4, 5]], N)
        if sparse:
            model.make_tables_sparse()
        loss = CandidateSoftmax(np.ones(N - 2, np.int64), sparse=sparse)
        asked = AskedEvents(model, model(read), torch.tensor([1, 2]))
        drawn_K = torch.tensor([2, 9, 9])
        loss.compared(asked, model.item_table(), torch.tensor([5, 9]), drawn_K).backward()
        table, bias = model.items.table.weight.grad, model.bias.grad
        assert table is not None
        assert bias is not None
        assert table.is_sparse == bias.is_sparse == sparse
        grads.append([each.to_dense() if sparse else each for each in (table, bias)])
    torch.testing.assert_close(*grads)


def test_a_history_is_read_anew_for_each_candidate() -> None:
    """Two tastes: what follows depends on the one event of the candidate's own kind."""
    model = shaken()
    table = model.item_table().vectors_ND
    states_BLD = model(input_of([[3, 4, 5, 6]], N))
    strengths_KL = model.attention.strengths(states_BLD, table * model.items.scale)[0, 2:]
    order_K = strengths_KL[:, 0] > strengths_KL[:, 1]
    assert order_K.any()
    assert not order_K.all()


@pytest.fixture(scope="module")
def wide() -> NetworkScorer:
    return NetworkScorer(small(DIN, 201))


class TestBlocks:
    @pytest.mark.parametrize("rows", [1, 21])
    @given(cuts=st.lists(st.integers(0, 201), max_size=6))
    def test_any_block_holds_the_same_numbers(
        self, wide: NetworkScorer, rows: int, cuts: list[int]
    ) -> None:
        sequences = noise(users=21).training.sequences
        read = wide.prepare(Queries.requests(sequences, np.arange(rows)))
        assert read.shape == (rows, 201)
        bounds = [0, *sorted(cuts), 201]
        blocks = [read.block(start, stop) for start, stop in pairwise(bounds)]
        assert np.array_equal(np.concatenate(blocks, axis=1), read.block(0, 201))
        assert all(block.flags.writeable and block.flags.c_contiguous for block in blocks)

    def test_one_query_scores_as_it_does_among_others(self, wide: NetworkScorer) -> None:
        sequences = noise(users=21).training.sequences
        users = np.arange(21)
        ends = sequences.offsets[1:] - users % 7
        queries = Queries.next_event(sequences, users, ends - 1)
        together = wide.score(queries)
        alone = np.concatenate([wide.score(each) for each in queries.chunks(1)])
        assert np.array_equal(together, alone)

    @pytest.mark.parametrize("budget", [1, 40_000])
    def test_ranks_and_lists_are_the_same_in_any_block(
        self, wide: NetworkScorer, budget: int
    ) -> None:
        sequences = noise(users=5).training.sequences
        queries = Queries.next_event(sequences, np.arange(5), sequences.offsets[1:] - 1)
        found = [
            rank_and_list(wide, queries, 9, catalogue_size=201, seen=Seen.KEEP, **budget_or_not)
            for budget_or_not in ({}, {"budget_bytes": budget})
        ]
        (ranks, listed), (cut, cut_listed) = found
        assert cut.values.tolist() == ranks.values.tolist()
        assert cut_listed.tolist() == listed.tolist()

    def test_answers_know_no_dropout(self) -> None:
        model = small(DIN, 14, dropout=0.5).train()
        read = NetworkScorer(model).prepare(noise(users=21).queries)
        assert isinstance(read, ReadEvents)
        assert np.array_equal(read.block(0, 14), read.block(0, 14))
        assert model.training

    def test_the_bias_of_an_item_is_added(self) -> None:
        model, queries = small(DIN, 14), noise().queries
        before = NetworkScorer(model).score(queries)
        with torch.no_grad():
            model.bias[5] += 3.0
        np.testing.assert_allclose(
            NetworkScorer(model).score(queries) - before,
            3.0 * np.eye(14)[5] + 0 * before,
            atol=1e-5,
        )


class TestRefusals:
    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            ({"loss": "cross-entropy"}, "Choose loss='sampled-softmax'"),
            ({"objective": "next-item"}, "choose objective='next-candidate'"),
            ({"objective": "newest-item"}, "choose objective='next-candidate'"),
        ],
    )
    def test_what_would_compare_states_with_a_table(
        self, given: dict[str, str], sentence: str
    ) -> None:
        with pytest.raises(ConfigurationError, match=sentence):
            check(Recipe.from_dict({"model": {"name": "din"}, **given}))

    def test_its_objective_is_for_nobody_else(self) -> None:
        recipe = Recipe.from_dict({"model": {"name": "sasrec"}, "objective": "next-candidate"})
        with pytest.raises(ConfigurationError, match="is not for the model 'sasrec'"):
            check(recipe)

    @pytest.mark.parametrize("name", ["hidden", "layers", "negatives", "width"])
    def test_sizes(self, name: str) -> None:
        with pytest.raises(ConfigurationError, match=rf"model\.{name}=0 must be 1 or more"):
            DINConfig(**{name: 0})

    def test_a_target_outside_the_table(self) -> None:
        model, read = shaken(), input_of([[3, 4]], N)
        asked = AskedEvents(model, model(read), torch.tensor([0]))
        loss = CandidateSoftmax(np.ones(N - 2, np.int64))
        with pytest.raises(ModelInputError):
            loss(asked, model.item_table(), torch.tensor([N]))
