"""Measurements that can be stopped: what is done stays done, failures are results, nothing half."""

import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import resumable
from resumable import Run, State

SCRIPT = """
import json, os, sys
handed = json.load(sys.stdin)
plan = handed["plan"]
if plan["does"] == "fail":
    sys.exit("first line\\nOuchError: it hurts")
if plan["does"] == "die":
    os.kill(os.getpid(), 9)
if plan["does"] == "lack":
    print(json.dumps({"state": "left out", "message": "no such package"}))
else:
    print(json.dumps({"answer": plan["x"], "limit": handed["limit"]}))
"""


class Guess:
    """Half a minute for everything."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def __call__(self, run: Run) -> float:
        return 0.5

    def add(self, found: Any) -> None:
        self.heard.append(found)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    script = tmp_path / "measure.py"
    script.write_text(SCRIPT)
    return Run("a run", tmp_path / "results" / "a.json", script, {"does": "answer", "x": 3})


def test_a_result_is_kept_and_not_made_again(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert resumable.state_of(run) is State.MISSING
    guess = Guess()
    resumable.carry_out_all(
        [run], again=False, told=lambda each: f"{each['answer']}", estimate=guess
    )
    assert capsys.readouterr().out == "0 of 1 runs are done\n[1/1, 30 s left] a run: 3\n"
    assert resumable.state_of(run) is State.DONE
    assert [path.name for path in run.path.parent.iterdir()] == ["a.json"]
    assert guess.heard[0]["answer"] == 3
    made = run.path.stat().st_mtime_ns
    resumable.carry_out_all([run], again=False, told=str, estimate=guess)
    assert run.path.stat().st_mtime_ns == made
    resumable.carry_out_all([run], again=True, told=str, estimate=guess)
    assert run.path.stat().st_mtime_ns > made


def test_another_plan_or_version_is_made_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    resumable.carry_out(run)
    assert resumable.to_do([run]) == []
    other = replace(run, plan={**run.plan, "x": 4})
    assert resumable.state_of(other) is State.CHANGED
    assert resumable.to_do([other]) == [other]
    monkeypatch.setattr(resumable, "version", lambda _: "99.0")
    assert resumable.state_of(run) is State.CHANGED


@pytest.mark.parametrize(
    ("does", "state", "message", "due"),
    [
        ("fail", State.FAILED, "OuchError: it hurts", 0),
        ("die", State.FAILED, "killed by signal 9, most likely for want of memory", 0),
        ("lack", State.LEFT_OUT, "no such package", 1),
    ],
)
def test_a_failure_is_a_result_and_does_not_stop_the_rest(
    run: Run, does: str, state: State, message: str, due: int, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = replace(run, path=run.path.with_name("b.json"), plan={"does": does})
    resumable.carry_out_all([broken, run], again=False, told=lambda _: "fine", estimate=Guess())
    assert f"{state}: {message}\n[2/2, 30 s left] a run: fine" in capsys.readouterr().out
    assert json.loads(broken.path.read_text())["message"] == message
    assert resumable.state_of(broken) is state
    assert len(resumable.to_do([broken])) == due
    assert f"a run  {state}: {message}" in resumable.listing([broken, run], Guess())


def test_a_limit_is_made_when_its_turn_comes(run: Run) -> None:
    waiting = replace(run, limit=lambda: "left for later")
    assert resumable.carry_out(waiting) == "left for later"
    assert not run.path.exists()
    found = resumable.carry_out(replace(run, limit=lambda: {"minutes": 2.0}))
    assert isinstance(found, dict)
    assert found["limit"] == {"minutes": 2.0}
    assert resumable.state_of(run) is State.DONE, "the limit is no part of the plan"


def test_a_run_that_is_stopped_leaves_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)  # ignored where tests run in the background
    monkeypatch.setattr(resumable.subprocess, "run", stopped)
    with pytest.raises(SystemExit, match="goes on from here"):
        resumable.carry_out_all([run], again=False, told=str, estimate=Guess())
    assert not run.path.parent.exists()
    assert signal.getsignal(signal.SIGINT) is before


def test_the_list_says_what_is_missing_and_how_long_it_takes(run: Run) -> None:
    assert resumable.listing([run], Guess()) == (
        "a run  not run yet, about 30 s\n1 of 1 to do, about 30 s"
    )
    resumable.carry_out(run)
    assert resumable.listing([run], Guess()) == "a run  done\n0 of 1 to do, about 0 s"


@pytest.mark.parametrize(("minutes", "said"), [(0.5, "30 s"), (3.25, "3.2 min"), (120, "2.0 h")])
def test_durations(minutes: float, said: str) -> None:
    assert resumable.hours(minutes) == said
