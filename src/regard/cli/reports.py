"""The page of pictures about a log, as every command makes it."""

from pathlib import Path

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from regard.cli.voice import Voice
from regard.data.interactions import Interactions
from regard.data.leakage.diagnosis import Diagnosis
from regard.data.overview.report import PARTS, DataReport, report
from regard.data.report import CleaningReport


def report_aloud(
    voice: Voice,
    log: Interactions,
    cleaned: tuple[Interactions, CleaningReport] | None = None,
    *,
    diagnosis: Diagnosis | None = None,
) -> DataReport:
    """Look at a log, and tell at a terminal what is being looked at.

    Args:
        voice: has the console for progress.
        log: as it was read.
        cleaned: the kept rows and the report, where it was cleaned.
        diagnosis: what may see the future, where somebody looked.

    Returns:
        The numbers of the page.

    Example:
        >>> import polars as pl
        >>> log = pl.DataFrame({"user": [1], "item": ["a"], "position": [0]})
        >>> report_aloud(Voice(), Interactions.of(log)).latest.description.rows
        1
    """
    console = voice.console()
    columns = SpinnerColumn(), BarColumn(bar_width=24), TextColumn("{task.description}")
    with Progress(
        *columns, TimeElapsedColumn(), console=console, transient=True,
        disable=not console.is_terminal,
    ) as bar:  # fmt: skip
        task = bar.add_task("", total=len(PARTS))

        def told(part: str) -> None:
            bar.update(task, completed=PARTS.index(part), description=f"looking at {part}")

        return report(log, cleaned, diagnosis=diagnosis, progress=told)


def write_pictures(
    path: Path,
    voice: Voice,
    log: Interactions,
    cleaned: tuple[Interactions, CleaningReport] | None = None,
    *,
    diagnosis: Diagnosis | None = None,
) -> DataReport:
    """Look at a log and write the page, whole or not at all.

    Args:
        path: of the page.
        voice: has the console for progress.
        log: as it was read.
        cleaned: the kept rows and the report, where it was cleaned.
        diagnosis: what may see the future, where somebody looked.

    Returns:
        The numbers of the page.
    """
    # Only who wants pictures waits for everything that can be drawn.
    from regard.viz.page import write_report

    found = report_aloud(voice, log, cleaned, diagnosis=diagnosis)
    write_report(path, found)
    return found
