"""How a delimited file is written, found by looking at its bytes."""

import codecs
import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

import polars as pl

from regard.data.ingest.signatures import nature_of
from regard.data.times import time_likeness
from regard.errors import ConfigurationError, SourceError

DELIMITERS: Final = ("::", "\t", ";", "|", ",")
"""What may separate fields, in the order in which a draw is decided."""

_SAMPLE_BYTES: Final = 1 << 16
_SAMPLE_LINES: Final = 200
_NAMES: Final = {"\t": "tabs", "::": "'::'", ";": "';'", "|": "'|'", ",": "','"}
_PIECE: Final = 1 << 24
_HIGH: Final = re.compile(rb"[\x80-\xff]+")
_CONTROL: Final = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1e\x1f"))
_COMMA_NUMBER: Final = r"^[-+]?(?:\d+|\d{1,3}(?:\.\d{3})+),\d+$"
_CLEARLY_DECIMAL: Final = (
    r"^[-+]?(?:\d+,(?:\d{1,2}|\d{4,})|\d{4,},\d+|0\d*,\d+|\d{1,3}(?:\.\d{3})+,\d+)$"
)


@dataclass(frozen=True)
class Dialect:
    """How a file separates its fields.

    Attributes:
        delimiter: one or more characters between two fields.
        quoted: whether fields may stand in quotation marks.
        header: whether the first line holds the names of the columns.
    """

    delimiter: str
    quoted: bool
    header: bool

    def notes(self) -> tuple[str, ...]:
        """What was found, one sentence each."""
        named = _NAMES.get(self.delimiter, repr(self.delimiter))
        first = "holds the names of the columns" if self.header else "is data: there is no header"
        return (f"Fields are separated by {named}.", f"The first line {first}.")


def to_utf8(raw: bytes, *, name: str, encoding: str | None) -> tuple[bytes, str]:
    """A file's text as UTF-8 without a byte order mark.

    Args:
        raw: the whole file.
        name: the file, for messages.
        encoding: a Python codec's name, or None to find it.

    Returns:
        The bytes in UTF-8, and the name of the encoding they came in.

    Raises:
        SourceError: the bytes are not text, or not in the encoding given.
        ConfigurationError: there is no such encoding.

    Example:
        >>> to_utf8("naïve".encode("latin-1"), name="a.csv", encoding=None)[1]
        'cp1252'
    """
    found = encoding or _find_encoding(raw, name)
    try:
        codec = codecs.lookup(found).name
        if codec == "utf-8":
            _check_utf8(raw)
            return raw.removeprefix(codecs.BOM_UTF8), found
        return raw.decode(codec).removeprefix("\ufeff").encode(), found
    except LookupError as unknown:
        raise ConfigurationError(
            f"encoding is {found!r}, which is unknown. Give one such as 'utf-8' or 'cp1252'."
        ) from unknown
    except UnicodeDecodeError as wrong:
        line = raw.count(b"\n", 0, wrong.start) + 1
        raise SourceError(
            f"{name}, line {line}: byte {raw[wrong.start]:#04x} is not {found}. Give the right "
            "encoding=, such as 'cp1252', or save the file as UTF-8."
        ) from wrong


def _find_encoding(raw: bytes, name: str) -> str:
    """The encoding of a file, from its byte order mark or from what its bytes allow."""
    if nature := nature_of(raw):
        raise SourceError(f"{name} is no delimited text but {nature}.")
    if raw.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if raw.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = raw[:_SAMPLE_BYTES]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) * 5 > len(sample) and not min(even, odd) and not len(raw) % 2:
        return "utf-16-le" if odd else "utf-16-be"
    control = sum(sample.count(byte) for byte in _CONTROL)
    if b"\0" in raw or control * 50 > len(sample):
        raise SourceError(
            f"{name} is not text: it holds control bytes. Give a delimited text file."
        )
    try:
        _check_utf8(raw)
    except UnicodeDecodeError as wrong:
        _refuse_mixture(raw, name, wrong.start)
    else:
        return "utf-8"
    try:
        raw.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def _check_utf8(raw: bytes) -> None:
    """Let the codec complain of what is no UTF-8."""
    if raw.isascii():
        return
    start = 0  # in pieces, since one emoji makes Python's text four times as large as the file
    while start < len(raw):
        end = min(start + _PIECE, len(raw))
        for _ in range(3):  # a piece may not end inside a character
            end -= end < len(raw) and raw[end] & 0xC0 == 0x80
        try:
            raw[start:end].decode()
        except UnicodeDecodeError as wrong:
            wrong.object, wrong.start, wrong.end = raw, start + wrong.start, start + wrong.end
            raise
        start = end


def _refuse_mixture(raw: bytes, name: str, place: int) -> None:
    """Refuse text that is UTF-8 in part: read as anything else, that part would be garbled."""
    runs = whole = 0
    for run in _HIGH.finditer(raw):
        runs += 1
        whole += _is_utf8(run[0])
    if whole * 4 > runs:  # by chance, as in 'Spaß«', a few are
        line = raw.count(b"\n", 0, place) + 1
        raise SourceError(
            f"{name} mixes encodings: much of it is UTF-8, but line {line} holds the byte "
            f"{raw[place]:#04x}, which is not. Write all of it in one, or force one with "
            "encoding='cp1252'."
        )


def _is_utf8(run: bytes) -> bool:
    try:
        run.decode()
    except UnicodeDecodeError:
        return False
    return True


def find_dialect(data: bytes, *, name: str, delimiter: str | None, header: bool | None) -> Dialect:
    r"""Look at the first lines: what separates the fields, are they quoted, is there a header.

    Args:
        data: the file in UTF-8, not blank.
        name: the file, for messages.
        delimiter: what separates fields, or None to find it.
        header: whether the first line holds names, or None to find it.

    Returns:
        The dialect.

    Raises:
        SourceError: nothing separates the file into two columns or more, or a carriage return
            stands inside the first line.

    Example:
        >>> find_dialect(b"user;item;price\n1;2;3,5\n", name="a.csv", delimiter=None, header=None)
        Dialect(delimiter=';', quoted=False, header=True)
    """
    sample = data[:_SAMPLE_BYTES].decode(errors="ignore")
    if len(data) > _SAMPLE_BYTES:
        sample = sample[: sample.rfind("\n") + 1] or sample
    separator = delimiter or _find_delimiter(sample)
    if separator is None:
        first = sample.split("\n", 1)[0].rstrip("\r")[:80]
        raise SourceError(
            f"{name} has only one column: its first line, {first!r}, holds none of "
            f"{', '.join(_NAMES[each] for each in DELIMITERS)}. {comment_advice(data)}Give "
            "delimiter=, or a table with a user, an item and a time."
        )
    quoted = _opens_fields(data, separator)
    if header is None:
        header = _has_header(sample, separator, quoted, name)
    return Dialect(separator, quoted, header)


def comment_advice(data: bytes) -> str:
    """What to do about a first line that looks like a comment, for the end of a message.

    Example:
        >>> comment_advice(b"# made in May")
        'Remove the comments (lines that begin with #). '
    """
    return "Remove the comments (lines that begin with #). " if data.startswith(b"#") else ""


def _find_delimiter(sample: str) -> str | None:
    """The separator that cuts most lines like the first, or None where none cuts it."""
    opening = "|".join(re.escape(each) for each in DELIMITERS)
    unquoted = re.sub(rf'((?:^|{opening}))"(?:[^"]|"")*"', r"\1", sample, flags=re.MULTILINE)
    lines = [line for line in unquoted.split("\n") if line][:_SAMPLE_LINES]
    like_first = {
        each: Counter(line.count(each) for line in lines)[lines[0].count(each)]
        for each in DELIMITERS
        if each in lines[0]
    }
    return max(like_first, key=lambda each: like_first[each], default=None)


def _opens_fields(data: bytes, delimiter: str) -> bool:
    """Whether any field of the whole file opens with a quotation mark."""
    if delimiter == "::" or b'"' not in data:
        return False
    return data.startswith(b'"') or b'\n"' in data or delimiter.encode() + b'"' in data


def _has_header(sample: str, delimiter: str, quoted: bool, name: str) -> bool:
    """Whether the first line names columns: no cell of it is a number or a time."""
    cells = [cell.strip() for cell in first_cells(sample, delimiter, quoted, name)]
    present = pl.Series([cell for cell in cells if cell], dtype=pl.String)
    numbers = present.cast(pl.Float64, strict=False).is_not_null()
    return bool(len(present)) and not numbers.any() and time_likeness(present) == 0


def first_cells(text: str, delimiter: str, quoted: bool, name: str) -> list[str]:
    """The cells of the first record.

    Args:
        text: one record or more.
        delimiter: one or more characters.
        quoted: whether quotation marks enclose fields.
        name: the file, for messages.

    Returns:
        The texts of the cells.

    Raises:
        SourceError: a carriage return stands inside a field, or a field is too long.

    Example:
        >>> first_cells("1::Toy Story (1995)", "::", quoted=False, name="movies.dat")
        ['1', 'Toy Story (1995)']
    """
    one = delimiter if len(delimiter) == 1 else "\x1f"
    lines = io.StringIO(text.replace(delimiter, one), newline="\n")
    records = csv.reader(
        lines, delimiter=one, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    )
    try:
        return next(records)
    except csv.Error as broken:
        line = text.split("\n")[records.line_num - 1].rstrip("\r")
        where = f"{name}, line {records.line_num}"
        if "\r" not in line:
            raise SourceError(
                f"{where}: a field cannot be read ({broken}; {line[:80]!r}). Shorten it."
            ) from broken
        raise SourceError(
            f"{where}: a carriage return stands inside the line ({line[:80]!r}). Remove it; where "
            "such signs end the lines, write line feeds in their place."
        ) from broken


def find_decimal(frame: pl.DataFrame) -> str:
    """The decimal sign of a table of texts: a comma where a whole column can only mean that.

    Args:
        frame: String columns.

    Returns:
        `","` or `"."`. Numbers such as 1,234, whose comma may separate thousands, decide nothing.

    Example:
        >>> import polars as pl
        >>> find_decimal(pl.DataFrame({"price": ["2,55", "3"]}))
        ','
        >>> find_decimal(pl.DataFrame({"price": ["1,234"]}))
        '.'
    """
    for column in frame.iter_columns():
        head = column.drop_nulls().head(_SAMPLE_LINES).str.strip_chars()
        if not head.str.contains(_COMMA_NUMBER).any():
            continue
        texts = column.drop_nulls().str.strip_chars()
        texts = texts.filter(texts != "")
        plain = texts.str.contains(rf"^[-+]?\d+$|{_COMMA_NUMBER}").all()
        if plain and texts.str.contains(_CLEARLY_DECIMAL).any():
            return ","
    return "."
