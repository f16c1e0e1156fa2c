"""Many files to one table: a folder or a pattern, with Hive's partitions as columns."""

import glob
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import unquote

import numpy as np
import polars as pl

from regard.data.ingest.arrow import arrow_frame
from regard.data.ingest.columns import as_ids
from regard.data.ingest.dialect import find_decimal
from regard.data.ingest.files import TextForm, format_of, open_file, require_file
from regard.data.ingest.parquet import parquet_frame
from regard.data.ingest.table import Table
from regard.errors import SourceError

_PARTITION: Final = re.compile(r"([^=]+)=(.*)")
_NULL: Final = "__HIVE_DEFAULT_PARTITION__"  # how Hive spells a missing value
_ALONE: Final = "RecBole's atomic files"


def is_many(path: Path) -> bool:
    """Whether a path is a folder, or a pattern rather than a file that is there.

    Example:
        >>> is_many(Path("log/*.parquet")), is_many(Path("log.parquet"))
        (True, False)
    """
    return path.is_dir() or (glob.has_magic(str(path)) and not path.exists())


def open_many(path: Path, form: TextForm) -> Table:
    """Read all files of a folder or a pattern, in the order of their paths.

    Folders called `name=value` directly above a file are columns of it, as Hive and Spark write
    them. Inside a folder, names that begin with a dot or an underscore are passed over.

    Args:
        path: a folder, or a pattern with `*`, `?`, `[...]` or `**`.
        form: how text is written.

    Returns:
        One table, its columns in the order of the first file.

    Raises:
        SourceError: no file, more than one format, a file that cannot be read, or files with
            different columns.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for year in (2023, 2024):
        ...     (folder / f"year={year}").mkdir()
        ...     pl.DataFrame({"who": [7]}).write_parquet(folder / f"year={year}" / "part.parquet")
        >>> open_many(folder, TextForm()).frame.rows()
        [(7, 2023), (7, 2024)]
    """
    files, passed = files_of(path)
    typed = format_of(files[0]) != "delimited text"
    frames, notes = zip(*(_part(file, form) for file in files), strict=True)
    partitions = [partitions_of(file) for file in files]
    keys = common_keys(partitions, files)
    frame = _stacked(frames, files)
    added = [key for key in keys if key not in frame.columns]
    heights = [each.height for each in frames]
    frame = frame.with_columns([partition_values(key, partitions, heights) for key in added])
    decimal = "." if typed else form.decimal or find_decimal(frame)
    are = "file is" if len(files) == 1 else "files are"
    said = [f"{len(files):,} {are} read in the order of their paths."]
    are = "file is" if len(passed) == 1 else "files are"
    said += [f"{len(passed):,} {are} passed over, such as {passed[0]}."] if passed else []
    said += [f"The names of folders give the column {key!r}." for key in added]
    said += dict.fromkeys(note for each in notes for note in each)
    return Table(frame, str(path), tuple(said), decimal, typed)


def files_of(path: Path) -> tuple[list[Path], list[Path]]:
    """The files to read, all of one format, and those that are passed over."""
    if path.is_dir():
        found, passed = _inside(path)
        missing = f"{path} is a folder that holds no file of a known format"
    else:
        root = Path(path.anchor)
        matches = list(root.glob(str(path.relative_to(root))))
        found = [each for each in matches if each.is_file()]
        passed = []
        for folder in (each for each in matches if each.is_dir()):
            inner, other = _inside(folder)
            found, passed = [*found, *inner], [*passed, *other]
        missing = f"{path} matches no file"
    files = sorted(set(found))
    if not files:
        raise SourceError(f"{missing}. Check the path, or name a file.")
    strange = [file for file in files if format_of(file) in {None, _ALONE}]
    if strange:
        raise SourceError(
            f"{path} takes in {strange[0]}, which is of no format that many files may have. Name "
            "one file, or give a narrower pattern, such as '*.parquet'."
        )
    formats = {format_of(file): file for file in reversed(files)}
    if len(formats) > 1:
        one, two = list(formats.items())[-1:-3:-1]
        raise SourceError(
            f"{path} holds more than one format: {one[1].name} is {one[0]}, {two[1].name} is "
            f"{two[0]}. Give a pattern for one of them, such as '{path / ('*' + one[1].suffix)}'."
        )
    return files, passed


def _inside(folder: Path) -> tuple[list[Path], list[Path]]:
    """The data files in a folder and the folders in it, and the files of no known format."""
    files = [
        file
        for file in _walked(folder)
        if not any(part[0] in "._" for part in file.relative_to(folder).parts)
    ]
    known = [file for file in files if format_of(file) is not None]
    for file in known:
        require_file(file)
    return known, [file for file in files if format_of(file) is None]


def _walked(folder: Path) -> list[Path]:
    """Everything but folders, in the order of paths; what may not be looked into is refused."""

    def refuse(hidden: OSError) -> NoReturn:
        raise SourceError(
            f"{hidden.filename} cannot be looked into: {hidden.strerror}. Check that you may read "
            "it, or give a pattern that leaves it out."
        ) from hidden

    return sorted(
        Path(inner, name) for inner, _, names in os.walk(folder, onerror=refuse) for name in names
    )


def _part(file: Path, form: TextForm) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The rows of one file and its notes; Parquet and Arrow without rows are welcome here."""
    reader = {"Parquet": parquet_frame, "Arrow": arrow_frame}.get(format_of(file) or "")
    if reader is None:
        table = open_file(file, form)
        return table.frame, table.notes
    form.require_none(file)
    return reader(file), ()


def _stacked(frames: Sequence[pl.DataFrame], files: Sequence[Path]) -> pl.DataFrame:
    """The rows of all files, one file after another."""
    first = frames[0].columns
    for frame, file in zip(frames, files, strict=True):
        if set(frame.columns) != set(first):
            name = sorted(set(frame.columns) ^ set(first))[0]
            has, lacks = (file, files[0]) if name in frame.columns else (files[0], file)
            raise SourceError(
                f"{has} has a column {name!r}, which {lacks} lacks. All files must have the same "
                "columns; give a narrower pattern, or bring them to one form first."
            )
    try:
        return pl.concat([frame.select(first) for frame in frames], how="vertical_relaxed")
    except pl.exceptions.PolarsError as unlike:
        name, file, other = _unlike(frames, files)
        raise SourceError(
            f"Column {name!r} holds {frames[0][name].dtype} in {files[0]} and {other} in {file}. "
            "Bring the files to one type first."
        ) from unlike


def _unlike(frames: Sequence[pl.DataFrame], files: Sequence[Path]) -> tuple[str, Path, pl.DataType]:
    """The first column whose types cannot be brought together, and where."""
    for frame, file in zip(frames, files, strict=True):
        for column in frames[0]:
            try:
                pair = [column.to_frame(), frame.select(column.name)]
                pl.concat(pair, how="vertical_relaxed")
            except pl.exceptions.PolarsError:
                return column.name, file, frame[column.name].dtype
    return frames[0].columns[0], files[0], frames[0].dtypes[0]  # pragma: no cover - some pair is


def partitions_of(file: Path) -> dict[str, str]:
    """Names and values in the folders directly above a file."""
    found: list[tuple[str, str]] = []
    for folder in file.parents:
        named = _PARTITION.fullmatch(folder.name)
        if named is None:
            break
        found.append((unquote(named[1]), unquote(named[2])))
    return dict(reversed(found))


def common_keys(partitions: Sequence[dict[str, str]], files: Sequence[Path]) -> list[str]:
    """The names of partitions, which all files must share."""
    keys = list(partitions[0])
    for each, file in zip(partitions, files, strict=True):
        if set(each) != set(keys):
            raise SourceError(
                f"{file} lies in folders called {', '.join(each) or 'nothing'}, {files[0]} in "
                f"{', '.join(keys) or 'none'} (name=value). All files must lie equally deep."
            )
    return keys


def partition_values(
    key: str, partitions: Sequence[dict[str, str]], heights: Sequence[int]
) -> pl.Series:
    """One column from the names of folders; whole numbers where all are."""
    texts = [None if each[key] == _NULL else each[key] for each in partitions]
    series, _ = as_ids(pl.Series(key, texts, dtype=pl.String))
    parts = np.repeat(np.arange(len(heights)), heights)
    return series.gather(pl.Series(parts, dtype=pl.UInt32)).alias(key)
