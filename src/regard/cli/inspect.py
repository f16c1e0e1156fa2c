"""`regard inspect`: what a log is, before anything is done with it."""

from typing import TYPE_CHECKING, Any

from regard.cli.options import LogFile, SourceOptions
from regard.cli.pages import page
from regard.cli.voice import Voice

if TYPE_CHECKING:
    from regard.data.interactions import Interactions


@page
def inspect(file: LogFile, *, columns: SourceOptions, voice: Voice) -> None:
    """Say what a log is: its roles with the reasons, its numbers, what to doubt, what may leak.

    For leaks the log is cleaned by the default rules and split as fit would split it.
    """
    from regard.data.describe import describe
    from regard.data.ingest.read import read

    log = read(file, **columns.given())
    description = describe(log)
    voice.show(description)
    told, leakage = leakage_of(log)
    voice.show(f"\n{told}")
    voice.finish({**description.to_dict(), "leakage": leakage})


def leakage_of(log: "Interactions") -> tuple[str, dict[str, Any]]:
    """What would see the future if one fitted on a log with all defaults.

    Args:
        log: as it was read.

    Returns:
        The diagnosis as text and as plain values; the reason where the log cannot be split.

    Example:
        >>> import polars as pl
        >>> from regard.data.interactions import Interactions
        >>> table = pl.DataFrame({"user": [1], "item": ["a"], "position": [0]})
        >>> leakage_of(Interactions.of(table))[0]
        'Does anything see the future? This log cannot be split: No user can be asked for ...'
    """
    from regard.data.clean import clean
    from regard.data.leakage.diagnose import diagnose
    from regard.errors import DataError

    try:
        diagnosis = diagnose(clean(log)[0])
    except DataError as refused:
        told = f"Does anything see the future? This log cannot be split: {refused}"
        return told, {"refused": str(refused)}
    return str(diagnosis), diagnosis.to_dict()
