"""A network as a scorer: the same numbers whatever else is asked with them."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from small_worlds import input_of, noise, small
from torch import nn

from regard.data.queries import Queries
from regard.errors import ModelInputError
from regard.models import MODELS
from regard.models.contract import SequenceModel
from regard.models.embeddings import ItemEmbedding
from regard.models.scorer import NetworkScorer


@pytest.fixture(params=MODELS.values(), ids=MODELS.keys())
def model(request: pytest.FixtureRequest) -> Iterator[SequenceModel]:
    return small(request.param, 14, dropout=0.5)


@pytest.fixture
def queries() -> Queries:
    """Histories of every length from 1 to 7, the long ones first."""
    sequences = noise(users=21).training.sequences
    users = np.arange(21)
    ends = sequences.offsets[1:] - 1 - users % 7
    return Queries.next_event(sequences, users, ends)


def test_scores_are_states_times_the_table(model: SequenceModel, queries: Queries) -> None:
    scores_QN = NetworkScorer(model, rows=4).score(queries)
    assert scores_QN.shape == (21, 14)
    assert scores_QN.dtype == np.float32
    table = model.item_table()
    for q in range(len(queries)):
        history = queries.sequences.items[queries.starts[q] : queries.ends[q]].tolist()
        with torch.no_grad():
            last_D = model(input_of([history], 14))[0, -1]
            slow = table.vectors_ND @ last_D + (0 if table.bias_N is None else table.bias_N)
        np.testing.assert_allclose(scores_QN[q], slow.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rows", [1, 2, 20, 256])
def test_the_number_of_rows_changes_nothing(
    model: SequenceModel, queries: Queries, rows: int
) -> None:
    ours, theirs = NetworkScorer(model, rows), NetworkScorer(model, 5)
    np.testing.assert_allclose(ours.score(queries), theirs.score(queries), rtol=1e-4, atol=1e-5)


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
    assert trace.attention_maps


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
