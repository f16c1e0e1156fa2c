"""Any dataframe that Narwhals speaks to a table: pandas, Polars, Arrow, DuckDB and others."""

from typing import Any

import narwhals as nw
import polars as pl

from regard.data.ingest.table import Table
from regard.errors import ColumnError, SourceError


def open_frame(source: Any) -> Table:
    """Take a dataframe as it is, whatever library it comes from.

    Args:
        source: an eager or lazy frame; a lazy one is computed once.

    Returns:
        The table with the columns and types of the frame.

    Raises:
        SourceError: the object is no dataframe, or cannot be converted.
        ColumnError: two columns have one name.

    Example:
        >>> import pandas as pd
        >>> open_frame(pd.DataFrame({"who": [7], "what": ["tea"]})).frame.rows()
        [(7, 'tea')]
    """
    try:
        frame = nw.from_native(source)
    except TypeError as strange:
        raise SourceError(
            f"A {type(source).__name__} is neither a path nor a dataframe. Give a path to a CSV or "
            "Parquet file, or a frame of pandas, Polars, Arrow or DuckDB."
        ) from strange
    except nw.exceptions.DuplicateError as twice:
        raise ColumnError(_two_columns("The frame", twice)) from twice
    name = f"a {frame.implementation.name.lower()} frame"
    try:
        table = _to_polars(frame)
    except nw.exceptions.DuplicateError as twice:
        raise ColumnError(_two_columns(name, twice)) from twice
    except Exception as broken:
        reason = str(broken).splitlines()[0] if str(broken) else type(broken).__name__
        raise SourceError(f"{name} cannot be converted to a typed table: {reason}") from broken
    return Table(table, name)


def is_spark_frame(source: Any) -> bool:
    """Whether a source is a DataFrame of PySpark; PySpark is not imported to tell.

    One of Spark Connect is not: like any other frame, it is brought into memory.

    Example:
        >>> is_spark_frame(pl.DataFrame({"a": [1]}))
        False
    """
    kind = type(source)
    return kind.__module__ == "pyspark.sql.classic.dataframe" and kind.__name__ == "DataFrame"


def _two_columns(name: str, twice: Exception) -> str:
    """The sentence for a frame that calls two columns by one name."""
    return f"{name} has two columns of one name: {' '.join(str(twice).split())}."


def _to_polars(frame: nw.DataFrame[Any] | nw.LazyFrame[Any]) -> pl.DataFrame:
    """All rows as a Polars frame."""
    if isinstance(frame, nw.LazyFrame):
        table = frame.collect("polars").to_native()
    else:
        table = frame.to_polars()
    assert isinstance(table, pl.DataFrame)  # noqa: S101 - for the type checker alone
    return table
