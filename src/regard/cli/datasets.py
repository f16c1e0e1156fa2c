"""`regard datasets`: public logs by their names, and one of them on this machine."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli.pages import page
from regard.cli.voice import Voice

if TYPE_CHECKING:
    from rich.table import Table

    from regard.data.datasets.contract import Dataset


@page
def datasets(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Which one to download. All are listed if omitted."),
    ] = None,
    *,
    path: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|FOLDER",
            help="A copy to take instead of a download: the archive, or what it unpacks to.",
        ),
    ] = None,
    voice: Voice,
) -> None:
    """List the public logs that Regard knows by name, or bring one of them to this machine.

    A log that is named is downloaded once, into ~/.cache/regard/datasets or the folder of
    REGARD_DATASETS, and checked each time; its licence is shown first. Every command takes
    dataset:NAME where it takes a file.
    """
    if name is None:
        _list(path, voice)
    else:
        _bring(name, path, voice)


def _list(path: Path | None, voice: Voice) -> None:
    """What is known, and what of it is here."""
    from rich.console import Console

    from regard.data.datasets.registry import KNOWN
    from regard.errors import ConfigurationError
    from regard.settings import datasets_folder

    if path is not None:
        raise ConfigurationError("--path is a copy of one dataset; name which one.")

    if not voice.json:
        Console().print(_table(list(KNOWN.values())))
    voice.show(
        "'about' where the publisher rounds. Get one with    regard datasets ml-100k\n"
        "or read it at once                                 regard inspect dataset:ml-100k"
    )
    voice.finish({
        "folder": str(datasets_folder()),
        "datasets": [_document(each) for each in KNOWN.values()],
    })  # fmt: skip


def _table(known: "list[Dataset]") -> "Table":
    """The list for people, each licence above what stands under it."""
    from itertools import groupby

    from rich import box
    from rich.table import Table

    from regard.data.datasets.cache import is_here

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("licence, name", no_wrap=True)
    for column in ("rows", "size"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("here", no_wrap=True)
    for licence, under in groupby(known, key=lambda each: each.licence):
        table.add_row(licence, style="bold")
        for each in under:
            rows = f"about {each.rows:,}" if each.rounded else f"{each.rows:,}"
            size = f"{each.size / 1e6:,.1f} MB" if each.size else ""
            table.add_row(f"  {each.name}", rows, size, "yes" if is_here(each) else "")
        table.add_section()
    return table


def _document(each: "Dataset") -> dict[str, Any]:
    """One dataset as plain values."""
    from regard.data.datasets.cache import is_here

    plain = ("name", "title", "rows", "rounded", "size", "licence", "terms", "page", "citation")
    urls = [published.url for published in each.files]
    return {
        **{key: getattr(each, key) for key in plain}, "urls": urls, "here": is_here(each)
    }  # fmt: skip


def _bring(name: str, path: Path | None, voice: Voice) -> None:
    """Have one dataset on this machine."""
    from regard.data.datasets.cache import is_here
    from regard.data.datasets.loading import raw_files
    from regard.data.datasets.registry import dataset
    from regard.data.datasets.watching import ConsoleWatcher
    from regard.data.ingest.addresses import DatasetAddress

    known = dataset(name)
    address = DatasetAddress(name, path)
    if path is not None or is_here(known):
        voice.show(f"{known.introduction()}\n")  # a download says it before it begins
    raw = raw_files(address, ConsoleWatcher(voice.console()))
    again = shlex.join(["regard", "fit", str(address), "--out", name])
    files = {each: str(file) for each, file in raw.files.items()}
    voice.show("\n".join([*raw.notes, f"\nFiles         {raw.place}", f"Go on with    {again}"]))
    voice.finish({
        **_document(known), "path": str(raw.place), "files": files, "notes": list(raw.notes),
        "next": again,
    })  # fmt: skip
