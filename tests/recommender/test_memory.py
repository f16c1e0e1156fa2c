"""The memory of transitions: probabilities, shares, and when it pays."""

import tracemalloc
from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp

from regard.classical.alike import Alike
from regard.classical.markov import MarkovChain
from regard.classical.popularity import Popularity
from regard.data.interactions import Interactions
from regard.data.queries import Queries
from regard.data.split import Split, split_leave_last_out
from regard.data.synthetic import markov_world
from regard.evaluation.metrics import measure
from regard.evaluation.protocol import Protocol, Seen, Ties
from regard.evaluation.ranking import rank_and_list, rank_targets, top_items
from regard.evaluation.scorer import Whole
from regard.recommender.learned import Answering
from regard.recommender.memory import Gate, RememberingScorer, remember
from regard.recommender.mixture import log_sum
from regard.schema import FIRST_CODE
from regard.shapes import Scores

RULES = Protocol("any", ks=(1,), resamples=100)


class Fixed:
    """A network that gives every query the same scores."""

    def __init__(self, scores_N: Scores) -> None:
        self.scores_N = scores_N

    def score(self, queries: Queries) -> Scores:
        return np.tile(self.scores_N, (len(queries), 1))

    def trace(self, queries: Queries) -> None:
        return None


def split_of(items: str) -> Split:
    rows = [(user, item) for user, history in enumerate(items.split()) for item in history]
    frame = pl.DataFrame(rows, schema=["user", "item"], orient="row")
    return split_leave_last_out(Interactions.of(frame.with_row_index("position")))


def test_probabilities_by_hand() -> None:
    # Training parts: `a b a b` and `b a`; pairs a>b twice, b>a twice; a three times, b three.
    split = split_of("ababxy baxy")
    chain = MarkovChain().fit(split.training)
    asked = Queries.next_event(split.sequences, np.array([0]), split.sequences.offsets[:1] + 1)
    got = dict(zip("ab", chain.probabilities(asked)[0, FIRST_CODE:], strict=True))
    assert got["a"] == pytest.approx((0 + 3 / 6) / 3)
    assert got["b"] == pytest.approx((2 + 3 / 6) / 3)
    assert chain.evidence(asked).tolist() == [2]


@given(st.lists(st.text("abcde", min_size=3, max_size=12), min_size=1, max_size=6))
def test_probabilities_sum_to_one(histories: list[str]) -> None:
    split = split_of(" ".join(histories))
    chain = MarkovChain().fit(split.training)
    probabilities_BN = chain.probabilities(split.test)
    assert probabilities_BN.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    assert not probabilities_BN[:, :FIRST_CODE].any()


@given(st.integers(0, 10**7), st.floats(0.01, 1), st.floats(0, 100))
def test_trust_grows_with_evidence(times: int, most: float, doubt: float) -> None:
    fewer, more = Gate(most, doubt).shares(np.array([times, times + 1]))
    assert 0.0 <= fewer <= more + 1e-12 <= most + 2e-12
    assert Gate(most, doubt).shares(np.zeros(1, np.int64)).tolist() == [0.0]


def test_mixture_equals_a_loop_in_float64() -> None:
    split = split_of("abcabcabc bcabca cabcab")
    chain = MarkovChain().fit(split.training)
    scores_N = np.random.default_rng(0).normal(size=split.vocabulary.size).astype(np.float32)
    mixed = RememberingScorer(Fixed(scores_N), chain, Gate(0.6, 2.0)).score(split.test)
    weights = np.exp(scores_N[FIRST_CODE:].astype(np.float64))
    counted = chain.probabilities(split.test).astype(np.float64)[:, FIRST_CODE:]
    times = chain.evidence(split.test)[:, None]
    share = 0.6 * times / (times + 2.0)
    expected = np.log((1 - share) * weights / weights.sum() + share * counted)
    assert mixed[:, FIRST_CODE:] == pytest.approx(expected, abs=1e-5)
    assert np.isneginf(mixed[:, :FIRST_CODE]).all()


def test_pays_where_the_last_item_decides() -> None:
    split = split_leave_last_out(markov_world(300, 30, 12, 0.9, seed=1).log)
    ignorant = Fixed(np.zeros(split.vocabulary.size, np.float32))
    mixed, verdict = remember(ignorant, split, RULES)
    assert verdict.pays
    assert verdict.mixed > verdict.alone + 0.5
    assert mixed.gate == verdict.gate
    ranks = rank_targets(mixed, split.validation, catalogue_size=split.vocabulary.size)
    assert measure("ndcg@1", ranks).mean() == pytest.approx(verdict.mixed)


def test_does_not_pay_where_the_network_knows() -> None:
    split = split_leave_last_out(markov_world(200, 20, 12, 0.9, seed=1).log)

    class Oracle(Fixed):
        def score(self, queries: Queries) -> Scores:
            scores_BN = super().score(queries)
            scores_BN[np.arange(len(queries)), queries.targets] = 50.0
            return scores_BN

    _, verdict = remember(Oracle(np.zeros(split.vocabulary.size, np.float32)), split, RULES)
    assert verdict.alone == 1.0
    assert not verdict.pays


def test_the_gate_never_sees_the_test_part() -> None:
    log = markov_world(100, 20, 10, 0.7, seed=2).log.collect()
    last = pl.col("position") == pl.col("position").max().over("user")
    if "position" not in log.columns:
        last = pl.col("time") == pl.col("time").max().over("user")
    first_item = log["item"][0]
    changed = log.with_columns(pl.when(last).then(first_item).otherwise("item").alias("item"))
    gates = []
    for frame in (log, changed):
        split = split_leave_last_out(Interactions.of(frame))
        scorer, _ = remember(Fixed(np.zeros(split.vocabulary.size, np.float32)), split, RULES)
        gates.append(scorer.gate)
    assert gates[0] == gates[1]


def test_remembered_counts_are_the_training_log_s() -> None:
    split = split_of("ababxy baxy")
    scorer = RememberingScorer(
        Fixed(np.zeros(split.vocabulary.size, np.float32)),
        MarkovChain().fit(split.training),
        Gate(0.5, 0.0),
    )
    asked = Queries.next_event(split.sequences, np.array([0]), split.sequences.offsets[:1] + 1)
    code = split.vocabulary.code("b")
    assert scorer.remembered(asked, code) == (2, 2)


class FixedInBlocks(Fixed):
    """The same, a block at a time."""

    in_blocks = True

    def prepare(self, queries: Queries) -> Whole:
        return Whole(self.score(queries))


@given(st.integers(0, 99), st.lists(st.integers(0, 7), max_size=6), st.booleans())
def test_any_block_of_the_mixture_holds_the_same_numbers(
    seed: int, cuts: list[int], in_blocks: bool
) -> None:
    split = split_of("abcabcabc bcabca cabcab dedcz")
    size = split.vocabulary.size
    scores_N = np.random.default_rng(seed).integers(0, 3, size).astype(np.float32)
    network = FixedInBlocks(scores_N) if in_blocks else Fixed(scores_N)
    mixed = RememberingScorer(network, MarkovChain().fit(split.training), Gate(0.6, 2.0))
    assert mixed.in_blocks is in_blocks
    read = mixed.prepare(split.test)
    bounds = [0, *sorted(min(cut, size) for cut in cuts), size]
    blocks = [read.block(start, stop) for start, stop in pairwise(bounds)]
    assert np.array_equal(np.concatenate(blocks, axis=1), mixed.score(split.test))


@given(st.integers(0, 99), st.integers(1, 3_000), st.sampled_from(Seen), st.sampled_from(Ties))
def test_ranks_and_lists_of_the_mixture_are_the_same_in_any_block(
    seed: int, budget: int, seen: Seen, ties: Ties
) -> None:
    split = split_leave_last_out(markov_world(12, 20, 9, 0.7, seed=seed).log)
    size = split.vocabulary.size
    scores_N = np.random.default_rng(seed).integers(0, 2, size).astype(np.float32)
    chain, popular = MarkovChain().fit(split.training), Popularity().fit(split.training)
    mixed = RememberingScorer(FixedInBlocks(scores_N), chain, Gate(0.6, 2.0))
    # Every third user has no history, so the fallback answers.
    ends = np.where(np.arange(len(split.test)) % 3, split.test.ends, split.test.starts)
    asked = replace(split.test, ends=ends)
    for model in (mixed, chain):
        answering = Answering(model, popular)
        assert answering.in_blocks
        how = {"catalogue_size": size, "seen": seen, "ties": ties}
        ranks, listed = rank_and_list(answering, asked, 7, **how)
        cut, cut_listed = rank_and_list(answering, asked, 7, budget_bytes=budget, **how)
        assert cut.values.tolist() == ranks.values.tolist()
        assert cut_listed.tolist() == listed.tolist()
        whole = Whole(answering.score(asked)).block(0, size)
        assert np.array_equal(answering.prepare(asked).block(3, size), whole[:, 3:])


def test_without_evidence_the_network_speaks_alone_however_unlikely_the_item() -> None:
    split = split_of("abcab abcab")
    scores_N = np.array([0, 0, 0, -200, 100, *range(split.vocabulary.size - 5)], np.float32)
    chain = MarkovChain().fit(split.training)
    nobody = Queries.next_event(split.sequences, np.array([0]), split.sequences.offsets[:1])
    assert chain.evidence(nobody).tolist() == [0]
    scorer = RememberingScorer(Fixed(scores_N), chain, Gate(0.6, 2.0))
    [row] = scorer.score(nobody)
    somebody = Queries.next_event(split.sequences, np.array([0, 0]), np.array([0, 1]))
    assert scorer.score(somebody)[0].tolist() == row.tolist()
    assert np.isfinite(row[FIRST_CODE:]).all()
    assert np.diff(row[FIRST_CODE:]) == pytest.approx(np.diff(scores_N[FIRST_CODE:]), abs=1e-3)


def test_the_sum_over_the_catalogue_is_that_of_scipy() -> None:
    scores_BN = np.random.default_rng(0).normal(scale=30, size=(4, 10_000)).astype(np.float32)
    scores_BN[1, :6_000] = -np.inf  # a beginning without any candidate
    expected = logsumexp(scores_BN[:, FIRST_CODE:].astype(np.float64), axis=1)
    assert log_sum(Whole(scores_BN))[:, 0] == pytest.approx(expected, rel=1e-6)


def test_a_large_catalogue_needs_little_memory() -> None:
    split = split_leave_last_out(markov_world(200, 30, 9, 0.7, seed=0).log)
    size, budget = 60_000, 16 * 2**20
    # The chain of a small world, over a catalogue that could not be held: 48 MB as one array.
    learned = MarkovChain().fit(split.training).arrays()
    more = size - split.vocabulary.size
    starts = np.concatenate([learned["starts"], np.repeat(learned["starts"][-1], more)])
    counts = np.concatenate([learned["counts"], np.ones(more, np.int64)])
    chain = MarkovChain.from_arrays({**learned, "starts": starts, "counts": counts})

    class Cheap(FixedInBlocks):
        def prepare(self, queries: Queries) -> Alike:
            return Alike(self.scores_N, len(queries))

    mixed = RememberingScorer(Cheap(np.zeros(size, np.float32)), chain, Gate(0.6, 2.0))
    tracemalloc.start()
    rank_and_list(mixed, split.test, 10, catalogue_size=size, budget_bytes=budget)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < budget


def test_a_model_of_whole_rows_is_asked_for_whole_rows() -> None:
    split = split_of("ababxy baxy")
    chain = MarkovChain().fit(split.training)
    network = Fixed(np.arange(split.vocabulary.size, dtype=np.float32))
    assert not Answering(network, chain).in_blocks
    assert not Answering(RememberingScorer(network, chain, Gate(0.5, 0.0)), chain).in_blocks
    [listed] = top_items(
        Answering(network, chain), split.test.select(slice(1)), 2, budget_bytes=1,
        catalogue_size=split.vocabulary.size,
    )[0]  # fmt: skip
    assert listed.tolist() == [split.vocabulary.size - 1, split.vocabulary.size - 2]
