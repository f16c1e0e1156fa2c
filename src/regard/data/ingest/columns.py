"""Columns in the types that their roles ask for; what does not fit is refused with its row."""

from typing import Final

import polars as pl

from regard.data.numerals import MISSING, are_canonical, whole_numbers, without_missing
from regard.errors import ColumnError

_EXACT: Final = 2.0**53  # beyond this, not every whole number has a float of its own
_SAMPLE: Final = 100


def blank_to_null(column: pl.Series) -> pl.Series:
    """Text without its blank values.

    Args:
        column: String.

    Returns:
        The column, with null where a text is empty or holds only blanks.

    Example:
        >>> import polars as pl
        >>> blank_to_null(pl.Series(["a", " ", ""])).to_list()
        ['a', None, None]
    """
    return column.set(column.str.strip_chars() == "", None)


def missing_to_null(column: pl.Series) -> pl.Series:
    """Text without blanks and the usual spellings of a missing value; other columns unchanged.

    Args:
        column: a column that should hold numbers or times.

    Returns:
        The column with surrounding blanks removed, null where a value is missing.

    Example:
        >>> import polars as pl
        >>> missing_to_null(pl.Series([" 7", "NA", ""])).to_list()
        ['7', None, None]
    """
    if column.dtype != pl.String:
        return column.fill_nan(None) if column.dtype.is_float() else column
    return column if whole_numbers(column) is not None else without_missing(column)


def as_ids(column: pl.Series, *, typed: bool = False) -> tuple[pl.Series, tuple[str, ...]]:
    """Own ids: integers or text.

    Text stays text, unless the source knows no types and every value is a whole number written in
    the one way that loses nothing ('00123' and '+5' stay text). Floats that are whole numbers, as
    pandas makes of integers with gaps, become integers again.

    Args:
        column: any column; its name is used in messages.
        typed: whether the source knows types, so that text is text.

    Returns:
        An integer or String column, and notes.

    Raises:
        ColumnError: values that cannot be ids: Booleans, times, fractions, lists.

    Example:
        >>> import polars as pl
        >>> as_ids(pl.Series(["7", " ", "12"]))[0].to_list()
        [7, None, 12]
        >>> as_ids(pl.Series(["007", "12"]))[0].to_list()
        ['007', '12']
        >>> as_ids(pl.Series([7.0, None]))[0].to_list()
        [7, None]
    """
    dtype = column.dtype
    if dtype.is_integer() and dtype != pl.Int128:
        return column, ()
    if dtype.is_decimal() or dtype == pl.Int128:
        return _exact_numbers(column), ()
    if dtype.is_float():
        return _whole_numbers(column), ()
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum | pl.Null):
        texts = column.cast(pl.String)
        if not typed and (numbers := whole_numbers(texts)) is not None:
            return (numbers, ()) if are_canonical(texts, numbers) else (texts, ())
        texts = blank_to_null(texts)
        return (texts, ()) if typed else _integers_if_lossless(texts)
    raise ColumnError(
        f"Column {column.name!r} holds {dtype}; ids must be whole numbers or text. Name another "
        "column, or convert this one first."
    )


def _exact_numbers(column: pl.Series) -> pl.Series:
    """Decimals and wide integers as Int64, or as text where one is too large; no fraction."""
    whole = column.cast(pl.Int128, strict=False)
    wrong = column.is_not_null() & (whole.is_null() | (whole.cast(column.dtype) != column))
    if wrong.any():
        row = int(wrong.arg_true()[0])
        raise ColumnError(
            f"Column {column.name!r} holds numbers that cannot be ids: {int(wrong.sum()):,} are "
            f"fractions (first: row {row}, {column[row]!r}). Read ids as text or whole numbers."
        )
    numbers = whole.cast(pl.Int64, strict=False)
    return numbers if numbers.null_count() == column.null_count() else whole.cast(pl.String)


def _whole_numbers(column: pl.Series) -> pl.Series:
    """Floats as Int64; a fraction or a number too large to be exact is refused."""
    numbers = column.cast(pl.Float64).fill_nan(None)
    wrong = (numbers != numbers.floor()) | (numbers.abs() >= _EXACT)
    if wrong.any():
        row = int(wrong.arg_true()[0])
        raise ColumnError(
            f"Column {column.name!r} holds numbers that cannot be ids: {int(wrong.sum()):,} are "
            f"fractions or too large to be exact (first: row {row}, {column[row]!r}). Read ids as "
            "text or whole numbers."
        )
    return numbers.cast(pl.Int64)


def _integers_if_lossless(texts: pl.Series) -> tuple[pl.Series, tuple[str, ...]]:
    """Integers where all texts are their canonical spelling, else the texts as they are."""
    bare = texts.str.strip_chars()
    if not _all_match(bare.drop_nulls().head(_SAMPLE), r"^-?\d{1,19}(?:[.,]0)?$|^[Nn\\]"):
        return texts, ()
    present = without_missing(texts)
    if present.null_count() == len(present):
        return texts, ()
    integers = present.cast(pl.Int64, strict=False)
    notes: tuple[str, ...] = ()
    if present.null_count() > texts.null_count():
        count = present.null_count() - texts.null_count()
        notes = (f"{count:,} values of column {texts.name!r} that spell 'missing' count as such.",)
    if integers.null_count() == present.null_count():
        return (integers, notes) if (integers.cast(pl.String) == present).all() else (texts, ())
    if _all_match(present.drop_nulls(), r"^-?\d{1,15}[.,]0$"):
        note = f"Column {texts.name!r} spells whole numbers with a '.0', which is left away."
        return present.str.head(-2).cast(pl.Int64), (*notes, note)
    return texts, _strangers(present)


def _strangers(ids: pl.Series) -> tuple[str, ...]:
    """A note where so few ids are no whole numbers that they may be mistakes."""
    strange = ids.is_not_null() & ~ids.str.contains(r"^-?\d+$")
    count, row = int(strange.sum()), strange.arg_true()
    if not 0 < count * 100 <= len(ids):
        return ()
    what = "is no whole number" if count == 1 else "are no whole numbers"
    note = (
        f"{count:,} of {len(ids):,} values of column {ids.name!r} {what} (first: row {row[0]}, "
        f"{ids[int(row[0])]!r}), so all its ids are text."
    )
    return (note,)


def _all_match(texts: pl.Series, pattern: str) -> bool:
    """Whether every text matches."""
    return bool(texts.str.contains(pattern).all())


def as_text(column: pl.Series) -> pl.Series:
    """Text, such as titles and kinds of events; blank is missing.

    Args:
        column: any column of single values.

    Returns:
        String.

    Raises:
        ColumnError: a column of lists or other nested values.

    Example:
        >>> import polars as pl
        >>> as_text(pl.Series([536365.0, None])).to_list()
        ['536365', None]
    """
    if column.dtype.is_nested() or isinstance(column.dtype, pl.Object | pl.Binary):
        raise ColumnError(f"Column {column.name!r} holds {column.dtype}, which is no text.")
    if column.dtype.is_float():
        present = column.fill_nan(None)
        if (present == present.floor()).all() and (present.abs() < _EXACT).all():
            column = present.cast(pl.Int64)
    return blank_to_null(column.cast(pl.String))


def as_flat(column: pl.Series) -> pl.Series:
    """Context as single values: lists and structs become JSON text.

    Args:
        column: any column.

    Returns:
        String where the column is nested, else the column itself.

    Example:
        >>> import polars as pl
        >>> as_flat(pl.Series("tags", [["a", "b"], None])).to_list()
        ['["a","b"]', None]
    """
    if not column.dtype.is_nested():
        return column
    named = column.alias("").to_frame().select(pl.struct("").struct.json_encode()).to_series()
    bare = named.str.slice(len('{"":')).str.head(-1)  # what stands inside {"":...}
    return bare.set(column.is_null(), None).alias(column.name)


def as_numbers(column: pl.Series, *, decimal: str = ".") -> pl.Series:
    """Numbers: integers stay integers, everything else is Float64; NaN is missing.

    Args:
        column: numbers or text that spells numbers; its name is used in messages.
        decimal: the decimal sign of text.

    Returns:
        An integer column or Float64.

    Raises:
        ColumnError: a value is no number.

    Example:
        >>> import polars as pl
        >>> as_numbers(pl.Series(["2,5", "NA", "3"]), decimal=",").to_list()
        [2.5, None, 3.0]
    """
    dtype = column.dtype
    if dtype.is_integer():
        return column
    if dtype.is_numeric():
        return column.cast(pl.Float64).fill_nan(None)
    if dtype == pl.Null:
        return column.cast(pl.Float64)
    if dtype != pl.String:
        raise ColumnError(f"Column {column.name!r} holds {dtype}; it must hold numbers.")
    if (integers := whole_numbers(column)) is not None:
        return integers
    texts = without_missing(column)
    integers = texts.cast(pl.Int64, strict=False)
    if integers.null_count() == texts.null_count():
        return integers
    numbers = _decimals(texts, decimal)
    wrong = numbers.is_null() & texts.is_not_null()
    if wrong.any():
        row = int(wrong.arg_true()[0])
        what = "value that is no number" if wrong.sum() == 1 else "values that are no numbers"
        raise ColumnError(
            f"Column {column.name!r} has {int(wrong.sum()):,} {what} (first: row {row}, "
            f"{column[row]!r}). Mend them, without signs between thousands, or say how numbers are "
            "written with decimal='.' or decimal=','."
        )
    return numbers


def _decimals(texts: pl.Series, decimal: str) -> pl.Series:
    """Text to Float64, null where it is no number; 1.234,56 has groups of thousands."""
    group = "." if decimal == "," else ","
    grouped = texts.str.contains(rf"^[-+]?\d{{1,3}}(?:\{group}\d{{3}})+\{decimal}\d+$")
    texts = texts.str.replace_all(group, "", literal=True).zip_with(grouped, texts)
    if decimal == ",":
        texts = texts.set(texts.str.contains(".", literal=True), "no number")
        texts = texts.str.replace(",", ".", literal=True)
    return texts.cast(pl.Float64, strict=False)


def as_context(column: pl.Series, *, decimal: str = ".") -> pl.Series:
    """A column without a role: text that can only be numbers becomes numbers.

    Args:
        column: any column.
        decimal: the decimal sign of text.

    Returns:
        Int64 or Float64 where nothing is lost by it ('00501' stays text), else the column itself.

    Example:
        >>> import polars as pl
        >>> as_context(pl.Series(["1.5", "2"])).to_list()
        [1.5, 2.0]
        >>> as_context(pl.Series(["00501"])).to_list()
        ['00501']
    """
    if column.dtype != pl.String:
        return column
    whole = whole_numbers(column)
    if whole is not None and are_canonical(column, whole):
        return whole
    group = "." if decimal == "," else ","
    grouped = rf"[1-9]\d{{0,2}}(?:\{group}\d{{3}})+\{decimal}\d+"
    number = rf"^-?(?:{grouped}|(?:0|[1-9]\d*)(?:\{decimal}\d+)?(?:[eE][-+]?\d+)?)$"
    either = rf"{number}|^(?:{'|'.join(('', *MISSING[:-1]))}|\\N)$"
    if not _all_match(column.drop_nulls().head(_SAMPLE).str.strip_chars(), either):
        return column
    texts = missing_to_null(column)
    if texts.null_count() == len(texts) or not _all_match(texts.drop_nulls(), number):
        return column
    return as_numbers(texts, decimal=decimal)
