"""A short name for the content of a log: equal data has it in common, whatever held the data."""

import hashlib
from collections import deque
from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from regard.data.interactions import Interactions
from regard.data.parallel import each
from regard.schema import ITEM, USER

_SLICE: Final = 1_000_000  # rows hashed at a time, which bounds the memory and not the answer


def fingerprint(log: Interactions) -> str:
    """Digest who, what and in which order, row after row.

    File format, chunking, width of integers, context columns and notes do not matter. The type of
    ids does (7 is not "7"), and so does the order of rows, for it breaks ties.

    Args:
        log: the log; read once.

    Returns:
        16 hexadecimal digits (64 bits of BLAKE2b).

    Example:
        >>> import polars as pl
        >>> table = pl.DataFrame({"user": [1], "item": ["tea"], "time": [10.0]})
        >>> fingerprint(Interactions.of(table))
        '...'
        >>> wide = table.with_columns(pl.col("user").cast(pl.Int8))
        >>> fingerprint(Interactions.of(wide)) == fingerprint(Interactions.of(table))
        True
    """
    return fingerprint_of(log.collect(), (USER, ITEM, log.ordering))


def fingerprint_of(table: pl.DataFrame, columns: Sequence[str]) -> str:
    """Digest some columns of a table, row after row; see `fingerprint`.

    Args:
        table: numbers and text.
        columns: those that matter, in this order.

    Returns:
        16 hexadecimal digits.
    """
    digest = Fingerprint(columns)
    digest.update(table)
    return digest.hexdigest()


class Fingerprint:
    """The fingerprint of a log that comes part after part, in the order of its rows.

    Args:
        columns: those that matter, in this order.

    Example:
        >>> import polars as pl
        >>> table = pl.DataFrame({"user": [1, 2], "item": ["a", "b"], "position": [0, 0]})
        >>> digest = Fingerprint(("user", "item", "position"))
        >>> digest.update(table[:1])
        >>> digest.update(table[1:])
        >>> digest.hexdigest() == fingerprint(Interactions.of(table))
        True
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = {name: _ColumnDigest() for name in columns}

    def update(self, table: pl.DataFrame) -> None:
        """Take the next rows in."""
        pairs = ((digest, table[name]) for name, digest in self._columns.items())
        deque(each(lambda pair: pair[0].update(pair[1]), pairs), maxlen=0)

    def hexdigest(self) -> str:
        """16 hexadecimal digits of all rows so far."""
        whole = hashlib.blake2b(digest_size=8)
        for name, digest in self._columns.items():
            whole.update(f"{name}:".encode())
            whole.update(digest.digest())
        return whole.hexdigest()


class _ColumnDigest:
    """Hash of one column's type, missing values and values."""

    def __init__(self) -> None:
        self._kind = "int"
        self._missing, self._sizes, self._values = (
            hashlib.blake2b(digest_size=16) for _ in range(3)
        )

    def update(self, column: pl.Series) -> None:
        """Take the next values in."""
        dtype = column.dtype
        self._kind = "text" if dtype == pl.String else "float" if dtype.is_float() else "int"
        for start in range(0, len(column), _SLICE):
            part = column.slice(start, _SLICE)
            self._missing.update(part.is_null().cast(pl.UInt8).to_numpy().tobytes())
            if self._kind == "text":
                filled = part.fill_null("")
                self._sizes.update(filled.str.len_bytes().to_numpy().astype("<u4").tobytes())
                self._values.update(filled.str.join().item().encode())
            else:
                self._values.update(_bytes_of_numbers(part, self._kind))

    def digest(self) -> bytes:
        """The type, and the hashes of what is missing, of lengths and of values."""
        hashes = (self._missing, self._sizes, self._values)
        return self._kind.encode() + b"".join(each.digest() for each in hashes)


def _bytes_of_numbers(part: pl.Series, kind: str) -> bytes:
    """Little-endian bytes, the same for every width of integer."""
    filled = part.fill_null(0)
    if kind == "float":
        return (filled.cast(pl.Float64).to_numpy() + 0.0).astype("<f8").tobytes()
    values = filled.to_numpy()
    return np.ascontiguousarray(values).astype("<u8" if values.dtype == "u8" else "<i8").tobytes()
