"""Nothing is learned from the test part, chance comes from the seed alone, torch only if needed."""

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from small_shops import CLASSICAL, ITEMS, NETWORKS, TINY, order_only, recipe_for, shop_log

from regard.data.catalogue import Catalogue
from regard.data.interactions import Interactions
from regard.data.split import split_by_time
from regard.data.synthetic import markov_world
from regard.errors import ConfigurationError, NeedsClockError, TrainingError
from regard.recommender.recipe import Recipe, SplitSettings
from regard.recommender.recommender import Recommender
from regard.recommender.storing import save


def weights(recommender: Recommender, folder: Path) -> bytes:
    """Everything that was learned, as the bundle keeps it."""
    saved = save(recommender.recipe, recommender.learned, folder)
    return (saved / "weights.safetensors").read_bytes()


def with_other_future(log: Interactions) -> Interactions:
    """The same users and times; each item of the test period is another one."""
    cut = SplitSettings().apply(log).protocol.test_from
    table = log.collect()
    later = pl.col("time") >= cut
    other = pl.when(later).then(pl.lit(600) - pl.col("item")).otherwise("item").cast(pl.Int64)
    changed = table.with_columns(other.alias("item"))
    assert (changed["item"] != table["item"]).sum() > 50
    return Interactions.of(changed)


@pytest.mark.parametrize("model", [*CLASSICAL, *NETWORKS])
def test_changing_the_test_part_changes_nothing_that_is_learned(
    model: str, fitted: dict[str, Recommender], log: Interactions, tmp_path: Path
) -> None:
    before = fitted[model]
    after = Recommender.from_recipe(recipe_for(model)).fit(with_other_future(log))
    assert after.learned.vocabulary.ids.equals(before.learned.vocabulary.ids)
    assert after.learned.vocabulary.counts.tolist() == before.learned.vocabulary.counts.tolist()
    assert weights(after, tmp_path / "after") == weights(before, tmp_path / "before")
    assert after.recipe == before.recipe
    assert after.learned.memory == before.learned.memory
    assert after.learned.fingerprint != before.learned.fingerprint
    assert after.evaluate().metrics != before.evaluate().metrics


def test_changing_the_training_part_does_change_what_is_learned(
    fitted: dict[str, Recommender], log: Interactions, tmp_path: Path
) -> None:
    first = (pl.col("row") == 0) & (pl.col("user") == 1)
    changed = log.collect().with_columns(pl.when(first).then(7).otherwise("item").alias("item"))
    assert (changed["item"] != log.collect()["item"]).sum() == 1
    other = Recommender.from_recipe(recipe_for("sasrec")).fit(Interactions.of(changed))
    assert weights(other, tmp_path / "a") != weights(fitted["sasrec"], tmp_path / "b")


def visits(*, early_repeats: bool, late_repeats: bool) -> Interactions:
    """Thirty users with ten visits each, who in a part take one item every other day."""
    rows = []
    for user in range(30):
        for day in range(10):
            repeats = early_repeats if day < 8 else late_repeats
            item = 10_000 if repeats and day % 2 else (user * 3 + day) % 97
            rows.append((user, item, 86_400.0 * day + user))
    return Interactions.of(pl.DataFrame(rows, ["user", "item", "time"], orient="row"))


@pytest.mark.parametrize("late_repeats", [False, True])
@pytest.mark.parametrize("early_repeats", [False, True])
def test_seen_is_decided_by_the_training_part_alone(
    early_repeats: bool, late_repeats: bool
) -> None:
    log = visits(early_repeats=early_repeats, late_repeats=late_repeats)
    recommender = Recommender("popularity", split={"test_share": 0.2, "validation_share": 0.1})
    assert recommender.recipe.evaluation.seen == "auto"
    recommender.fit(log)
    assert recommender.recipe.evaluation.seen == ("keep" if early_repeats else "remove")
    assert recommender.protocol().seen == recommender.recipe.evaluation.seen
    assert any(each.seen for each in recommender.recommend(3, k=99)) == early_repeats


@pytest.mark.parametrize(("repeats", "decided"), [(4, "remove"), (5, "keep")])
def test_one_repeat_in_twenty_is_where_seen_items_begin_to_stay(repeats: int, decided: str) -> None:
    # One user with 100 training events, some of which repeat the first item.
    items = [*range(100 - repeats), *([0] * repeats), 1, 2]
    log = Interactions.of(pl.DataFrame({"user": 1, "item": items, "position": range(len(items))}))
    recommender = Recommender("popularity", split={"protocol": "leave-last-out"}).fit(log)
    assert recommender.recipe.evaluation.seen == decided


def test_what_is_said_of_seen_items_is_not_decided_again() -> None:
    log = visits(early_repeats=True, late_repeats=True)
    recommender = Recommender("popularity", evaluation={"seen": "remove"}).fit(log)
    assert recommender.recipe.evaluation.seen == "remove"


@pytest.mark.parametrize("model", NETWORKS)
def test_the_seed_decides_the_weights(
    model: str, fitted: dict[str, Recommender], log: Interactions, tmp_path: Path
) -> None:
    torch.manual_seed(12345)  # what the caller did before is not what decides
    again = Recommender.from_recipe(recipe_for(model)).fit(log)
    assert weights(again, tmp_path / "again") == weights(fitted[model], tmp_path / "first")
    assert again.recommend_all(k=5).equals(fitted[model].recommend_all(k=5))
    other = Recommender.from_recipe(recipe_for(model, seed=8)).fit(log)
    assert weights(other, tmp_path / "other") != weights(fitted[model], tmp_path / "b")


def test_a_recommender_leaves_the_callers_chance_alone(
    log: Interactions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = torch.get_rng_state().tolist()
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda _: pytest.fail("GPUs were seeded"))
    recommender = Recommender("sasrec", training={"epochs": 1}, **TINY["sasrec"]).fit(log)
    Recommender.load(recommender.save(tmp_path / "model")).recommend(17)
    assert torch.get_rng_state().tolist() == before


def test_a_checkpoint_is_good_for_its_own_split_alone(log: Interactions, tmp_path: Path) -> None:
    file = tmp_path / "run.checkpoint"
    recipe = recipe_for("sasrec", memory="off")
    catalogue = Catalogue.of(log)
    one, other = (split_by_time(log, test_share=share) for share in (0.1, 0.2))
    first = Recommender.from_recipe(recipe).fit_split(one, catalogue, checkpoint=file)
    again = Recommender.from_recipe(recipe).fit_split(one, catalogue, checkpoint=file)
    assert again.learned.history.epochs == first.learned.history.epochs
    with pytest.raises(TrainingError, match="other data or settings"):
        Recommender.from_recipe(recipe).fit_split(other, catalogue, checkpoint=file)


def test_a_network_that_is_watched_learns_the_same(
    fitted: dict[str, Recommender], log: Interactions
) -> None:
    class Watcher:
        def __init__(self) -> None:
            self.steps, self.epochs = 0, []

        def step(self, done: float, loss: float, targets_per_second: float) -> None:
            self.steps += 1

        def epoch(self, epoch: object, *, best: bool) -> None:
            self.epochs.append(epoch)

    watcher = Watcher()
    seen = Recommender.from_recipe(recipe_for("sasrec")).fit(log, watcher=watcher)
    assert watcher.steps > 0
    assert tuple(watcher.epochs) == seen.learned.history.epochs
    assert seen.recommend(17).items == fitted["sasrec"].recommend(17).items


@pytest.mark.parametrize(
    "limits",
    [
        {"_MOST_VALIDATION_QUERIES": 10},
        {"_MOST_VALIDATION_SCORES": 10 * (ITEMS + 2)},
    ],
    ids=str,
)
def test_validation_of_many_users_or_items_asks_some_users(
    limits: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from regard.recommender import networks, sampling

    log = shop_log()
    monkeypatch.setattr(sampling, "_FEWEST", 1)
    for name, value in limits.items():
        monkeypatch.setattr(networks, name, value)
    recipe = recipe_for("sasrec", memory="off")
    few = Recommender.from_recipe(recipe).fit(log).learned.history
    monkeypatch.undo()
    many = Recommender.from_recipe(recipe).fit(log).learned.history
    assert [epoch.loss for epoch in few.epochs] == [epoch.loss for epoch in many.epochs]
    assert few.epochs[0].validation != many.epochs[0].validation


@pytest.mark.parametrize(
    ("model", "how", "sentence"),
    [
        (
            "markow",
            {},
            "choose one of adamct, als, attention-pooling, bert4rec, boosted, bsarec, compose",
        ),
        ("markov", {"width": 3}, "model has no 'width'; it has nothing to set."),
        ("markov", {"name": "popularity"}, "model has no 'name'"),
        ("recent", {"dais": 3}, "model has no 'dais'; did you mean 'days'?"),
        ("recent", {"days": -1}, "days must be a positive number of days"),
        ("sasrec", {"widht": 3}, "model has no 'widht'; did you mean 'width'?"),
        ("sasrec", {"width": 1.5}, "model.width=1.5 must be int, such as 64."),
        ("sasrec", {"width": 10, "heads": 3}, "heads=3 must divide width=10."),
        *(
            ("sasrec", {name: value}, f"model.{name}={value} must be 1 or more.")
            for name in ("width", "blocks", "heads", "longest")
            for value in (0, -1)
        ),
        ("attention-pooling", {"longest": 0}, "model.longest=0 must be 1 or more."),
        ("sasrec", {"attention_dropout": 1.5}, "model.attention_dropout=1.5 must be at least 0"),
        ("markov", {"training": {"epoch": 3}}, "training has no 'epoch'; did you mean 'epochs'?"),
        ("markov", {"split": {"protocol": "x"}}, "split.protocol='x' is not known"),
        ("markov", {"evaluation": {"k": 3}}, "evaluation has no 'k'; did you mean 'ks'?"),
        ("markov", {"seed": "x"}, "recipe.seed='x' must be int"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_log_is_read(
    model: str, how: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Recommender(model, **how)
    assert sentence in str(refused.value)


@pytest.mark.parametrize("part", ["objective", "loss"])
def test_an_unknown_objective_or_loss_is_refused_as_early(part: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{part}='x' is not known; choose one of"):
        Recommender.from_recipe(Recipe(**{part: "x"}))


def test_a_method_that_needs_a_clock_says_so(log: Interactions) -> None:
    with pytest.raises(NeedsClockError, match="carries only an order"):
        Recommender("recent").fit(order_only(log))
    with pytest.raises(NeedsClockError, match="carries only an order"):
        Recommender("markov", split={"protocol": "global-time"}).fit(order_only(log))


def run(program: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_classical_methods_never_load_torch(tmp_path: Path) -> None:
    program = f"""
    import sys
    from dataclasses import replace
    import regard
    from regard.data.synthetic import markov_world

    log = markov_world(users=30, items=9, length=9).log
    for model in {CLASSICAL!r}:
        recommender = regard.Recommender(model).fit(log)
        folder = {str(tmp_path)!r} + "/" + model
        recommender.save(folder)
        opened = regard.load(folder)
        for each in (recommender, opened):
            each.recommend(3), each.recommend("nobody"), each.recommend(history=[1, 2])
            each.recommend_all(k=3), each.evaluate(), str(each.explain(3))
        regard.Recommender.from_recipe(opened.recipe)
    regard.compare_models(log, regard.Recipe(model="markov"))
    print(sorted(name for name in sys.modules if name.partition(".")[0] == "torch"))
    """
    assert run(program) == "[]"


def test_without_torch_a_network_says_how_to_get_it(
    fitted: dict[str, Recommender], tmp_path: Path
) -> None:
    network, counts = (fitted[name].save(tmp_path / name) for name in ("sasrec", "markov"))
    program = f"""
    import sys
    import regard.recommender.recommender  # SciPy looks whether somebody has loaded torch
    sys.modules["torch"] = None
    from regard.errors import MissingDependencyError

    for ask in (
        lambda: regard.Recommender("sasrec"),
        lambda: regard.Recommender.from_recipe(regard.Recipe()),
        lambda: regard.load({str(network)!r}),
        lambda: regard.Recommender("markow"),
    ):
        try:
            print(ask())
        except MissingDependencyError as refused:
            print(refused)
    print(regard.load({str(counts)!r}).recommend(17, k=1).answered_by)
    """
    said = run(program).splitlines()
    assert len(said) == 5
    for line, model in zip(said, ["sasrec", "sasrec", "sasrec", "markow"], strict=False):
        assert line == (
            f"The model {model!r} is no classical method (als, boosted, {', '.join(CLASSICAL)}); "
            "a network needs torch, which is not installed. "
            "Install it with: pip install 'regard[torch]'"
        )
    assert said[4] == "markov"


def test_learning_finds_the_rule_of_the_world() -> None:
    world = markov_world(users=200, items=10, length=12, predictability=0.9)
    recommender = Recommender("markov", split={"protocol": "leave-last-out"}).fit(world.log)
    hits = recommender.evaluate().metrics["hit_rate@10"]
    first = recommender.evaluate().metrics["accuracy"]
    assert hits.mean == 1.0
    assert first.mean == pytest.approx(world.best_hit_rate, abs=0.07)
    assert np.isfinite(first.low)
