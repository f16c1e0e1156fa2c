"""Rows that are equal, found by their hashes: sorting numbers is faster than grouping rows.

Equal rows have equal hashes, so only rows that share theirs need to be compared, and mostly few do.
"""

import numpy as np
import polars as pl


def is_hashable(schema: pl.Schema) -> bool:
    """Whether Polars can hash rows of such columns.

    Example:
        >>> is_hashable(pl.Schema({"user": pl.Int64()}))
        True
        >>> is_hashable(pl.Schema({"tags": pl.List(pl.String())}))
        False
    """
    return not any(dtype.is_nested() or dtype == pl.Object for dtype in schema.values())


def sharing_a_hash(table: pl.DataFrame) -> pl.Series:
    """Which rows have a hash that another row has too; the rows that equal another are among them.

    Args:
        table: columns that can be hashed.

    Returns:
        Boolean, one per row.

    Example:
        >>> sharing_a_hash(pl.DataFrame({"user": [1, 2, 1]})).to_list()
        [True, False, True]
    """
    hashes = table.select(pl.struct(pl.all()).hash()).to_series()
    ordered = np.sort(hashes.to_numpy())
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    return hashes.is_in(pl.Series(twice).unique().implode())


def count_distinct(table: pl.DataFrame) -> int:
    """How many different rows a table has; missing values are equal.

    Args:
        table: any columns.

    Returns:
        Exactly as many as `table.n_unique()`, sooner and in less memory.

    Example:
        >>> count_distinct(pl.DataFrame({"user": [1, 2, 1], "item": [None, None, None]}))
        2
    """
    if table.is_empty() or not table.width:
        return 0
    if not is_hashable(table.schema):
        return table.n_unique()
    shared = table.filter(sharing_a_hash(table))
    return table.height - shared.height + (shared.n_unique() if shared.height else 0)
