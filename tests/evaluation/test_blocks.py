"""Any block size, the same answer; and never more memory than allowed."""

import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.data.queries import Queries
from regard.errors import ModelInputError
from regard.evaluation import blocks
from regard.evaluation.lists import Best
from regard.evaluation.protocol import Seen, Ties
from regard.evaluation.ranking import rank_and_list, rank_targets, top_items
from regard.evaluation.scorer import Prepared, Whole, works_in_blocks
from regard.shapes import Scores

N = 40
CELL = blocks._CELL_BYTES


@dataclass
class InBlocks:
    """Scores of a table, a block at a time; remembers the widest block that was asked for."""

    scores_UN: Scores
    in_blocks: bool = True
    widest: int = 0

    def score(self, queries: Queries) -> Scores:
        assert not self.in_blocks, "whole rows were asked for"
        return self.scores_UN[queries.users]

    def prepare(self, queries: Queries) -> Prepared:
        assert self.in_blocks
        return Watched(self, Whole(self.scores_UN[queries.users]))


@dataclass
class Watched:
    owner: InBlocks
    whole: Whole

    @property
    def shape(self) -> tuple[int, int]:
        return self.whole.shape

    def block(self, start: int, stop: int) -> Scores:
        self.owner.widest = max(self.owner.widest, stop - start)
        return self.whole.block(start, stop)


@st.composite
def worlds(draw):
    """Few levels of scores, so many ties, also across blocks; some items never recommended."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    users = draw(st.integers(1, 7))
    levels = draw(st.sampled_from([1, 2, 5, 1_000]))
    scores = rng.integers(0, levels, (users, N)).astype(np.float32)
    scores[rng.random(scores.shape) < draw(st.sampled_from([0.0, 0.2, 0.95]))] = -np.inf
    histories = [rng.integers(1, N, rng.integers(0, 12)).tolist() for _ in range(users)]
    targets = [rng.integers(1, N, rng.integers(1, 5)).tolist() for _ in range(users)]
    return histories, targets, scores


@given(worlds(), st.integers(1, N + 3), st.sampled_from(Seen), st.sampled_from(Ties),
       st.integers(1, 8 * N * CELL), st.booleans())  # fmt: skip
def test_any_block_gives_the_answer_of_whole_rows(
    asking, table_scorer, world, k, seen, ties, budget, in_blocks
):
    histories, targets, scores = world
    queries = asking(histories, targets)
    how = {"catalogue_size": N, "seen": seen}
    ranks, listed = rank_and_list(table_scorer(scores), queries, k, ties=ties, **how)
    scorer, how = InBlocks(scores, in_blocks), how | {"budget_bytes": budget}
    cut, cut_listed = rank_and_list(scorer, queries, k, ties=ties, **how)
    assert cut.values.tolist() == ranks.values.tolist()
    assert [cut.cold, cut.repeats, cut.removed, cut.tied] == [
        ranks.cold, ranks.repeats, ranks.removed, ranks.tied
    ]  # fmt: skip
    assert cut_listed.tolist() == listed.tolist()
    assert rank_targets(scorer, queries, ties=ties, **how).values.tolist() == ranks.values.tolist()
    codes, values = top_items(scorer, queries, k, **how)
    assert codes.tolist() == listed.tolist()
    whole = top_items(table_scorer(scores), queries, k, catalogue_size=N, seen=seen)[1]
    assert values.tolist() == whole.tolist()
    if in_blocks:
        assert scorer.widest <= max(1, budget // CELL)


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 3, 40, 100_000]), st.integers(1, 200))
def test_long_rows_are_listed_as_by_a_plain_sort(seed, levels, k):
    """Rows long enough for groups: the bar spares sorting and must spare nobody who belongs in."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 3_000))
    scores = rng.integers(0, levels, (3, size)).astype(np.float32)
    scores[rng.random(scores.shape) < 0.1] = -np.inf
    best, cut = Best(3, k), int(rng.integers(0, size))
    best.look(0, scores[:, :cut])
    best.look(cut, scores[:, cut:])
    for row, codes, values in zip(scores, best.codes_BK, best.scores_BK, strict=True):
        order = np.argsort(-row, kind="stable")
        order = order[row[order] > -np.inf][:k]
        filler = k - len(order)
        assert codes.tolist() == order.tolist() + [0] * filler
        assert values.tolist() == row[order].tolist() + [-np.inf] * filler


def test_infinite_scores_stay_in_order_of_code():
    best = Best(1, 2)
    for start in (0, 3):
        best.look(start, np.full((1, 3), np.inf, np.float32))
    assert best.codes_BK.tolist() == [[0, 1]]


@pytest.mark.parametrize("seen", list(Seen))
def test_an_own_score_is_the_one_of_its_block(asking, seen):
    """A scorer whose numbers depend on the width of the block, as those of a product may."""

    class Rounded(Whole):
        def block(self, start: int, stop: int) -> Scores:
            return super().block(start, stop) + np.float32(1e-3) * (stop - start)

    class Scorer(InBlocks):
        def prepare(self, queries: Queries) -> Prepared:
            return Rounded(self.scores_UN[queries.users])

    targets = list(range(2, N))
    queries = asking([[]] * len(targets), [[target] for target in targets])
    scorer = Scorer(np.zeros((len(targets), N), np.float32))
    budget = CELL * len(targets) * (N // 4)
    ranks = rank_targets(scorer, queries, catalogue_size=N, seen=seen, budget_bytes=budget)
    assert ranks.values.tolist() == [(N - 2 + 1) / 2] * len(targets)


def test_nan_is_refused_with_its_place_in_the_catalogue(asking):
    scores = np.zeros((2, N), np.float32)
    scores[1, 33] = np.nan
    for budget in (2 * CELL * 7, 2**30):
        with pytest.raises(ModelInputError, match=r"InBlocks gave NaN .*\(1 of 2 .* code 33\)"):
            top_items(InBlocks(scores), asking([[], []], [[2], [3]]), 3, catalogue_size=N,
                      budget_bytes=budget)  # fmt: skip


def test_blocks_of_another_catalogue_are_refused(asking):
    with pytest.raises(ModelInputError, match=r"InBlocks gave scores of shape \(1, 41\)"):
        top_items(InBlocks(np.zeros((1, 41))), asking([[]], [[2]]), 3, catalogue_size=N)


def test_a_history_beyond_the_catalogue_is_refused(asking, table_scorer):
    with pytest.raises(ModelInputError, match="holds item code 40, but the catalogue ends at 39"):
        rank_targets(table_scorer(np.zeros((1, N))), asking([[N]], [[2]]), catalogue_size=N)


def test_who_works_in_blocks(table_scorer):
    assert works_in_blocks(InBlocks(np.zeros((1, 1))))
    assert not works_in_blocks(InBlocks(np.zeros((1, 1)), in_blocks=False))
    assert not works_in_blocks(table_scorer(np.zeros((1, 1))))


@pytest.mark.parametrize("alike", [False, True], ids=["all different", "all tied"])
def test_memory_stays_within_the_budget_whatever_the_catalogue(asking, alike):
    users, size, budget = 500, 50_000, 16 * 2**20  # 100 MB as one array

    class Read:
        shape = (users, size)

        def block(self, start: int, stop: int) -> Scores:
            if alike:
                return np.zeros((users, stop - start), np.float32)
            return np.random.default_rng(start).random((users, stop - start), np.float32)

    class Cheap(InBlocks):
        def prepare(self, queries: Queries) -> Prepared:
            return Read()

    queries = asking([[2]] * users, [[3]] * users)
    tracemalloc.start()
    rank_and_list(Cheap(np.zeros((0, 0))), queries, 10, catalogue_size=size, budget_bytes=budget)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < budget
