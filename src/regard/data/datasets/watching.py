"""Who may watch a download: a progress bar, a log, a test."""

from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)


class Watcher(Protocol):
    """Is told what happens; must not change it."""

    def say(self, text: str) -> None:
        """Something that a person must know, such as the licence."""
        ...

    def begin(self, name: str, total: int | None, done: int) -> None:
        """A file begins to arrive.

        Args:
            name: of the file.
            total: its bytes, where the server says so.
            done: bytes that are there already.
        """
        ...

    def advance(self, count: int) -> None:
        """So many more bytes arrived."""
        ...

    def end(self) -> None:
        """Nothing more arrives for now."""
        ...


class ConsoleWatcher:
    """Says what must be said, and draws a bar where the console is a terminal.

    Args:
        console: where to; stderr if omitted.

    Example:
        >>> import io
        >>> watcher = ConsoleWatcher(Console(file=io.StringIO()))
        >>> watcher.begin("ml-1m.zip", 6_000_000, 0)
        >>> watcher.advance(6_000_000)
        >>> watcher.end()
        >>> watcher.say("ml-1m.zip is here")
        >>> watcher.console.file.getvalue().strip()
        'ml-1m.zip is here'
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def say(self, text: str) -> None:
        """See `Watcher.say`."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def begin(self, name: str, total: int | None, done: int) -> None:
        """See `Watcher.begin`."""
        self.end()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            DownloadColumn(),
            TransferSpeedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._progress.start()
        self._task = self._progress.add_task(name, total=total, completed=done)

    def advance(self, count: int) -> None:
        """See `Watcher.advance`."""
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task, count)

    def end(self) -> None:
        """See `Watcher.end`."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
