"""A bundle answers as the recommender did that wrote it, to the last bit, or is refused."""

import json
import shutil
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_shops import TINY, recipe_for

import regard
from regard.bundle import Bundle, read_bundle, write_bundle
from regard.data.interactions import Interactions
from regard.errors import (
    BundleError,
    BundleMissingError,
    ConfigurationError,
    RegardError,
    StorageError,
)
from regard.models import MODELS
from regard.recommender.recipe import Recipe
from regard.recommender.recommender import Recommender
from regard.training.config import TrainingConfig


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def saved(recommender: Recommender, tmp_path: Path) -> Path:
    return recommender.save(tmp_path / "model")


def test_a_bundle_answers_as_the_saved_one_did(recommender: Recommender, saved: Path) -> None:
    opened = Recommender.load(saved)
    assert opened.title == recommender.title
    assert opened.recipe == recommender.recipe
    before, after = recommender.evaluate(), opened.evaluate()
    assert after.to_dict() | {"seconds": 0} == before.to_dict() | {"seconds": 0}
    assert {name: values.tolist() for name, values in after.per_user.items()} == {
        name: values.tolist() for name, values in before.per_user.items()
    }
    assert after.user_ids.equals(before.user_ids)
    assert opened.recommend_all(k=7).equals(recommender.recommend_all(k=7))
    for asked in ({"user": 17}, {"history": [3, 4, 7]}, {"user": "nobody"}):
        assert opened.recommend(**asked) == recommender.recommend(**asked)
    for asked in ({"user": 17}, {"history": [3, 4, 7], "item": 5}):
        assert opened.explain(**asked).to_dict() == recommender.explain(**asked).to_dict()
    assert opened.learned.history == recommender.learned.history
    assert opened.learned.memory == recommender.learned.memory


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_network_can_be_opened_again(name: str, log: Interactions, tmp_path: Path) -> None:
    sizes = {"width": 16, "blocks": 1, "heads": 1, "longest": 8, "hidden": 16}
    known = {each.name for each in fields(MODELS[name].config_class)}
    options = {size: value for size, value in sizes.items() if size in known}
    recipe = replace(Recipe(model=name, options=options), training=TrainingConfig(epochs=1))
    fitted = Recommender.from_recipe(recipe).fit(log)
    opened = Recommender.load(fitted.save(tmp_path / "model"))
    assert opened.recommend(17) == fitted.recommend(17)


def test_a_combination_that_reads_the_clock_can_be_opened_again(
    log: Interactions, tmp_path: Path
) -> None:
    options = {"mechanisms": ["time-interval"], "width": 16, "longest": 8}
    recipe = replace(Recipe(model="compose", options=options), training=TrainingConfig(epochs=1))
    fitted = Recommender.from_recipe(recipe).fit(log)
    opened = Recommender.load(fitted.save(tmp_path / "model"))
    assert opened.recommend(17) == fitted.recommend(17)


def test_saving_again_gives_equal_files(saved: Path, tmp_path: Path) -> None:
    Recommender.load(saved).save(tmp_path / "again")
    assert files_of(tmp_path / "again") == files_of(saved)
    regard.load(str(tmp_path / "again")).save(tmp_path / "third")
    assert files_of(tmp_path / "third") == files_of(saved)


def test_a_folder_that_is_there_is_replaced_only_if_asked(
    fitted: dict[str, Recommender], tmp_path: Path
) -> None:
    folder = fitted["markov"].save(tmp_path / "model")
    before = files_of(folder)
    with pytest.raises(StorageError, match="model"):
        fitted["popularity"].save(folder)
    assert files_of(folder) == before
    assert fitted["popularity"].save(str(folder), overwrite=True) == folder
    assert Recommender.load(folder).name == "popularity"
    opened = Recommender.load(folder)
    opened.save(folder, overwrite=True)  # over the very files that it reads
    assert Recommender.load(folder).recommend(17) == fitted["popularity"].recommend(17)
    assert opened.recommend(17) == fitted["popularity"].recommend(17)


def test_what_is_no_bundle_is_never_replaced(
    fitted: dict[str, Recommender], tmp_path: Path
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "manifest.json").write_text('{"name": "my web app"}')
    (tmp_path / "app" / "thesis.txt").write_text("years of work")
    with pytest.raises(StorageError, match="is no bundle, so it will not be"):
        fitted["markov"].save(tmp_path / "app", overwrite=True)
    assert set(files_of(tmp_path / "app")) == {"manifest.json", "thesis.txt"}
    folder = fitted["markov"].save(tmp_path / "model")
    (folder / "weights.safetensors").unlink()  # broken, but ours
    fitted["popularity"].save(folder, overwrite=True)
    assert Recommender.load(folder).name == "popularity"


def test_the_card_says_what_the_model_is(fitted: dict[str, Recommender], tmp_path: Path) -> None:
    recommender = Recommender.load(fitted["remembering"].save(tmp_path / "model"))
    recommender.add_to_card(cleaning={"rows": 7}, test={"ndcg@10": 0.25})
    card = json.loads((recommender.save(tmp_path / "more") / "card.json").read_text())
    assert (card["model"], card["items"], card["users"]) == ("sasrec", 20, 63)
    assert card["split"]["name"] == "global-time"
    assert card["cleaning"] == {"rows": 7}
    assert len(card["training"]["epochs"]) == 2
    opened = Recommender.load(tmp_path / "more")
    assert opened.learned.card["test"] == {"ndcg@10": 0.25}
    opened.add_to_card(test={})
    with pytest.raises(ConfigurationError, match="The card says fallback, split of its own"):
        opened.add_to_card(split="elsewhere", fallback="none")
    opened.add_to_card(broken=object())
    with pytest.raises(BundleError, match="broken"):
        opened.save(tmp_path / "never")


Change = Callable[[Bundle], Bundle]


REMEMBERED = {
    "metric": "ndcg@10", "alone": 0.1, "mixed": 0.2, "gate": {"most": 0.5, "doubt": 3.0},
}  # fmt: skip


def card_with(**facts: Any) -> Change:
    return lambda bundle: replace(bundle, card={**bundle.card, **facts})


def card_without(name: str) -> Change:
    return lambda bundle: replace(
        bundle, card={key: value for key, value in bundle.card.items() if key != name}
    )


def model_with(**settings: Any) -> Change:
    return lambda bundle: replace(
        bundle, recipe={**bundle.recipe, "model": {**bundle.recipe["model"], **settings}}
    )


def weights_with(change: Callable[[str, np.ndarray], np.ndarray | None]) -> Change:
    def changed(bundle: Bundle) -> Bundle:
        given = {name: change(name, value) for name, value in bundle.weights.items()}
        return replace(bundle, weights={k: v for k, v in given.items() if v is not None})

    return changed


def without(part: str) -> Change:
    return weights_with(lambda name, value: None if name.startswith(part) else value)


def shorter(part: str) -> Change:
    return weights_with(lambda name, value: value[:-3] if name.startswith(part) else value)


@pytest.mark.parametrize(
    ("model", "change", "kind", "sentence"),
    [
        ("markov", model_with(name="gru"), ConfigurationError, "model='gru' is not known"),
        ("markov", model_with(width=3), ConfigurationError, "model has no 'width'"),
        ("recent", model_with(days="x"), ConfigurationError, "model.days='x' must be float"),
        ("sasrec", model_with(widht=3), ConfigurationError, "did you mean 'width'"),
        ("sasrec", model_with(width=8), BundleError, "do not fit a sasrec of this recipe"),
        ("sasrec", model_with(name="attention-pooling", **TINY["attention-pooling"]),
         ConfigurationError, "model has no 'blocks'"),
        ("sasrec", without("model."), BundleError, "do not fit a sasrec of this recipe"),
        ("sasrec", without("fallback."), BundleError, "holds the arrays"),
        ("markov", without("model."), BundleError, "holds the arrays"),
        ("markov", without("model.starts"), BundleError, "holds the arrays"),
        ("markov", shorter("model.counts"), BundleError, "do not fit its vocabulary"),
        ("markov", shorter("model.starts"), BundleError, "do not fit its vocabulary"),
        ("popularity", shorter("model."), BundleError, "do not fit its vocabulary"),
        ("sasrec", shorter("fallback."), BundleError, "do not fit its vocabulary"),
        ("remembering", shorter("memory.counts"), BundleError, "do not fit its vocabulary"),
        ("remembering", card_with(memory=None), BundleError, "how far to trust"),
        ("sasrec", card_with(training={}), BundleError, "does not describe a recommender"),
        ("sasrec", card_with(training=7), BundleError, "does not describe a recommender"),
        ("markov", card_with(split="last"), BundleError, "does not describe a recommender"),
        ("markov", card_with(split={"name": "x"}), BundleError, "does not describe a recommender"),
        ("markov", card_with(fallback="luck"), BundleError, "does not describe a recommender"),
        ("markov", card_with(memory={"a": 1}), BundleError, "does not describe a recommender"),
        *(
            ("remembering", card_with(memory={**REMEMBERED, "returns": factors}), BundleError,
             "does not describe a recommender")
            for factors in ([], [0.1, -1.0], [0.1, 0.0], "many", 7)
        ),
        ("sasrec", card_with(counted={"a": 1}), BundleError, "does not describe a recommender"),
        ("sasrec", card_with(counted={"metric": "ndcg@10", "model": 0.1, "methods": "many"}),
         BundleError, "does not describe a recommender"),
        *(
            ("markov", card_without(name), BundleError, f"KeyError: '{name}'")
            for name in ("split", "fallback", "fingerprint", "training", "memory", "counted")
        ),
        ("markov", lambda bundle: replace(bundle, histories=None), BundleError, "no histories"),
        ("markov", lambda bundle: replace(bundle, recipe={"sed": 7}), ConfigurationError,
         "did you mean 'seed'"),
    ],
)  # fmt: skip
def test_a_bundle_that_makes_no_sense_is_refused_in_one_sentence(
    fitted: dict[str, Recommender],
    tmp_path: Path,
    model: str,
    change: Change,
    kind: type[RegardError],
    sentence: str,
) -> None:
    folder = fitted[model].save(tmp_path / "model")
    write_bundle(change(read_bundle(folder)), tmp_path / "odd")
    with pytest.raises(kind) as refused:
        Recommender.load(tmp_path / "odd")
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_that_is_no_bundle_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleMissingError, match="nowhere does not exist"):
        Recommender.load(tmp_path / "nowhere")


def test_a_bundle_can_be_moved(fitted: dict[str, Recommender], tmp_path: Path) -> None:
    folder = fitted["markov"].save(tmp_path / "model")
    shutil.move(folder, tmp_path / "moved")
    assert Recommender.load(tmp_path / "moved").recommend(17) == fitted["markov"].recommend(17)


def test_learning_again_forgets_what_the_card_said(
    fitted: dict[str, Recommender], tmp_path: Path, log: regard.Interactions
) -> None:
    recommender = Recommender.from_recipe(recipe_for("markov")).fit(log)
    recommender.add_to_card(cleaning={"rows": 7})
    assert "cleaning" not in recommender.fit(log).learned.card
