"""Ranks and lists against a plain loop, and the bugs that ranking code is known for."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.errors import ModelInputError, TooLittleDataError
from regard.evaluation.protocol import Seen, Ties
from regard.evaluation.ranking import Ranks, rank_and_list, rank_targets, top_items

N = 9  # codes: padding, unknown and seven items
CODES = st.integers(2, N - 1)


FEW_LEVELS = st.integers(0, 3).map(float)
SOME_MISSING = st.sampled_from([0.0, 1.0, 2.0, -np.inf])


@st.composite
def worlds(draw, levels=FEW_LEVELS, one_target=False):
    """Histories, targets and scores; few levels make many ties."""
    users = draw(st.integers(1, 6))
    histories = [draw(st.lists(st.integers(1, N - 1), max_size=5)) for _ in range(users)]
    most = 1 if one_target else 4
    targets = [draw(st.lists(st.integers(1, N - 1), min_size=1, max_size=most)) for _ in histories]
    scores = draw(
        st.lists(st.lists(levels, min_size=N, max_size=N), min_size=users, max_size=users)
    )
    return histories, targets, np.array(scores, np.float32)


def candidates(history, seen):
    return [c for c in range(2, N) if seen is Seen.KEEP or c not in history]


def rank_by_loop(scores, history, target, seen, ties):
    """The definition, one candidate at a time."""
    if target not in candidates(history, seen) or scores[target] == -np.inf:
        return math.inf
    rank = 1.0
    for other in candidates(history, seen):
        if other != target and scores[other] > scores[target]:
            rank += 1.0
        elif other != target and scores[other] == scores[target]:
            rank += 0.5 if ties is Ties.MEAN else 1.0
    return rank


def distinct(targets):
    return [t for i, t in enumerate(targets) if t == 1 or t not in targets[:i]]


@given(worlds(SOME_MISSING), st.sampled_from(Seen), st.sampled_from(Ties), st.integers(1, 2_000))
def test_ranks_are_those_of_a_plain_loop(asking, table_scorer, world, seen, ties, budget):
    histories, targets, scores = world
    ranks = rank_targets(
        table_scorer(scores), asking(histories, targets),
        catalogue_size=N, seen=seen, ties=ties, budget_bytes=budget,
    )  # fmt: skip
    expected = [
        [rank_by_loop(scores[u], histories[u], t, seen, ties) for t in distinct(targets[u])]
        for u in range(len(histories))
    ]
    assert ranks.values.tolist() == [rank for each in expected for rank in each]
    assert ranks.counts.tolist() == [len(each) for each in expected]
    assert ranks.cold == sum(each.count(1) for each in targets)
    repeats = sum(t in histories[u] for u, ts in enumerate(targets) for t in distinct(ts) if t > 1)
    assert ranks.repeats == repeats
    assert ranks.removed == (repeats if seen is Seen.REMOVE else 0)


@given(worlds(SOME_MISSING), st.sampled_from(Seen), st.integers(1, N + 3), st.integers(1, 2_000))
def test_lists_are_those_of_a_plain_sort(asking, table_scorer, world, seen, k, budget):
    histories, targets, scores = world
    codes, values = top_items(
        table_scorer(scores), asking(histories, targets), k,
        catalogue_size=N, seen=seen, budget_bytes=budget,
    )  # fmt: skip
    assert codes.dtype == np.int32
    assert values.dtype == np.float32
    for u, history in enumerate(histories):
        best = [c for c in candidates(history, seen) if scores[u, c] > -np.inf]
        best = sorted(best, key=lambda c: (-scores[u, c], c))[:k]
        filler = k - len(best)
        assert codes[u].tolist() == best + [0] * filler
        assert values[u].tolist() == [scores[u, c] for c in best] + [-np.inf] * filler


@given(worlds(one_target=True), st.sampled_from(Seen), st.integers(1, N), st.randoms())
def test_rank_r_stands_at_position_r_of_the_list(asking, table_scorer, world, seen, k, random):
    histories, targets, _ = world
    scores = np.array([random.sample(range(N), N) for _ in histories], np.float32)  # no ties
    queries = asking(histories, targets)
    ranks, codes = rank_and_list(table_scorer(scores), queries, k, catalogue_size=N, seen=seen)
    alone = rank_targets(table_scorer(scores), queries, catalogue_size=N, seen=seen)
    assert ranks.values.tolist() == alone.values.tolist()
    for row, rank, [target] in zip(codes, ranks.values, targets, strict=True):
        position = row.tolist().index(target) + 1 if target > 1 and target in row else math.inf
        assert position == (rank if rank <= k else math.inf)


@pytest.mark.parametrize(("ties", "rank"), [(Ties.MEAN, (N - 2 + 1) / 2), (Ties.WORST, N - 2)])
def test_a_constant_scorer_is_not_perfect(asking, table_scorer, ties, rank):
    queries = asking([[]] * (N - 2), [[code] for code in range(2, N)])
    ranks = rank_targets(
        table_scorer(np.full((N - 2, N), 3.0)), queries, catalogue_size=N, ties=ties
    )
    assert ranks.values.tolist() == [rank] * (N - 2)
    assert ranks.tied == N - 2


def test_special_codes_never_win(asking, table_scorer):
    scores = np.zeros((1, N), np.float32)
    scores[0, :2] = 99.0
    scores[0, 4] = 1.0
    ranks, codes = rank_and_list(table_scorer(scores), asking([[]], [[4]]), 2, catalogue_size=N)
    assert ranks.values.tolist() == [1.0]
    assert codes.tolist() == [[4, 2]]


def test_nan_in_a_special_column_is_ignored(asking, table_scorer):
    scores = np.zeros((1, N), np.float32)
    scores[0, 0] = np.nan
    assert rank_targets(table_scorer(scores), asking([[]], [[4]]), catalogue_size=N).tied == 1


def test_the_scorers_own_array_is_left_alone(asking, table_scorer):
    scores = np.ones((2, N), np.float32)
    scores.setflags(write=False)

    class Shared:
        def score(self, queries):
            return scores

    top_items(Shared(), asking([[2], [3]], [[4], [5]]), 3, catalogue_size=N, seen=Seen.REMOVE)
    assert (scores == 1.0).all()


def test_nan_is_refused_with_its_place(asking, table_scorer):
    scores = np.zeros((2, N), np.float32)
    scores[1, 5] = np.nan
    with pytest.raises(ModelInputError, match=r"Table gave NaN .*\(1 of 2 queries, .* code 5\)"):
        rank_targets(table_scorer(scores), asking([[], []], [[2], [2]]), catalogue_size=N)


def test_scores_of_another_catalogue_are_refused(asking, table_scorer):
    with pytest.raises(ModelInputError, match=r"shape \(1, 8\) .* expected \(1, 9\)"):
        top_items(table_scorer(np.zeros((1, 8))), asking([[]], [[2]]), 3, catalogue_size=N)


@pytest.mark.parametrize("code", [0, N])
def test_a_target_that_is_no_item_code_is_refused(asking, table_scorer, code):
    with pytest.raises(ModelInputError, match="Targets must be codes from 1 to 8"):
        rank_targets(table_scorer(np.zeros((1, N))), asking([[]], [[code]]), catalogue_size=N)


def test_a_query_without_target_cannot_be_ranked_but_listed(asking, table_scorer):
    queries = asking([[2], [3]], [[2], []])
    scorer = table_scorer(np.zeros((2, N)))
    with pytest.raises(TooLittleDataError, match="Query 1 has no target"):
        rank_targets(scorer, queries, catalogue_size=N)
    assert top_items(scorer, queries, 2, catalogue_size=N)[0].tolist() == [[2, 3], [2, 3]]


def test_no_query_gives_empty_results(asking, table_scorer):
    nobody = asking([], [])
    scorer = table_scorer(np.zeros((0, N)))
    assert len(rank_targets(scorer, nobody, catalogue_size=N)) == 0
    assert top_items(scorer, nobody, 4, catalogue_size=N)[0].shape == (0, 4)


def test_ranks_that_hold_an_empty_query_are_refused():
    with pytest.raises(TooLittleDataError, match="Query 0"):
        Ranks(np.ones(1), np.array([0, 0, 1]))


def test_scores_of_all_queries_are_never_held_at_once(asking):
    users, size = 3_000, 4_000  # 48 MB as one array

    class Cheap:
        def score(self, queries):
            return np.random.default_rng(0).random((len(queries), size), np.float32)

    queries = asking([[2]] * users, [[3]] * users)
    tracemalloc.start()
    rank_and_list(Cheap(), queries, 10, catalogue_size=size, budget_bytes=4 * 2**20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**20
