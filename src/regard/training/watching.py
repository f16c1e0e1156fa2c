"""Who may watch a training: a progress bar, a log, a test."""

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from regard.training.history import Epoch


class Watcher(Protocol):
    """Is told what happens; must not change it."""

    def step(self, done: float, loss: float, targets_per_second: float) -> None:
        """A step was taken.

        Args:
            done: share of the planned training, from 0 to 1.
            loss: of the step.
            targets_per_second: since the epoch began.
        """
        ...

    def epoch(self, epoch: Epoch, *, best: bool) -> None:
        """An epoch ended; `best` tells whether its weights are the ones to keep so far."""
        ...


class Silence:
    """Watches and says nothing.

    Example:
        >>> Silence().step(0.5, 6.0, 1000.0)
    """

    def step(self, done: float, loss: float, targets_per_second: float) -> None:
        """See `Watcher.step`."""

    def epoch(self, epoch: Epoch, *, best: bool) -> None:
        """See `Watcher.epoch`."""


class ProgressBar:
    """A live line with loss, speed, time left and the validation metric; a line per epoch above it.

    Where the console is no terminal (a log file), only the lines per epoch are printed.

    Args:
        console: where to draw.
        metric: what the validation number is called.

    Example:
        >>> import io
        >>> with ProgressBar(Console(file=io.StringIO()), "ndcg@10") as bar:
        ...     bar.step(0.5, 6.0, 1000.0)
    """

    def __init__(self, console: Console, metric: str) -> None:
        self.console = console
        self.metric = metric
        self._validation = "-"
        self._progress = Progress(
            SpinnerColumn(),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[words]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        self._task = self._progress.add_task("training", total=1.0, words="getting ready")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def step(self, done: float, loss: float, targets_per_second: float) -> None:
        """See `Watcher.step`."""
        if self._task is not None:
            words = f"loss {loss:.3f}  {targets_per_second:,.0f} targets/s  {self.metric} "
            self._progress.update(self._task, completed=done, words=words + self._validation)

    def epoch(self, epoch: Epoch, *, best: bool) -> None:
        """See `Watcher.epoch`."""
        self._validation = f"{epoch.validation:.4f}"
        self.console.print(
            f"  epoch {epoch.number:>3}  loss {epoch.loss:.4f}  {self.metric} "
            f"{epoch.validation:.4f}{' *' if best else '  '}  "
            f"{epoch.targets / max(epoch.seconds, 1e-9):>8,.0f} targets/s  {epoch.seconds:.1f} s",
            highlight=False,
        )
