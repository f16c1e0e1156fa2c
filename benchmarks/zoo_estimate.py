"""How long a run of the zoo will take, by the nearest runs that are done."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from resumable import Run, State, read
from zoo_data import LOGS

_MINUTES = {"network": 5e-6, "classical": 3e-7}
"""Of an event: a first guess, where nothing like it was run yet."""
_BESIDES = 0.1
"""Minutes of a process beside learning: imports, reading, measuring."""
_VALIDATION = 1.3
"""Times the minutes of learning that validation makes of them."""


class Estimate:
    """Minutes by events: of the same model on the same log, else anywhere, else of any of its kind.

    Args:
        results: folder of the results so far.

    Example:
        >>> Estimate(Path("no-such-folder")).minutes("sasrec", "network", "ml-100k", cap=0.1)
        0.23
    """

    def __init__(self, results: Path) -> None:
        self._per_event: dict[tuple[str, ...], list[float]] = defaultdict(list)
        for path in sorted(results.rglob("*.json")):
            self.add(read(path) or {})

    def add(self, found: Mapping[str, Any]) -> None:
        """Learn from a result."""
        if found.get("state") != State.DONE:
            return
        plan = found["plan"]
        model, log = plan["recipe"]["model"]["name"], plan["log"]["name"]
        per_event = found["minutes"] / found["events"]
        for key in ((model, log), (model,), ("", found["kind"])):
            self._per_event[key].append(per_event)

    def __call__(self, run: Run) -> float:
        """Minutes that a run will take."""
        recipe = run.plan["recipe"]
        cap = recipe["training"]["minutes"]
        return self.minutes(recipe["model"]["name"], run.plan["kind"], run.plan["log"]["name"], cap)

    def minutes(self, model: str, kind: str, log: str, cap: float) -> float:
        """The same by names; `cap` is the most minutes of learning, 0 for any."""
        keys = ((model, log), (model,), ("", kind))
        known = next((self._per_event[key] for key in keys if key in self._per_event), None)
        per_event = sum(known) / len(known) if known else _MINUTES[kind]
        learning = LOGS[log].events * per_event
        return _BESIDES + (min(learning, _VALIDATION * cap) if cap else learning)
