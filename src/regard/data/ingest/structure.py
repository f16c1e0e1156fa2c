"""Where the records of a delimited text begin and end, counted on its bytes at once."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from regard.errors import SourceError
from regard.shapes import Offsets

_NEWLINE: Final = 10
_RETURN: Final = 13
_QUOTE: Final = 34


@dataclass(frozen=True)
class Structure:
    """The records of a text, each a line unless a quoted field holds a line break.

    Attributes:
        ends: `(R,)` int64 position of the line break that ends each record.
        fields: `(R,)` int64 number of fields of each record.
    """

    ends: Offsets
    fields: Offsets

    def start(self, record: int) -> int:
        """Position of a record's first byte."""
        return int(self.ends[record - 1]) + 1 if record else 0


def structure_of(data: bytes, *, delimiter: str, quoted: bool, name: str) -> Structure:
    r"""Count the fields of every record.

    Args:
        data: UTF-8 that ends in a line break.
        delimiter: one byte that separates fields.
        quoted: whether quotation marks enclose fields.
        name: the file, for messages.

    Returns:
        The structure.

    Raises:
        SourceError: a quotation mark stands where none may, or one is never closed.

    Example:
        >>> found = structure_of(b'a,"b,\nc"\n1,2\n', delimiter=",", quoted=True, name="x.csv")
        >>> found.fields.tolist(), found.ends.tolist()
        ([2, 2], [8, 12])
    """
    array = np.frombuffer(data, np.uint8)
    is_mark = array == _NEWLINE
    is_mark |= array == ord(delimiter)
    marks = np.flatnonzero(is_mark)
    if quoted:
        quotes = np.flatnonzero(array == _QUOTE)
        _require_sound_quotes(array, quotes, ord(delimiter), data, name)
        marks = _outside(marks, quotes)
    breaks = np.flatnonzero(array[marks] == _NEWLINE)
    return Structure(marks[breaks], np.diff(breaks, prepend=-1))


def _outside(positions: Offsets, quotes: Offsets) -> Offsets:
    """Positions with an even number of quotation marks before them."""
    flips = np.bincount(np.searchsorted(positions, quotes), minlength=len(positions) + 1)
    outside: Offsets = positions[np.cumsum(flips[:-1]) % 2 == 0]
    return outside


def _require_sound_quotes(
    array: NDArray[np.uint8], quotes: Offsets, delimiter: int, data: bytes, name: str
) -> None:
    """Refuse marks in the middle of a field, and one that is never closed."""
    opening, closing = quotes[::2], quotes[1::2]
    before = array[np.maximum(opening - 1, 0)]
    after = array[closing + 1]
    opens = (opening == 0) | np.isin(before, (delimiter, _NEWLINE, _QUOTE))
    closes = np.isin(after, (delimiter, _NEWLINE, _RETURN, _QUOTE))
    wrong = np.sort(np.concatenate([opening[~opens], closing[~closes]]))
    if len(wrong):
        place = int(wrong[0])
        mark = int(np.searchsorted(quotes, place))
        _refuse_runaway(data, int(quotes[mark - mark % 2]), place, name)
        raise SourceError(
            f"{name}, line {line_of(data, place)}: a quotation mark stands in the middle of a "
            f"field ({excerpt(data, place)!r}). Enclose such a field in quotation marks and double "
            "those inside it."
        )
    if len(quotes) % 2:
        place = int(quotes[-1])
        raise SourceError(
            f"{name}, line {line_of(data, place)}: a field opens with a quotation mark that is "
            f"never closed ({excerpt(data, place)!r}). Close it, or double a mark that is text."
        )


def _refuse_runaway(data: bytes, opened: int, closed: int, name: str) -> None:
    """Refuse a field that swallowed lines until the mark of another field seemed to close it."""
    first, last = line_of(data, opened), line_of(data, closed)
    if first != last:
        raise SourceError(
            f"{name}, line {first}: a field opens with a quotation mark "
            f"({excerpt(data, opened)!r}) and the next one, on line {last}, does not close it. "
            "Close it on its own line, or double a mark that is text."
        )


def line_of(data: bytes, place: int) -> int:
    """The number, from 1, of the line that a byte stands on."""
    return data.count(b"\n", 0, place) + 1


def excerpt(data: bytes, place: int, width: int = 80) -> str:
    """The line around a byte, cut to a width, for a message."""
    start = data.rfind(b"\n", 0, place) + 1
    end = data.find(b"\n", place)
    return data[start : end if end >= 0 else None].decode(errors="replace").rstrip("\r")[:width]
