"""Attention in explanations is what the network promises of its maps, and no more."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from regard.attention.contract import Promises
from regard.classical.popularity import Popularity
from regard.data.queries import Queries
from regard.data.sequences import Sequences
from regard.data.vocabulary import Vocabulary
from regard.explanation.attention_map import attention_shares, caution, told_by
from regard.explanation.explain import explain
from regard.models.contract import Trace
from regard.models.hstu import HSTU, HSTUConfig
from regard.models.sasrec import SASRec, SASRecConfig
from regard.models.scorer import NetworkScorer
from regard.models.sr_gnn import SRGNN, SRGNNConfig

VOCABULARY = Vocabulary.fit(pl.Series([f"item {n}" for n in range(10)]))
SHARES = "attention: where the last layer looked"


def ask(codes: list[int]) -> Queries:
    rows = range(len(codes))
    table = {"user": ["anna"] * len(codes), "item": codes, "row": rows}
    table["time"] = [1.3e9 + 86_400 * n for n in rows]
    return Queries.requests(Sequences.of(pl.DataFrame(table)), np.array([0]))


def notes(scorer: object) -> str:
    return " ".join(explain(scorer, ask([2, 3, 9, 5]), 7, vocabulary=VOCABULARY).notes)


def sasrec(promises: Promises) -> NetworkScorer:
    torch.manual_seed(1)
    model = SASRec(SASRecConfig(width=8), VOCABULARY.size)
    model.promises = promises
    return NetworkScorer(model)


def test_no_map_no_attention() -> None:
    """Whatever a trace holds: a network that promises no map has nothing that was attention."""
    with_map, without = sasrec(Promises()), sasrec(Promises(has_map=False, because="a filter"))
    ours, theirs = (
        explain(each, ask([2, 3, 9, 5]), 7, vocabulary=VOCABULARY) for each in (with_map, without)
    )
    assert ours.has_attention
    assert SHARES in " ".join(ours.notes)
    assert not theirs.has_attention
    assert theirs.agreement is theirs.check is None
    assert "attention" not in " ".join(theirs.notes)
    assert [event.effect for event in ours.events] == [event.effect for event in theirs.events]


def test_a_map_of_shares_needs_no_word() -> None:
    assert notes(sasrec(Promises())).endswith("looking is not a reason.")


@pytest.mark.parametrize(
    ("promises", "said"),
    [
        (Promises(whole_map=False, because="the filter has none"),
         "The map shows a part of what the answer was made of: the filter has none."),
        (Promises(rows_sum_to_one=False, because="values are strengths"),
         "shares: those shown are of its absolute values, made to sum to one (values are"),
        (Promises(rows_sum_to_one=False, whole_map=False, because="both"),
         "made to sum to one, and shows a part of what the answer was made of (both)."),
    ],
)  # fmt: skip
def test_a_map_that_tells_less_is_told_with_the_reason(promises: Promises, said: str) -> None:
    assert said in notes(sasrec(promises))
    assert said in caution(promises)


@pytest.mark.parametrize(
    "model",
    [HSTU(HSTUConfig(width=8), VOCABULARY.size), SRGNN(SRGNNConfig(width=8), VOCABULARY.size)],
    ids=["hstu", "sr-gnn"],
)
def test_strengths_are_shown_as_shares_of_their_absolute_values(model: torch.nn.Module) -> None:
    scorer = NetworkScorer(model)
    asked = ask([2, 3, 9, 5])
    why = explain(scorer, asked, 7, vocabulary=VOCABULARY)
    shares = [event.attention for event in why.events]
    assert sum(shares) == pytest.approx(1.0)
    assert min(shares) >= 0
    [*_, last] = scorer.trace(asked).attention_maps.values()
    sizes = last[0, :, -1].double().abs().mean(0)
    np.testing.assert_allclose(shares, sizes / sizes.sum(), rtol=1e-9)
    assert any(model.promises.because in note for note in why.notes)


def test_heads_of_opposite_sign_do_not_hide_each_other() -> None:
    map_BHLM = torch.tensor([[[[1.0, 0.0], [3.0, 1.0]], [[1.0, 0.0], [-3.0, 1.0]]]])
    shares = attention_shares(Trace(torch.zeros(1, 2, 4), {"layer": map_BHLM}), np.array([2]))
    np.testing.assert_allclose(shares, [[0.75, 0.25]])


def test_a_network_that_looked_at_nothing_has_shares_of_nothing() -> None:
    trace = Trace(torch.zeros(1, 2, 4), {"layer": torch.zeros(1, 1, 2, 2)})
    assert attention_shares(trace, np.array([2])).tolist() == [[0.0, 0.0]]


def test_methods_that_promise_nothing_are_not_asked() -> None:
    assert told_by(Popularity()) is None
    assert caution(None) == ""
    assert told_by(sasrec(Promises())) == Promises()


def test_a_wearer_of_memory_promises_what_its_network_does() -> None:
    class Wearer:
        def __init__(self, network: NetworkScorer) -> None:
            self.model = network.model

    assert told_by(Wearer(sasrec(Promises(has_map=False)))) == replace(Promises(), has_map=False)
