"""`regard inspect`: what a log is, before anything is done with it."""

from regard.cli.options import LogFile, SourceOptions
from regard.cli.pages import page
from regard.cli.voice import Voice


@page
def inspect(file: LogFile, *, columns: SourceOptions, voice: Voice) -> None:
    """Say what a log is: its roles with the reasons, its numbers, and what to doubt."""
    from regard.data.describe import describe
    from regard.data.ingest.read import read

    description = describe(read(file, **columns.given()))
    voice.show(description)
    voice.finish(description.to_dict())
