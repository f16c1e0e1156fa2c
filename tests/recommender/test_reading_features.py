"""Features from a recipe to answers: learned on training alone, saved to the last bit."""

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from small_shops import TINY, recipe_for, shop_log

from regard.bundle import read_bundle, write_bundle
from regard.data.catalogue import Catalogue
from regard.data.encoders.events import encode_split
from regard.data.features import Features
from regard.data.interactions import Interactions
from regard.errors import (
    BundleError,
    BundleMissingError,
    ColumnError,
    ConfigurationError,
    TrainingError,
)
from regard.models.event_features import EventFeatures
from regard.recommender.comparing import compare_models
from regard.recommender.recipe import Recipe
from regard.recommender.recommender import Recommender

FEATURES: dict[str, Any] = {
    "mood": "categories",
    "price": {"name": "standard"},
    "time": ["hour", "weekday"],
    "gap": {"name": "buckets", "strategy": "log", "count": 4},
}
ITEMS = 10
NO_NUMBERS = json.dumps({"version": 1, "encoders": [
    {"column": "price", "name": "buckets", "version": 1, "parameters": {"edges": ["x", "y", "z"]}},
]})  # fmt: skip
"""Encoders that are well-formed and cannot encode."""


def moody_log(users: int = 90, length: int = 10, seed: int = 0) -> Interactions:
    """The mood of an event says which item comes next, and nothing else does."""
    random = np.random.default_rng(seed)
    moods_UL = random.integers(ITEMS, size=(users, length))
    items_UL = random.integers(ITEMS, size=(users, length))
    items_UL[:, 1:] = (3 * moods_UL[:, :-1] + 1) % ITEMS
    days = np.arange(length) + random.random((users, length)) / 2
    return Interactions.of(
        pl.DataFrame({
            "user": np.repeat(np.arange(users), length),
            "item": items_UL.ravel(),
            "time": (1.6e9 + 86_400 * days).ravel(),
            "mood": [f"m{each}" for each in moods_UL.ravel()],
            "price": random.normal(5, 2, users * length),
        }),
        "a moody shop",
    )  # fmt: skip


def recipe(**parts: Any) -> Recipe:
    """A tiny network that reads all of the features."""
    training = {"epochs": 14, "patience": 14, "tokens": 64, "rate": 0.02, "device": "cpu"}
    values = {
        "model": {"name": "sasrec", **TINY["sasrec"], "dropout": 0.0},
        "training": training,
        "features": FEATURES,
    }
    return Recipe.from_dict(values | parts)


@pytest.fixture(scope="module")
def log() -> Interactions:
    return moody_log()


@pytest.fixture(scope="module")
def fitted(log: Interactions) -> Recommender:
    return Recommender.from_recipe(recipe()).fit(log)


@pytest.fixture
def saved(fitted: Recommender, tmp_path: Path) -> Path:
    return fitted.save(tmp_path / "model")


def scores(recommender: Recommender) -> np.ndarray:
    learned = recommender.learned
    return learned.answering.score(learned.split.test)


class TestLearning:
    def test_what_only_features_foretell(self, log: Interactions, fitted: Recommender) -> None:
        blind = Recommender.from_recipe(recipe(features={})).fit(log)
        ndcg = fitted.evaluate().metrics["ndcg@10"].mean
        assert ndcg > 0.9
        assert blind.evaluate().metrics["ndcg@10"].mean < 0.6

    def test_without_features_nothing_is_different(self, log: Interactions) -> None:
        plain = recipe_for("sasrec")
        bare = Interactions.of(log.collect().select("user", "item", "time"))
        ours, theirs = (Recommender.from_recipe(plain).fit(each) for each in (log, bare))
        assert np.array_equal(scores(ours), scores(theirs))
        assert ours.learned.encoders is None
        assert ours.learned.events.features is None
        assert "features" not in plain.to_dict()
        network = ours.learned.scorer
        model = getattr(network, "model", network)
        assert isinstance(model, torch.nn.Module)
        assert not any(isinstance(each, EventFeatures) for each in model.modules())

    def test_a_checkpoint_belongs_to_the_values_of_its_features(
        self, log: Interactions, tmp_path: Path
    ) -> None:
        short = recipe(training={"epochs": 1, "device": "cpu"})
        file = tmp_path / "checkpoint"
        Recommender.from_recipe(short).fit(log, checkpoint=file)
        dearer = Interactions.of(log.collect().with_columns(mood=pl.col("mood").reverse()))
        with pytest.raises(TrainingError, match="left by a run with other data or settings"):
            Recommender.from_recipe(short).fit(dearer, checkpoint=file)


class TestHonesty:
    def test_encoders_and_weights_do_not_know_the_test_part(
        self, log: Interactions, fitted: Recommender
    ) -> None:
        cut = fitted.learned.protocol.test_from
        table = log.collect()
        later = pl.col("time") >= cut
        changed = table.with_columns(
            mood=pl.when(later).then(pl.lit("never seen")).otherwise("mood"),
            price=pl.when(later).then(1e9).otherwise("price"),
        )
        assert not changed.equals(table)
        other = Recommender.from_recipe(recipe()).fit(Interactions.of(changed))
        assert other.learned.encoders == fitted.learned.encoders
        assert other.learned.history is not None
        assert fitted.learned.history is not None
        for ours, theirs in zip(
            other.learned.history.epochs, fitted.learned.history.epochs, strict=True
        ):
            assert (ours.loss, ours.validation) == (theirs.loss, theirs.validation)

    def test_an_answer_does_not_know_the_target_or_what_came_after(
        self, fitted: Recommender
    ) -> None:
        before = scores(fitted)
        learned = fitted.learned
        events = learned.events
        assert events.features is not None
        codes, numbers = events.features.codes.copy(), events.features.numbers.copy()
        test = learned.split.test
        for user, end in zip(test.users, test.ends, strict=True):
            codes[end : events.offsets[user + 1]] = 1
            numbers[end : events.offsets[user + 1]] = 7.0
        assert not np.array_equal(codes, events.features.codes)
        other = Recommender.from_recipe(fitted.recipe)
        blinded = dataclasses.replace(events, features=Features(codes, numbers))
        other._learned = dataclasses.replace(learned, events=blinded)
        assert np.array_equal(scores(other), before)
        codes[test.ends - 1] = 1
        other._learned = dataclasses.replace(learned, events=blinded)
        assert not np.array_equal(scores(other), before)


class TestAnswers:
    def test_a_history_that_was_typed_has_none_and_says_so(self, fitted: Recommender) -> None:
        answer = fitted.recommend(history=[3, 4])
        assert answer.notes == (
            "The history comes without mood, price, time, gap; they are read as missing.",
        )
        assert fitted.recommend(user=3).notes == ()
        assert fitted.recommend(history=["nothing"]).answered_by.endswith("(fallback)")

    def test_explanations_keep_the_features_of_each_event(self, fitted: Recommender) -> None:
        item = fitted.recommend(user=5, k=1).ids[0]
        told = fitted.explain(user=5, item=item)
        assert told.place == 1
        # What the last event's mood foretells is carried by the last event.
        effects = [event.effect for event in told.events]
        assert effects[-1] == max(effects)

    def test_comparing_gives_them_to_whoever_can_read_them(self, log: Interactions) -> None:
        short = recipe(training={"epochs": 1, "device": "cpu"})
        run = compare_models(log, short, ("markov", "attention-pooling"))
        candidate, *rivals = run.recommenders
        assert candidate.learned.events.features is not None
        for rival in rivals:
            assert rival.learned.encoders is None
            assert rival.learned.events.features is None
            assert not rival.recipe.features


class TestBundles:
    def test_the_same_scores_before_and_after(self, fitted: Recommender, saved: Path) -> None:
        opened = Recommender.load(saved)
        assert opened.recipe == fitted.recipe
        assert opened.learned.encoders == fitted.learned.encoders
        assert np.array_equal(scores(opened), scores(fitted))
        assert opened.recommend_all(k=5).equals(fitted.recommend_all(k=5))
        for asked in ({"user": 7}, {"history": [3, 4]}):
            assert opened.recommend(**asked) == fitted.recommend(**asked)
            assert opened.explain(**asked).to_dict() == fitted.explain(**asked).to_dict()
        before, after = fitted.evaluate().to_dict(), opened.evaluate().to_dict()
        assert before | {"seconds": 0} == after | {"seconds": 0}

    def test_saving_again_gives_equal_files(self, saved: Path, tmp_path: Path) -> None:
        again = Recommender.load(saved).save(tmp_path / "again")
        files = json.loads((saved / "manifest.json").read_text())["files"]
        assert json.loads((again / "manifest.json").read_text())["files"] == files
        assert {name for name in files if "encoder" in name or "feature" in name} == {
            "encoders/encoders.json",
            "encoders/0.known.parquet",
            "histories/feature-codes.npy",
            "histories/feature-numbers.npy",
        }

    def test_a_bundle_without_features_is_as_it_was(
        self, log: Interactions, tmp_path: Path
    ) -> None:
        folder = Recommender.from_recipe(recipe_for("markov")).fit(log).save(tmp_path / "plain")
        names = {path.name for path in folder.rglob("*")}
        assert not {name for name in names if "feature" in name or "encoder" in name}
        assert json.loads((folder / "histories/sequences.json").read_text()) == {"clock": True}
        assert "features" not in (folder / "recipe.toml").read_text()

    @pytest.mark.parametrize(
        "name",
        ["encoders/encoders.json", "encoders/0.known.parquet", "histories/feature-codes.npy"],
    )
    def test_a_damaged_file_is_one_sentence(self, saved: Path, name: str) -> None:
        content = bytearray((saved / name).read_bytes())
        content[len(content) // 2] ^= 1
        (saved / name).write_bytes(content)
        with pytest.raises(BundleError, match=f"{name} is not what was written") as refused:
            Recommender.load(saved)
        assert "\n" not in str(refused.value)

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("{", "does not hold encoders that can be used"),
            ("[]", "does not hold encoders that can be used"),
            ('{"version": 9, "encoders": []}', "of version 9"),
            ('{"version": 1, "encoders": [{"column": "mood", "name": "mind"}]}', "'mind'"),
            (NO_NUMBERS, "does not hold encoders that can be used"),
            ('{"version": 1, "encoders": []}', "does not hold encoders that can be used"),
        ],
    )  # fmt: skip
    def test_encoders_that_make_no_sense_are_refused(
        self, saved: Path, tmp_path: Path, content: str, said: str
    ) -> None:
        folder = tmp_path / "odd"
        shutil.copytree(saved, folder)
        forge(folder, "encoders/encoders.json", content.encode())
        with pytest.raises(BundleError) as refused:
            Recommender.load(folder)
        assert said in str(refused.value)
        assert "\n" not in str(refused.value)

    @pytest.mark.parametrize("name", ["encoders/encoders.json", "histories/feature-codes.npy"])
    def test_what_the_manifest_forgets_is_named(self, saved: Path, name: str) -> None:
        manifest = saved / "manifest.json"
        content = json.loads(manifest.read_text())
        del content["files"][name]
        manifest.write_text(json.dumps(content))
        with pytest.raises(BundleMissingError, match=f"does not list {name}"):
            Recommender.load(saved)

    def test_parts_of_two_models_are_refused(self, saved: Path, tmp_path: Path) -> None:
        bundle = read_bundle(saved)
        assert bundle.histories is not None
        features = bundle.histories.features
        assert features is not None
        plain = dataclasses.replace(bundle.histories, features=None)
        without = {name: each for name, each in bundle.recipe.items() if name != "features"}
        with pytest.raises(BundleError, match="There are encoders without features"):
            dataclasses.replace(bundle, histories=plain)
        with pytest.raises(BundleError, match="There are features without encoders"):
            dataclasses.replace(bundle, encoders=None)
        beyond = dataclasses.replace(
            bundle.histories, features=Features(features.codes + 99, features.numbers)
        )
        with pytest.raises(BundleError, match="do not fit their encoders: column 0 of the codes"):
            dataclasses.replace(bundle, histories=beyond)
        wide = Features(features.codes.astype(np.int64), features.numbers)  # type: ignore[arg-type] # the fault
        with pytest.raises(BundleError, match="codes of the features are 2-dimensional int64"):
            dataclasses.replace(bundle, histories=dataclasses.replace(plain, features=wide))
        for number, odd in enumerate((
            dataclasses.replace(bundle, recipe=without),
            dataclasses.replace(bundle, histories=plain, encoders=None),
        )):  # fmt: skip
            write_bundle(odd, tmp_path / str(number))
            with pytest.raises(BundleError, match=r"its recipe says otherwise under \[features\]"):
                Recommender.load(tmp_path / str(number))


def forge(folder: Path, name: str, content: bytes) -> None:
    """Replace a file and give it the right checksum, as somebody with intent would."""
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    digest = hashlib.sha256(content).hexdigest()
    manifest["files"][name] = {"sha256": digest, "bytes": len(content)}
    (folder / "manifest.json").write_text(json.dumps(manifest))


class TestRefusals:
    @pytest.mark.parametrize("model", ["attention-pooling", "markov"])
    def test_a_model_that_cannot_read_them(self, model: str) -> None:
        said = f"'{model}' reads no features of events, but the recipe names mood, price, time, gap"
        with pytest.raises(ConfigurationError, match=said):
            Recommender(model, features=FEATURES)

    def test_columns_that_the_log_does_not_have(self, log: Interactions) -> None:
        with pytest.raises(ColumnError, match=r"no column 'moud' .* did you mean 'mood'"):
            Recommender("sasrec", features={"moud": "categories"}).fit(log)

    def test_an_encoder_that_is_not_known_is_refused_at_once(self) -> None:
        with pytest.raises(ConfigurationError, match="'bucket' of column 'price' is not known"):
            Recommender("sasrec", features={"price": "bucket"})
        with pytest.raises(ConfigurationError, match=r"\[features\] of a recipe must be a table"):
            Recipe.from_dict({"features": "price"})

    def test_a_split_without_them(self, log: Interactions) -> None:
        asked = recipe(training={"epochs": 1, "device": "cpu"})
        split = asked.split.apply(log)
        catalogue = Catalogue.of(log)
        with pytest.raises(ConfigurationError, match="do not belong together"):
            Recommender.from_recipe(asked).fit_split(split, catalogue)
        whole, encoders = encode_split(log, split, asked.features)
        with pytest.raises(ConfigurationError, match="do not belong together"):
            Recommender.from_recipe(asked).fit_split(split, catalogue, encoders=encoders)
        with pytest.raises(ConfigurationError, match="do not belong together"):
            Recommender("markov").fit_split(whole, catalogue)
        given = Recommender.from_recipe(asked).fit_split(whole, catalogue, encoders=encoders)
        assert np.array_equal(scores(given), scores(Recommender.from_recipe(asked).fit(log)))


def test_a_recipe_keeps_them(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text(
        '[features]\nprice = "buckets"\ntime = ["hour", "weekday"]\n'
        'country = { name = "categories", min_count = 5 }\n'
    )
    read = Recipe.from_toml(file)
    assert dict(read.features) == {
        "price": "buckets",
        "time": ["hour", "weekday"],
        "country": {"name": "categories", "min_count": 5},
    }
    assert Recipe.from_dict(read.to_dict()) == read
    assert read.digest("x") != Recipe().digest("x")


@pytest.mark.parametrize("features", [{"time": "hour"}, {"time": "recency"}])
def test_features_that_are_numbers_alone_are_saved_and_read_again(
    features: dict[str, Any], tmp_path: Path
) -> None:
    recipe = recipe_for("sasrec", features=features, memory="off")
    fitted = Recommender.from_recipe(recipe).fit(shop_log())
    opened = Recommender.load(fitted.save(tmp_path / "model"))
    assert opened.recommend(17) == fitted.recommend(17)
