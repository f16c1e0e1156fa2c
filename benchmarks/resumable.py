"""Many measurements, each in a process of its own, that can be stopped and gone on with.

A run is decided by its *plan*, plain values that its result carries a digest of. One whose result
is there is not run again, unless its plan or the version of Regard has changed since. A result is
written whole or not at all; a failure is a result too, and does not stop the rest.
"""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from regard.data.atomic import atomic_file

HERE = Path(__file__).resolve().parent


class State(StrEnum):
    """How a run stands."""

    DONE = "done"
    FAILED = "failed"
    LEFT_OUT = "left out"
    """It cannot be made here: a package is missing, or the log has no clock."""
    CHANGED = "changed"
    """There is a result, of another plan or another version."""
    MISSING = "not run yet"


class Estimator(Protocol):
    """Says how many minutes a run will take."""

    def __call__(self, run: "Run") -> float:
        """Minutes."""
        ...

    def add(self, found: Mapping[str, Any]) -> None:
        """Learn from a result."""
        ...


@dataclass(frozen=True)
class Run:
    """One measurement.

    Attributes:
        name: for people.
        path: of its result.
        script: that measures it; it reads the plan as JSON and prints the result as JSON.
        plan: all that decides the result.
        limit: made when its turn comes, since it may rest on other runs: what the script is given
            besides, or why it cannot be run yet.
    """

    name: str
    path: Path
    script: Path
    plan: Mapping[str, Any]
    limit: Callable[[], Mapping[str, Any] | str] = field(default=dict, compare=False)

    @property
    def digest(self) -> str:
        """Of the plan and the version of Regard."""
        text = json.dumps([version("regard"), self.plan], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def read(path: Path) -> dict[str, Any] | None:
    """A saved result, of whatever plan; None where there is none."""
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def state_of(run: Run) -> State:
    """How a run stands."""
    found = read(run.path)
    if found is None:
        return State.MISSING
    return State(found["state"]) if found["digest"] == run.digest else State.CHANGED


def save(run: Run, values: Mapping[str, Any]) -> dict[str, Any]:
    """Write a result, complete or not at all."""
    kept = {"state": State.DONE, **values, "digest": run.digest, "plan": run.plan}
    text = json.dumps(kept, indent=1, allow_nan=False)
    with atomic_file(run.path) as draft:
        draft.write_text(text + "\n", "utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def carry_out(run: Run) -> dict[str, Any] | str:
    """Measure in a fresh process.

    Returns:
        The result, which may be a failure; or why it cannot be run yet.
    """
    limit = run.limit()
    if isinstance(limit, str):
        return limit
    handed = json.dumps({"plan": run.plan, "limit": limit})
    began = time.perf_counter()
    words = [sys.executable, str(run.script)]
    done = subprocess.run(words, input=handed, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return save(run, json.loads(done.stdout))
    said = done.stderr.strip().splitlines()
    why = said[-1] if said else "it said nothing"
    if done.returncode < 0:
        why = f"killed by signal {-done.returncode}, most likely for want of memory"
    minutes = (time.perf_counter() - began) / 60
    return save(run, {"state": State.FAILED, "message": why, "minutes": minutes})


def carry_out_all(
    runs: Sequence[Run],
    *,
    again: bool,
    told: Callable[[dict[str, Any]], str],
    estimate: Estimator,
) -> None:
    """Carry out all runs that are not done, with a line for each.

    Args:
        runs: in order.
        again: also those that are done, or have failed.
        told: a result in words.
        estimate: says how many minutes a run will take, and learns from each.
    """
    due = to_do(runs, again=again)
    print(f"{len(runs) - len(due)} of {len(runs)} runs are done", flush=True)
    for number, run in enumerate(due, start=1):
        left = hours(sum(map(estimate, due[number - 1 :])))
        print(f"[{number}/{len(due)}, {left} left] {run.name}: ", end="", flush=True)
        try:
            found = carry_out(run)
        except KeyboardInterrupt:
            sys.exit("\nstopped; the same command goes on from here")
        if isinstance(found, str):
            print(found, flush=True)
            continue
        estimate.add(found)
        done = found["state"] == State.DONE
        print(told(found) if done else f"{found['state']}: {found['message']}", flush=True)


def to_do(runs: Iterable[Run], *, again: bool = False) -> list[Run]:
    """The runs that would be carried out; what was left out for want of a package is tried anew."""
    settled = (State.DONE, State.FAILED)
    return [run for run in runs if again or state_of(run) not in settled]


def listing(runs: Sequence[Run], estimate: Estimator) -> str:
    """What is done and what is missing, with an estimate of the minutes."""
    lines = []
    for run in runs:
        state, found = state_of(run), read(run.path) or {}
        why = f": {found['message']}" if state in (State.FAILED, State.LEFT_OUT) else ""
        due = run in to_do([run])
        about = f", about {hours(estimate(run))}" if due and state != State.LEFT_OUT else ""
        lines.append(f"{run.name}  {state}{why}{about}")
    due = to_do(runs)
    lines.append(f"{len(due)} of {len(runs)} to do, about {hours(sum(map(estimate, due)))}")
    return "\n".join(lines)


def hours(minutes: float) -> str:
    """A duration as one speaks of it."""
    if minutes < 1:
        return f"{60 * minutes:.0f} s"
    return f"{minutes:.1f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
