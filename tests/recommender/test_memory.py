"""The memory of transitions: probabilities, shares, and when it pays."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.classical.markov import MarkovChain
from regard.data.interactions import Interactions
from regard.data.queries import Queries
from regard.data.split import Split, split_leave_last_out
from regard.data.synthetic import markov_world
from regard.evaluation.metrics import measure
from regard.evaluation.protocol import Protocol
from regard.evaluation.ranking import rank_targets
from regard.recommender.memory import Gate, RememberingScorer, remember
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
