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
from regard.data.synthetic import markov_world, noise_world
from regard.evaluation.protocol import Protocol
from regard.recommender.memory import RememberingScorer, buckets, remember
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


@given(st.integers(0, 10**7))
def test_buckets_are_powers_of_two(evidence: int) -> None:
    expected = 0 if evidence == 0 else min(evidence.bit_length(), 11)
    assert buckets(np.array([evidence])).tolist() == [expected]


def test_mixture_equals_a_loop_in_float64() -> None:
    split = split_of("abcabcabc bcabca cabcab")
    chain = MarkovChain().fit(split.training)
    scores_N = np.random.default_rng(0).normal(size=split.vocabulary.size).astype(np.float32)
    shares = np.linspace(0.1, 0.9, 12)
    mixed = RememberingScorer(Fixed(scores_N), chain, shares).score(split.test)
    weights = np.exp(scores_N[FIRST_CODE:].astype(np.float64))
    counted = chain.probabilities(split.test).astype(np.float64)[:, FIRST_CODE:]
    share = shares[buckets(chain.evidence(split.test))][:, None]
    expected = np.log((1 - share) * weights / weights.sum() + share * counted)
    assert mixed[:, FIRST_CODE:] == pytest.approx(expected, abs=1e-5)
    assert np.isneginf(mixed[:, :FIRST_CODE]).all()


def test_pays_where_the_last_item_decides() -> None:
    split = split_leave_last_out(markov_world(300, 30, 12, 0.9, seed=1).log)
    ignorant = Fixed(np.zeros(split.vocabulary.size, np.float32))
    mixed, verdict = remember(ignorant, split, RULES)
    assert verdict.pays
    assert verdict.share > 0.9
    assert verdict.mixed > verdict.alone + 0.5
    assert mixed.shares.max() <= 1.0


def test_does_not_pay_where_nothing_follows_from_anything() -> None:
    log = noise_world(300, 30, 12, seed=1).log
    split = split_leave_last_out(log)
    # A network that knows the true distribution: every item alike.
    _, verdict = remember(Fixed(np.zeros(split.vocabulary.size, np.float32)), split, RULES)
    assert verdict.share < 0.2


def test_shares_never_see_the_test_part() -> None:
    log = markov_world(100, 20, 10, 0.7, seed=2).log.collect()
    last = pl.col("position") == pl.col("position").max().over("user")
    if "position" not in log.columns:
        last = pl.col("time") == pl.col("time").max().over("user")
    first_item = log["item"][0]
    changed = log.with_columns(pl.when(last).then(first_item).otherwise("item").alias("item"))
    shares = []
    for frame in (log, changed):
        split = split_leave_last_out(Interactions.of(frame))
        scorer, _ = remember(Fixed(np.zeros(split.vocabulary.size, np.float32)), split, RULES)
        shares.append(scorer.shares)
    assert (shares[0] == shares[1]).all()


def test_remembered_counts_are_the_training_log_s() -> None:
    split = split_of("ababxy baxy")
    scorer = RememberingScorer(
        Fixed(np.zeros(split.vocabulary.size, np.float32)),
        MarkovChain().fit(split.training),
        np.full(12, 0.5),
    )
    asked = Queries.next_event(split.sequences, np.array([0]), split.sequences.offsets[:1] + 1)
    code = split.vocabulary.code("b")
    assert scorer.remembered(asked, code) == (2, 2)
