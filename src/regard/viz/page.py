"""The report: one HTML file that needs nothing else, ever.

Style, script and the drawing library are inside, so that the file opens on a train and in ten
years; it asks no network for anything.
"""

from collections.abc import Iterator
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from regard.data.atomic import atomic_file
from regard.data.overview.report import DataReport
from regard.optional import require
from regard.viz.contents import ReportContents, contents_of
from regard.viz.markup import Html, element, joined, render
from regard.viz.sections.activity import activity_section
from regard.viz.sections.cleaning import cleaning_section
from regard.viz.sections.comparison import comparison_section
from regard.viz.sections.customers import customers_section
from regard.viz.sections.log import log_section
from regard.viz.sections.next_steps import next_steps_section
from regard.viz.sections.popularity import popularity_section
from regard.viz.sections.series import series_section
from regard.viz.sections.training import training_section


def write_report(path: Path | str, contents: ReportContents | DataReport) -> Path:
    """Write the report of a log or of a run, whole or not at all.

    Args:
        path: where, such as `report.html`; a file that is there is replaced.
        contents: what to tell: a `regard.report`, or what a run came to. The same contents give
            the same file, byte for byte.

    Returns:
        The path. A file that cannot be written raises the `StorageError` of
        `regard.data.atomic.atomic_file`.
    """
    page = report_page(contents)
    with atomic_file(path) as draft:
        draft.write_text(page, "utf-8")
    return Path(path)


def report_page(contents: ReportContents | DataReport) -> str:
    """The report as text.

    Args:
        contents: what to tell.

    Returns:
        A complete HTML document.
    """
    plotly = require("plotly.offline", extra="report", purpose="The HTML report")
    if isinstance(contents, DataReport):
        contents = contents_of(contents)
    sections = dict(_sections(contents))
    return _FRAME.format(
        title=render(contents.title).code,
        style=_asset("page.css"),
        plotly=plotly.get_plotlyjs(),
        header=_header(contents).code,
        contents=_table_of_contents(list(sections)).code,
        sections=joined(sections.values()).code,
        footer=element("footer", f"Written by regard {version('regard')}.").code,
        script=_asset("page.js"),
    )


def _sections(contents: ReportContents) -> Iterator[tuple[str, Html]]:
    """Name in the table of contents, and the section; what is empty is left out."""
    data = contents.data
    yield "log", log_section(data)
    if data.cleaning is not None:
        yield "cleaning", cleaning_section(data.cleaning)
    yield "time", activity_section(data)
    yield "items", popularity_section(data)
    yield "series", series_section(data)
    if contents.history is not None:
        yield "training", training_section(contents.history)
    if contents.comparisons:
        yield "comparison", comparison_section(contents.comparisons)
    if contents.customers:
        yield "customers", customers_section(contents.customers)
    if contents.next_steps:
        yield "next", next_steps_section(contents.next_steps)


def _header(contents: ReportContents) -> Html:
    return element(
        "header",
        element("p", contents.title, css="overline"),
        element("h1", contents.headline),
        element("p", contents.verdict, css="verdict"),
    )


def _table_of_contents(names: list[str]) -> Html:
    return element("nav", joined(Html(f'<a href="#{name}">{name}</a>') for name in names))


def _asset(name: str) -> str:
    """A file that lies beside this one."""
    return files("regard.viz").joinpath(name).read_text("utf-8")


_FRAME = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{style}
</style>
<script>{plotly}</script>
</head>
<body>
{header}
{contents}
<main>
<noscript><p class="notes">The charts need JavaScript; every number is in the tables too.</p>
</noscript>
{sections}
</main>
{footer}
<script>
{script}
</script>
</body>
</html>
"""
