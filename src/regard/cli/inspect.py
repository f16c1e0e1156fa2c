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
    """Say what a log is: its roles with the reasons, its numbers, and what to doubt."""
    from regard.data.describe import describe
    from regard.data.ingest.read import read

    pictures = page_file(report)
    if pictures is None:
        description = describe(read(file, **columns.given()))
        voice.show(description)
        voice.finish(description.to_dict())
        return
    from regard.cli.reports import write_pictures

    refuse_same(Path(file), pictures)
    description = write_pictures(pictures, voice, read(file, **columns.given())).before.description
    voice.show(f"{description}\n\nPictures  {pictures}")
    voice.finish({**description.to_dict(), "report": str(pictures)})
