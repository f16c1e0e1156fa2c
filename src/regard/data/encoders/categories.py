"""Words of a small set, such as countries or kinds of event, as codes or as columns of 0 and 1."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import polars as pl

from regard.data.encoders.contract import Invertible, nothing_to_fit, whole_number
from regard.errors import ColumnError, DataError, TooLittleDataError
from regard.schema import FIRST_CODE, PADDING, UNKNOWN


def as_words(values: pl.Series) -> pl.Series:
    """A column as text: whole numbers, Booleans and categories as they are written.

    Args:
        values: `(R,)` of any kind that names things.

    Returns:
        `(R,)` text.

    Raises:
        ColumnError: the column holds measurements or nested values, which name nothing.

    Example:
        >>> as_words(pl.Series("size", [38, None])).to_list()
        ['38', None]
    """
    kind = values.dtype
    if kind.is_nested() or kind.is_float() or kind.is_temporal() or kind.is_decimal():
        raise ColumnError(
            f"Column {values.name!r} holds {kind}, which names no categories; cast it to text, or "
            "encode numbers with 'buckets'."
        )
    return values.cast(pl.String)


def frequent(words: pl.Series, least: int, most: int | None = None) -> pl.DataFrame:
    """The words that occur often enough, the most frequent first, equal ones by the alphabet.

    Args:
        words: `(R,)` text.
        least: times that a word must occur.
        most: how many words to keep; all if None.

    Returns:
        Columns `word` and `count`.

    Example:
        >>> frequent(pl.Series(["b", "a", "b", None]), 1).rows()
        [('b', 2), ('a', 1)]
    """
    counted = words.rename("word").drop_nulls().value_counts()
    chosen = counted.filter(pl.col("count") >= least).cast({"count": pl.Int64})
    ordered = chosen.sort("count", "word", descending=[True, False])
    return ordered if most is None else ordered.head(most)


def codes_of(words: pl.Series, known: pl.DataFrame) -> pl.Series:
    """Codes of words: 0 where one is missing, 1 where it is unknown, 2 for the first known one.

    Args:
        words: `(R,)` text.
        known: of `frequent`.

    Returns:
        `(R,)` int32.

    Example:
        >>> codes_of(pl.Series(["a", "z", None]), frequent(pl.Series(["a"]), 1)).to_list()
        [2, 1, 0]
    """
    code = pl.Series("code", np.arange(FIRST_CODE, FIRST_CODE + known.height, dtype=np.int32))
    asked = words.to_frame("word").join(
        known.select("word", code), on="word", how="left", maintain_order="left"
    )
    missing = pl.when(pl.col("word").is_null()).then(PADDING).otherwise(UNKNOWN)
    coded = pl.coalesce("code", missing).cast(pl.Int32).alias(words.name)
    return asked.select(coded).to_series()


@dataclass(frozen=True, kw_only=True, eq=False)
class Categories(Invertible):
    """One code per word: 0 missing, 1 unknown, then the most frequent first.

    Words rarer than `min_count` in the training part are unknown, as are those it never saw.

    Attributes:
        known: columns `word` and `count`; the word of row i has code i + 2.

    Example:
        >>> encoder = Categories.fit(pl.Series("country", ["UK", "UK", "FR", "FR", "IS"]),
        ...                          min_count=2)
        >>> encoded = encoder.transform(pl.Series("country", ["UK", "FR", "IS", "??", None]))
        >>> encoded["country"].to_list()
        [3, 2, 1, 1, 0]
        >>> encoder.inverse(encoded).to_list()
        ['UK', 'FR', None, None, None]
    """

    known: pl.DataFrame

    name: ClassVar[str] = "categories"

    @classmethod
    def fit(cls, values: pl.Series, *, min_count: int = 1) -> Self:
        """Learn the words; see `Encoder.fit`.

        Args:
            values: `(R,)` text, whole numbers, Booleans or categories.
            min_count: a word seen less often stays unknown.

        Raises:
            TooLittleDataError: no word occurs often enough.
        """
        words = as_words(values)
        if not words.count():
            raise TooLittleDataError(nothing_to_fit(values, cls.name))
        known = frequent(words, whole_number("min_count", min_count))
        if known.is_empty():
            raise TooLittleDataError(
                f"No value of column {values.name!r} occurs {min_count} times in the training "
                "part, so all of them would be unknown; lower min_count or leave the column out."
            )
        return cls(known=known)

    @property
    def size(self) -> int:
        """How many codes there are, missing and unknown included."""
        return self.known.height + FIRST_CODE

    def transform(self, values: pl.Series) -> pl.DataFrame:
        """`(R,)` int32 codes; see `Encoder.transform`."""
        return codes_of(as_words(values), self.known).to_frame()

    def inverse(self, encoded: pl.DataFrame) -> pl.Series:
        """The words, as text; null for missing and unknown ones.

        Raises:
            DataError: a code is none of this encoder.
        """
        name = encoded.columns[0]
        codes = encoded[name].cast(pl.Int64).to_numpy()
        if len(codes) and (codes.min() < 0 or codes.max() >= self.size):
            raise DataError(f"Codes of {name!r} must lie from 0 to {self.size - 1}.")
        nothing = pl.Series("word", [None, None], dtype=pl.String)
        return nothing.extend(self.known["word"]).gather(codes).rename(name)


@dataclass(frozen=True, kw_only=True, eq=False)
class OneHot(Categories):
    """One column of 0 and 1 per code of `Categories`: `country_0` missing, `country_1` unknown, ...

    For sets of some dozens of words at most; a network rather learns a vector per code.

    Example:
        >>> encoder = OneHot.fit(pl.Series("country", ["UK", "FR", "UK"]))
        >>> encoder.transform(pl.Series("country", ["FR"])).rows(named=True)
        [{'country_0': 0, 'country_1': 0, 'country_2': 0, 'country_3': 1}]
    """

    name: ClassVar[str] = "one-hot"

    def transform(self, values: pl.Series) -> pl.DataFrame:
        """`(R, size)` int8, one column per code; see `Encoder.transform`."""
        codes = codes_of(as_words(values), self.known).to_numpy()
        return pl.DataFrame(
            {f"{values.name}_{code}": (codes == code).astype(np.int8) for code in range(self.size)}
        )

    def inverse(self, encoded: pl.DataFrame) -> pl.Series:
        """The words, as text; null for missing and unknown ones."""
        codes = encoded.to_numpy().argmax(axis=1)
        name = encoded.columns[0].removesuffix("_0")
        return super().inverse(pl.DataFrame({name: codes}))
