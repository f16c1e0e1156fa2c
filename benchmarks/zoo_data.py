"""The logs of the zoo: where each lies, how it is cleaned, and how it is cut and asked.

MovieLens may not be redistributed and IFDB is not part of the package, so these lie in the folder
that REGARD_DATA names; Online Retail comes with Regard.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from regard.cli.logs import clean_log
from regard.cli.options import CleaningOptions
from regard.cli.story import ZONE, clean_shop
from regard.data.datasets import online_retail
from regard.data.ingest.read import read
from regard.data.interactions import Interactions
from regard.data.report import CleaningReport
from regard.errors import SourceError
from regard.recommender.recipe import Recipe
from regard.settings import data_folder

LAST, TIME = "leave-last-out", "global-time"
REMOVE, KEEP = "remove", "keep"


@dataclass(frozen=True, kw_only=True)
class Log:
    """A log of the zoo.

    Attributes:
        title: for headings.
        file: in the folder of REGARD_DATA; None for the one that comes with Regard.
        columns: as options of `regard.read`.
        core: least rows of a user and of an item.
        protocols: how it is cut.
        seen: how seen items are treated; training is stopped by the first.
        minutes: most of each training, since a slow network would take hours; 0 for any.
        networks: those that it is there for; none for all.
        events: after cleaning, about; for estimates of time alone.
    """

    title: str
    file: str | None
    columns: Mapping[str, Any] = field(default_factory=dict)
    core: int = 5
    protocols: tuple[str, ...] = (LAST, TIME)
    seen: tuple[str, ...] = (REMOVE, KEEP)
    minutes: float = 0.0
    networks: tuple[str, ...] = ()
    events: int


LOGS: dict[str, Log] = {
    "ml-100k": Log(title="MovieLens-100K", file="ml-100k.parquet", events=99_000),
    "ml-1m": Log(
        title="MovieLens-1M",
        file="ml-1m.parquet",
        columns={"order": "position"},  # the order of all users is known, the clock of half
        protocols=(LAST,),
        minutes=8.0,
        events=1_000_000,
    ),
    "ml-1m-timed": Log(
        title="MovieLens-1M, the 2,999 users whose clock is known",
        file="ml-1m-timed.parquet",
        minutes=8.0,
        networks=("sasrec", "tisasrec", "hstu"),  # those that read a clock, and what they grew from
        events=487_000,
    ),
    "ifdb": Log(
        title="IFDB, interactive fiction played",
        file="ifdb-played.parquet",
        events=54_000,
    ),
    "online-retail": Log(
        title="Online Retail",
        file=None,
        columns={"timezone": ZONE},
        core=1,
        seen=(KEEP,),  # a shop's customers buy again
        minutes=2.0,
        events=391_000,
    ),
}
"""Name on the command line -> log."""


def path_of(name: str) -> str:
    """Where a log lies.

    Raises:
        SourceError: it is not there.
    """
    file = LOGS[name].file
    if file is None:
        return str(online_retail())
    folder = data_folder()
    if folder is None or not (folder / file).is_file():
        where = "REGARD_DATA is not set" if folder is None else f"it is not in {folder}"
        raise SourceError(f"{name} needs {file}, and {where}. Point REGARD_DATA at its folder.")
    return str(folder / file)


def cleaned(name: str) -> tuple[Interactions, CleaningReport]:
    """A log, read and cleaned: MovieLens and IFDB as the field does, the shop as the demo does."""
    log = read(path_of(name), **LOGS[name].columns)
    if LOGS[name].file is None:
        return clean_shop(log)
    core = LOGS[name].core
    return clean_log(log, Recipe(), CleaningOptions(min_user=core, min_item=core))


def as_plan(name: str) -> dict[str, Any]:
    """What of a log decides a result, as plain values."""
    log = LOGS[name]
    return {"name": name, "columns": dict(log.columns), "core": log.core, "seen": list(log.seen)}
