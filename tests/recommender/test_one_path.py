"""What is measured is what is answered: one scoring path for lists and for evaluation."""

import numpy as np
import polars as pl
import pytest
from small_shops import ITEMS, LATECOMER, MIXED, NEWCOMER

from regard.data.interactions import Interactions
from regard.data.queries import Queries
from regard.evaluation.metrics import measure
from regard.evaluation.protocol import Protocol, Seen, Ties
from regard.evaluation.ranking import rank_targets
from regard.recommender.learned import Answering
from regard.recommender.recommender import Recommender
from regard.schema import FIRST_CODE, UNKNOWN
from regard.shapes import Scores


def own_history(recommender: Recommender, query: Queries) -> list[int]:
    """The history of one query in own ids; the unknown code becomes an id that nobody knows."""
    codes = query.sequences.items[int(query.starts[0]) : int(query.ends[0])]
    vocabulary = recommender.learned.vocabulary
    return [999 if code == UNKNOWN else vocabulary.decode([code])[0] for code in codes]


@pytest.mark.parametrize("seen", list(Seen))
def test_the_rank_of_each_test_target_is_its_place_in_the_list(
    recommender: Recommender, seen: Seen
) -> None:
    learned = recommender.learned
    test = learned.split.test
    how = {"catalogue_size": learned.vocabulary.size, "seen": seen}
    worst = rank_targets(learned.answering, test, ties=Ties.WORST, **how).values
    mean = rank_targets(learned.answering, test, ties=Ties.MEAN, **how).values
    asked = 0
    for number in range(len(test)):
        query = test.select(slice(number, number + 1))
        history = own_history(recommender, query)
        listed = recommender.recommend(history=history, k=ITEMS, seen=seen).ids
        code = int(query.targets[0])
        item = None if code == UNKNOWN else learned.vocabulary.decode([code])[0]
        if not np.isfinite(worst[number]):
            assert item not in listed
            continue
        # Ties share places; without any, both ends are the rank itself.
        first, last = 2 * mean[number] - worst[number], worst[number]
        assert first <= listed.index(item) + 1 <= last
        asked += 1
    assert asked > 20 if seen is Seen.KEEP else asked > 5


def test_the_metrics_are_those_of_the_lists(recommender: Recommender) -> None:
    learned = recommender.learned
    report = recommender.evaluate(protocol=Protocol("lists", ks=(5,), ties=Ties.WORST))
    test = learned.split.test
    size = learned.vocabulary.size
    ranks = rank_targets(learned.answering, test, catalogue_size=size, ties=Ties.WORST)
    hits = measure("hit_rate@5", ranks)
    assert report.metrics["hit_rate@5"].mean == pytest.approx(hits.mean())
    assert report.per_user["mrr"].tolist() == (1 / ranks.values).tolist()
    [late] = np.flatnonzero(test.users == learned.histories.users.index_of(LATECOMER))
    unread = np.flatnonzero(test.history_lengths == 0)
    assert late in unread
    readable = test.select(test.history_lengths > 0)
    alone = rank_targets(learned.scorer, readable, catalogue_size=size, ties=Ties.WORST)
    assert alone.values.tolist() == np.delete(ranks.values, unread).tolist()
    assert report.name == recommender.title
    assert report.time_ties == learned.split.tie_share
    assert report.fingerprint == learned.fingerprint


def test_a_known_user_of_unknown_items_is_answered_alike_everywhere(
    recommender: Recommender, fitted: dict[str, Recommender], log: Interactions
) -> None:
    popular = fitted["recent"].recommend(history=[3], k=5, seen="keep").ids
    for user in (NEWCOMER,):
        assert recommender.recommend(user, k=5).ids == popular
        assert recommender.recommend_all([user], k=5)["item"].to_list() == popular
    learned = recommender.learned
    late = learned.histories.users.index_of(LATECOMER)
    [number] = np.flatnonzero(learned.split.test.users == late)
    query = learned.split.test.select(slice(number, number + 1))
    assert own_history(recommender, query) == []
    scores = learned.answering.score(query)
    assert scores.tolist() == learned.fallback.score(query).tolist()
    assert recommender.recommend(LATECOMER).answered_by == recommender.title
    assert recommender.recommend(MIXED).answered_by == recommender.title


def test_scores_of_a_mixed_chunk_are_put_where_they_belong() -> None:
    class Constant:
        def __init__(self, value: float) -> None:
            self.value = value

        def score(self, queries: Queries) -> Scores:
            known = queries.sequences.items[queries.ends - 1]
            return np.tile(self.value * known[:, None].astype(np.float32), (1, 6))

    from regard.data.sequences import Sequences

    table = pl.DataFrame({"user": [1, 2, 3, 3], "item": [2, 1, 1, 3], "row": range(4)})
    sequences = Sequences.of(table)
    asked = Queries.requests(sequences, np.array([2, 1, 0]))
    scores = Answering(Constant(10.0), Constant(-1.0)).score(asked)
    assert scores[:, 0].tolist() == [30.0, -1.0, 20.0]
    only_unknown = Answering(Constant(10.0), Constant(-1.0)).score(asked.select(slice(1, 2)))
    assert only_unknown[:, 0].tolist() == [-1.0]
    assert FIRST_CODE == 2
