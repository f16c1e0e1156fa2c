"""Cleaning where the log lies: executors mark, count and write, the driver sees numbers alone.

What a run leaves behind::

    FOLDER/kept/part-….parquet         rows in the order of the source, ready for `regard.read`
    FOLDER/quarantine/part-….parquet   removed rows, each with its rule and reason
    FOLDER/report.json                 written last
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw
import polars as pl

from regard.data.atomic import atomic_folder
from regard.data.clean import (
    default_rules,
    mark_rows,
    names_and_reasons,
    removals_of,
    require_explained,
)
from regard.data.interactions import Interactions
from regard.data.repairs import Repair
from regard.data.repairs.mend import mend
from regard.data.report import SAMPLES, CleaningSummary
from regard.data.rules.contract import REMOVED_BY, Rule
from regard.data.spark.places import is_address
from regard.errors import SourceError, StorageError
from regard.schema import ROW, TIME

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

KEPT: Final = "kept"
QUARANTINE: Final = "quarantine"
REPORT: Final = "report.json"
_FAR: Final = 9e12  # seconds whose microseconds 64 bits hold
_TIMESTAMPS: Final = "spark.sql.parquet.outputTimestampType"


@dataclass(frozen=True)
class _Counts:
    """What the executors counted: rows by rule (0 is kept), and whether times are moments."""

    rows: Mapping[int, int]
    moments: bool


def clean_into(
    log: Interactions,
    folder: Path | str,
    rules: Sequence[Rule] | None = None,
    *,
    repairs: Sequence[Repair] = (),
    overwrite: bool = False,
) -> CleaningSummary:
    """Clean a log on Spark by the rules that clean it anywhere, and write what comes of it.

    The log never comes to the driver: rows per rule and three rows of each rule do. A local folder
    (one that driver and executors share) appears complete or not at all; at any other address the
    parts are committed by Spark, and `report.json` comes last.

    Args:
        log: with a frame of PySpark, such as `read_files` gives.
        folder: where the rows go; must not be there unless it may be overwritten.
        rules: in the order in which they run; `default_rules` if omitted.
        repairs: of ids, before any rule, in the order in which they run.
        overwrite: replace a local folder that is there.

    Returns:
        The numbers that `regard.clean` would report.

    Raises:
        SourceError: the log is not on Spark.
        StorageError: the folder could not be written, or executors write somewhere else.
        TooLittleDataError: no row is left.
        RuntimeError: a rule added or lost rows; a defect of that rule.
    """
    if not log.frame.implementation.is_pyspark():
        raise SourceError(
            f"{log.source} is not on Spark; read it with regard.data.spark.read_files, or clean it "
            "in memory with regard.clean."
        )
    session = log.frame.to_native().sparkSession
    log, mendings = mend(log, repairs)
    chosen = default_rules(log) if rules is None else tuple(rule.settled_on(log) for rule in rules)
    with _written_to(folder, session, overwrite=overwrite) as place:
        report = replace(_cleaned(log, chosen, place), mendings=mendings)
        _tell(session, place, report, address=is_address(folder))
    return report


def _cleaned(log: Interactions, rules: Sequence[Rule], place: str) -> CleaningSummary:
    """Mark once, and count, sample and write what was marked."""
    rows_in = int(log.frame.select(nw.len()).collect().item())
    marked = nw.to_native(mark_rows(log, rules)).persist()
    try:
        counts = _counted(marked)
        report = CleaningSummary(
            source=log.source,
            rows_in=rows_in,
            rows_kept=counts.rows.get(0, 0),
            removals=removals_of(rules, rows_in, counts.rows, _samples(marked)),
            notes=tuple(rule.note for rule in rules if rule.note),
        )
        require_explained(report)
        _write(_kept(marked, counts), f"{place}/{KEPT}", report.rows_kept)
        _write(_quarantine(marked, rules), f"{place}/{QUARANTINE}", report.rows_removed)
    finally:
        marked.unpersist()
    return report


def _counted(marked: "DataFrame") -> _Counts:
    """Rows by rule, and whether microseconds hold every time that is kept."""
    from pyspark.sql import functions as F

    lossy = F.lit(0)
    if TIME in marked.columns:
        exact = _microseconds() / F.lit(1e6) == F.col(TIME)
        lossy = F.count_if(~F.coalesce(exact, F.lit(False)))
    counted = marked.groupBy(REMOVED_BY).agg(F.count("*").alias("rows"), lossy.alias("lossy"))
    found = {each[REMOVED_BY]: each for each in counted.collect()}
    kept = found.get(0)
    return _Counts(
        {number: each["rows"] for number, each in found.items()},
        TIME in marked.columns and kept is not None and kept["lossy"] == 0,
    )


def _microseconds() -> "Column":
    """Times in whole microseconds, null where 64 bits cannot hold them."""
    from pyspark.sql import functions as F

    near = F.abs(F.col(TIME)) < _FAR
    return F.when(near, F.rint(F.col(TIME) * F.lit(1e6))).cast("long")


def _samples(marked: "DataFrame") -> dict[int, list[dict[str, Any]]]:
    """The first rows of each rule."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    place = F.row_number().over(Window.partitionBy(REMOVED_BY).orderBy(ROW))
    removed = marked.where(F.col(REMOVED_BY) > 0).withColumn("_regard_place", place)
    first = removed.where(F.col("_regard_place") <= SAMPLES).drop("_regard_place")
    table = pl.from_arrow(first.toArrow())
    assert isinstance(table, pl.DataFrame)  # noqa: S101 - for the type checker alone
    samples: dict[int, list[dict[str, Any]]] = {}
    for row in table.sort(ROW).to_dicts():
        samples.setdefault(row.pop(REMOVED_BY), []).append(row)
    return samples


def _kept(marked: "DataFrame", counts: _Counts) -> "DataFrame":
    """The kept rows in the order of the source, which is what their numbers were for."""
    from pyspark.sql import functions as F

    kept = marked.where(F.col(REMOVED_BY) == 0).orderBy(ROW).drop(ROW, REMOVED_BY)
    return kept.withColumn(TIME, F.timestamp_micros(_microseconds())) if counts.moments else kept


def _quarantine(marked: "DataFrame", rules: Sequence[Rule]) -> "DataFrame":
    """The removed rows with the name and the reason of their rule."""
    from pyspark.sql import functions as F

    removed = marked.where(F.col(REMOVED_BY) > 0).orderBy(ROW)
    own = [name for name in marked.columns if name != REMOVED_BY]
    for name, texts in names_and_reasons(rules, own).items():
        said = F.array(*map(F.lit, texts)) if texts else F.array(F.lit(""))
        removed = removed.withColumn(name, said[F.col(REMOVED_BY).cast("int") - 1])
    return removed.drop(REMOVED_BY)


@contextmanager
def _written_to(folder: Path | str, session: "SparkSession", *, overwrite: bool) -> Iterator[str]:
    """Where executors write; refused before they do anything."""
    with moments_in_microseconds(session):
        if not is_address(folder):
            with atomic_folder(folder, overwrite=overwrite) as draft:
                yield f"file:{draft}"
            return
        place = str(folder).rstrip("/")
        if _is_there(session, place):
            raise StorageError(f"{place} is there already and will not be replaced; name another.")
        yield place


def _is_there(session: "SparkSession", place: str) -> bool:
    """Whether an address leads to something."""
    from pyspark.errors import AnalysisException

    try:
        session.read.format("text").load(place)
    except AnalysisException:
        return False
    return True


def _tell(session: "SparkSession", place: str, report: CleaningSummary, *, address: bool) -> None:
    """Write the report beside what it tells of; at an address Spark writes it, as a folder."""
    said = json.dumps(report.to_dict(), indent=2)
    if address:
        told = session.createDataFrame([(said,)], "value string").coalesce(1)
        told.write.text(f"{place}/{REPORT}")
    else:
        Path(place.removeprefix("file:"), REPORT).write_text(said + "\n")


@contextmanager
def moments_in_microseconds(session: "SparkSession") -> Iterator[None]:
    """Let Spark write moments in the way that every reader of Parquet knows.

    Args:
        session: whose setting is put back afterwards.
    """
    before = session.conf.get(_TIMESTAMPS)
    session.conf.set(_TIMESTAMPS, "TIMESTAMP_MICROS")
    try:
        yield
    finally:
        session.conf.set(_TIMESTAMPS, str(before))


def _write(frame: "DataFrame", place: str, rows: int) -> None:
    """Write a folder of Parquet and look whether all of it is there."""
    from pyspark.errors import AnalysisException

    try:
        frame.write.parquet(place)
    except AnalysisException as refused:
        reason = str(refused).splitlines()[0]
        raise StorageError(f"{place} could not be written: {reason}") from refused
    require_rows(frame.sparkSession, place, rows)


def require_rows(session: "SparkSession", place: str, rows: int) -> None:
    """Refuse a folder that does not hold what executors say that they wrote.

    Args:
        session: of Spark.
        place: a folder of Parquet.
        rows: how many rows there must be.

    Raises:
        StorageError: there are fewer, as where every machine writes to a disk of its own.
    """
    from pyspark.errors import AnalysisException

    try:
        found = session.read.parquet(place).count()
    except AnalysisException:  # no file of Parquet is to be seen from here
        found = 0
    if found != rows:
        raise StorageError(
            f"{place} holds {found:,} of the {rows:,} rows that were written. Name a folder that "
            "the driver and all executors share, or an address such as hdfs:// or s3a://."
        )
