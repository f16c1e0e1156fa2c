"""A run as data: what goes in comes out, and what makes no sense is refused by name."""

import tomllib
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st
from small_shops import order_only

from regard.data.rules import RULES
from regard.data.rules.rare import RareUsersAndItems
from regard.data.split import Targets, split_by_time
from regard.errors import ConfigurationError
from regard.evaluation.protocol import Seen, Ties
from regard.kinds import settings_of
from regard.recommender.recipe import (
    EvaluationSettings,
    Recipe,
    SourceSettings,
    SplitSettings,
)
from regard.schema import Clock
from regard.training.config import TrainingConfig

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
shares = st.floats(0.01, 0.99)
positive = st.integers(1, 2**53)
maybe_word = st.none() | words

sources = st.builds(
    SourceSettings,
    path=words,
    timezone=words,
    header=st.none() | st.booleans(),
    parameters=st.none() | st.dictionaries(words, st.integers(-9, 9) | words, max_size=2),
    **{
        each.name: maybe_word
        for each in fields(SourceSettings)
        if each.name not in {"path", "timezone", "header", "parameters"}
    },
)
splits = st.builds(
    SplitSettings,
    protocol=st.sampled_from(["auto", "global-time", "leave-last-out"]),
    test_share=shares,
    validation_share=shares,
    targets=st.sampled_from([each.value for each in Targets]),
    min_count=positive,
)
trainings = st.builds(
    TrainingConfig,
    epochs=positive,
    tokens=positive,
    least_steps=positive,
    rate=st.floats(1e-9, 1e3),
    warmup=shares,
    weight_decay=st.floats(0, 10),
    clip=st.floats(0, 10),
    patience=positive,
    checkpoint_seconds=st.floats(0, 1e6),
    device=words,
)
evaluations = st.builds(
    EvaluationSettings,
    seen=st.sampled_from(["auto", *(each.value for each in Seen)]),
    ks=st.sets(st.integers(1, 500), min_size=1, max_size=4).map(lambda ks: tuple(sorted(ks))),
    ties=st.sampled_from([each.value for each in Ties]),
    resamples=st.integers(100, 10**6),
)
LIMITED: dict[str, dict[str, object]] = {
    "bursts": {"per_hour": 500},
    "clockwork": {"hours": 4.5},
    "value-range": {"least": 1},
}
"""Rules that make no sense without a limit."""
rules = st.one_of(
    st.sampled_from(sorted(set(RULES) - {"excluded-items"})).map(
        lambda name: {"rule": name, **LIMITED.get(name, {})}
    ),
    st.builds(lambda least: {"rule": "rare-users-and-items", "user": least}, st.integers(1, 99)),
    st.just({"rule": "excluded-items", "pattern": "POST|DOT"}),
)
recipes = st.builds(
    Recipe,
    model=st.sampled_from(["markov", "sasrec", "one of tomorrow"]),
    options=st.dictionaries(
        words.filter(lambda name: name != "name"),
        st.integers(-(2**60), 2**60) | st.booleans() | words,
        max_size=3,
    ),
    seed=st.integers(0, 2**62),
    objective=words,
    loss=words,
    memory=st.sampled_from(["auto", "on", "off"]),
    source=sources,
    cleaning=st.none() | st.lists(rules, max_size=3).map(tuple),
    split=splits,
    training=trainings,
    evaluation=evaluations,
)


@given(recipes)
def test_a_recipe_survives_toml(recipe: Recipe) -> None:
    again = Recipe.from_dict(tomllib.loads(tomli_w.dumps(recipe.to_dict())))
    assert again == recipe
    assert again.digest("log") == recipe.digest("log")


def test_a_recipe_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text(
        """
        seed = 3
        [source]
        path = "purchases.csv"
        header = false
        [[cleaning]]
        rule = "missing-user"
        [[cleaning]]
        rule = "rare-users-and-items"
        user = 2
        [split]
        test_share = 0.2
        [model]
        name = "sasrec"
        width = 32
        [evaluation]
        ks = [5, 20]
        """
    )
    recipe = Recipe.from_toml(file)
    assert (recipe.model, recipe.options, recipe.seed) == ("sasrec", {"width": 32}, 3)
    assert (recipe.source.path, recipe.source.header) == ("purchases.csv", False)
    assert recipe.split == SplitSettings(test_share=0.2)
    assert recipe.evaluation.ks == (5, 20)
    assert recipe.training == TrainingConfig()
    missing, rare = recipe.rules()
    assert missing == RULES["missing-user"]()
    assert rare == RareUsersAndItems(user=2, item=5)
    assert Recipe.from_toml(str(file)) == recipe


@pytest.mark.parametrize("content", [b"seed = ", b"\xff", None])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "run.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"run\.toml cannot be read"):
        Recipe.from_toml(file)


def test_nothing_said_is_the_defaults() -> None:
    assert Recipe.from_dict({}) == Recipe()
    assert Recipe().rules() is None
    assert Recipe.from_dict({"cleaning": []}).rules() == ()
    assert Recipe(cleaning=({"rule": "implausible-times", "latest": None},)).to_dict()[
        "cleaning"
    ] == [{"rule": "implausible-times"}]


def test_source_options_are_those_of_read() -> None:
    options = SourceSettings(path="a.csv", user="who").options()
    assert "path" not in options
    assert options["user"] == "who"
    assert len(options) == len(fields(SourceSettings)) - 1


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"sed": 1}, "The recipe has no 'sed'; did you mean 'seed'?"),
        ({"evaluations": {}}, "The recipe has no 'evaluations'; did you mean 'evaluation'?"),
        ({"source": {"pth": "x"}}, "source has no 'pth'; did you mean 'path'?"),
        ({"split": {"test_shar": 0.1}}, "split has no 'test_shar'; did you mean 'test_share'?"),
        ({"training": {"epoch": 3}}, "training has no 'epoch'; did you mean 'epochs'?"),
        ({"evaluation": {"tie": "mean"}}, "evaluation has no 'tie'; did you mean 'ties'?"),
        (
            {"cleaning": [{"rule": "rare-users-and-items", "usr": 2}]},
            "cleaning rule 'rare-users-and-items' has no 'usr'; did you mean 'user'?",
        ),
        ({"zzz": 1}, "The recipe has no 'zzz'; it has model, seed, objective,"),
        ({5: 1}, "The recipe has no 5; it has model"),
        ({"options": {}}, "The recipe has no 'options'"),
        (
            {"cleaning": [{"rule": "missing-user", "usr": 2}]},
            "cleaning rule 'missing-user' has no 'usr'; it has nothing to set.",
        ),
    ],
)
def test_unknown_names_are_refused_with_the_nearest_one(
    values: dict[Any, Any], sentence: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Recipe.from_dict(values)
    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"seed": 1.5}, "recipe.seed=1.5 must be int, such as 7."),
        ({"seed": True}, "recipe.seed=True must be int"),
        ({"seed": -1}, "seed=-1 must be 0 or more, and below 2 to the 63."),
        ({"loss": 3}, "recipe.loss=3 must be str, such as 'auto'."),
        ({"memory": "perhaps"}, "memory='perhaps' is not known; choose 'auto', 'on' or 'off'."),
        ({"model": "markov"}, "[model] of a recipe must be a table, not 'markov'."),
        ({"model": {"name": 3}}, "model.name=3 must be text, such as 'sasrec'."),
        ({"split": 3}, "[split] of a recipe must be a table, not 3."),
        ({"source": {"user": 5}}, "source.user=5 must be str."),
        ({"source": {"header": "yes"}}, "source.header='yes' must be bool."),
        ({"split": {"min_count": "two"}}, "split.min_count='two' must be int, such as 1."),
        ({"split": {"protocol": "random"}}, "split.protocol='random' is not known; choose"),
        ({"training": {"rate": "fast"}}, "training.rate='fast' must be float, such as 0.002."),
        ({"training": {"rate": 0}}, "training.rate=0 must be greater than 0."),
        ({"evaluation": {"ks": 10}}, "evaluation.ks=10 must be a list of int, such as [10]."),
        ({"evaluation": {"ks": [2.5]}}, "evaluation.ks=[2.5] must be a list of int"),
        ({"evaluation": {"ks": "10"}}, "evaluation.ks='10' must be a list of int"),
        ({"evaluation": {"ks": [10, 5]}}, "Cut-offs must be whole numbers from 1"),
        ({"evaluation": {"seen": "hide"}}, "evaluation.seen='hide' is not known; choose 'keep'"),
        ({"evaluation": {"ties": "best"}}, "ties must be 'mean' or 'worst'; received 'best'."),
        ({"cleaning": "missing-user"}, "cleaning of a recipe must be a list of tables"),
        ({"cleaning": {"rule": "missing-user"}}, "cleaning of a recipe must be a list of tables"),
        ({"cleaning": 5}, "cleaning of a recipe must be a list of tables"),
        ({"cleaning": ["missing-user"]}, "[cleaning] of a recipe must be a table"),
        ({"cleaning": [{}]}, "Cleaning rule None is not known; choose from missing-user,"),
        ({"cleaning": [{"rule": "missing-usr"}]}, "Cleaning rule 'missing-usr' is not known"),
        ({"cleaning": [{"rule": ["a"]}]}, "Cleaning rule ['a'] is not known"),
        (
            {"cleaning": [{"rule": "excluded-items"}]},
            "cleaning rule 'excluded-items' needs pattern (str)",
        ),
        (
            {"cleaning": [{"rule": "rare-users-and-items", "user": "many"}]},
            "cleaning rule 'rare-users-and-items'.user='many' must be int, such as 5.",
        ),
    ],
)
def test_values_that_make_no_sense_are_refused_by_name(
    values: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Recipe.from_dict(values)
    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize(
    "kind", [SourceSettings, SplitSettings, TrainingConfig, EvaluationSettings, *RULES.values()]
)
def test_no_setting_takes_what_it_is_not(kind: type) -> None:
    for each in fields(kind):
        table = {"a": 1} if each.name != "parameters" else 1  # the one setting that is a table
        for wrong in (object(), table, [b"bytes"]):
            with pytest.raises(ConfigurationError, match=each.name):
                settings_of(kind, {each.name: wrong}, "here")


def test_a_whole_number_is_welcome_where_a_float_is() -> None:
    assert Recipe.from_dict({"training": {"rate": 1}}).training.rate == 1


def changed(recipe: Recipe) -> list[tuple[str, Recipe]]:
    """The recipe with each setting in turn at another value."""
    others = {
        "protocol": "leave-last-out", "targets": "first", "device": "cuda", "seen": "keep",
        "ks": (7,), "ties": "worst", "minutes": 1.0,
        "averaging": 0.5, "precision": "float32",
    }  # fmt: skip
    found = []
    for part in ("split", "training", "evaluation"):
        for each in fields(getattr(recipe, part)):
            assert each.default is not MISSING
            value = others.get(each.name, each.default)
            value = value if each.name in others else value * 2
            one = replace(recipe, **{part: replace(getattr(recipe, part), **{each.name: value})})
            found.append((f"{part}.{each.name}", one))
    whole = {"model": "markov", "options": {"width": 3}, "seed": 8, "objective": "a", "loss": "b"}
    return found + [(name, replace(recipe, **{name: value})) for name, value in whole.items()]


def test_the_digest_changes_with_whatever_changes_weights_and_nothing_else() -> None:
    recipe = Recipe(split=SplitSettings(test_share=0.1, validation_share=0.1))
    same = {"training.device", "training.checkpoint_seconds"}
    for name, other in changed(recipe):
        assert (other.digest("log") == recipe.digest("log")) == (name in same), name
    elsewhere = SourceSettings(path="elsewhere.parquet", user="who", delimiter=";")
    assert replace(recipe, source=elsewhere).digest("log") == recipe.digest("log")
    assert recipe.digest("log") != recipe.digest("another log")


def test_a_split_is_cut_as_the_settings_say(log: Any) -> None:
    settings = SplitSettings(
        protocol="global-time", test_share=0.2, validation_share=0.3, targets="first", min_count=2
    )
    cut = settings.apply(log)
    by_hand = split_by_time(log, test_share=0.2, validation_share=0.3, targets="first", min_count=2)
    assert cut.protocol == by_hand.protocol
    assert cut.test.ends.tolist() == by_hand.test.ends.tolist()
    last = SplitSettings(protocol="leave-last-out", min_count=2).apply(log)
    assert (last.protocol.name, last.protocol.min_count) == ("leave-last-out", 2)


def test_auto_cuts_at_a_moment_where_there_is_a_clock(log: Any) -> None:
    assert SplitSettings().apply(log).protocol.name == "global-time"
    without = order_only(log)
    assert without.clock is Clock.ORDER
    assert SplitSettings().apply(without).protocol.name == "leave-last-out"
