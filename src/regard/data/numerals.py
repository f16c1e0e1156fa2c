"""Numbers spelled in text; whole ones are read in one pass where a column holds nothing else."""

from typing import Final

import numpy as np
import polars as pl

MISSING: Final = ("NA", "N/A", "NaN", "nan", "NULL", "Null", "null", "None", "none", "\\N")
"""Texts that stand for a missing value in a column that otherwise holds numbers or times."""

_SAMPLE: Final = 100
_NUMBER: Final = (
    r"^[-+]?(?:\d*[.,]?\d+|\d{1,3}(?:[.,]\d{3})+(?:[.,]\d+)?)(?:[eE][-+]?\d+)?$"  # of any country
)


def without_missing(texts: pl.Series) -> pl.Series:
    """Text without surrounding blanks, and null where it stands for a missing value.

    Args:
        texts: String.

    Example:
        >>> without_missing(pl.Series([" 7", "NA", ""])).to_list()
        ['7', None, None]
    """
    bare = texts.str.strip_chars()
    return bare.set(bare.is_in(["", *MISSING]), None)


def mostly_numbers(texts: pl.Series) -> bool:
    """Whether more than half of the texts that are there spell numbers, with a point or a comma.

    Args:
        texts: String.

    Example:
        >>> mostly_numbers(pl.Series(["7", "2,50", "NA", "n.a."]))
        True
        >>> mostly_numbers(pl.Series(["7", "good"]))
        False
    """
    present = without_missing(texts).drop_nulls()
    return bool(present.str.contains(_NUMBER).sum() * 2 > len(present))


def whole_numbers(texts: pl.Series) -> pl.Series | None:
    """Text that spells whole numbers and nothing else, as numbers.

    Args:
        texts: String.

    Returns:
        Int64, null where a text is; None where any text is something else (blank, with blanks
        around it, a fraction, beyond 64 bits), or where all are null.

    Example:
        >>> whole_numbers(pl.Series(["7", None, "-12"])).to_list()
        [7, None, -12]
        >>> whole_numbers(pl.Series(["7", " "])) is None
        True
    """
    first = texts.head(_SAMPLE)
    if first.cast(pl.Int64, strict=False).null_count() > first.null_count():
        return None
    numbers = texts.cast(pl.Int64, strict=False)
    missing = texts.null_count()
    return numbers if numbers.null_count() == missing < len(texts) else None


def are_canonical(texts: pl.Series, numbers: pl.Series) -> bool:
    """Whether each text is the one spelling of its number that loses nothing.

    The canonical spelling is the shortest: '+5', '05' and '-0' are all longer. So if all texts
    together are no longer than all canonical spellings are, each of them is one.

    Args:
        texts: String.
        numbers: what `whole_numbers` made of it.

    Example:
        >>> texts = pl.Series(["7", "+7"])
        >>> are_canonical(texts, whole_numbers(texts))
        False
    """
    values = numbers.drop_nulls().to_numpy()
    sizes = np.abs(values).view(np.uint64)  # the smallest number has no positive twin in 64 bits
    shortest, power = len(values) + int(np.count_nonzero(values < 0)), 10
    while power <= int(sizes.max(initial=0)):
        shortest += int(np.count_nonzero(sizes >= power))
        power *= 10
    return int(texts.str.len_bytes().sum()) == shortest
