"""A network as a scorer: the same numbers whatever else is asked with them."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_worlds import input_of, noise, said, small
from torch import nn

from regard.data.queries import Queries
from regard.errors import ModelInputError
from regard.evaluation.protocol import Seen
from regard.evaluation.ranking import rank_and_list
from regard.models import MODELS
from regard.models.candidates import CandidateModel
from regard.models.contract import SequenceModel
from regard.models.embeddings import ItemEmbedding
from regard.models.scorer import NetworkScorer, ReadHistories
from regard.shapes import Scores


@pytest.fixture(params=MODELS.values(), ids=MODELS.keys())
def model(request: pytest.FixtureRequest) -> Iterator[SequenceModel]:
    return small(request.param, 14, dropout=0.5)


@pytest.fixture(scope="module")
def wide() -> NetworkScorer:
    """A catalogue of many blocks in which every vector stands twice, so that all items are tied."""
    model = small(MODELS["sasrec"], 201)
    with torch.no_grad():
        table = model.item_table().vectors_ND
        table[101:] = table[1:101].flip(0)
    return NetworkScorer(model)


@pytest.fixture
def queries() -> Queries:
    """Histories of every length from 1 to 7, the long ones first."""
    sequences = noise(users=21).training.sequences
    users = np.arange(21)
    ends = sequences.offsets[1:] - 1 - users % 7
    return Queries.next_event(sequences, users, ends)


def test_scores_are_what_the_network_says_times_the_table(
    model: SequenceModel, queries: Queries
) -> None:
    scores_QN = NetworkScorer(model, tokens=30).score(queries)
    assert scores_QN.shape == (21, 14)
    assert scores_QN.dtype == np.float32
    table = model.item_table()
    for q in range(len(queries)):
        history = queries.sequences.items[queries.starts[q] : queries.ends[q]].tolist()
        with torch.no_grad():
            slow = said(model, input_of([history], 14))[0, -1]
            if not isinstance(model, CandidateModel):
                slow = table.vectors_ND @ slow
            slow = slow + (0 if table.bias_N is None else table.bias_N)
        np.testing.assert_allclose(scores_QN[q], slow.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("tokens", [1, 2, 20, 4_096])
def test_the_number_of_tokens_changes_nothing(
    model: SequenceModel, queries: Queries, tokens: int
) -> None:
    ours, theirs = NetworkScorer(model, tokens), NetworkScorer(model, 35)
    np.testing.assert_allclose(ours.score(queries), theirs.score(queries), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rows", [1, 2, 21])
@given(cuts=st.lists(st.integers(0, 201), max_size=12))
def test_any_block_holds_the_same_numbers(wide: NetworkScorer, rows: int, cuts: list[int]) -> None:
    sequences = noise(users=21).training.sequences
    read = wide.prepare(Queries.requests(sequences, np.arange(rows)))
    assert read.shape == (rows, 201)
    bounds = [0, *sorted(cuts), 201]
    blocks = [read.block(start, stop) for start, stop in pairwise(bounds)]
    assert np.array_equal(np.concatenate(blocks, axis=1), read.block(0, 201))
    assert all(block.flags.writeable and block.flags.c_contiguous for block in blocks)


def test_few_rows_hold_the_numbers_of_many(wide: NetworkScorer) -> None:
    sequences = noise(users=21).training.sequences
    read = wide.prepare(Queries.requests(sequences, np.arange(21)))
    for number in range(21):
        alone = ReadHistories(read.states_BD[[number]], read.table)
        assert np.array_equal(alone.block(0, 201), read.block(0, 201)[[number]])


@pytest.mark.parametrize("seen", list(Seen))
@pytest.mark.parametrize("budget", [1, 2_000, 40_000, 10**6])
def test_ranks_and_lists_are_the_same_in_any_block(
    wide: NetworkScorer, seen: Seen, budget: int
) -> None:
    sequences = noise(users=21).training.sequences
    queries = Queries.next_event(sequences, np.arange(21), sequences.offsets[1:] - 1)
    read = wide.prepare(queries)

    class Read:
        """The same states however the queries are cut, so that only blocks differ."""

        in_blocks = True

        def prepare(self, queries: Queries) -> ReadHistories:
            return ReadHistories(read.states_BD[queries.users.tolist()], read.table)

        def score(self, queries: Queries) -> Scores:
            return self.prepare(queries).block(0, 201)

    ranks, listed = rank_and_list(Read(), queries, 9, catalogue_size=201, seen=seen)
    cut, cut_listed = rank_and_list(
        Read(), queries, 9, catalogue_size=201, seen=seen, budget_bytes=budget
    )
    assert cut.values.tolist() == ranks.values.tolist()
    assert cut.tied == ranks.tied > 0
    assert cut_listed.tolist() == listed.tolist()


def test_a_history_longer_than_the_model_counts_by_its_newest_events(queries: Queries) -> None:
    short = small(MODELS["sasrec"], 14, longest=3)
    newest = queries.select(queries.history_lengths > 3)
    [first] = NetworkScorer(short).score(newest.select(slice(1)))
    events = newest.sequences.items[newest.ends[0] - 3 : newest.ends[0]].tolist()
    with torch.no_grad():
        slow = short.item_table().vectors_ND @ short(input_of([events], 14))[0, -1]
    np.testing.assert_allclose(first, slow.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_answering_leaves_the_mode_of_the_model_alone(
    model: SequenceModel, queries: Queries, training: bool
) -> None:
    model.train(training)
    scorer = NetworkScorer(model)
    assert np.array_equal(scorer.score(queries), scorer.score(queries))
    assert model.training is training
    empty = Queries.requests(queries.sequences.select(np.array([], np.int64)), np.array([], int))
    assert scorer.score(empty).shape == (0, 14)
    with pytest.raises(ModelInputError):
        scorer.trace(empty)
    assert model.training is training


def test_a_trace_has_maps(model: SequenceModel, queries: Queries) -> None:
    trace = NetworkScorer(model).trace(queries)
    assert trace.states_BLD.shape[:2] == (21, 7)
    assert not trace.states_BLD.requires_grad
    assert bool(trace.attention_maps) == model.promises.has_map


def test_an_empty_history_is_refused(model: SequenceModel, queries: Queries) -> None:
    nothing = Queries.next_event(queries.sequences, np.array([0]), np.array([0]))
    with pytest.raises(ModelInputError, match="without any event"):
        NetworkScorer(model).score(nothing)


def test_the_vector_of_the_padding_is_zero_and_stays_so() -> None:
    torch.manual_seed(0)
    embed = ItemEmbedding(5, 4, scale=2.0)
    optimiser = torch.optim.AdamW(embed.parameters(), lr=0.1)
    nn.functional.mse_loss(embed(torch.tensor([[0, 3]])), torch.ones(1, 2, 4)).backward()
    optimiser.step()
    assert not embed.vectors_ND[0].any()
    torch.testing.assert_close(embed(torch.tensor([[3]]))[0, 0], 2 * embed.vectors_ND[3])
