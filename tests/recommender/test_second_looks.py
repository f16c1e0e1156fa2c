"""Who looks at each candidate by itself: from a log to answers, and back from disk."""

from dataclasses import replace
from itertools import pairwise

import pytest
from small_shops import order_only, recipe_for, shop_log

from regard.recommender.recipe import Recipe
from regard.recommender.recommender import Recommender


def recipe(model):
    if model == "boosted":
        pytest.importorskip("lightgbm", reason="boosted needs lightgbm, which is not installed")
        options = {"trees": 10, "sources": ["markov", "recent"]}
    else:
        options = {"width": 8, "longest": 8, "hidden": 4, "layers": 8, "negatives": 8}
    made = recipe_for("markov")
    return replace(made, model=model, options=options)


@pytest.fixture(scope="module", params=["din", "boosted"])
def fitted(request):
    return Recommender.from_recipe(recipe(request.param)).fit(shop_log())


def test_saved_and_opened_it_answers_as_before(fitted, tmp_path):
    opened = Recommender.load(fitted.save(tmp_path / "model"))
    assert opened.recipe == fitted.recipe
    assert opened.recommend(17) == fitted.recommend(17)
    assert opened.recommend(history=[3, 4], k=20) == fitted.recommend(history=[3, 4], k=20)
    assert str(opened.explain(17)) == str(fitted.explain(17))


def test_a_recipe_of_it_comes_back_from_text(fitted):
    assert Recipe.from_dict(fitted.recipe.to_dict()) == fitted.recipe


def test_everybody_is_asked_and_lists_descend(fitted):
    report = fitted.evaluate()
    assert report.queries == len(fitted.learned.split.test)
    found = fitted.recommend(17, k=3, seen="keep").items
    assert [each.rank for each in found] == [1, 2, 3]
    assert all(one.score >= other.score for one, other in pairwise(found))


def test_it_says_how_it_learned(fitted):
    if fitted.recipe.model == "din":
        assert fitted.recipe.loss == "sampled-softmax"
        assert "8 items a step, since din looks at each candidate" in fitted.learned.history.loss
    else:
        assert fitted.learned.history is None


def test_trees_give_their_reasons():
    notes = Recommender.from_recipe(recipe("boosted")).fit(shop_log()).explain(17).notes
    assert "The trees add up to its score mostly by " in notes[-1]


@pytest.mark.parametrize("model", ["din", "boosted"])
def test_a_log_without_a_clock_will_do(model):
    made = recipe(model)
    if model == "boosted":
        made = replace(made, options={"trees": 10})
    assert len(Recommender.from_recipe(made).fit(order_only(shop_log())).recommend(17, k=3)) == 3
