"""Values as a database's driver hands them over, to typed columns."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import polars as pl

_PLAIN: Final = (bool, int, float, str, bytes, date, datetime, timedelta)


def column_of(name: str, values: Sequence[Any]) -> pl.Series:
    """One column of some rows.

    Exact decimals become whole numbers where all are, else floats; moments with a zone are brought
    to UTC; lists and objects become JSON text; what has no type in Polars, such as a UUID or an
    address of a network, becomes its usual text. Where text stands beside other values, as SQLite
    allows, all of them become text.

    Args:
        name: of the column.
        values: one per row, None where it is missing.

    Returns:
        The column.

    Example:
        >>> column_of("price", [Decimal("2.50"), None]).to_list()
        [2.5, None]
        >>> column_of("id", [7, "x7"]).to_list()
        ['7', 'x7']
    """
    kinds = set(map(type, values)) - {type(None)}
    if not kinds:
        return pl.Series(name, values, dtype=pl.Null)
    if len(kinds) == 1:
        kind = next(iter(kinds))
        convert = _CONVERTERS.get(kind, None if kind in _PLAIN else str)
        if kind is Decimal and _all_whole(values):
            convert = int
        if kind is datetime and any(value.tzinfo for value in values if value is not None):
            convert = _to_utc
        return _series(name, values, convert)
    numbers = kinds <= {int, float, Decimal}
    return _series(name, values, float if numbers else str)


def _series(name: str, values: Sequence[Any], convert: Callable[[Any], Any] | None) -> pl.Series:
    """A series of values, each converted unless it is missing."""
    if convert is not None:
        values = [None if value is None else convert(value) for value in values]
    try:
        series = pl.Series(name, values)
    except (OverflowError, pl.exceptions.PolarsError):  # whole numbers of any length
        return pl.Series(name, [None if value is None else str(value) for value in values])
    return series.cast(pl.String) if series.dtype == pl.Int128 else series


def _all_whole(values: Sequence[Any]) -> bool:
    """Whether decimals are whole numbers that 64 bits hold."""
    present = [value for value in values if value is not None]
    return all(value.is_finite() and value == int(value) for value in present) and all(
        abs(value) < 2**63 for value in present
    )


def _to_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


_CONVERTERS: Final[dict[type, Callable[[Any], Any]]] = {
    Decimal: float,
    dict: _to_json,
    list: _to_json,
    memoryview: bytes,
}
