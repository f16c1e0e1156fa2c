"""Growth: exponents of known laws, points left out in time, tables and pictures of results."""

import re
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import growth
import growth_pictures
import growth_point
import growth_tables
from growth_law import expected, exponent, upper_half
from regard.training.config import TrainingConfig
from regard.training.loop import tokens_of_a_step
from regard.training.objectives import NextItem
from stopwatch import EnoughError, Stopwatch

SIZES = (10, 100, 1_000, 10_000)


@given(power=st.floats(-3, 3), factor=st.floats(1e-6, 1e6), points=st.integers(3, 9))
def test_the_exponent_of_a_power_law_is_found(power: float, factor: float, points: int) -> None:
    xs = [2.0**number for number in range(points)]
    assert exponent(xs, [factor * x**power for x in xs]) == pytest.approx(power, abs=1e-6)


def test_the_lower_half_does_not_bend_the_exponent() -> None:
    xs = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000]
    ys = [7.0, 7.0, 7.0, *(x**1.5 for x in xs[3:])]
    assert upper_half(xs) == [3, 4, 5, 6]
    assert exponent(xs, ys) == pytest.approx(1.5)
    assert exponent(xs[::-1], ys[::-1]) == pytest.approx(1.5)


def test_noise_around_a_law_is_averaged_as_a_reference_does() -> None:
    rng = np.random.default_rng(7)
    xs = np.logspace(1, 6, 10)
    ys = 3.0 * xs**0.7 * np.exp(rng.normal(0, 0.05, 10))
    centred = np.log(xs[5:]) - np.log(xs[5:]).mean()
    assert exponent(xs, ys) == pytest.approx((centred @ np.log(ys[5:])) / (centred @ centred))


@pytest.mark.parametrize(("xs", "ys"), [([], []), ([5], [1.0]), ([1, 2, 3], [1.0, 0.0, 1.0])])
def test_too_few_points_have_no_exponent(xs: list[float], ys: list[float]) -> None:
    assert exponent(xs, ys) is None


def test_the_next_point_lies_on_the_line_of_the_last_two() -> None:
    assert expected([], [], 5) == 0.0
    assert expected([2], [3.0], 10) == 15.0
    assert expected([1, 2, 4], [99.0, 10.0, 14.0], 10) == pytest.approx(26.0)
    assert expected([2, 4], [14.0, 10.0], 10) == 10.0, "noise must not promise less"


def point(x: int, step: float, megabytes: float, **more: float) -> dict[str, Any]:
    return {
        "x": x,
        "base_megabytes": 100.0,
        "threads": 1,
        "seconds": {
            name: [each, each * 2, each * 3] for name, each in {"step": step, **more}.items()
        },
        "megabytes": {"all": megabytes, "plan": 1.0, "batches": 0.5, "read and split": megabytes},
    }


def why(x: int, *, longest: float = 100.0, memory: float = 1e6) -> str | None:
    points = [point(1_000, 1.0, 1_000.0), point(2_000, 2.0, 2_000.0)]
    return growth.why_not(points, x, longest=longest, memory=lambda: memory)


def test_a_point_is_left_out_in_time() -> None:
    assert why(10_000) is None
    assert why(10_000, longest=10.0) == "step would take about 20 s; the limit is 10 s"
    reason = "would take about 9.8 GB of memory; 4.9 GB were free"
    assert why(10_000, memory=5_000.0) == reason
    assert growth.why_not([], 10, longest=1.0, memory=lambda: 1.0) is None


def test_free_memory_is_a_number_of_megabytes() -> None:
    assert 10 < growth.free_megabytes() < 1e9


def test_a_series_goes_on_to_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(axis: str, x: int, loss: str | None, given: Namespace) -> dict[str, Any]:
        return point(x, x / 1_000, 100.0 + x)

    monkeypatch.setattr(growth, "point", measured)
    monkeypatch.setattr(growth, "GRID", {"items": SIZES})
    monkeypatch.setattr(growth, "free_megabytes", lambda: 1e9)
    found = growth.series("items", None, Namespace(quick=False, longest=15.0))
    assert [each["x"] for each in found["points"]] == [10, 100, 1_000]
    assert found["exponents"] == {"step": pytest.approx(1.0), "memory": pytest.approx(1.0)}
    [left_out] = found["skipped"]
    assert left_out == {"x": 10_000, "reason": "step would take about 20 s; the limit is 15 s"}


def test_a_point_is_measured_in_a_process_of_its_own() -> None:
    found = growth.point("items", 50, None, Namespace(steps=2, seed=7))
    assert isinstance(found, dict)
    assert len(found["seconds"]["step"]) == 2
    # Imports alone take more at their height than two steps over fifty items do.
    assert found["megabytes"]["all"] >= found["base_megabytes"] > 0


@pytest.mark.parametrize(("signal", "found"), [("9", "killed by signal 9"), (None, None)])
def test_a_process_that_dies(
    signal: str | None, found: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deed = f"import os; os.kill(os.getpid(), {signal})" if signal else "raise SystemExit('bang')"
    (tmp_path / "growth_point.py").write_text(deed)
    monkeypatch.setattr(growth, "HERE", tmp_path)
    if found is None:
        with pytest.raises(SystemExit, match="bang"):
            growth.point("items", 50, None, Namespace(steps=2, seed=7))
    else:
        assert str(growth.point("items", 50, None, Namespace(steps=2, seed=7))).startswith(found)


def test_the_generated_catalogue_has_the_tail_that_its_counts_say() -> None:
    split = growth_point.generated_split(users=400, length=100, items=1_000, seed=7)
    assert split.vocabulary.size == 1_002
    share = np.mean(split.sequences.items < 2 + 1_000 // 8)
    assert share == pytest.approx(0.5, abs=0.02)
    counts = split.vocabulary.counts
    assert counts[:125].sum() / counts.sum() == pytest.approx(0.5, abs=0.02)
    assert (np.diff(counts) <= 0).all()
    assert (split.training.ends - split.sequences.offsets[:-1] == 98).all()


def test_users_are_followed_from_the_log_to_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth_point, "ITEMS", 50)
    found = growth_point.users_of(3_000, Namespace(steps=2, seconds=60.0, seed=7, loss=None))
    assert list(found["seconds"]) == ["read and split", "plan", "batches", "step"]
    assert all(min(each) > 0 for each in found["seconds"].values())
    assert found["megabytes"]["plan"] > 0.1


def test_steps_are_as_large_as_those_of_a_large_log() -> None:
    split = growth_point.generated_split(users=11, length=203, items=1_000, seed=7)
    config = growth_point.recipe_of(None, 200, 7).training
    assert tokens_of_a_step(config, split.training, NextItem()) == TrainingConfig().tokens


def test_a_stopwatch_leaves_the_first_step_out_and_stops() -> None:
    watch = Stopwatch(steps=2)
    watch.step(0.1, 1.0, 1.0)
    watch.step(0.2, 1.0, 1.0)
    with pytest.raises(EnoughError):
        watch.step(0.3, 1.0, 1.0)
    assert len(watch.taken) == 2


def test_a_stopwatch_stops_when_its_time_is_up_but_not_before_two_steps() -> None:
    watch = Stopwatch(steps=100, seconds=0.0)
    for done in (0.1, 0.2):
        watch.step(done, 1.0, 1.0)
    with pytest.raises(EnoughError):
        watch.step(0.3, 1.0, 1.0)
    with pytest.raises(AssertionError, match="ended after 2 steps"):
        watch.epoch(None, best=True)


@pytest.fixture
def results() -> dict[str, Any]:
    more = {"read and split": 1.0, "plan": 0.001, "batches": 0.02}
    series = [
        {
            "axis": axis,
            "loss": loss,
            "points": [point(x, x / 7_000, 100.0 + x, **more) for x in SIZES],
            "skipped": [{"x": 10**6, "reason": "too big"}] if loss == "cross-entropy" else [],
            "exponents": {"step": 1.0, "memory": 0.25},
        }
        for axis, loss in (
            ("items", "cross-entropy"), ("items", "shipped"), ("lengths", "shipped"),
            ("users", "shipped"),
        )
    ]  # fmt: skip
    versions = dict.fromkeys(("regard", "torch", "polars", "python"), "1.0")
    limits = {"steps": 5, "longest": 10.0}
    around = {"seed": 7, "versions": versions, "processor": "P", "cores": 2}
    return {**around, **limits, "series": series}


def test_tables_say_what_was_measured_and_what_was_not(results: dict[str, Any]) -> None:
    lines = growth_tables.TABLES["growth-items"](results, {})
    assert lines[0].startswith("![")
    assert lines[0].endswith("(pictures/growth-items.svg)")
    assert "| 1,000 | 286 ms (143 ms) | 1,100 MB | 286 ms (143 ms) | 1,100 MB |" in lines
    assert "| exponent | 1.00 | 0.25 | 1.00 | 0.25 |" in lines
    assert "- 1,000,000 (cross-entropy): too big" in lines
    assert "python benchmarks/growth.py" in lines[-1]
    for name, columns in (("growth-lengths", 3), ("growth-users", 8)):
        rows = [line for line in growth_tables.TABLES[name](results, {}) if line.startswith("|")]
        assert {line.count(" | ") + 1 for line in rows} == {columns}
        assert len(rows) == 2 + len(SIZES) + 1


def test_a_size_that_one_line_lacks_is_a_dash(results: dict[str, Any]) -> None:
    results["series"][0]["points"].pop()
    lines = growth_tables.TABLES["growth-items"](results, {})
    assert any(line.startswith("| 10,000 | – | – | 2.86 s (1.43 s) |") for line in lines)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0 µs"), (1.5e-5, "15 µs"), (0.0123, "12.3 ms"), (0.25, "250 ms"), (1234.4, "1,234 s")],
)
def test_seconds_in_three_digits(value: float, text: str) -> None:
    assert growth_tables.seconds(value) == text


def test_pictures_are_the_same_bytes_for_the_same_results(
    results: dict[str, Any], tmp_path: Path
) -> None:
    first = growth_pictures.draw(results, tmp_path / "first")
    second = growth_pictures.draw(results, tmp_path / "second")
    assert [path.name for path in first] == [
        "growth-items.svg", "growth-lengths.svg", "growth-users.svg",
    ]  # fmt: skip
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    text = first[0].read_text("utf-8")
    assert growth_pictures.digest(results) in text
    assert ">time of a step</text>" in text, "text is text"
    assert "exact cross-entropy" in text
    assert not re.search(r"20\d\d-\d\d-\d\dT", text)
    assert " \n" not in text


def test_other_results_have_another_digest(results: dict[str, Any]) -> None:
    before = growth_pictures.digest(results)
    results["series"][0]["points"][0]["seconds"]["step"][0] += 1e-9
    assert growth_pictures.digest(results) != before


def test_part_of_a_grid_takes_no_whole_ones_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    more = {"read and split": 1.0, "plan": 0.001, "batches": 0.02}
    monkeypatch.setattr(growth, "point", lambda axis, x, *_: point(x, 1.0, 200.0, **more))
    (tmp_path / "benchmarks").mkdir()
    monkeypatch.setattr(growth, "HERE", tmp_path / "benchmarks")
    monkeypatch.setattr(sys, "argv", ["growth.py", "--only", "lengths"])
    growth.main()
    saved = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")]
    folder = "build/growth-quick"
    assert sorted(saved) == [f"{folder}/growth-lengths.svg", f"{folder}/growth.json"]
    assert "exponents over the upper half" in capsys.readouterr().out
