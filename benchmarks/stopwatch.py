"""Seconds of real training steps: the training is watched, and stopped once enough was seen."""

import time
from dataclasses import dataclass, field
from typing import Any


class EnoughError(Exception):
    """Enough steps were watched; the training need not go on."""


@dataclass
class Stopwatch:
    """A watcher that times steps as they follow each other, batches and update included.

    The first step is not counted: it makes the buffers of the optimiser.

    Attributes:
        steps: as many are timed at the most.
        seconds: after so many no further step is begun, once two are timed.
        taken: seconds of each step so far.
    """

    steps: int
    seconds: float = float("inf")
    taken: list[float] = field(default_factory=list)
    _last: float | None = None

    def step(self, done: float, loss: float, targets_per_second: float) -> None:  # noqa: ARG002 - the loop tells more
        """A step was taken.

        Raises:
            EnoughError: it was the last one wanted.
        """
        now = time.perf_counter()
        if self._last is not None:
            self.taken.append(now - self._last)
        if len(self.taken) >= self.steps or self._too_long():
            raise EnoughError
        self._last = time.perf_counter()

    def epoch(self, epoch: Any, *, best: bool) -> None:  # noqa: ARG002 - it must not come so far
        """An epoch ended.

        Raises:
            AssertionError: the log was too small, and validation would be timed as a step.
        """
        raise AssertionError(f"The epoch of a benchmark ended after {len(self.taken)} steps.")

    def _too_long(self) -> bool:
        return len(self.taken) >= 2 and sum(self.taken) > self.seconds


def step_seconds(recipe: Any, split: Any, watch: Stopwatch) -> list[float]:
    """Train as a recipe says until the watch has seen enough.

    Args:
        recipe: of a network.
        split: with batches enough for all steps in one epoch.
        watch: fresh.

    Returns:
        Seconds of each step.

    Raises:
        AssertionError: the training ended before.
    """
    from regard.recommender.networks import teach

    try:
        teach(recipe, split, watcher=watch)
    except EnoughError:
        return watch.taken
    raise AssertionError("The training ended before the watch had seen enough.")
