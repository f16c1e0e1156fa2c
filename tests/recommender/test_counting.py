"""A network held against counting on the validation part: the numbers, and what is said of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from regard.classical import ItemNeighbours, MarkovChain, Popularity
from regard.data.interactions import Interactions
from regard.data.queries import Queries
from regard.data.split import Split, split_leave_last_out
from regard.data.synthetic import markov_world
from regard.evaluation.evaluate import evaluate
from regard.evaluation.protocol import Protocol, Seen
from regard.evaluation.scorer import Scorer
from regard.recommender import counting
from regard.recommender.counting import Counted, Validation
from regard.recommender.recommender import Recommender
from regard.shapes import Scores

RULES = Protocol("any", ks=(10,), seen=Seen.KEEP, resamples=100)


class Fixed:
    """A network that finds all items alike, or knows the answer."""

    def __init__(self, size: int, *, knows: bool) -> None:
        self.size = size
        self.knows = knows

    def score(self, queries: Queries) -> Scores:
        scores_BN = np.zeros((len(queries), self.size), np.float32)
        if self.knows:
            scores_BN[np.arange(len(scores_BN)), queries.targets] = 1.0
        return scores_BN


def split_of(log: Interactions) -> Split:
    return split_leave_last_out(log)


def counted_on(split: Split, *, knows: bool = False) -> Counted:
    network = Fixed(split.vocabulary.size, knows=knows)
    return Validation(Popularity().fit(split.training), split, RULES).hold(network)


@pytest.fixture(scope="module")
def world() -> Interactions:
    return markov_world(200, 30, 12, 0.9, seed=1).log


def test_the_numbers_are_those_of_an_evaluation_of_the_validation_part(
    world: Interactions,
) -> None:
    split = split_of(world)
    found = counted_on(split)

    def measured(scorer: Scorer) -> float:
        report = evaluate(
            scorer,
            split.validation,
            name="any",
            protocol=RULES,
            training=split.training,
            fingerprint="",
        )
        return report.metrics["ndcg@10"].mean

    kinds = (Popularity, MarkovChain, ItemNeighbours)
    expected = {kind.name: measured(kind().fit(split.training)) for kind in kinds}
    assert dict(found.methods) == pytest.approx(expected)
    assert found.model == pytest.approx(measured(Fixed(split.vocabulary.size, knows=False)))
    assert list(found.methods.values()) == sorted(found.methods.values(), reverse=True)


def test_a_network_that_knows_less_than_a_count_is_told_so(world: Interactions) -> None:
    found = counted_on(split_of(world))
    assert found.leader == "markov"
    (sentence,) = found.warnings("sasrec")
    assert f"markov has ndcg@10 {found.methods['markov']:.4f}, sasrec {found.model:.4f}" in sentence
    assert sentence.endswith("regard compare, --against markov.")


def test_a_network_that_knows_more_is_left_in_peace(world: Interactions) -> None:
    found = counted_on(split_of(world), knows=True)
    assert found.model == 1.0
    assert found.leader == ""
    assert found.warnings("sasrec") == []


def test_the_test_part_is_not_looked_at(world: Interactions) -> None:
    log = world.collect()
    last = pl.int_range(pl.len()).over("user") == pl.len().over("user") - 1
    order = "position" if "position" in log.columns else "time"
    log = log.sort("user", order)
    changed = log.with_columns(item=pl.when(last).then(log["item"][0]).otherwise("item"))
    assert not changed.equals(log)
    before, after = (split_of(Interactions.of(each)) for each in (log, changed))
    assert counted_on(before) == counted_on(after)


@pytest.mark.parametrize(
    ("bound", "reason"), [("_MOST_ITEMS", "items"), ("_MOST_PAIRS", "pairs to count")]
)
def test_what_would_take_too_long_is_left_out_and_said(
    world: Interactions, monkeypatch: pytest.MonkeyPatch, bound: str, reason: str
) -> None:
    monkeypatch.setattr(counting, bound, 1)
    found = counted_on(split_of(world))
    assert sorted(found.methods) == ["markov", "popularity"]
    assert found.left_out.startswith("item-knn was not asked, since there are ")
    assert found.left_out.endswith(reason)
    assert str(found).endswith(found.left_out)


def test_a_fit_carries_it_into_the_bundle_and_back(
    fitted: dict[str, Recommender], tmp_path: Path
) -> None:
    network = fitted["sasrec"]
    found = network.learned.counted
    assert found is not None
    assert set(found.methods) == {network.learned.fallback.name, "markov", "item-knn"}
    again = Recommender.load(network.save(tmp_path / "bundle"))
    assert again.learned.counted == found
    assert fitted["markov"].learned.counted is None


def test_it_is_asked_with_the_memory_that_the_network_wears(fitted: dict[str, Recommender]) -> None:
    learned = fitted["remembering"].learned
    assert learned.memory is not None
    assert learned.counted is not None
    assert learned.counted.model == pytest.approx(learned.memory.mixed, abs=1e-6)


def test_equal_is_not_better() -> None:
    even = Counted("ndcg@10", 0.5, {"markov": 0.5})
    assert even.leader == ""
    assert replace(even, model=0.49).leader == "markov"
