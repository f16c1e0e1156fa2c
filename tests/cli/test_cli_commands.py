"""What each command does when all is well, for people and as JSON."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from shop_logs import ITEMS, ONE_EPOCH, TINY, names_in, table, write_log
from typer.testing import Result

import regard as package
from regard.cli.app import COMMANDS
from regard.data.fingerprint import fingerprint
from regard.data.ingest.read import read

Run = Callable[..., Result]
Json = Callable[..., Any]


@pytest.mark.parametrize(
    ("command", "examples"), COMMANDS, ids=[each.__name__ for each, _ in COMMANDS]
)
def test_help_shows_an_example(
    regard: Run, command: Callable[..., None], examples: tuple[str, ...]
) -> None:
    told = " ".join(regard(command.__name__, "--help").stdout.split())
    for example in examples:
        assert f"Example: {example}" in told
        assert shlex.split(example)[:2] == ["regard", command.__name__]
    assert "--json" in told
    assert "--debug" in told


def test_help_lists_every_command(regard: Run) -> None:
    told = regard("--help").stdout
    assert all(command.__name__ in told for command, _ in COMMANDS)


def test_inspect_tells_roles_reasons_and_doubts(regard: Run, regard_json: Json, log: Path) -> None:
    told = regard("inspect", log).stdout
    assert "user_id (sure 0.95): its name says so" in told
    found = regard_json("inspect", log)
    assert found["roles"]["item"] == "item_id"
    assert found["rows"] == len(table())
    assert "doubts" in found


def test_inspect_takes_the_roles_one_names(regard_json: Json, log: Path) -> None:
    assert regard_json("inspect", log, "--item", "title")["roles"]["item"] == "title"


def test_clean_writes_a_log_that_reads_as_the_same(
    regard_json: Json, log: Path, tmp_path: Path
) -> None:
    dirty = pl.concat([table(), table().head(3), table().tail(2).with_columns(user_id=None)])
    dirty.write_csv(log)
    found = regard_json("clean", log, "--out", tmp_path / "clean.parquet")
    assert (found["rows_in"], found["rows_kept"]) == (len(dirty), len(table()))
    kept, _ = package.clean(read(log))
    again = read(tmp_path / "clean.parquet")
    assert pl.read_parquet(tmp_path / "clean.parquet").schema["time"] == pl.Datetime("us", "UTC")
    assert fingerprint(again) == fingerprint(kept)
    assert again.columns() == kept.columns()
    assert again.collect().drop("row").equals(kept.collect().drop("row"))
    quarantine = pl.read_parquet(tmp_path / "clean.quarantine.parquet")
    assert quarantine["rule"].to_list() == ["exact-duplicates"] * 3 + ["missing-user"] * 2


def test_cleaning_what_was_cleaned_removes_nothing(
    regard_json: Json, log: Path, tmp_path: Path
) -> None:
    regard_json("clean", log, "--out", tmp_path / "one.parquet")
    again = regard_json("clean", tmp_path / "one.parquet", "--out", tmp_path / "two.parquet")
    assert again["rows_removed"] == 0


def test_what_clean_writes_is_read_by_the_roles_that_it_was_cleaned_by(
    regard_json: Json, log: Path, tmp_path: Path
) -> None:
    # By their names alone the columns user_id and rating suit the roles better.
    table().with_columns(
        who=pl.col("user_id"), user_id=pl.lit("staff"), rating=1.0, much=2.0
    ).write_csv(log)
    named = ["--user", "who", "--value", "much"]
    found = regard_json("clean", log, *named, "--out", tmp_path / "clean.parquet")
    words = shlex.split(found["next"])
    options = words[3 : words.index("--out")]
    assert options == []
    roles = regard_json("inspect", tmp_path / "clean.parquet")["roles"]
    assert (roles["user"], roles["value"]) == ("user", "value")


def test_clean_of_a_mere_order_can_be_read_again(
    regard_json: Json, log: Path, tmp_path: Path
) -> None:
    out = tmp_path / "clean.parquet"
    found = regard_json("clean", log, "--order", "file", "--out", out)
    assert "--order position" in found["next"]
    again = read(out, order="position")
    assert fingerprint(again) == fingerprint(package.clean(read(log, order="file"))[0])


def test_clean_runs_the_rules_one_names_and_adds_others(
    regard_json: Json, log: Path, tmp_path: Path
) -> None:
    words = ["--rule", "missing-user", "--exclude-items", "T1|T2", "--min-user", "6"]
    found = regard_json(
        "clean",
        log,
        *words,
        "--out",
        tmp_path / "c.parquet",
        "--quarantine",
        tmp_path / "q.parquet",
    )
    removed = {each["rule"]: each for each in found["removals"]}
    assert list(removed) == ["missing-user", "excluded-items", "rare-users-and-items"]
    assert removed["rare-users-and-items"]["parameters"] == {"user": 6, "item": 1}
    gone = table().filter(pl.col("item_id").is_in(["T1", "T2"]))
    assert removed["excluded-items"]["rows"] == len(gone)
    assert names_in(tmp_path) == {"log.csv", "c.parquet", "q.parquet"}


def test_fit_leaves_a_bundle_a_quarantine_and_nothing_else(
    bundle: Path, regard: Run, tmp_path: Path, log: Path
) -> None:
    assert names_in(bundle.parent) == {"log.csv", "bundle", "bundle.quarantine.parquet"}
    card = json.loads((bundle / "card.json").read_text("utf-8"))
    assert card["cleaning"]["rows_in"] == len(table())
    assert 0 <= card["test"]["metrics"]["ndcg@10"]["mean"] <= 1


def test_fit_by_a_recipe_gives_the_same_model(
    bundle: Path, regard_json: Json, tmp_path: Path
) -> None:
    found = regard_json("fit", bundle / "recipe.toml", "--out", tmp_path / "again")
    weights = "weights.safetensors"
    assert (tmp_path / "again" / weights).read_bytes() == (bundle / weights).read_bytes()
    assert found["test"]["fingerprint"] == found["test"]["fingerprint"]
    assert found["bundle"] == str(tmp_path / "again")


def test_fit_takes_options_over_a_recipe(bundle: Path, regard_json: Json, tmp_path: Path) -> None:
    words = ["--model", "markov", "--protocol", "leave-last-out", "--seen", "remove", "--seed", "3"]
    recipe = regard_json("fit", bundle / "recipe.toml", "--out", tmp_path / "m", *words)["recipe"]
    assert recipe["model"] == {"name": "markov"}
    assert recipe["split"]["protocol"] == "leave-last-out"
    assert (recipe["evaluation"]["seen"], recipe["seed"]) == ("remove", 3)


def test_fit_says_where_counting_does_better(regard: Run, tmp_path: Path, log: Path) -> None:
    words = ["fit", log, *ONE_EPOCH, "--set", "memory=off"]
    told = regard(*words, "--out", tmp_path / "m")
    assert "counting on the same validation: ndcg@10 markov 0." in told.stderr
    assert "Counting does better here: on validation markov has ndcg@10 0." in told.stdout
    found = json.loads(regard(*words, "--out", tmp_path / "n", "--json").stdout)["counted"]
    assert found["methods"]["markov"] > found["model"]
    counting = json.loads(
        regard("fit", log, "--model", "markov", "--out", tmp_path / "c", "--json").stdout
    )
    assert counting["counted"] is None


def test_fit_as_the_literature_does(regard_json: Json, tmp_path: Path, log: Path) -> None:
    ordered = table().with_columns(position=pl.int_range(pl.len()).over("user_id"))
    ordered.write_parquet(tmp_path / "ml.parquet")
    found = regard_json(
        *("fit", tmp_path / "ml.parquet", "--order", "position", "--protocol", "leave-last-out"),
        *("--min-user", 5, "--min-item", 5, "--out", tmp_path / "ml", *ONE_EPOCH),
    )
    assert found["test"]["protocol"]["split"].startswith("leave-last-out")
    assert found["test"]["time_ties"] is None
    assert found["cleaning"]["removals"][-1]["rule"] == "rare-users-and-items"


def test_fit_replaces_a_bundle_only_when_asked(regard: Run, tmp_path: Path, log: Path) -> None:
    words = ["fit", log, "--out", tmp_path / "m", "--model", "popularity"]
    regard(*words)
    before = (tmp_path / "m" / "card.json").read_bytes()
    assert "--overwrite" in regard(*words, status=2).stderr
    assert (tmp_path / "m" / "card.json").read_bytes() == before
    regard(*words[:-1], "markov", "--overwrite")
    assert json.loads((tmp_path / "m" / "card.json").read_text("utf-8"))["model"] == "markov"


def test_evaluate_measures_by_other_rules(regard_json: Json, bundle: Path) -> None:
    found = regard_json("evaluate", bundle, "--seen", "remove", "--k", 10, "--k", 5)
    assert found["protocol"]["seen"] == "remove"
    assert found["protocol"]["ks"] == [5, 10]
    assert {"ndcg@5", "ndcg@10"} <= set(found["metrics"])


def test_evaluate_agrees_with_fit(regard_json: Json, bundle: Path) -> None:
    card = json.loads((bundle / "card.json").read_text("utf-8"))
    assert regard_json("evaluate", bundle)["metrics"] == card["test"]["metrics"]


def test_evaluate_measures_a_network_alone(regard_json: Json, bundle: Path) -> None:
    assert regard_json("evaluate", bundle)["name"] == "sasrec + memory"
    assert regard_json("evaluate", bundle, "--no-memory")["name"] == "sasrec alone"


def test_compare_judges_the_model_named(regard: Run, regard_json: Json, log: Path) -> None:
    found = regard_json("compare", log, "--model", "markov", "--against", "popularity")
    assert found["candidate"] == "markov"
    assert [each["name"] for each in found["reports"]] == ["markov", "popularity"]
    told = regard("compare", log, *TINY, "--set", "training.epochs=1").stdout
    assert all(name in told for name in ("sasrec", "markov", "recent", "popularity"))


def test_compare_leaves_out_what_the_log_cannot_serve(regard_json: Json, log: Path) -> None:
    found = regard_json("compare", log, "--order", "file", "--model", "markov")
    assert [each.split(":")[0] for each in found["left_out"]] == ["recent"]


def test_recommend_answers_users_and_histories(
    regard: Run, regard_json: Json, bundle: Path
) -> None:
    assert regard("recommend", bundle, "--user", "u3").stdout.startswith("For u3, by sasrec")
    found = regard_json("recommend", bundle, "--history", "T1, T2,nothing", "--k", 3)
    assert len(found["items"]) == 3
    assert found["notes"] == ["Not known and left out: nothing."]
    assert found["items"][0]["title"].startswith("Tea")
    unseen = regard_json("recommend", bundle, "--history", "T1,T2", "--seen", "remove", "-k", 20)
    assert {each["item"] for each in unseen["items"]} == {
        f"T{number}" for number in range(ITEMS) if number not in (1, 2)
    }


def test_recommend_is_asked_at_a_moment(regard: Run, regard_json: Json, tmp_path: Path) -> None:
    log, bundle, out = write_log(tmp_path / "log.csv"), tmp_path / "hstu", tmp_path / "all.parquet"
    regard("fit", log, "--out", bundle, "--model", "hstu", *ONE_EPOCH)
    first = regard_json("recommend", bundle, "--user", "u3")
    assert any(note.startswith("Asked right after the newest event") for note in first["notes"])
    later = regard_json("recommend", bundle, "--user", "u3", "--at", "2101-01-31 12:00")
    assert [each["score"] for each in later["items"]] != [each["score"] for each in first["items"]]
    typed = ("--history", "T1,T2", "--times", "2026-01-30, 2026-01-31 09:15", "--at", "now")
    assert regard_json("recommend", bundle, *typed)["notes"] == []
    assert regard_json("explain", bundle, *typed)["events"][1]["time"] == 1_769_850_900.0
    regard("recommend", bundle, "--all", "--out", out, "--at", "2101-01-31 12:00")
    table = pl.read_parquet(out).filter(pl.col("user") == "u3")
    assert table["item"].to_list() == [each["item"] for each in later["items"]]


def test_recommend_falls_back_unless_told_not_to(
    regard: Run, regard_json: Json, bundle: Path
) -> None:
    assert "fallback" in regard_json("recommend", bundle, "--user", "nobody")["answered_by"]
    refused = regard("recommend", bundle, "--user", "nobody", "--no-fallback", status=2)
    assert refused.stderr.startswith("error: User 'nobody' is not among")
    assert refused.stdout == ""


def test_recommend_all_writes_one_table(regard_json: Json, bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "lists.parquet"
    found = regard_json("recommend", bundle, "--all", "--out", out, "--k", 4)
    lists = pl.read_parquet(out)
    assert (found["users"], found["rows"]) == (60, 240)
    assert lists.columns == ["user", "rank", "item", "score"]
    one = regard_json("recommend", bundle, "--user", "u7", "--k", 4)
    assert lists.filter(user="u7")["item"].to_list() == [each["item"] for each in one["items"]]


def test_explain_says_why(regard: Run, regard_json: Json, bundle: Path) -> None:
    found = regard_json("explain", bundle, "--history", "T1,T2,T3,T4,T5", "--item", "T6")
    assert found["item"] == "T6"
    assert len(found["events"]) == 5
    assert (
        found["sentence"]
        in regard("explain", bundle, "--history", "T1,T2,T3,T4,T5", "--item", "T6").stdout
    )
    first = regard_json("recommend", bundle, "--user", "u1", "-k", 1)["items"][0]["item"]
    assert regard_json("explain", bundle, "--user", "u1")["item"] == first


def test_times_finer_than_a_microsecond_stay_seconds(
    regard_json: Json, log: Path, tmp_path: Path
) -> None:
    seconds = table().with_columns(pl.col("timestamp") + 2.5e-7)
    seconds.write_parquet(tmp_path / "fine.parquet")
    regard_json("clean", tmp_path / "fine.parquet", "--out", tmp_path / "clean.parquet")
    kept = pl.read_parquet(tmp_path / "clean.parquet")["time"]
    assert kept.dtype == pl.Float64
    assert kept.to_list() == seconds["timestamp"].to_list()
