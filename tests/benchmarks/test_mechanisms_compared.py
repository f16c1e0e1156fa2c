"""Mechanisms side by side: the frame is SASRec, nothing but the mechanism changes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mechanism_pictures
import mechanism_step
import mechanism_tables
import mechanisms
from mechanism_names import ALONE, parts_of
from regard.attention import ATTENTION, DISTANCES
from regard.data.batches import Batch, TrainingBatches
from regard.models.compose import Compose, ComposeConfig
from regard.models.contract import ModelInput
from regard.models.sasrec import SASRec, SASRecConfig
from regard.recommender.recipe import Recipe
from regard.training.config import TrainingConfig
from regard.training.loop import tokens_of_a_step
from regard.training.objectives import OBJECTIVES

N = 20


def batch(rows: list[list[int]]) -> ModelInput:
    lengths = np.array([sum(code > 0 for code in row) for row in rows])
    times = np.arange(np.size(rows), dtype=np.float64).reshape(np.shape(rows))
    return ModelInput.of(Batch(np.array(rows), lengths, times=times, asked=times), N)


def compared(name: str, **sizes: int) -> Compose:
    return Compose(ComposeConfig(**parts_of(name), **sizes), N).eval()


def test_with_scaled_dot_products_it_is_sasrec_number_for_number() -> None:
    sizes = {"width": 8, "heads": 2, "longest": 5}
    ours = compared("scaled-dot-product", **sizes)
    theirs = SASRec(SASRecConfig(**sizes), N).eval()
    ours.load_state_dict(theirs.state_dict())
    given = batch([[3, 4, 5, 6], [7, 8, 0, 0]])
    assert torch.equal(ours(given)[given.items_BL > 0], theirs(given)[given.items_BL > 0])


def test_through_a_window_of_one_only_the_newest_event_counts() -> None:
    model = compared(ALONE, width=8, longest=5)
    newest_BD = model.newest(batch([[3, 4, 5], [6, 7, 5]]))
    assert torch.allclose(newest_BD[0], newest_BD[1], atol=1e-6)
    assert not torch.allclose(newest_BD[0], model.newest(batch([[3, 4, 6]]))[0], atol=1e-2)


def test_every_mechanism_that_reads_a_history_once_is_compared() -> None:
    names = mechanisms.parsed([]).only
    schemes = {f"scaled-dot-product + {name}" for name in DISTANCES}
    assert set(names) == {ALONE, *ATTENTION, *schemes} - {"target"}


def test_a_window_of_one_is_no_question_of_cost() -> None:
    given = mechanisms.parsed(["--part", "step", "--only", f"{ALONE},linear"])
    assert {run.plan["mechanism"] for run in mechanisms.all_runs(given)} == {"linear"}


@pytest.mark.parametrize("name", mechanisms.parsed([]).only)
def test_each_has_its_promises_and_an_objective_that_suits_them(name: str) -> None:
    if name == "entmax":
        pytest.importorskip("entmax", reason="the package entmax (extra entmax) is not installed")
    model = compared(name, width=8, longest=5)
    assert (model.positions is None) == (" + " in name)
    assert model.objective == ("next-item" if model.promises.causal else "newest-item")
    one, other = model(batch([[3, 4, 5, 6]])), model(batch([[3, 4, 5, 9]]))
    assert torch.allclose(one[0, :3], other[0, :3], atol=1e-6) == model.promises.causal


def test_each_has_the_same_budget_and_takes_turns_by_seed() -> None:
    given = mechanisms.parsed(["--part", "quality", "--only", "linear,additive", "--minutes", "2"])
    runs = list(mechanisms.all_runs(given))
    assert [run.name.split("  ")[1:] for run in runs][:3] == [
        ["additive", "seed 7"], ["linear", "seed 7"], ["additive", "seed 8"],
    ]  # fmt: skip
    budgets = {json.dumps(run.plan["recipe"]["training"]) for run in runs}
    assert len(budgets) == 1
    assert json.loads(budgets.pop())["minutes"] == 2.0


def test_a_mechanism_of_each_kind_is_asked_at_other_lengths_too() -> None:
    given = mechanisms.parsed(["--part", "lengths", "--seeds", "8,9"])
    runs = list(mechanisms.all_runs(given))
    lengths = [(run.plan["mechanism"], run.plan["length"]) for run in runs]
    assert lengths == [
        (name, length)
        for name in given.only
        if name in mechanisms.KINDS
        for length in mechanisms.LEARNED
    ]
    assert set(mechanisms.KINDS) <= set(given.only)
    assert {run.plan["recipe"]["seed"] for run in runs} == {8}
    for run in runs:
        at_default = mechanisms.quality(run.plan["mechanism"], 8, 2.0, given.out)
        options = dict(run.plan["recipe"]["model"])
        assert options.pop("longest") == run.plan["length"]
        assert options == at_default.plan["recipe"]["model"]
        assert run.path != at_default.path


def trained(name: str, ndcg: float, seed: int = 7, **plan: Any) -> dict[str, Any]:
    metrics = {m: {"mean": ndcg, "low": ndcg / 2, "high": 1.0} for m in ("ndcg@10", "hit_rate@10")}
    asked = {key: plan[key] for key in plan if key != "longest"}
    recipe = {"model": {k: plan[k] for k in plan if k == "longest"}}
    return {
        **step_of(name, 0, 0.1),
        "seed": seed,
        "kind": "network",
        "causal": True,
        "epochs": 7,
        "minutes": 2.1,
        "parameters": 100,
        "targets_per_second": 50.0,
        "results": {"alone": {"remove": metrics}},
        "plan": {
            "kind": "network",
            "mechanism": name,
            "recipe": {**recipe, "training": {"minutes": 2.0}},
            **asked,
        },
    }


def test_lengths_stand_beside_the_default_of_the_same_seed_alone() -> None:
    assert mechanism_tables.lengths([], {}) == ["*Not run yet.*"]
    found = [
        trained("linear", 0.1, length=50, longest=50),
        trained("linear", 0.2),
        trained("linear", 0.9, seed=8),
        trained("additive", 0.9),
        {**trained("entmax", 0.0, length=50, longest=50), "state": "failed", "message": "a | b"},
        step_of("linear", 50, 0.1),
    ]
    lines = mechanism_tables.lengths(found, {})
    header = "| mechanism | NDCG@10, 50 events | epochs, 50 events | NDCG@10, 200 events |"
    assert lines[0] == f"{header} epochs, 200 events |"
    assert "| linear | 0.1000 [0.0500, 1.0000] | 7 | 0.2000 [0.1000, 1.0000] | 7 |" in lines
    assert "| entmax | failed: a / b |  | – |  |" in lines
    assert "0.9" not in "".join(lines)


def test_training_and_steps_from_end_to_end(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mechanisms, "LOG", "ml-100k")
    monkeypatch.setattr(mechanisms, "LENGTHS", (20,))
    out, pictures = tiny / "out", tiny / "pictures"
    words = ["--only", "low-rank", "--seeds", "7", "--minutes", "0.005", "--steps", "2"]
    words += ["--out", str(out), "--pictures", str(pictures)]
    mechanisms.main(words)
    assert "[2/2" in capsys.readouterr().out
    quality = json.loads((out / "quality" / "low-rank-seed7.json").read_text())
    assert quality["state"] == "done"
    assert quality["causal"] is False
    assert list(quality["results"]) == ["alone"]
    step = json.loads((out / "step" / "low-rank-20.json").read_text())
    assert len(step["seconds"]) == 2
    assert step["peak_megabytes"] > step["base_megabytes"] > 0
    assert sorted(path.name for path in pictures.iterdir()) == [
        "mechanisms-memory.svg", "mechanisms-time.svg",
    ]  # fmt: skip
    mechanisms.main([*words, "--list"])
    assert "0 of 2 to do" in capsys.readouterr().out


@pytest.mark.parametrize("length", mechanisms.LENGTHS)
@pytest.mark.parametrize("name", ["linear", "low-rank"])
def test_steps_hold_as_many_positions_at_every_length(name: str, length: int) -> None:
    plan = mechanisms.step(name, length, mechanisms.RESULTS, steps=7).plan
    recipe, split = Recipe.from_dict(plan["recipe"]), mechanism_step.split_of(plan)
    objective = OBJECTIVES[compared(name, width=8, longest=5).objective]()
    tokens = tokens_of_a_step(recipe.training, split.training, objective)
    assert tokens == TrainingConfig().tokens
    epoch = TrainingBatches(
        split.training, longest=length, tokens=tokens, seed=7, prefixes=objective.prefixes
    ).epoch(0)
    positions = [batch.items.size for batch in epoch]
    assert len(positions) > 7 + 1
    assert min(sorted(positions)[1:]) > tokens - 2 * length


def step_of(name: str, length: int, seconds: float) -> dict[str, Any]:
    return {
        "state": "done",
        "seed": 7,
        "plan": {"kind": "step", "mechanism": name, "length": length, "items": 1_000},
        "seconds": [seconds, seconds * 2, seconds * 3],
        "peak_megabytes": 500.0 + length,
        "base_megabytes": 400.0,
        "versions": dict.fromkeys(("regard", "torch", "python"), "1.0"),
        "processor": "P",
        "cores": 2,
    }


def test_steps_as_a_table_and_as_pictures(tmp_path: Path) -> None:
    found = [step_of("linear", 1_000, 0.02), step_of("linear", 50, 0.01)]
    found += [step_of("scaled-dot-product", 50, 0.005)]
    found += [{**step_of("entmax", 50, 1.0), "state": "left out", "message": "no entmax"}]
    lines = mechanism_tables.step(found, {})
    rows = [line for line in lines if line.startswith("|")]
    assert rows[0] == "| mechanism | 50 events | 1,000 events |"
    assert "| linear | 20 ms, 150 MB | 40 ms, 1,100 MB |" in rows
    assert "| scaled-dot-product | 10 ms, 150 MB | – |" in rows
    assert "| entmax | left out: no entmax |  |" in rows
    assert "| additive | not run yet |  |" in rows
    assert not any(row.startswith(f"| {ALONE} ") for row in rows)
    first = mechanism_pictures.draw(found, tmp_path / "a")
    second = mechanism_pictures.draw(found, tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert f"results {mechanism_pictures.mark(found)}<" in first[0].read_text("utf-8")
    assert mechanism_pictures.draw([], tmp_path / "c") == []
    assert "not run yet" in "".join(mechanism_tables.step([], {}))
