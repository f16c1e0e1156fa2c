"""Few items decide what a gate is worth: the same ranks up to k as among all of them."""

from dataclasses import replace
from itertools import pairwise
from unittest.mock import patch

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.classical.markov import MarkovChain
from regard.data.interactions import Interactions
from regard.data.queries import Queries
from regard.data.split import Split, split_leave_last_out
from regard.errors import ModelInputError
from regard.evaluation.metrics import measure
from regard.evaluation.protocol import Protocol, Seen, Ties
from regard.evaluation.ranking import rank_targets
from regard.evaluation.scorer import Whole
from regard.recommender import contenders as module
from regard.recommender.contenders import Contenders, contenders
from regard.recommender.memory import Gate, RememberingScorer, remember
from regard.recommender.returns import Returns
from regard.schema import FIRST_CODE, UNKNOWN
from regard.shapes import Scores

GATES = (Gate(0.0, 0.0), Gate(0.05, 20.0), Gate(0.3, 0.0), Gate(0.9, 3.0))


class Given:
    """A network that has said all it will."""

    def __init__(self, scores_BN: Scores) -> None:
        self.scores_BN = scores_BN

    def score(self, queries: Queries) -> Scores:
        return self.scores_BN[queries.users]

    def trace(self, queries: Queries) -> None:
        return None


def shop(seed: int, users: int, items: int, length: int = 8) -> Split:
    """Popular items more often, and some pairs that follow each other."""
    rng = np.random.default_rng(seed)
    drawn = (items * rng.random((users, length)) ** 2).astype(int)
    drawn[:, 1::2] = np.where(rng.random((users, length // 2)) < 0.3, drawn[:, ::2], drawn[:, 1::2])
    frame = pl.DataFrame({
        "user": np.repeat(np.arange(users), length), "item": drawn.ravel()
    }).with_row_index("position")  # fmt: skip
    return split_leave_last_out(Interactions.of(frame))


def asked_of(split: Split) -> Queries:
    """Users without a history, targets that are unknown, and several targets, among the others."""
    asked = split.validation
    ends = np.where(np.arange(len(asked)) % 5 == 4, asked.starts, asked.ends)
    targets = np.repeat(asked.targets, 3)
    targets[1::3] = np.roll(targets[::3], 1)
    targets[7::9] = UNKNOWN
    targets[2::6] = targets[::6]
    return replace(asked, ends=ends, targets=targets, target_offsets=3 * np.arange(len(asked) + 1))


def chosen(
    split: Split, scores_BN: Scores, k: int, seen: Seen, returns: Returns | None
) -> tuple[Queries, MarkovChain, Contenders]:
    asked, chain = asked_of(split), MarkovChain().fit(split.training)
    read = Whole(scores_BN[asked.users])
    weighed = read if returns is None else returns.weigh(read, asked)
    return asked, chain, contenders(weighed, asked, chain, k=k, seen=seen)


@given(
    st.integers(0, 10**6),
    st.sampled_from([5, 40, 300]),
    st.integers(1, 12),
    st.sampled_from(Seen),
    st.sampled_from(Ties),
    st.sampled_from(
        ["spread", "few levels", "all alike", "some never", "against popularity", "a tied top"]
    ),
    st.booleans(),
    st.sampled_from([1, 50, 2**22]),
    st.sampled_from([1, 8, 64]),
)
def test_the_same_ranks_up_to_k_as_among_all_items(
    seed: int,
    items: int,
    k: int,
    seen: Seen,
    ties: Ties,
    kind: str,
    returning: bool,
    pairs: int,
    first: int,
) -> None:
    split, rng = shop(seed, 12, items), np.random.default_rng(seed)
    shape = (len(split.sequences), split.vocabulary.size)
    scores_BN = {
        "spread": lambda: 3 * rng.normal(size=shape),
        "few levels": lambda: rng.integers(0, 3, shape),
        "all alike": lambda: np.zeros(shape),
        "some never": lambda: np.where(rng.random(shape) < 0.5, -np.inf, rng.normal(size=shape)),
        "a tied top": lambda: rng.random(shape) < 0.06,
        "against popularity": lambda: np.tile(np.linspace(0, 9, shape[1]), (shape[0], 1)),
    }[kind]().astype(np.float32)
    scores_BN[:, FIRST_CODE] = 0.0  # something is possible everywhere
    returns = Returns((0.1, 2.0, 0.5), longest=200) if returning else None
    with patch.object(module, "_FIRST_RANGE", first):
        asked, chain, found = chosen(split, scores_BN, k, seen, returns)
    for gate in GATES:
        remembering = RememberingScorer(Given(scores_BN), chain, gate, returns)
        among_all = rank_targets(remembering, asked, catalogue_size=shape[1], seen=seen, ties=ties)
        mixed_C = found.mixed(*gate.trust(chain.evidence(asked)))
        with patch.object(module, "_PAIRS_AT_ONCE", pairs):
            ranks = found.ranks(mixed_C, ties)
        assert ranks.offsets.tolist() == among_all.offsets.tolist()
        within = among_all.values <= k
        assert ranks.values[within].tolist() == among_all.values[within].tolist()
        assert (ranks.values[~within] > k).all()
        for metric in ("ndcg", "hit_rate", "mrr"):
            named = f"{metric}@{k}"
            assert measure(named, ranks).tolist() == measure(named, among_all).tolist()


@given(st.integers(0, 10**6), st.sampled_from(Seen))
def test_what_is_mixed_are_the_numbers_of_the_mixture(seed: int, seen: Seen) -> None:
    split, rng = shop(seed, 9, 60), np.random.default_rng(seed)
    scores_BN = rng.normal(size=(9, split.vocabulary.size)).astype(np.float32)
    asked, chain, found = chosen(split, scores_BN, 3, seen, None)
    gate = Gate(0.7, 3.0)
    mixture_BN = RememberingScorer(Given(scores_BN), chain, gate).score(asked)
    mixed_C = found.mixed(*gate.trust(chain.evidence(asked)))
    bounds = np.searchsorted(found.query_C, np.arange(len(asked) + 1))
    for query, (first, last) in enumerate(pairwise(bounds)):
        stays = mixed_C[first:last][~found.gone_C[first:last]]
        assert set(stays.tolist()) <= set(mixture_BN[query].tolist())


def test_few_of_many_items_contend() -> None:
    split = shop(seed=1, users=8_000, items=20_000)
    few, size = split.validation.select(slice(0, 20)), split.vocabulary.size
    assert size > 10_000
    scores_BN = np.random.default_rng(1).normal(size=(20, size)).astype(np.float32)
    chain = MarkovChain().fit(split.training)
    found = contenders(Whole(scores_BN), few, chain, k=10, seen=Seen.KEEP)
    assert len(found.query_C) < 20 * 400


def test_a_number_that_is_none_is_refused() -> None:
    split = shop(seed=1, users=5, items=9)
    scores_BN = np.zeros((5, split.vocabulary.size), np.float32)
    scores_BN[3, 4] = np.nan
    with pytest.raises(ModelInputError, match=r"NaN as a score .* item code 4"):
        chosen(split, scores_BN, 3, Seen.KEEP, None)


def test_the_verdict_is_what_the_mixture_is_measured_at() -> None:
    split = shop(seed=2, users=400, items=150)
    rng = np.random.default_rng(2)
    scores_BN = rng.normal(size=(400, split.vocabulary.size)).astype(np.float32)
    for seen in Seen:
        rules = Protocol("any", ks=(1, 10), seen=seen, resamples=100)
        mixed, verdict = remember(Given(scores_BN), split, rules)
        how = {"catalogue_size": split.vocabulary.size, "seen": seen}
        ranks = rank_targets(mixed, split.validation, **how)
        assert measure("ndcg@10", ranks).mean() == pytest.approx(verdict.mixed, rel=1e-12)
        alone = rank_targets(Given(scores_BN), split.validation, **how)
        assert measure("ndcg@10", alone).mean() == pytest.approx(verdict.alone, rel=1e-12)
