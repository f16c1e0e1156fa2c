"""What engines do differently, in one place, so that rules need not know which one they run on."""

from typing import Any, Final, TypeAlias

import narwhals as nw

Frame: TypeAlias = nw.LazyFrame[Any]
"""A lazy frame of any engine."""

_SPREAD: Final = {nw.Implementation.PYSPARK, nw.Implementation.PYSPARK_CONNECT}
"""Engines that spread the groups of a window over many machines, and else use a single one."""


def held(frame: Frame) -> Frame:
    """Compute a frame once and keep its rows where its engine works.

    Polars keeps them in memory, and engines without tables of their own hand them to PyArrow.
    Spark keeps them on its executors: in the session's checkpoint folder where it has one, which
    survives the loss of an executor, else on the executors' own disks. Nothing comes to the driver.

    Args:
        frame: any lazy frame.

    Returns:
        The same rows, without what led to them.

    Example:
        >>> import polars as pl
        >>> frame = nw.from_native(pl.LazyFrame({"a": [1, 2]}))
        >>> held(frame).collect()["a"].to_list()
        [1, 2]
    """
    if frame.implementation not in _SPREAD:
        return frame.collect().lazy()
    native = frame.to_native()
    if frame.implementation.is_pyspark() and native.sparkSession.sparkContext.getCheckpointDir():
        native = native.checkpoint()
    else:
        native = native.localCheckpoint()
    kept: Frame = nw.from_native(native)
    return kept


def groups(frame: Frame, *columns: str) -> tuple[str, ...]:
    """What a window over a whole log may be divided by, for engines that gain by it.

    A rule that compares neighbours orders the whole log by group first, so that it runs on engines
    whose windows know no groups; a row then is compared with its neighbour only where the group is
    the same. Spark would bring the whole log to one machine for such a window, unless it is told
    the groups.

    Args:
        frame: says which engine it is.
        columns: the groups; the window's order must begin with them.

    Returns:
        The columns, or nothing.

    Example:
        >>> import polars as pl
        >>> groups(nw.from_native(pl.LazyFrame({"user": [1]})), "user")
        ()
    """
    return columns if frame.implementation in _SPREAD else ()
