"""Encoders beside the events: fitted on the training part of a split, applied to all of the log.

A recipe names columns of the log and how each is encoded; what comes out lies in `Split.events` and
in every history that is cut from it::

    {"price": "buckets", "time": ["hour", "weekday"],
     "gap": {"name": "buckets", "strategy": "log"}}
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from regard.data.encoders.contract import Encoder
from regard.data.encoders.fitted import Choice, Encoders, understood
from regard.data.encoders.gaps import GAP, with_gaps
from regard.data.features import FARTHEST, FeatureLayout, Features
from regard.data.interactions import Interactions
from regard.data.split import Split, assemble
from regard.errors import ColumnError, ConfigurationError, DataError
from regard.schema import ITEM, ROW, TIME, UNKNOWN, USER

Columns = Mapping[str, Choice | Sequence[Choice]]
"""Column of the log -> its encoder or encoders, each a name or a name with settings."""


def check_features(columns: Columns) -> None:
    """Refuse features that no log could have, before anything is read.

    Args:
        columns: what a recipe says.

    Raises:
        ConfigurationError: an encoder or a setting is not known, or it needs what no recipe can
            hold.

    Example:
        >>> check_features({"price": {"name": "buckets", "cuont": 4}})
        Traceback (most recent call last):
        regard.errors.ConfigurationError: The encoder 'buckets' of column 'price' has no setting
        'cuont'; it has count, strategy.
    """
    for column, chosen in columns.items():
        several = chosen if isinstance(chosen, list | tuple) else [chosen]
        if not several or not all(isinstance(each, str | Mapping) for each in several):
            raise ConfigurationError(
                f"features.{column}={chosen!r} must name an encoder, such as 'buckets', or be a "
                "table with its name and settings, or a list of these."
            )
    for column, kind, _ in understood(columns):
        if kind.name == "vectors":
            raise ConfigurationError(
                f"features.{column}: the encoder 'vectors' needs a table of vectors, which no "
                "recipe can hold; choose another encoder, or use it in a model of your own."
            )


def encode_split(log: Interactions, split: Split, columns: Columns) -> tuple[Split, Encoders]:
    """Learn encoders on the training part of a split, and put what they make beside its events.

    Nothing outside the training part has a say in an encoder. The gap of an event looks back only,
    over all events of its user, those of unknown items included.

    Args:
        log: the one that was split.
        split: of that log.
        columns: which columns to encode, and how.

    Returns:
        The split, its events and histories with features; and the encoders.

    Raises:
        ColumnError: the log has no such column, or one of the wrong kind.
        ConfigurationError: an encoder or setting is not known or makes no sense.
        DataError: the split was made of other rows.
        NeedsClockError: a feature of time is asked of a log that carries only an order.
        TooLittleDataError: the training part of a column holds nothing to learn from.

    Example:
        >>> from regard.data.split import split_leave_last_out
        >>> log = Interactions.of(pl.DataFrame({
        ...     "user": [1] * 4, "item": list("abab"), "time": [0.0, 60.0, 90.0, 100.0],
        ...     "price": [5.0, 7.0, 9.0, None]}))
        >>> split, encoders = encode_split(log, split_leave_last_out(log),
        ...                                {"price": {"name": "buckets", "count": 2}})
        >>> split.events.features.codes.tolist()  # learned on the first two prices alone
        [[1], [2], [2], [0]]
    """
    events = split.events
    table = _table(log, columns)
    if not np.array_equal(table[ROW].to_numpy(), events.rows):
        raise DataError(f"The split was not made of the rows of {log.source}; split it again.")
    training_E = np.zeros(len(events.items), np.bool_)
    training_E[np.flatnonzero(events.items != UNKNOWN)] = split.training.mask
    # In the order of the source, as `training_part` gives them: where they come from is held
    # against it, and their order is part of that.
    encoders = Encoders.fit(table.filter(pl.Series(training_E)).sort(ROW), columns)
    events = replace(events, features=features_of(encoders, table))
    return assemble(events, split.vocabulary, split.protocol, split.fingerprint), encoders


def features_of(encoders: Encoders, table: pl.DataFrame) -> Features:
    """Encode the rows of a table as arrays; see `layout_of` for what their columns are.

    Args:
        encoders: fitted.
        table: has the columns that they read, gaps included.

    Returns:
        `(R, F)` codes and numbers; numbers are cut off at `FARTHEST`.
    """
    codes: list[NDArray[Any]] = [np.zeros((table.height, 0), np.int32)]
    numbers: list[NDArray[Any]] = [np.zeros((table.height, 0), np.float32)]
    for series in encoders.transform(table):
        array = series.to_numpy()
        block = array if array.ndim == 2 else array[:, None]
        if _holds_codes(series.dtype):
            codes.append(block)
        else:
            numbers.append(np.clip(block, -FARTHEST, FARTHEST).astype(np.float32))
    return Features(np.concatenate(codes, axis=1), np.concatenate(numbers, axis=1))


def layout_of(encoders: Encoders) -> FeatureLayout:
    """What the columns of `features_of` mean to a network.

    Args:
        encoders: fitted.

    Returns:
        The layout, with what an event has of which nothing but its item is known.

    Example:
        >>> table = pl.DataFrame({"price": [1.0, 2.0], "event": ["view", "buy"]})
        >>> layout_of(Encoders.fit(table, {"price": "standard", "event": "categories"}))
        FeatureLayout(sizes=(4,), missing_codes=(0,), missing_numbers=(0.0, 1.0))
    """
    blank = pl.DataFrame(
        {column: pl.Series([None], dtype=pl.Null) for column, _ in encoders.fitted}
    )
    missing = features_of(encoders, blank)
    sizes: list[int] = []
    for column, encoder in encoders.fitted:
        for series in encoder.transform(blank[column]):
            if _holds_codes(series.dtype):
                sizes += [_size(encoder)] * (
                    series.dtype.size if isinstance(series.dtype, pl.Array) else 1
                )
    return FeatureLayout(
        tuple(sizes), tuple(missing.codes[0].tolist()), tuple(missing.numbers[0].tolist())
    )


def _table(log: Interactions, columns: Columns) -> pl.DataFrame:
    """The columns to encode, in the order of histories."""
    there = log.columns()
    for column in columns:
        if column in there:
            continue
        if column in (GAP, TIME):
            log.require_clock(f"The feature {column!r}")
        if column != GAP:
            near = difflib.get_close_matches(column, there, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(there)}."
            raise ColumnError(f"{log.source} has no column {column!r} to make a feature of; {hint}")
    wanted = dict.fromkeys((USER, ITEM, log.ordering, ROW, *filter(there.__contains__, columns)))
    table = log.with_frame(log.frame.select(*wanted)).sorted()
    return with_gaps(table) if GAP in columns and GAP not in there else table


def _holds_codes(kind: pl.DataType) -> bool:
    """Whether an encoded column is looked up, not multiplied."""
    return (kind.inner if isinstance(kind, pl.Array) else kind) == pl.Int32


def _size(encoder: Encoder) -> int:
    """How many codes an encoder has."""
    size = getattr(encoder, "size", None)
    if not isinstance(size, int):
        raise TypeError(f"The encoder {encoder.name!r} writes codes and does not say how many.")
    return size
