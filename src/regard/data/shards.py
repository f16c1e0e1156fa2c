"""Sorted histories in a folder of Parquet, the same from every engine.

Users are cut into ranges of about equally many rows; a shard holds all rows of its users, sorted
by user, then time (or position), then row. So the shards one after another are the whole log as
`Interactions.sorted` gives it, and no reader has to sort or gather anything::

    FOLDER/shard-00000.parquet     users 12346 … 14016
    FOLDER/shard-00001.parquet     users 14017 … 18287
    FOLDER/manifest.json           columns, counts, checksums, where each shard begins and ends

A vocabulary is not among them: it is learned on a training part, and a log has none yet.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import narwhals as nw
import polars as pl

from regard.data.atomic import atomic_folder
from regard.data.interactions import Interactions
from regard.errors import ConfigurationError, DataError, SourceError, TooLittleDataError
from regard.schema import ITEM, ROW, TIME, USER, Clock

MANIFEST: Final = "manifest.json"
FORMAT: Final = "regard-shards"
VERSION: Final = 1
ROWS_PER_SHARD: Final = 5_000_000
"""How many rows a shard holds if nobody says how many shards there shall be."""
_BEFORE, _COUNT, _SHARD = "_before", "_count", "_shard"


@dataclass(frozen=True)
class Shard:
    """One file of whole histories.

    Attributes:
        file: its name.
        rows: how many interactions.
        users: of how many users.
        first: the smallest id of a user in it.
        last: the largest.
        bytes: the size of the file.
        sha256: of its content.
    """

    file: str
    rows: int
    users: int
    first: int | str
    last: int | str
    bytes: int = 0
    sha256: str = ""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a folder of shards holds.

    Attributes:
        source: where the log came from.
        clock: whether it carries real time or only an order.
        roles: role -> name of the source's column.
        notes: what was decided while reading and cleaning.
        columns: name -> type, as Polars calls it.
        rows: how many interactions.
        users: of how many users.
        items: with how many different items.
        shards: the files, in order.
    """

    source: str
    clock: Clock
    roles: Mapping[str, str]
    notes: tuple[str, ...]
    columns: Mapping[str, str]
    rows: int
    users: int
    items: int
    shards: tuple[Shard, ...]

    def __str__(self) -> str:
        return (
            f"{self.rows:,} interactions of {self.users:,} users with {self.items:,} items in "
            f"{len(self.shards):,} shards."
        )

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values that JSON can hold."""
        return {"format": FORMAT, "version": VERSION, **asdict(self), "clock": str(self.clock)}


def write_shards(
    log: Interactions, folder: Path | str, *, shards: int | None = None, overwrite: bool = False
) -> Manifest:
    """Write a clean log as shards of sorted histories.

    A log on Spark is sorted and written by its executors, into a folder that they share with the
    driver. Any other log goes through Polars, which streams it into one file and then sorts a shard
    at a time: memory holds one shard and a number for each user. Both cut at the same users.

    Args:
        log: every row with user, item and time (or position), as cleaning leaves it.
        folder: appears complete or not at all.
        shards: how many; fewer where single users have too many rows. One for every five million
            rows if omitted.
        overwrite: replace a folder that is there.

    Returns:
        What was written.

    Raises:
        TooLittleDataError: the log has no rows.
        DataError: a row lacks user, item or time.
        ConfigurationError: the number of shards makes no sense.

    Example:
        >>> import tempfile
        >>> log = Interactions.of(pl.DataFrame({"user": ["b", "a", "b"], "item": [7, 8, 9],
        ...                                     "time": [20.0, 5.0, 10.0]}))
        >>> folder = Path(tempfile.mkdtemp()) / "shards"
        >>> print(write_shards(log, folder, shards=3))
        3 interactions of 2 users with 3 items in 2 shards.
        >>> read_shards(folder).collect().rows()
        [('b', 7, 20.0, 0), ('a', 8, 5.0, 1), ('b', 9, 10.0, 2)]
    """
    if shards is not None and shards < 1:
        raise ConfigurationError(f"shards={shards} must be a whole number of 1 or more.")
    rows, items = _checked(log)
    wanted = shards or math.ceil(rows / ROWS_PER_SHARD)
    with atomic_folder(folder, overwrite=overwrite) as draft:
        if log.frame.implementation.is_pyspark():
            from regard.data.spark.shards import write_parts

            cut = write_parts(log, draft, rows=rows, shards=wanted)
        else:
            cut = _write_parts(log, draft, rows=rows, shards=wanted)
        manifest = _manifest(log, draft, cut, rows=rows, items=items)
        (draft / MANIFEST).write_text(json.dumps(manifest.to_dict(), indent=2) + "\n")
    return manifest


def read_shards(folder: Path | str, *, verify: bool = False) -> Interactions:
    """Take a folder of shards as a log; no row is read before somebody needs it.

    Args:
        folder: what `write_shards` wrote.
        verify: read every file once and compare its checksum.

    Returns:
        The log, its rows sorted by user, then time (or position), then row.

    Raises:
        SourceError: the folder holds no shards, a file is missing or not what was written.
    """
    place = Path(folder)
    manifest = read_manifest(place)
    for shard in manifest.shards:
        file = place / shard.file
        if not file.is_file():
            raise SourceError(
                f"{place} lacks {shard.file}, which its manifest lists; write it again."
            )
        if file.stat().st_size != shard.bytes or (verify and _sha256(file) != shard.sha256):
            raise SourceError(f"{file} is not what was written; write the shards again.")
    frame = pl.scan_parquet([place / shard.file for shard in manifest.shards], glob=False)
    return Interactions(
        nw.from_native(frame), manifest.clock, str(folder), manifest.roles, manifest.notes
    )


def read_manifest(folder: Path) -> Manifest:
    """What a folder of shards says of itself.

    Args:
        folder: what `write_shards` wrote.

    Returns:
        The manifest.

    Raises:
        SourceError: there is none, or one of another version.
    """
    try:
        told = json.loads((folder / MANIFEST).read_text())
        named = told.pop("format"), told.pop("version")
        told["clock"], told["notes"] = Clock(told["clock"]), tuple(told["notes"])
        told["shards"] = tuple(Shard(**each) for each in told["shards"])
        manifest = Manifest(**told)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as broken:
        raise SourceError(
            f"{folder} holds no shards of histories ({type(broken).__name__}: {broken}). Give a "
            "folder that write_shards wrote."
        ) from broken
    if named != (FORMAT, VERSION):
        raise SourceError(
            f"{folder / MANIFEST} is not of {FORMAT} version {VERSION}, which this version of "
            "Regard reads; write the shards again."
        )
    return manifest


def cuts(bounds: Sequence[tuple[int, int, int, int | str, int | str]]) -> tuple[Shard, ...]:
    """Name the shards that are not empty.

    Args:
        bounds: number, rows, users, first and last user of each, in order.

    Returns:
        The shards, without sizes and checksums.

    Example:
        >>> [each.file for each in cuts([(0, 9, 1, "a", "a"), (4, 3, 2, "b", "c")])]
        ['shard-00000.parquet', 'shard-00001.parquet']
    """
    return tuple(
        Shard(f"shard-{number:05}.parquet", *each[1:]) for number, each in enumerate(bounds)
    )


def _checked(log: Interactions) -> tuple[int, int]:
    """How many rows and items; a row that can be in no history is refused."""
    nothing = {name: nw.col(name).is_null() for name in (USER, ITEM, log.ordering)}
    if log.ordering == TIME:
        nothing[TIME] |= nw.col(TIME).is_nan()
    missing = [each.cast(nw.Int64).sum().alias(f"_{name}") for name, each in nothing.items()]
    facts = log.frame.select(
        nw.len().alias("_rows"), nw.col(ITEM).n_unique().alias("_items"), *missing
    ).collect("polars")
    found = facts.to_native().to_dicts()[0]
    if not found["_rows"]:
        raise TooLittleDataError(f"{log.source} holds no rows, so there are no histories to write.")
    for name in nothing:
        if found[f"_{name}"]:
            raise DataError(
                f"{log.source} has {found[f'_{name}']:,} rows without {name}, which belong to no "
                "history; clean it first."
            )
    return int(found["_rows"]), int(found["_items"])


def _write_parts(log: Interactions, draft: Path, *, rows: int, shards: int) -> tuple[Shard, ...]:
    """One pass into one file, then one sorted shard after another out of it."""
    native = log.frame.to_native()
    lazy = native if isinstance(native, pl.LazyFrame) else log.frame.collect("polars").to_native()
    whole = draft / "unsorted.parquet"
    lazy.lazy().sink_parquet(whole)
    scanned = pl.scan_parquet(whole, glob=False)
    found = cuts(_bounds(scanned, rows=rows, shards=shards).rows())
    for shard in found:
        ends = pl.lit(shard.first), pl.lit(shard.last)
        histories = scanned.filter(pl.col(USER).is_between(*ends))
        histories.sort(USER, log.ordering, ROW).sink_parquet(draft / shard.file)
    whole.unlink()
    return found


def _bounds(scanned: pl.LazyFrame, *, rows: int, shards: int) -> pl.DataFrame:
    """Where shards begin: a user goes by the share of rows that come before theirs."""
    counts = scanned.group_by(USER).agg(pl.len().cast(pl.Int64).alias(_COUNT)).sort(USER)
    before = (pl.col(_COUNT).cum_sum() - pl.col(_COUNT)).alias(_BEFORE)
    numbered = counts.with_columns(before).with_columns(
        (pl.col(_BEFORE) * shards // rows).alias(_SHARD)
    )
    bounds = numbered.group_by(_SHARD).agg(
        pl.col(_COUNT).sum(),
        pl.len().alias("users"),
        pl.col(USER).min().alias("first"),
        pl.col(USER).max().alias("last"),
    )
    return bounds.sort(_SHARD).collect(engine="streaming")


def _manifest(
    log: Interactions, draft: Path, cut: Sequence[Shard], *, rows: int, items: int
) -> Manifest:
    """Look at what was written."""
    found = []
    for shard in cut:
        file = draft / shard.file
        told = {**asdict(shard), "bytes": file.stat().st_size, "sha256": _sha256(file)}
        found.append(Shard(**told))
    schema = pl.scan_parquet(draft / cut[0].file, glob=False).collect_schema()
    return Manifest(
        source=log.source,
        clock=log.clock,
        roles=dict(log.roles),
        notes=log.notes,
        columns={name: str(dtype) for name, dtype in schema.items()},
        rows=rows,
        users=sum(shard.users for shard in cut),
        items=items,
        shards=tuple(found),
    )


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
