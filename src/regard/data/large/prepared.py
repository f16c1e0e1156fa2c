"""A log that was prepared: clean histories on disk, and everything a split needs."""

import json
import shutil
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import polars as pl

from regard.data.catalogue import Catalogue
from regard.data.large.cutting import Cut
from regard.data.report import CleaningReport, Removal
from regard.data.sequences import Sequences
from regard.data.split import Split, SplitProtocol, Targets, assemble
from regard.data.vocabulary import Vocabulary
from regard.errors import DataError
from regard.schema import ROW

FORMAT: Final = 1
_FACTS = "prepared.json"
_QUARANTINE = "quarantine"
_OURS = frozenset({"format", "source", "fingerprint", "made_of"})  # no other file has them all


@dataclass(frozen=True)
class Prepared:
    """A folder that `prepare` wrote.

    Attributes:
        folder: where it lies.
        source: what the log was called.
        rows_in: rows before cleaning.
        rows_kept: rows after.
        removals: what each rule removed.
        notes: warnings that belong to the numbers of this log from here on.
        protocol: how the log was cut.
        fingerprint: of the clean log.
        cut: how it was to be cut.
        made_of: changes when the log, the rules or the cut do.
    """

    folder: Path
    source: str
    rows_in: int
    rows_kept: int
    removals: tuple[Removal, ...]
    notes: tuple[str, ...]
    protocol: SplitProtocol
    fingerprint: str
    cut: Cut
    made_of: str

    @classmethod
    def open(cls, folder: Path | str) -> "Prepared":
        """Open a folder; no row is read.

        Args:
            folder: what `prepare` wrote.

        Raises:
            DataError: it holds no prepared log, or one of another version.
        """
        place = Path(folder)
        try:
            facts = json.loads((place / _FACTS).read_text("utf-8"))
            require_format(facts["format"])
            moments = facts["protocol"]
            return cls(
                place,
                facts["source"],
                facts["rows_in"],
                facts["rows_kept"],
                tuple(
                    Removal(**(each | {"samples": tuple(each["samples"])}))
                    for each in facts["removals"]
                ),
                tuple(facts["notes"]),
                SplitProtocol(**(moments | {"targets": Targets(moments["targets"])})),
                facts["fingerprint"],
                Cut(**facts["cut"]),
                facts["made_of"],
            )
        except (OSError, ValueError, KeyError, TypeError) as broken:
            raise DataError(
                f"{folder} holds no prepared log ({broken}). Make it with `regard prepare`."
            ) from broken

    def save_facts(self) -> None:
        """Write what is not in the other files."""
        facts = {
            "format": FORMAT,
            "source": self.source,
            "rows_in": self.rows_in,
            "rows_kept": self.rows_kept,
            "removals": [each.to_dict() for each in self.removals],
            "notes": list(self.notes),
            "protocol": asdict(self.protocol),
            "fingerprint": self.fingerprint,
            "cut": asdict(self.cut),
            "made_of": self.made_of,
        }
        (self.folder / _FACTS).write_text(json.dumps(facts, indent=2) + "\n", "utf-8")

    @property
    def events(self) -> Sequences:
        """All histories, unknown items included, mapped from disk."""
        return Sequences.open(self.folder / "events")

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The items of the training part."""
        table = pl.read_parquet(self.folder / "vocabulary.parquet", glob=False)
        return Vocabulary(table["id"], table["count"].to_numpy())

    @cached_property
    def catalogue(self) -> Catalogue:
        """All items of the clean log with their titles."""
        return Catalogue.from_frame(pl.read_parquet(self.folder / "catalogue.parquet", glob=False))

    def split(self) -> Split:
        """The split that the same cleaning and cutting would have given in memory.

        Raises:
            TooLittleDataError: nobody is left to be asked.
        """
        return assemble(self.events, self.vocabulary, self.protocol, self.fingerprint)

    def quarantine(self) -> pl.LazyFrame:
        """The removed rows, each with its rule and reason, in no particular order."""
        return pl.scan_parquet(sorted((self.folder / _QUARANTINE).glob("*.parquet")), glob=False)

    def report(self) -> CleaningReport:
        """What cleaning did, the removed rows included, which are read into memory here."""
        return replace(self.summary(), quarantine=self.quarantine().sort(ROW).collect())

    def summary(self) -> CleaningReport:
        """What cleaning did in numbers and samples; its quarantine stays on disk and is empty."""
        return CleaningReport(
            source=self.source,
            rows_in=self.rows_in,
            rows_kept=self.rows_kept,
            removals=self.removals,
            notes=self.notes,
            quarantine=self.quarantine().limit(0).collect(),
        )

    def __str__(self) -> str:
        return (
            f"{self.source}: {self.rows_in:,} rows in, {self.rows_kept:,} kept; "
            f"{len(self.events):,} users, {len(self.vocabulary):,} items in training; "
            f"{self.protocol}. In {self.folder}"
        )


def require_format(found: object) -> None:
    """Refuse a folder of another version.

    Raises:
        ValueError: it is not of this version.
    """
    if found != FORMAT:
        raise ValueError(f"it is of format {found}, not {FORMAT}")


def is_prepared(folder: Path | str) -> bool:
    """Whether a folder holds a prepared log, sound or not, so that it may be replaced as one.

    A file of that name alone says nothing: it must hold what `Prepared.save_facts` writes.

    Args:
        folder: may lead anywhere.

    Returns:
        False too where nothing can be read.

    Example:
        >>> is_prepared("plays.csv")
        False
    """
    try:
        facts = json.loads((Path(folder) / _FACTS).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(facts, dict) and facts.keys() >= _OURS


def add_quarantine(folder: Path, files: "list[Path]") -> None:
    """Copy the removed rows of all shards into a folder that is being made."""
    (folder / _QUARANTINE).mkdir()
    for number, file in enumerate(files):
        shutil.copyfile(file, folder / _QUARANTINE / f"part-{number:05d}.parquet")


def add_tables(folder: Path, vocabulary: Vocabulary, catalogue: Catalogue) -> None:
    """Write the items into a folder that is being made."""
    codes: dict[str, Any] = {"id": vocabulary.ids, "count": vocabulary.counts}
    pl.DataFrame(codes).write_parquet(folder / "vocabulary.parquet")
    catalogue.to_frame().write_parquet(folder / "catalogue.parquet")
