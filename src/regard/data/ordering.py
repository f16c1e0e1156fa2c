"""History order: users by their ids, each user's events by time, ties as in the log.

A stable sort by time and then a stable sort by user is a sort by both. NumPy sorts times that are
almost in order in about one pass (most logs are written in order), and 16-bit numbers by radix; so
users become codes, and their codes are sorted 16 bits at a time, the last ones first.
"""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from regard.schema import ROW, USER

_DIGIT: Final = 16


def in_history_order(table: pl.DataFrame, ordering: str) -> pl.DataFrame:
    """Sort rows by user and time, ties by their place in the log.

    Args:
        table: columns `user`, `row` and the one that orders; missing values come first.
        ordering: `time` or `position`.

    Returns:
        The same rows in history order.

    Example:
        >>> in_history_order(pl.DataFrame({"user": [2, 1, 2, 1], "time": [5.0, 9.0, 3.0, 9.0],
        ...                                "row": [0, 1, 2, 3]}), "time")["row"].to_list()
        [1, 3, 2, 0]
    """
    users, times = table[USER], table[ordering]
    missing = users.null_count() or times.null_count()
    if missing or not table[ROW].is_sorted() or (times.dtype.is_float() and times.is_nan().any()):
        return table.sort(USER, ordering, ROW)
    codes, moments = _codes(users), times.to_numpy()
    return table if _are_ordered(codes, moments) else table[_order(codes, moments)]


def _codes(users: pl.Series) -> NDArray[np.uint64]:
    """`(rows,)` numbers in the order of the users' ids, as small as can be had without sorting."""
    if users.dtype.is_integer():
        # Differences modulo 2**64, which are right whatever the width and sign of the ids.
        ids = users.to_numpy().astype(np.uint64 if users.dtype == pl.UInt64 else np.int64)
        low = ids[:1] if not len(ids) else ids.min(keepdims=True)
        codes: NDArray[np.uint64] = ids.view(np.uint64) - low.view(np.uint64)
        return codes
    known = users.unique().sort()
    numbered = pl.DataFrame({USER: known, "code": np.arange(len(known), dtype=np.uint64)})
    found = users.to_frame().join(numbered, on=USER, how="left", maintain_order="left")
    places: NDArray[np.uint64] = found["code"].to_numpy()
    return places


def _are_ordered(codes: NDArray[np.uint64], times: NDArray[np.float64]) -> bool:
    """Whether the rows are in history order already, as those of many a published log are."""
    later, same = codes[1:] > codes[:-1], codes[1:] == codes[:-1]
    return bool((later | (same & (times[1:] >= times[:-1]))).all())


def _order(codes: NDArray[np.uint64], times: NDArray[np.float64]) -> NDArray[np.int64]:
    """`(rows,)` places of the rows, sorted by code and then by time, ties as they lie."""
    order = np.argsort(times, kind="stable")
    for shift in range(0, int(codes.max(initial=0)).bit_length(), _DIGIT):
        digit = (codes >> np.uint64(shift)).astype(np.uint16)
        order = order[np.argsort(digit[order], kind="stable")]
    return order
