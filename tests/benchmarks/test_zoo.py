"""The zoo: all that is registered is in it, runs are fair, tables say what is missing."""

import json
import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

import zoo
import zoo_data
import zoo_point
import zoo_tables
from regard.classical import CLASSICAL
from regard.data.catalogue import Catalogue
from regard.models import MODELS
from regard.models.sasrec import SASRec
from regard.recommender.recipe import Recipe
from regard.settings import data_folder
from regard.training.history import Epoch
from regard.training.watching import Silence
from zoo_estimate import Estimate

ROOT = Path(__file__).parents[2]


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def test_everything_registered_is_in_the_zoo_and_sasrec_before_those_that_need_its_minutes() -> (
    None
):
    names = list(zoo.models())
    assert set(names) == {*CLASSICAL, *MODELS}
    networks = names[len(CLASSICAL) :]
    assert networks[0] == "sasrec"
    assert not zoo.models()["sasrec"].by_minutes


def test_who_is_asked_once_a_history_is_given_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    class Whole(SASRec):
        objective = "newest-item"

    monkeypatch.setitem(MODELS, "whole", Whole)
    known = zoo.models()
    assert known["whole"].by_minutes
    assert not known["attention-pooling"].by_minutes


def test_only_what_draws_numbers_is_run_with_every_seed() -> None:
    known = zoo.models()
    given = zoo.parsed(["--data", "ml-1m", "--seeds", "7,8"], known)
    runs = [run.name for run in zoo.all_runs(given, known)]
    assert sum("  markov  " in name for name in runs) == 1
    assert sum("  als  " in name for name in runs) == 2
    assert sum("  sasrec  " in name for name in runs) == 2
    assert zoo.recipe_for(known["als"], "ml-1m", "leave-last-out", 8, 0.0).options == {"seed": 8}


def test_a_result_is_old_where_a_default_of_its_model_has_changed() -> None:
    known = zoo.models()
    assert known["sasrec"].options["width"] == 64
    assert known["item-knn"].options
    digests = {
        zoo.run_of(
            zoo.Model("sasrec", "network", options={"blocks": n}), "ifdb", "leave-last-out", 7
        ).digest
        for n in (2, 4)
    }
    assert len(digests) == 2


@pytest.mark.parametrize(("words", "minutes"), [([], 8.0), (["--minutes", "0"], 0.0)])
def test_a_training_is_cut_off_as_its_log_says(words: list[str], minutes: float) -> None:
    known = zoo.models()
    chosen = ["--data", "ml-100k,ml-1m", "--only", "sasrec", "--seeds", "7", *words]
    small, _, large = zoo.all_runs(zoo.parsed(chosen, known), known)
    assert small.plan["recipe"]["training"]["minutes"] == 0.0
    assert large.plan["recipe"]["training"]["minutes"] == minutes


def test_a_protocol_can_be_chosen() -> None:
    known = zoo.models()
    words = ["--only", "markov", "--protocols", "global-time"]
    runs = list(zoo.all_runs(zoo.parsed(words, known), known))
    assert runs
    assert {run.plan["recipe"]["split"]["protocol"] for run in runs} == {"global-time"}
    with pytest.raises(SystemExit):
        zoo.parsed(["--protocols", "yesterday"], known)


def test_a_tiny_log_from_end_to_end(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", "ml-100k", "--only", "markov,sasrec", "--seeds", "7", "--minutes", "0.01"]
    words += ["--out", str(tiny / "zoo")]
    zoo.main([*words, "--list"])
    assert "2 of 2 to do" in capsys.readouterr().out
    zoo.main(words)
    assert "[2/2," in capsys.readouterr().out
    folder = tiny / "zoo" / "ml-100k" / "leave-last-out"
    markov, sasrec = read(folder / "markov-seed7.json"), read(folder / "sasrec-seed7.json")
    assert markov["state"] == sasrec["state"] == "done"
    assert markov["fingerprint"] == sasrec["fingerprint"]
    for seen in ("remove", "keep"):
        # Two of twelve films can come next, and all are kept or gone alike for both.
        assert markov["results"]["alone"][seen]["users"] == 40
        assert 0 < sasrec["results"]["alone"][seen]["ndcg@10"]["low"] < 1
    assert markov["results"]["alone"]["keep"]["ndcg@10"]["mean"] > 0.5
    assert 0 < sasrec["learning_minutes"] < sasrec["minutes"]
    assert sasrec["recipe"]["training"]["minutes"] == 0.01
    assert sasrec["parameters"] > 90_000
    assert sasrec["peak_megabytes"] > markov["peak_megabytes"] > 50
    zoo.main(words)
    assert capsys.readouterr().out == "2 of 2 runs are done\n"
    zoo.main([*words[:-4], "--minutes", "0.02", *words[-2:], "--list"])
    assert "sasrec  seed 7  changed, about" in capsys.readouterr().out


def test_a_training_that_was_stopped_goes_on(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []

    def epoch(watcher: Silence, epoch: Epoch, *, best: bool) -> None:
        told.append(epoch.number)
        if len(told) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Silence, "epoch", epoch)
    monkeypatch.setattr(zoo_point, "CHECKPOINTS", tiny / "checkpoints")
    log, _ = zoo_data.cleaned("ml-100k")
    recipe = Recipe.from_dict({
        "memory": "off", "model": {"name": "sasrec", "width": 8}, "training": {"epochs": 3},
        "split": {"protocol": "leave-last-out"}, "evaluation": {"seen": "keep"},
    })  # fmt: skip
    split = recipe.split.apply(log)
    with pytest.raises(KeyboardInterrupt):
        zoo_point.fitted(recipe, split, Catalogue.of(log))
    assert len(list((tiny / "checkpoints").iterdir())) == 1
    zoo_point.fitted(recipe, split, Catalogue.of(log))
    assert told == [1, 2, 2, 3]
    assert not list((tiny / "checkpoints").iterdir())


def test_seeds_come_one_after_the_other() -> None:
    known = zoo.models()
    given = zoo.parsed(["--data", "ml-100k,ml-1m", "--seeds", "7,8", "--only", "sasrec"], known)
    seeds = [run.plan["recipe"]["seed"] for run in zoo.all_runs(given, known)]
    assert seeds == [7, 7, 7, 8, 8, 8]


def test_a_log_that_is_not_there_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REGARD_DATA", str(tmp_path))
    zoo.main(["--list", "--only", "markov", "--out", str(tmp_path)])
    found = capsys.readouterr()
    assert "ml-1m is left out. ml-1m needs ml-1m.parquet" in found.err
    assert found.out.count("markov") == 2
    assert "online-retail" in found.out


@pytest.mark.parametrize("words", [["--only", "sasrek"], ["--data", "ml-2m"]])
def test_what_is_not_known_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        zoo.main(words)
    assert "is not known; choose from" in capsys.readouterr().err


def test_who_learns_few_targets_gets_the_minutes_of_sasrec(tmp_path: Path) -> None:
    model = zoo.Model("cloze", "network", by_minutes=True)
    run = zoo.run_of(model, "ml-1m", "leave-last-out", 7, results=tmp_path)
    assert run.plan["minutes_of"] == "sasrec"
    assert run.plan["recipe"]["training"]["epochs"] > 10_000
    assert "left for later" in str(run.limit())
    measure = zoo.path_of_result(tmp_path, "ml-1m", "leave-last-out", "sasrec", 7)
    measure.parent.mkdir(parents=True)
    measure.write_text(json.dumps({"state": "done", "learning_minutes": 4.0}))
    assert run.limit() == {"minutes": 4.0}
    capped = zoo.run_of(model, "ml-1m", "leave-last-out", 7, minutes=3.0, results=tmp_path)
    assert capped.limit() == {"minutes": 3.0}
    measure.write_text(json.dumps({"state": "failed"}))
    assert "left for later" in str(run.limit())


def test_movielens_is_the_log_of_the_other_benchmark() -> None:
    folder = data_folder()
    if folder is None or not (folder / "ml-1m.parquet").is_file():
        pytest.skip("ml-1m.parquet is not there; REGARD_DATA names the folder of the data")
    log, _ = zoo_data.cleaned("ml-1m")
    known = zoo.recipe_for(zoo.models()["markov"], "ml-1m", "leave-last-out", 7, 0.0)
    saved = read(ROOT / "benchmarks" / "results" / "ml1m-bfloat16-matrices-seed7.json")
    assert known.split.apply(log).fingerprint == saved["models"]["markov"]["fingerprint"]


def test_estimates_follow_the_nearest_run(tmp_path: Path) -> None:
    estimate = Estimate(tmp_path)
    events = zoo_data.LOGS["ml-1m"].events
    assert estimate.minutes("new", "network", "ml-1m", 0.0) == pytest.approx(0.1 + events * 5e-6)
    plan = {"kind": "network", "log": {"name": "ml-100k"}, "recipe": {"model": {"name": "old"}}}
    found = {"state": "done", "kind": "network", "minutes": 2.0, "events": 100_000, "plan": plan}
    estimate.add(found)
    assert estimate.minutes("old", "network", "ml-1m", 0.0) == pytest.approx(0.1 + events * 2e-5)
    assert estimate.minutes("new", "network", "ml-1m", 0.0) == pytest.approx(0.1 + events * 2e-5)
    assert estimate.minutes("old", "network", "ml-1m", 1.0) == pytest.approx(1.4)
    there = deepcopy(found) | {"minutes": 40.0}
    there["plan"]["log"]["name"] = "ml-1m"
    estimate.add(there)
    assert estimate.minutes("old", "network", "ml-1m", 0.0) == pytest.approx(0.1 + events * 4e-4)
    estimate.add({"state": "failed", "message": "no"})


def result(model: str, seed: int, ndcg: float, *, kind: str = "network") -> dict[str, Any]:
    numbers = {
        name: {"mean": ndcg, "low": ndcg - 0.01, "high": ndcg + 0.01} for name in zoo_tables.METRICS
    }
    seens = {seen: {**numbers, "users": 6_040} for seen in ("remove", "keep")}
    recipe = {"model": {"name": model}, "training": {"minutes": 0.0}}
    return {
        "state": "done",
        "kind": kind,
        "seed": seed,
        "plan": {"kind": kind, "log": {"name": "ml-1m"}, "recipe": recipe},
        "recipe": recipe,
        "results": {"alone": seens} | ({"with memory": seens} if kind == "network" else {}),
        "minutes": 3.0,
        "peak_megabytes": 900.4,
        "parameters": 123_456,
        "targets_per_second": 100_000.0,
        "fingerprint": "abc",
        "events": 999_000,
        "catalogue": 3_416,
        "protocol": "leave-last-out",
        "versions": dict.fromkeys(("regard", "torch", "python"), "1.0"),
        "processor": "P",
        "cores": 2,
    }


def test_a_table_is_best_first_with_published_numbers_beside_it() -> None:
    found = [result("markov", 7, 0.125, kind="classical")]
    found += [result("sasrec", 7, 0.18), result("sasrec", 8, 0.1916)]
    found += [{**result("als", 7, 0.1), "state": "failed", "message": "a | b"}]
    lines = zoo_tables.TABLES["zoo-ml-1m-leave-last-out"](found, {})
    rows = [line for line in lines if line.startswith("|")]
    assert {line.count(" | ") for line in rows} == {rows[0].count(" | ")}
    assert rows[2].startswith("| sasrec | 0.1858 [0.1758, 0.1958] |")
    assert "| 2 (± 0.0082) | 3.0 | 900 | 123,456 | 100,000 |" in rows[2]
    assert "+0.0 %" in rows[2]
    assert rows[3].startswith("| sasrec + memory | 0.1858")
    assert rows[4].startswith("| markov | 0.1250")
    assert "| 1 | 3.0 | 900 |  |  |  |  |" in rows[4]
    assert any(row.startswith("| als | failed: a / b |") for row in rows)
    assert any(row.startswith("| ease | not run yet |") for row in rows)
    assert "Seed 7, 8, regard 1.0" in lines[-1]


def test_a_cap_of_minutes_is_told_with_those_that_had_it() -> None:
    free, capped = result("sasrec", 7, 0.18), deepcopy(result("gru4rec", 7, 0.1))
    assert zoo_tables.cut_off([free]) == ""
    capped["plan"]["recipe"]["training"]["minutes"] = 0.1
    assert zoo_tables.cut_off([capped]) == " Training was cut off after 0.1 minutes."
    told = zoo_tables.cut_off([free, capped, result("ease", 7, 0.1, kind="classical")])
    assert told == " Training was cut off after 0.1 minutes: gru4rec."


def test_numbers_of_different_data_make_no_table() -> None:
    found = [result("sasrec", 7, 0.18), {**result("markov", 7, 0.1), "fingerprint": "other"}]
    with pytest.raises(SystemExit, match="different data"):
        zoo_tables.TABLES["zoo-ml-1m-leave-last-out"](found, {})


def test_published_numbers_name_their_source_and_their_table() -> None:
    text = (ROOT / "benchmarks" / "published.toml").read_text("utf-8")
    for number in tomllib.loads(text)["number"]:
        log = zoo_data.LOGS[number["log"]]
        assert number["protocol"] in log.protocols
        assert number["seen"] in log.seen
        assert 0 < number["ndcg"] < number["hit_rate"] < 0.5, "no sampled negatives here"
        assert len(number["source"]) > 10
        assert number["name"]


def test_a_published_number_that_differs_is_shown_without_a_difference() -> None:
    found = [result("sasrec", 7, 0.09)]
    lines = zoo_tables.TABLES["zoo-ml-1m-timed-global-time"](found, {})
    assert "| 0.0948 (1) |  |" in lines[2]
    assert any("Not to be compared: of all 6,040 users" in line for line in lines)


def test_a_log_that_is_there_for_some_networks_asks_these_and_every_classical_method() -> None:
    known = zoo.models()
    timed = {each.name for each in zoo.asked_of("ml-1m-timed", known)}
    networks = {name for name, each in known.items() if each.kind == "network"}
    assert timed & networks == {"sasrec", "tisasrec", "hstu"}
    assert timed - networks == set(known) - networks
    assert len(zoo.asked_of("ml-1m", known)) == len(known)
    lines = zoo_tables.TABLES["zoo-ml-1m-timed-global-time"]([], {})
    assert any(line.startswith("| tisasrec | not run yet") for line in lines)
    assert not any(line.startswith("| narm |") for line in lines)


def test_the_page_has_every_table() -> None:
    page = (ROOT / "docs" / "zoo.md").read_text("utf-8")
    for name in zoo_tables.TABLES:
        assert f"<!-- figures {name} en -->" in page
