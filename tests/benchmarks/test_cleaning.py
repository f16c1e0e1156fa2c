"""Cleaning on and off: everybody is asked the same, only training gets noisy, runs go on."""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from rich.console import Console

import cleaning
import cleaning_exam
import cleaning_tables
from cleaning_exam import Cell, Exam, Subject
from regard.data.clean import clean
from regard.data.interactions import Interactions
from regard.data.split import assemble
from regard.data.synthetic import markov_world
from regard.data.truth import ADDED, Kind
from regard.errors import ConfigurationError
from regard.schema import TIME

LEAVE, TIMED = "leave-last-out", "global-time"


def subject(protocol: str) -> Subject:
    """A small log; under global time with a clock, prices, and dirt of its own in places."""
    table = markov_world(30, 12, 14, 0.9, seed=3).log.collect().drop("row")
    place = pl.col("time").rank("ordinal").over("user").cast(pl.Int64) - 1
    # One event a day, so that everybody is there from the first day to the last.
    table = table.with_columns(time=1.6e9 + 86_400.0 * place + 60.0 * pl.col("user"))
    price = pl.Series("price", np.arange(len(table)) % 7 + 1.0)
    if protocol == LEAVE:
        log = Interactions.of(table.with_columns(price, position=place).drop("time"))
        return Subject("small", log, log, LEAVE, "remove", 1)
    dirty = pl.int_range(pl.len()) % 9 == 4
    price = pl.when(dirty).then(0.0).otherwise(price).alias("price")
    raw = Interactions.of(table.with_columns(price))
    return Subject("small", raw, clean(raw)[0], TIMED, "keep", 1)


both = pytest.mark.parametrize("protocol", [LEAVE, TIMED])


def decoded(cell: Cell, queries: Any, split: Any) -> list[tuple[Any, ...]]:
    users = queries.sequences.users.gather(queries.users.tolist()).to_list()
    return list(zip(users, split.vocabulary.ids.gather(queries.targets - 2), strict=True))


@both
@pytest.mark.parametrize("on", [True, False])
def test_every_cell_asks_what_the_trusted_log_asks(protocol: str, on: bool) -> None:
    exam = Exam.of(subject(protocol))
    cell = Cell.of(exam, 0.3, seed=7)
    split = cell.split(cell.cleaned(on=on)[0])
    assert decoded(cell, split.test, split) == decoded(cell, exam.split.test, exam.split)
    assert decoded(cell, split.validation, split) == decoded(
        cell, exam.split.validation, exam.split
    )
    calm = cell.clean_questions(split.vocabulary)
    assert decoded(cell, calm, split) == decoded(cell, exam.split.test, exam.split)
    assert calm.history_lengths.tolist() == exam.split.test.history_lengths.tolist()


@both
def test_without_noise_a_trusted_log_is_split_as_the_library_does(protocol: str) -> None:
    known = subject(protocol)
    exam = Exam.of(Subject("small", known.trusted, known.trusted, protocol, "keep", 1))
    cell = Cell.of(exam, 0.0, seed=7)
    split = cell.split(cell.cleaned(on=False)[0])
    own = exam.split
    assert split.training.items().tolist() == own.training.items().tolist()
    assert split.vocabulary.ids.equals(own.vocabulary.ids)
    for here, there in ((split.test, own.test), (split.validation, own.validation)):
        assert here.targets.tolist() == there.targets.tolist()
        assert here.history_lengths.tolist() == there.history_lengths.tolist()


@both
def test_noise_lies_in_the_training_part_alone(protocol: str) -> None:
    exam = Exam.of(subject(protocol))
    cell = Cell.of(exam, 0.3, seed=7)
    split = cell.split(cell.cleaned(on=False)[0])
    learned = split.sequences.rows[split.training.events()]
    added = cell.truth.rows.filter(pl.col("kind").is_in([kind.value for kind in ADDED]))
    # A near duplicate may come seconds after the last moment of training.
    assert np.isin(added["row"].to_numpy(), learned).mean() > 0.98
    assert cell.truth.counts()[Kind.MISSING] > 0
    untouched = cell.rows_of(exam.untouched)
    assert not np.isin(untouched, learned).any()
    assert len(untouched) == len(exam.untouched)


def test_everywhere_is_noisy_after_the_training_part_too() -> None:
    counts = {}
    for everywhere in (False, True):
        exam = Exam.of(subject(TIMED), everywhere=everywhere)
        cell = Cell.of(exam, 0.3, seed=7)
        begins = exam.split.protocol.validation_from
        late = cell.log.collect().filter(pl.col(TIME) > begins + 60.0)
        counts[everywhere] = len(late.join(cell.truth.rows, on="row").filter(
            pl.col("kind") != "original"
        ))  # fmt: skip
    assert counts[False] == 0
    assert counts[True] > 0


def test_cleaning_on_finds_duplicates_and_the_dirt_of_the_log_itself() -> None:
    cell = Cell.of(Exam.of(subject(TIMED)), 0.3, seed=7)
    _, report = cell.cleaned(on=True)
    found = {each.rule: each for each in cell.truth.judge(report)}
    assert found["exact-duplicates"].precision == 1.0
    assert found["near-duplicates"].of_kind[Kind.NEAR_DUPLICATE] > 0
    assert found["non-positive-price"].of_kind[Kind.ORIGINAL] > 0
    assert "bursts" in found
    assert [rule.name for rule in cell.rules(on=False)] == [
        "missing-user", "missing-item", "missing-time",
    ]  # fmt: skip


def test_some_users_are_the_same_in_both_logs() -> None:
    few = cleaning_exam.with_some_users(subject(TIMED), 9, seed=1)
    users = [log.collect()["user"].unique().sort().to_list() for log in (few.raw, few.trusted)]
    assert users[0] == users[1]
    assert len(users[0]) == 9


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    monkeypatch.setitem(cleaning.SUBJECTS, "online-retail", lambda: subject(TIMED))
    return argparse.Namespace(
        datasets=["online-retail"], noise=[0.3], epochs=None, users=None, alike=False,
        everywhere=False, seed=7,
    )  # fmt: skip


def test_a_run_is_kept_level_by_level_and_goes_on(
    given: argparse.Namespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, console = tmp_path / "deep" / "cleaning.json", Console(quiet=True)
    results = cleaning.run(given, path, console)
    first = results["datasets"]["online-retail"]["levels"]["0.3"]
    assert json.loads(path.read_text("utf-8")) == json.loads(json.dumps(results))
    off, on = first["arms"]["off"], first["arms"]["on"]
    assert off["rows_in"] == on["rows_in"] > on["rows_kept"]
    assert off["rows_kept"] == off["rows_in"]
    apart = first["on_minus_off"]["clean"]["alone"]["mean"]
    means = [arm["metrics"]["clean"]["alone"]["ndcg@10"]["mean"] for arm in (on, off)]
    assert apart == pytest.approx(means[0] - means[1])
    # The second run measures the new level only.
    monkeypatch.setattr(cleaning, "measured", lambda exam, level, *rest, **more: {"is": level})
    given.noise = [0.3, 0.0, 0.3]
    levels = cleaning.run(given, path, console)["datasets"]["online-retail"]["levels"]
    assert list(levels) == ["0", "0.3"]
    assert levels["0"] == {"is": 0.0}
    assert levels["0.3"] == json.loads(json.dumps(first))
    given.seed = 8
    with pytest.raises(ConfigurationError, match="measured with other settings"):
        cleaning.run(given, path, console)


def page_of(level: str, gaps: list[float]) -> dict[str, Any]:
    """Results with one level and three differences: as shipped, of one sign, of none."""
    around = {"mean": 0.2, "low": 0.1, "high": 0.3}
    scores = dict.fromkeys(cleaning_tables.METRICS, around)
    metrics = {each: dict.fromkeys(cleaning_tables.WHO, scores) for each in ("as-logged", "clean")}
    kinds = {kind.value: 4 for kind in Kind}
    rules = [
        {"rule": name, "removed": n, "of_kind": kinds, "precision": 0.5, "recall": None}
        for name, n in (("near-duplicates", 24), ("bursts", 0), ("all", 24))
    ]
    arm = {"metrics": metrics, "items": 12, "rules": rules}
    apart = [{"mean": gap, "low": gap - 0.01, "high": gap + 0.01} for gap in gaps]
    differences = {
        "as-logged": {"alone": apart[0], "shipped": apart[1]},
        "clean": {"alone": apart[2], "shipped": apart[2]},
    }
    cell = {
        "users": 30, "of_kind": {**kinds, "missing": 0}, "arms": {"off": arm, "on": arm},
        "on_minus_off": differences,
    }  # fmt: skip
    dataset = {"protocol": TIMED, "seen": "keep", "epochs": 10, "levels": {level: cell}}
    return {
        "seed": 7, "versions": {"regard": "1", "torch": "2", "python": "3"}, "processor": "p",
        "cores": 2, "settings": {"users": None},
        "datasets": {"ml-1m": {**dataset, "levels": {}}, "online-retail": dataset},
    }  # fmt: skip


def test_a_page_of_few_users_says_so() -> None:
    results = page_of("0", [0.0] * 3)
    assert "not for numbers" not in cleaning_tables.cleaning(results, {})[-1]
    results["settings"]["users"] = 300
    assert "Only 300 users: not for numbers." in cleaning_tables.cleaning(results, {})[-1]


def test_the_page_says_where_cleaning_helps_and_where_it_hurts() -> None:
    text = "\n".join(cleaning_tables.cleaning(page_of("0.1", [0.05, -0.05, 0.0]), {}))
    assert "- Cleaning helps at noise of 10% (network alone, histories as logged)." in text
    assert "- Cleaning hurts at noise of 10% (as shipped, histories as logged)." in text
    assert "- Cleaning is not shown to matter at noise of 10% (network alone, histories" in text
    assert "| 10% | near-duplicates | 24 | 12 | 8 | 4 | 50.0 % | – |" in text
    assert "| 10% | bursts |" not in text
    assert "`near-duplicates`, `bursts`." in text
    assert "| 10% | 4 of 4 | 4 of 4 | 4 of 4 | 4 of 4 | – |" in text
    assert "-0.0500 [-0.0600, -0.0400]" in text
    assert "MovieLens" not in text


def test_assembling_numbered_events_names_the_targets() -> None:
    exam = Exam.of(subject(TIMED))
    trusted = exam.subject.trusted.collect()
    wanted = trusted.filter(pl.col("row").is_in(exam.targets["test"].tolist())).sort("user")
    split = exam.split
    cut = assemble(split.events, split.vocabulary, split.protocol, split.fingerprint)
    assert split.vocabulary.encode(wanted["item"]).tolist() == cut.test.targets.tolist()
