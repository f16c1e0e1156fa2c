"""Several methods on one split: who takes part, who is left out, and what stands first."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from small_shops import order_only, recipe_for

from regard.data.interactions import Interactions
from regard.errors import ConfigurationError, MissingDependencyError, NeedsClockError
from regard.recommender import comparing
from regard.recommender.comparing import BASELINES, compare_models
from regard.recommender.recipe import EvaluationSettings, Recipe
from regard.recommender.recommender import Recommender
from regard.training.watching import Silence


def test_a_network_is_held_against_the_baselines_on_one_split(
    log: Interactions, fitted: dict[str, Recommender]
) -> None:
    found = compare_models(log, recipe_for("sasrec", memory="on"))
    assert [each.name for each in found.recommenders] == ["sasrec", *BASELINES]
    assert found.comparison.candidate == "sasrec + memory"
    assert found.comparison.metric == "ndcg@10"
    names = [report.name for report in found.comparison.reports]
    assert names == ["sasrec + memory", *BASELINES, "sasrec alone"]
    assert len(found.comparison.differences) == len(BASELINES) + 1
    assert found.left_out == ()
    by_name = {report.name: report for report in found.comparison.reports}
    for name in BASELINES:
        assert by_name[name].metrics == fitted[name].evaluate().metrics
    splits = {id(each.learned.events) for each in found.recommenders}
    assert len(splits) == 1
    assert "sasrec alone" in str(found)


def test_the_candidate_comes_first_and_nobody_twice(log: Interactions) -> None:
    found = compare_models(log, recipe_for("markov"), ["recent", "markov", "popularity", "recent"])
    assert [each.name for each in found.recommenders] == ["markov", "recent", "popularity"]
    assert found.comparison.candidate == "markov"
    assert {each.baseline for each in found.comparison.differences} == {"recent", "popularity"}


def test_options_are_those_of_the_candidate_alone(log: Interactions) -> None:
    recipe = replace(recipe_for("recent"), options={"days": 2.0})
    found = compare_models(log, replace(recipe, seed=3), ["markov"])
    assert [each.recipe.options for each in found.recommenders] == [{"days": 2.0}, {}]
    assert {each.recipe.seed for each in found.recommenders} == {3}


def test_rivals_choose_their_own_objective_and_loss(log: Interactions) -> None:
    """A bundle's recipe names what suited its own network, which may bar another."""
    recipe = recipe_for("sasrec", loss="cross-entropy", objective="next-item")
    found = compare_models(log, recipe, ["din"])
    din = found.recommenders[1]
    assert din.name == "din"
    assert din.recipe.loss == "sampled-softmax"
    assert found.recommenders[0].recipe.loss == "cross-entropy"


def test_the_last_cut_off_decides(log: Interactions) -> None:
    recipe = recipe_for("markov", evaluation=EvaluationSettings(ks=(1, 3), seen="remove"))
    found = compare_models(log, recipe)
    assert found.comparison.metric == "ndcg@3"
    assert {str(report.protocol.seen) for report in found.comparison.reports} == {"remove"}


def test_a_rival_that_needs_a_clock_is_left_out_by_name(log: Interactions) -> None:
    found = compare_models(order_only(log), recipe_for("markov"))
    assert [each.name for each in found.recommenders] == ["markov", "item-knn", "popularity"]
    [why] = found.left_out
    assert why.startswith("recent: Popularity of the last days needs the time")
    assert f"  left out   {why}" in str(found)


def test_a_candidate_that_needs_a_clock_is_not_replaced_by_its_rival(log: Interactions) -> None:
    with pytest.raises(NeedsClockError, match="carries only an order"):
        compare_models(order_only(log), recipe_for("recent"), ["markov", "popularity"])


@pytest.mark.parametrize("models", [[], ["markov"], ["markov", "markov"]])
def test_a_comparison_needs_a_rival(
    log: Interactions, models: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recommender, "fit_split", None)  # and says so before anybody learns
    with pytest.raises(ConfigurationError, match="needs a rival of markov; name one"):
        compare_models(log, recipe_for("markov"), models)


def test_no_rival_left_is_an_error(log: Interactions) -> None:
    with pytest.raises(ConfigurationError, match=r"No rival of markov is left \(recent: Popul"):
        compare_models(order_only(log), recipe_for("markov"), ["recent"])


def test_a_rival_that_does_not_exist_is_refused_before_anybody_learns(
    log: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recommender, "fit_split", None)
    with pytest.raises(ConfigurationError, match="model='markow' is not known"):
        compare_models(log, recipe_for("popularity"), ["markow"])


def test_whoever_watches_is_asked_for_each_recommender(log: Interactions) -> None:
    seen, closed = [], []

    @contextmanager
    def watching(recipe: Recipe) -> Iterator[Silence]:
        seen.append(recipe.model)
        yield Silence()
        closed.append(recipe.model)

    found = compare_models(log, recipe_for("markov"), ["popularity"], watching=watching)
    assert seen == closed == ["markov", "popularity"]
    assert [each.learned.protocol for each in found.recommenders] == [
        found.recommenders[0].learned.protocol
    ] * 2


def test_only_one_pass_of_scoring_for_whoever_has_no_memory(
    log: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    plain = Recommender.evaluate

    def counted(self: Recommender, **how: object) -> object:
        asked.append(self.name)
        return plain(self, **how)

    monkeypatch.setattr(comparing.Recommender, "evaluate", counted)
    compare_models(log, recipe_for("markov"), ["popularity"])
    assert asked == ["markov", "popularity"]


def test_a_rival_whose_extra_is_missing_is_refused_before_anything_is_fitted(
    log: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(Recommender, "fit_split", None)
    with pytest.raises(MissingDependencyError, match=r"'als' needs implicit.*regard\[classical\]"):
        compare_models(log, recipe_for("markov"), ["als"])
