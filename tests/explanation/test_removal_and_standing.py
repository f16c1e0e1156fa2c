"""What removal says, held against worlds whose reasons are known."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.classical.markov import MarkovChain
from regard.classical.popularity import Popularity
from regard.data.interactions import Interactions
from regard.data.queries import Queries
from regard.data.sequences import Sequences
from regard.data.split import split_leave_last_out
from regard.errors import ConfigurationError, ModelInputError
from regard.evaluation.protocol import Seen
from regard.evaluation.ranking import top_items
from regard.explanation.removal import leave_one_out
from regard.explanation.standing import candidates, stand
from regard.explanation.variants import newest, variants

SIZE = 12
"""Item codes of the toy worlds."""


def one_query(items: list[int], times: list[float] | None = None) -> Queries:
    """One person with this history, and somebody else before, so that offsets are not zero."""
    table = {"user": [1] * 2 + [2] * len(items), "item": [5, 6, *items]}
    table["row"] = list(range(len(table["user"])))
    if times is not None:
        table["time"] = [0.0, 1.0, *times]
    sequences = Sequences.of(pl.DataFrame(table))
    return Queries.requests(sequences, np.array([1]), None if times is None else np.array([99.0]))


class Linear:
    """Each event adds what its item is worth to the score of the target, and nothing else."""

    target = 2

    def __init__(self, worth_N: np.ndarray) -> None:
        self.worth_N = worth_N
        self.calls = 0

    def score(self, queries: Queries) -> np.ndarray:
        self.calls += 1
        scores = np.zeros((len(queries), SIZE), np.float32)
        query, position = queries.history_events()
        np.add.at(scores[:, self.target], query, self.worth_N[queries.sequences.items[position]])
        return scores


everything = candidates(one_query([3]), SIZE)


@given(
    st.lists(st.integers(3, SIZE - 1), min_size=2, max_size=20),
    st.lists(st.integers(-8, 8), min_size=SIZE, max_size=SIZE),
)
@settings(max_examples=60, deadline=None)
def test_effects_of_a_linear_scorer_are_its_contributions(
    history: list[int], worth: list[int]
) -> None:
    scorer = Linear(np.array(worth, np.float32))
    found = leave_one_out(scorer, one_query(history), Linear.target, everything, longest=50)
    np.testing.assert_allclose(found.effects_E, [worth[item] for item in history], atol=1e-12)
    assert scorer.calls == 1


def test_a_small_budget_takes_more_calls_and_changes_nothing() -> None:
    worth = np.arange(SIZE, dtype=np.float32)
    whole, parts = Linear(worth), Linear(worth)
    query = one_query([3, 4, 5, 6])
    once = leave_one_out(whole, query, 2, everything, longest=9)
    often = leave_one_out(parts, query, 2, everything, longest=9, budget_bytes=1)
    assert (whole.calls, parts.calls) == (1, 5)
    assert once.effects_E.tolist() == often.effects_E.tolist() == pytest.approx([3, 4, 5, 6])


def test_only_the_newest_events_are_looked_at_and_no_older_one_moves_in() -> None:
    worth = np.arange(SIZE, dtype=np.float32)
    found = leave_one_out(Linear(worth), one_query([9, 3, 4]), 2, everything, longest=2)
    assert found.score == 7.0
    assert found.effects_E.tolist() == pytest.approx([3, 4])


def test_a_single_event_has_no_effect_to_tell() -> None:
    found = leave_one_out(Linear(np.ones(SIZE)), one_query([3]), 2, everything, longest=5)
    assert (found.effects_E, found.places_E, found.place) == (None, None, 1)


def retail() -> tuple:
    """A small log with repeats, split and with both classical methods fitted."""
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(30), 8)
    log = pl.DataFrame({
        "user": users, "item": rng.integers(0, 10, len(users)), "position": np.tile(range(8), 30)
    })  # fmt: skip
    split = split_leave_last_out(Interactions.of(log))
    training = split.training
    return split.test, MarkovChain().fit(training), Popularity().fit(training), training.vocabulary


def test_of_a_markov_chain_only_the_last_event_matters() -> None:
    test, markov, _, vocabulary = retail()
    mattered = 0
    for number in range(5):
        query = test.select(slice(number, number + 1))
        best = top_items(markov, query, 1, catalogue_size=vocabulary.size)[0][0, 0]
        mask = candidates(query, vocabulary.size)
        found = leave_one_out(markov, query, int(best), mask, longest=99)
        assert (found.effects_E[:-1] == 0).all()
        mattered += abs(found.effects_E[-1]) > 0
    assert mattered


def test_of_popularity_no_event_matters() -> None:
    test, _, popularity, vocabulary = retail()
    query = test.select(slice(0, 1))
    mask = candidates(query, vocabulary.size)
    found = leave_one_out(popularity, query, 4, mask, longest=99)
    assert not found.effects_E.any()
    assert (found.places_E == found.place).all()


@pytest.mark.parametrize("seen", list(Seen))
def test_places_are_those_of_the_recommended_list(seen: Seen) -> None:
    test, markov, popularity, vocabulary = retail()
    for scorer in (markov, popularity):
        for number in range(4):
            query = test.select(slice(number, number + 1))
            listed = top_items(scorer, query, 99, catalogue_size=vocabulary.size, seen=seen)[0][0]
            mask = candidates(query, vocabulary.size, seen)
            for place, code in enumerate(listed[listed > 0], start=1):
                assert stand(scorer, query, int(code), mask).place_Q.tolist() == [place]


def test_log_odds_are_those_of_the_softmax_and_no_constant_changes_them() -> None:
    class Shifted:
        def __init__(self, constant: float) -> None:
            self.constant = constant

        def score(self, queries: Queries) -> np.ndarray:
            steps = np.linspace(-2, 2, SIZE, dtype=np.float32)
            return np.tile(steps + self.constant, (len(queries), 1))

    query = one_query([3])
    plain, moved = (stand(Shifted(c), query, 5, everything).log_odds_Q[0] for c in (0.0, 4.0))
    share = np.exp(np.linspace(-2, 2, SIZE, dtype=np.float32)[2:].astype(float))
    share /= share.sum()
    assert plain == pytest.approx(np.log(share[3] / (1 - share[3])), abs=1e-6)
    assert moved == pytest.approx(plain, abs=1e-5)


def test_what_is_removed_does_not_become_unseen() -> None:
    query = one_query([3, 4])
    mask = candidates(query, SIZE, Seen.REMOVE)
    assert not mask[[0, 1, 3, 4]].any()
    assert mask.sum() == SIZE - 4
    # Were item 3 to come back as a candidate, the log-odds would change without event 3.
    found = leave_one_out(Linear(np.zeros(SIZE)), query, 2, mask, longest=9)
    assert found.effects_E.tolist() == [0.0, 0.0]


def test_the_only_candidate_has_no_effects() -> None:
    mask = np.zeros(SIZE, np.bool_)
    mask[2] = True
    found = leave_one_out(Linear(np.ones(SIZE)), one_query([3, 4]), 2, mask, longest=9)
    assert found.log_odds == np.inf
    assert found.effects_E.tolist() == [0.0, 0.0]


def test_an_item_that_needs_an_event_would_never_be_recommended_without_it() -> None:
    class OnlyAfterThree:
        def score(self, queries: Queries) -> np.ndarray:
            scores = np.zeros((len(queries), SIZE), np.float32)
            scores[:, 2] = np.where(queries.seen(SIZE)[:, 3], 1.0, -np.inf)
            return scores

    found = leave_one_out(OnlyAfterThree(), one_query([3, 4]), 2, everything, longest=9)
    assert found.effects_E.tolist() == [np.inf, 0.0]
    assert found.places_E.tolist() == [0, 1]
    with pytest.raises(ConfigurationError, match="never recommends it"):
        leave_one_out(OnlyAfterThree(), one_query([4, 4]), 2, everything, longest=9)


def test_variants_keep_times_rows_and_the_moment_of_the_question() -> None:
    query = one_query([3, 4, 5], [10.0, 20.0, 30.0])
    made = variants(query, np.array([[True, True, True], [True, True, False]]))
    assert made.sequences.items.tolist() == [3, 4, 5, 3, 4]
    assert made.sequences.times.tolist() == [10.0, 20.0, 30.0, 10.0, 20.0]
    assert made.sequences.rows.tolist() == [2, 3, 4, 2, 3]
    assert made.times.tolist() == [99.0, 99.0]
    assert newest(query, 2).sequences.items.tolist() == [4, 5]


@pytest.mark.parametrize("events", [0, 4])
def test_variants_of_anything_but_one_long_enough_history_are_refused(events: int) -> None:
    query = one_query([3, 4, 5])
    asked = query if events else query.select(slice(0, 0))
    with pytest.raises(ModelInputError, match="Variants are made of one history"):
        variants(asked, np.ones((1, events), np.bool_))


def test_an_item_that_is_no_candidate_is_refused() -> None:
    mask = candidates(one_query([2]), SIZE, Seen.REMOVE)
    for code in (0, 1, 2, SIZE):
        with pytest.raises(ConfigurationError, match=f"Item code {code} is not among the 9"):
            stand(Linear(np.ones(SIZE)), one_query([2]), code, mask)


@pytest.mark.parametrize("scores", [np.full((1, SIZE), np.nan), np.zeros((1, SIZE - 1))])
def test_scores_that_mean_nothing_are_refused(scores: np.ndarray) -> None:
    class Broken:
        def score(self, queries: Queries) -> np.ndarray:
            return scores

    with pytest.raises(ModelInputError, match="Broken gave"):
        stand(Broken(), one_query([3]), 2, everything)
