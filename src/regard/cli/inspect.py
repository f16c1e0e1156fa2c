"""`regard inspect`: what a log is, before anything is done with it."""

from pathlib import Path

from regard.cli.options import LogFile, ReportOption, SourceOptions
from regard.cli.pages import page
from regard.cli.places import page_file, refuse_same
from regard.cli.voice import Voice


@page
def inspect(
    file: LogFile, *, report: ReportOption = None, columns: SourceOptions, voice: Voice
) -> None:
    """Say what a log is: its roles with the reasons, its numbers, what to doubt, what may leak.

    For leaks the log is cleaned by the default rules and split as fit would split it.
    """
    from regard.cli.leakage import leakage_of
    from regard.data.describe import describe
    from regard.data.ingest.read import read

    pictures = page_file(report)
    if pictures is not None:
        refuse_same(Path(file), pictures)
    log = read(file, **columns.given())
    leakage = leakage_of(log)
    made = {}
    if pictures is None:
        description = describe(log)
    else:
        from regard.cli.reports import write_pictures

        found = write_pictures(pictures, voice, log, diagnosis=leakage.diagnosis)
        description, made = found.before.description, {"report": str(pictures)}
    voice.show(f"{description}\n\n{leakage}")
    if pictures is not None:
        voice.show(f"\nPictures  {pictures}")
    voice.finish({**description.to_dict(), "leakage": leakage.to_dict(), **made})
