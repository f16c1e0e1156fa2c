"""Whole numbers spelled in text: read in one pass where a column holds nothing else."""

from typing import Final

import numpy as np
import polars as pl

_SAMPLE: Final = 100


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
