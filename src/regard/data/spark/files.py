"""Folders of files as a Spark frame whose rows are numbered as if one reader had read them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import narwhals as nw

from regard.data.engines import held
from regard.data.ingest.dialect import Dialect, find_dialect
from regard.data.ingest.files import TextForm, format_of
from regard.data.spark.places import as_spark_reads
from regard.data.spark.rows import number_blocks
from regard.errors import ConfigurationError, SourceError
from regard.schema import ROW

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_PATH, _BLOCK, _WITHIN = "_regard_path", "_regard_block", "_regard_within"
_SNIFFED: Final = 200
_BROKEN: Final = re.compile(r"MALFORMED|CSV header")


@dataclass(frozen=True)
class Opened:
    """Files as they were found.

    Attributes:
        frame: a Spark frame: all columns under their own names, then `row`, int64 from 0, in the
            order of the files' paths and of the rows in each.
        name: what to call the source in messages.
        notes: how it was understood, one sentence each.
        typed: whether the source itself knows types; in delimited text everything is text.
        decimal: the decimal sign of numbers that are written as text, where it was said.
    """

    frame: "DataFrame"
    name: str
    notes: tuple[str, ...]
    typed: bool
    decimal: str | None = None


def open_files(session: "SparkSession", path: Path | str, form: TextForm) -> Opened:
    """Open a file, a folder or a pattern of Parquet, delimited text or JSON lines.

    Parquet knows the place of each row. Of text, rows are numbered while it is read, and held on
    the executors, so that it is parsed once.

    Args:
        session: of Spark.
        path: a local path, or whatever address Spark reads, such as `s3a://bucket/log`.
        form: how delimited text is written; found in its first lines if omitted.

    Returns:
        The files.

    Raises:
        SourceError: nothing is there, files have several formats or one that is not read here.
        ConfigurationError: an option of delimited text was given for something else.
    """
    name, place = str(path), as_spark_reads(path)
    files = _files(session, place, name)
    kind = _format(files, name)
    notes: tuple[str, ...] = (f"{len(files):,} files are read in the order of their paths.",)
    if kind == "Parquet":
        form.require_none(name)
        return Opened(_parquet(session, place, files), name, notes, typed=True)
    if kind == "JSON lines":
        form.require_none(name, but=("encoding",))
        reader = session.read.option("mode", "FAILFAST").option(
            "encoding", form.encoding or "utf-8"
        )
        frame = _numbered_text(reader.json(place), files, name)
        return Opened(frame, name, notes, typed=True)
    dialect = _dialect(session, files[0], form, name)
    frame = _numbered_text(_delimited(session, place, dialect, form), files, name)
    notes = (*notes, *dialect.notes())
    return Opened(frame, name, notes, typed=False, decimal=form.decimal)


def _files(session: "SparkSession", place: str, name: str) -> list[str]:
    """The addresses of all files, in the order of their paths."""
    from pyspark.errors import AnalysisException

    try:
        found = session.read.format("text").load(place).inputFiles()
    except AnalysisException as absent:
        raise SourceError(
            f"{name} is not there, or Spark cannot read it. Check the path."
        ) from absent
    if not found:
        raise SourceError(f"{name} holds no file. Check the path, or name a file.")
    return sorted(found, key=lambda file: PurePosixPath(_plain(file)))


def _format(files: Sequence[str], name: str) -> str:
    """The one format of all files."""
    kinds = {_kind(file): file for file in reversed(files)}
    for kind, file in kinds.items():
        if kind not in {"Parquet", "JSON lines", "delimited text"}:
            raise SourceError(
                f"{name} takes in {PurePosixPath(file).name}, which is neither Parquet nor "
                "delimited text nor JSON lines. Give a narrower pattern, such as '*.parquet'."
            )
    if len(kinds) > 1:
        (one, first), (two, second) = list(kinds.items())[:2]
        raise SourceError(
            f"{name} holds more than one format: {PurePosixPath(first).name} is {one}, "
            f"{PurePosixPath(second).name} is {two}. Give a pattern for one of them."
        )
    return next(iter(kinds)) or ""


def _kind(file: str) -> str | None:
    """The format of a file; Spark calls its own JSON lines `.json`."""
    plain = PurePosixPath(unquote(file)).name
    return "JSON lines" if re.search(r"\.json(\.gz)?$", plain) else format_of(Path(plain))


def _parquet(session: "SparkSession", place: str, files: Sequence[str]) -> "DataFrame":
    """Parquet, whose rows know their place in the file."""
    from pyspark.sql import functions as F

    frame = session.read.parquet(place)
    frame = _without_row(frame).select(
        "*",
        F.col("_metadata.file_path").alias(_PATH),
        F.lit(0).cast("long").alias(_BLOCK),
        F.col("_metadata.row_index").alias(_WITHIN),
    )
    return number_blocks(frame, path=_PATH, block=_BLOCK, within=_WITHIN, rank=_rank(files))


def _numbered_text(frame: "DataFrame", files: Sequence[str], name: str) -> "DataFrame":
    """Lines of text, numbered as they are read; what numbers them must not be read again."""
    from pyspark.sql import functions as F

    placed = _without_row(frame).select(
        "*",
        F.col("_metadata.file_path").alias(_PATH),
        F.col("_metadata.file_block_start").alias(_BLOCK),
        F.monotonically_increasing_id().alias(_WITHIN),
    )
    try:
        read = nw.to_native(held(nw.from_native(placed)))
    except Exception as broken:  # of Py4J or PySpark, depending on who computes
        told = [line.strip() for line in str(broken).splitlines() if _BROKEN.search(line)]
        if not told:
            raise
        raise SourceError(
            f"{name} has a line with more or fewer fields than the others, a file with another "
            "header, or a line that is no JSON. Mend it, or say delimiter=; a line break inside a "
            "field is not read on Spark. "
            f"({told[-1].removeprefix('Caused by: ')})"
        ) from broken
    return number_blocks(read, path=_PATH, block=_BLOCK, within=_WITHIN, rank=_rank(files))


def _without_row(frame: "DataFrame") -> "DataFrame":
    """A frame whose own `row`, if it has one, makes way for the number of the row."""
    name = ROW
    while name in frame.columns:
        name += "_"
    return frame.withColumnRenamed(ROW, name)


def _rank(files: Sequence[str]) -> Callable[[str], int]:
    """The place of a file among all, however its address is spelled."""
    places = {_plain(file): number for number, file in enumerate(files)}
    return lambda file: places[_plain(file)]


def _plain(file: str) -> str:
    """An address without escapes, a local one as a path."""
    return re.sub(r"^file:/+", "/", unquote(file))


def _dialect(session: "SparkSession", file: str, form: TextForm, name: str) -> Dialect:
    """What separates fields and whether there is a header, from the first lines."""
    lines = [row.value for row in session.read.text(file).head(_SNIFFED)]
    if not any(line.strip() for line in lines):
        raise SourceError(f"{name} is empty. Give files with one row per interaction.")
    data = ("\n".join(lines) + "\n").encode()
    return find_dialect(data, name=name, delimiter=form.delimiter, header=form.header)


def _delimited(
    session: "SparkSession", place: str, dialect: Dialect, form: TextForm
) -> "DataFrame":
    """Delimited text, all of it text."""
    reader = session.read.options(
        sep=dialect.delimiter,
        header=dialect.header,
        encoding=form.encoding or "utf-8",
        quote='"' if dialect.quoted else "",
        escape='"' if dialect.quoted else "",
        mode="FAILFAST",
        enforceSchema=False,
        inferSchema=False,
        nullValue="",
        emptyValue="",
    )
    try:
        frame = reader.csv(place)
    except Exception as broken:
        raise ConfigurationError(
            f"Spark cannot read {place} as {form.encoding or 'utf-8'} with {dialect.delimiter!r} "
            f"between fields: {str(broken).splitlines()[0]}"
        ) from broken
    if dialect.header:
        return frame
    return frame.toDF(*(f"column_{number}" for number in range(1, len(frame.columns) + 1)))
