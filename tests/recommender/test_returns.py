"""The memory of returns: factors that make a network expect what there is, in any block."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import logsumexp

from regard.classical.markov import MarkovChain
from regard.data.interactions import Interactions
from regard.data.queries import Queries
from regard.data.split import Split, split_leave_last_out
from regard.evaluation.protocol import Protocol, Seen
from regard.evaluation.scorer import Whole
from regard.recommender.memory import Gate, RememberingScorer, remember
from regard.recommender.returns import BANDS, Expected, Returns, bands
from regard.schema import FIRST_CODE, UNKNOWN
from regard.shapes import Floats, Scores

KEEP = Protocol("any", ks=(10,), seen=Seen.KEEP, resamples=100)
REMOVE = Protocol("any", ks=(10,), seen=Seen.REMOVE, resamples=100)
FACTORS = tuple(np.linspace(0.1, 2.0, BANDS).tolist())


class Echo:
    """A network that finds likeliest what was had last, and all else alike."""

    def __init__(self, size: int) -> None:
        self.size = size

    def score(self, queries: Queries) -> Scores:
        scores_BN = np.zeros((len(queries), self.size), np.float32)
        scores_BN[np.arange(len(queries)), queries.last_items] = 5.0
        return scores_BN

    def trace(self, queries: Queries) -> None:
        return None


class Oracle(Echo):
    """It knows what comes next, and holds what was had last even likelier."""

    def score(self, queries: Queries) -> Scores:
        scores_BN = super().score(queries)
        scores_BN[np.arange(len(queries)), queries.targets] = 3.0
        return scores_BN


def never_twice(users: int = 300, items: int = 40, length: int = 12) -> Split:
    """Nobody buys anything again, and nothing follows from anything."""
    rng = np.random.default_rng(3)
    frame = pl.DataFrame({
        "user": np.repeat(np.arange(users), length),
        "item": np.concatenate([rng.permutation(items)[:length] for _ in range(users)]),
    }).with_row_index("position")  # fmt: skip
    return split_leave_last_out(Interactions.of(frame))


def returning(share: float, users: int = 2_000, items: int = 30) -> Split:
    """Four events by chance; the last two are the newest of those four with some probability."""
    rng = np.random.default_rng(5)
    first = rng.integers(0, items, (users, 4))
    later = rng.integers(0, items, (users, 2))
    again = rng.random((users, 2)) < share
    later = np.where(again, first[:, 3:], later)
    frame = pl.DataFrame({
        "user": np.repeat(np.arange(users), 6),
        "item": np.concatenate([first, later], axis=1).ravel(),
    }).with_row_index("position")  # fmt: skip
    return split_leave_last_out(Interactions.of(frame))


def learned(network: Echo, split: Split) -> Returns:
    expected = Expected(longest=200)
    for chunk in split.validation.chunks(64):
        expected.look(Whole(network.score(chunk)), chunk)
    return expected.returns()


def test_bands_double() -> None:
    ages = np.arange(2_000)
    found = bands(ages)
    assert found.tolist() == [int(age + 1).bit_length() - 1 for age in ages]


def test_as_many_returns_are_expected_as_there_are() -> None:
    split = returning(share=0.3)
    network = Echo(split.vocabulary.size)
    returns = learned(network, split)
    # By a loop in float64: of the newest event, what is expected and what there was.
    expected, there = 0.0, 0
    for number in range(len(split.validation)):
        asked = split.validation.select(slice(number, number + 1))
        scores = returns.weigh(Whole(network.score(asked)), asked).block(0, network.size)[0]
        likely = np.exp(scores[FIRST_CODE:].astype(np.float64))
        expected += (likely / likely.sum())[asked.last_items[0] - FIRST_CODE]
        there += int(asked.targets[0] == asked.last_items[0])
    assert there > 500
    assert expected == pytest.approx(there, abs=1.0)


def test_the_factors_are_those_of_the_highest_likelihood() -> None:
    split = returning(share=0.3, users=400)
    network = Echo(split.vocabulary.size)
    asked, found = split.validation, learned(network, split).factors

    def likelihood(logs: Floats) -> float:
        read = Returns(tuple(np.exp(logs)), longest=200).weigh(Whole(network.score(asked)), asked)
        scores = read.block(0, network.size)[:, FIRST_CODE:].astype(np.float64)
        own = scores[np.arange(len(asked)), asked.targets - FIRST_CODE]
        doubts = 0.5 * logs - np.logaddexp(0, logs)  # half a return, where one was as likely as not
        return float(-(own - logsumexp(scores, axis=1)).sum() - doubts.sum())

    best = minimize(likelihood, np.zeros(BANDS), method="Powell", options={"xtol": 1e-6}).x
    assert found == pytest.approx(np.exp(best).tolist(), rel=0.01)
    assert found[3:] == pytest.approx((1.0,) * (BANDS - 3))  # nobody has such a history


def test_a_history_of_unknown_items_alone_has_no_returns() -> None:
    split = returning(share=0.5, users=20)
    items = np.full_like(split.sequences.items, UNKNOWN)
    strangers = replace(split.validation, sequences=replace(split.sequences, items=items))
    expected, size = Expected(longest=200), split.vocabulary.size
    expected.look(Whole(np.zeros((20, size), np.float32)), strangers)
    assert expected.returns().factors == pytest.approx((1.0,) * BANDS)


def test_what_nobody_does_twice_is_forgotten() -> None:
    split = never_twice()
    mixed, verdict = remember(Oracle(split.vocabulary.size), split, KEEP)
    assert verdict.alone == pytest.approx(1 / np.log2(3))
    assert verdict.mixed == 1.0
    assert verdict.returns is not None
    assert verdict.returns[0] < 0.02
    share = f"the item of the newest event weighed by {verdict.returns[0]:.2g}"
    assert str(verdict).startswith("memory of transitions and returns pays on validation: ndcg@10 ")
    assert str(verdict).endswith(share)
    assert (mixed.score(split.test).argmax(axis=1) == split.test.targets).all()


def test_where_what_was_had_is_removed_nothing_is_learned_of_returns() -> None:
    split = never_twice()
    _, verdict = remember(Echo(split.vocabulary.size), split, REMOVE)
    assert verdict.returns is None


def test_the_factors_never_see_the_test_part() -> None:
    split = returning(share=0.3)
    frame = pl.DataFrame({
        "user": np.repeat(np.arange(len(split.sequences)), 6),
        "item": split.sequences.items - FIRST_CODE,
    }).with_row_index("position")  # fmt: skip
    last = pl.int_range(pl.len()).over("user") == 5
    known = int(split.sequences.items[0]) - FIRST_CODE
    other = frame.with_columns(item=pl.when(last).then(known).otherwise("item"))
    found = []
    for each in (frame, other):
        cut = split_leave_last_out(Interactions.of(each))
        found.append(remember(Echo(cut.vocabulary.size), cut, KEEP)[1])
    assert found[0] == found[1]


@given(st.integers(0, 99), st.lists(st.integers(0, 11), max_size=5))
def test_any_block_holds_the_same_numbers(seed: int, cuts: list[int]) -> None:
    split = returning(share=0.5, users=9, items=10)
    size = split.vocabulary.size
    scores_BN = np.random.default_rng(seed).normal(size=(len(split.test), size))
    read = Returns(FACTORS, longest=200).weigh(Whole(scores_BN.astype(np.float32)), split.test)
    bounds = [0, *sorted(min(cut, size) for cut in cuts), size]
    blocks = [read.block(start, stop) for start, stop in pairwise(bounds)]
    assert np.array_equal(np.concatenate(blocks, axis=1), read.block(0, size))
    seen = split.test.seen(size)
    assert np.array_equal(read.block(0, size)[~seen], scores_BN.astype(np.float32)[~seen])


def test_a_network_that_remembers_returns_speaks_in_probabilities() -> None:
    split = returning(share=0.5, users=50)
    size = split.vocabulary.size
    chain = MarkovChain().fit(split.training)
    mixed = RememberingScorer(Echo(size), chain, Gate(0.3, 2.0), Returns(FACTORS, longest=200))
    likely = np.exp(mixed.score(split.test).astype(np.float64))
    assert likely.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    plain = RememberingScorer(Echo(size), chain, Gate(0.3, 2.0))
    newest = np.arange(len(split.test)), split.test.last_items
    assert (mixed.score(split.test)[newest] < plain.score(split.test)[newest]).all()


def test_what_the_network_does_not_see_is_not_weighed() -> None:
    split = returning(share=0.5, users=9, items=10)
    asked, size = split.test, split.vocabulary.size
    even = Whole(np.zeros((len(asked), size), np.float32))
    scores_BN = Returns(FACTORS, longest=1).weigh(even, asked).block(0, size)
    assert [set(row.nonzero()[0]) for row in scores_BN] == [{code} for code in asked.last_items]
    one = asked.select(slice(0, 1))
    history = split.sequences.items[one.starts[0] : one.ends[0]]
    older = int(history[history != one.last_items[0]][0])
    assert Returns(FACTORS, longest=1).factor(one, int(one.last_items[0])) == FACTORS[0]
    assert Returns(FACTORS, longest=1).factor(one, older) is None


def test_a_query_without_targets_or_with_unknown_ones_is_no_return() -> None:
    split = returning(share=0.5, users=20)
    network, expected = Echo(split.vocabulary.size), Expected(longest=200)
    requests = Queries.requests(split.sequences, np.arange(20))
    unknown = replace(split.validation, targets=np.full(20, UNKNOWN, np.int32))
    for asked in (requests, unknown):
        expected.look(Whole(network.score(asked)), asked)
    assert expected.returns().factors == pytest.approx((1.0,) * BANDS)
