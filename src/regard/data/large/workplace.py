"""The hidden folder in which a log is prepared: what is finished in it survives a kill.

::

    .NAME.shards/
        run.json            which log, which rules, how many shards
        bounds.parquet      the first user of each shard
        raw/00007/          rows of shard 7 as they came, one file per part of the log
        marked/             all rows as a rule finds them that looks across users
        clean/00007/        the same, cleaned and sorted; done.json with checksums comes last
"""

import json
import shutil
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from regard.data.atomic import atomic_file, failures_of

_RUN: Final = "run.json"
_DONE: Final = "done.json"
_PIECE: Final = 1 << 22  # bytes read at a time for a checksum


@dataclass(frozen=True)
class Workplace:
    """A folder beside the one that is to come.

    Attributes:
        folder: hidden, with the name of the target in it.
    """

    folder: Path

    @classmethod
    def beside(cls, target: Path) -> "Workplace":
        """The workplace of a target.

        Example:
            >>> Workplace.beside(Path("plays")).folder.name
            '.plays.shards'
        """
        return cls(target.with_name(f".{target.name}.shards"))

    def begin(self) -> None:
        """Empty the folder: what another log or other rules left is of no use."""
        with failures_of(self.folder):
            shutil.rmtree(self.folder, ignore_errors=True)
            (self.folder / "raw").mkdir(parents=True)
            (self.folder / "clean").mkdir()

    def run(self) -> dict[str, Any] | None:
        """What was written when all rows had found their shards; None before."""
        return _read_json(self.folder / _RUN)

    def scattered(self, run: Mapping[str, Any], bounds: pl.Series) -> None:
        """Note that all rows lie in their shards."""
        with atomic_file(self.folder / "bounds.parquet") as draft:
            bounds.to_frame("bound").write_parquet(draft)
        with atomic_file(self.folder / _RUN) as draft:
            draft.write_text(json.dumps(run))

    def bounds(self) -> pl.Series:
        """The first user of each shard but the first."""
        return pl.read_parquet(self.folder / "bounds.parquet", glob=False)["bound"]

    def add_raw(self, shard: int, part: int, rows: pl.DataFrame) -> None:
        """Put some rows into a shard."""
        place = self.folder / "raw" / f"{shard:05d}"
        with failures_of(self.folder):
            place.mkdir(exist_ok=True)
            rows.write_ipc_stream(place / f"{part:07d}.arrow")

    def raw(self, shard: int, empty: pl.DataFrame) -> pl.DataFrame:
        """All rows of a shard, in the order of the log."""
        files = sorted((self.folder / "raw" / f"{shard:05d}").glob("*.arrow"))
        # Streams, for files may be mapped, and mapped pages count as the memory of a process.
        return pl.concat([empty, *map(pl.read_ipc_stream, files)])

    def clean(self, shard: int) -> Path:
        """Where the outcome of a shard lies."""
        return self.folder / "clean" / f"{shard:05d}"

    def marked(self, shard: int) -> Path:
        """A file for all rows of a shard as a rule finds them that looks across users."""
        folder = self.folder / "marked"
        folder.mkdir(exist_ok=True)
        return folder / f"{shard:05d}.parquet"

    def finish(self, shard: int, facts: Mapping[str, Any]) -> None:
        """Note that the outcome of a shard is complete."""
        place = self.clean(shard)
        sums = {file.name: checksum(file) for file in sorted(place.iterdir())}
        with atomic_file(place / _DONE) as draft:
            draft.write_text(json.dumps({"facts": facts, "checksums": sums}))

    def drop_raw(self, shard: int) -> None:
        """Forget the rows of a shard as they came."""
        shutil.rmtree(self.folder / "raw" / f"{shard:05d}", ignore_errors=True)

    def drop_all_raw(self) -> None:
        """Forget everything that only cleaning reads."""
        for name in ("raw", "marked"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def finished(self, shard: int) -> dict[str, Any] | None:
        """The facts of a shard, or None where it is not complete."""
        noted = _read_json(self.clean(shard) / _DONE)
        return None if noted is None else noted["facts"]

    def is_damaged(self, shard: int) -> bool:
        """Whether a shard was complete and is not what it was: its raw rows may be gone."""
        place = self.clean(shard)
        if (noted := _read_json(place / _DONE)) is None:
            return False
        sums: dict[str, int] = noted["checksums"]
        files = {file.name for file in place.iterdir()} - {_DONE}
        return files != set(sums) or any(checksum(place / name) != sums[name] for name in files)

    def outcomes(self, name: str, shards: int) -> Iterator[Path]:
        """A file of each shard, in the order of the shards."""
        return (self.clean(shard) / name for shard in range(shards))

    def remove(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self.folder, ignore_errors=True)


def checksum(file: Path) -> int:
    """CRC-32 of a file, which tells what a crash has torn.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "note.txt"
        >>> _ = file.write_text("whole")
        >>> checksum(file)
        3294177615
    """
    found = 0
    with file.open("rb", buffering=0) as stream:
        while piece := stream.read(_PIECE):
            found = zlib.crc32(piece, found)
    return found


def _read_json(file: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found
