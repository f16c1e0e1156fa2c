"""Which loss `"auto"` comes to, and who is told."""

from pathlib import Path

import pytest
import torch
from small_shops import recipe_for, shop_log

from regard.errors import ConfigurationError
from regard.losses.sampled_softmax import SampledSoftmax
from regard.recommender import networks, recipe
from regard.recommender.recipe import EXACT_UP_TO, Recipe
from regard.recommender.recommender import Recommender


def test_exact_while_it_is_affordable_and_sampled_beyond() -> None:
    assert Recipe().loss_for(EXACT_UP_TO).name == "cross-entropy"
    many = Recipe().loss_for(EXACT_UP_TO + 1)
    assert many.name == "sampled-softmax"
    assert f"{EXACT_UP_TO:,} items" in many.why
    assert f"here are {EXACT_UP_TO + 1:,}" in many.why
    for name in ("cross-entropy", "sampled-softmax"):
        for items in (10, 10**9):
            assert str(Recipe(loss=name).loss_for(items)) == f"{name} (as the recipe says)"


@pytest.fixture
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "EXACT_UP_TO", 10)


@pytest.mark.usefixtures("_few_are_many")
@pytest.mark.parametrize("model", ["sasrec", "attention-pooling"])
def test_a_large_catalogue_is_learned_from_samples_and_says_so(model: str, tmp_path: Path) -> None:
    fitted = Recommender.from_recipe(recipe_for(model)).fit(shop_log())
    assert fitted.recipe.loss == "sampled-softmax"
    history = fitted.learned.history
    assert history.loss.startswith("sampled-softmax (since beyond 10 items")
    assert str(history).endswith(f"; loss: {history.loss}")
    opened = Recommender.load(fitted.save(tmp_path / "model"))
    assert opened.recipe == fitted.recipe
    assert opened.learned.history == history
    assert opened.recommend(17) == fitted.recommend(17)


def test_a_small_catalogue_is_learned_exactly() -> None:
    fitted = Recommender.from_recipe(recipe_for("sasrec")).fit(shop_log())
    assert fitted.recipe.loss == "cross-entropy"
    assert fitted.learned.history.loss.startswith("cross-entropy (exact, ")
    assert not any(getattr(each, "sparse", False) for each in fitted.learned.scorer.model.modules())


def test_a_counting_method_chooses_none() -> None:
    assert Recommender.from_recipe(recipe_for("markov")).fit(shop_log()).recipe.loss == "auto"


def test_the_number_of_negatives_is_the_recipes() -> None:
    wanted = Recipe.from_dict({"loss": "sampled-softmax", "training": {"negatives": 33}})
    vocabulary = wanted.split.apply(shop_log()).vocabulary
    loss = networks.LOSSES["sampled-softmax"](vocabulary, wanted.training)
    assert isinstance(loss, SampledSoftmax)
    assert loss.negatives == 33
    # Items come by descending count, and so do their chances.
    chances = loss.proposal.chances(torch.arange(2, vocabulary.size))
    assert (chances.diff() <= 0).all()
    assert chances[0] > chances[-1]


def test_another_name_is_refused_before_anything_is_read() -> None:
    with pytest.raises(ConfigurationError, match=r"loss='bpr' is not known; choose one of auto, "):
        Recommender.from_recipe(Recipe(loss="bpr"))
