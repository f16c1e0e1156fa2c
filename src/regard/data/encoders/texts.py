"""Free text as codes of its words."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import polars as pl

from regard.data.encoders.categories import as_words, codes_of, frequent
from regard.data.encoders.contract import Encoder, nothing_to_fit, whole_number
from regard.errors import TooLittleDataError
from regard.schema import FIRST_CODE

_WORD = r"[\p{L}\p{M}\p{N}]+"
"""Letters with their accents, and digits; everything else separates words."""


def split_words(texts: pl.Series) -> pl.Series:
    """Lower-case words of texts, compatible forms made one (Unicode NFKC).

    Languages that do not separate words, such as Chinese, give one word per run of characters;
    cut such texts with a tool of theirs first.

    Args:
        texts: `(R,)` text.

    Returns:
        `(R,)` lists of words; a missing text has none.

    Example:
        >>> split_words(pl.Series(["Café-au-lait, ２ cups", None])).to_list()
        [['café', 'au', 'lait', '2', 'cups'], []]
    """
    return texts.fill_null("").str.normalize("NFKC").str.to_lowercase().str.extract_all(_WORD)


@dataclass(frozen=True, kw_only=True, eq=False)
class Words(Encoder):
    """The first words of a text, one code each: 0 no word, 1 unknown, then the most frequent first.

    Attributes:
        known: columns `word` and `count` (of occurrences in the training part).
        length: L, how many words of a text are read.

    Example:
        >>> encoder = Words.fit(pl.Series("title", ["Red tea cup", "Tea pot", "Tea"]), length=3)
        >>> encoder.transform(pl.Series("title", ["tea, please", None]))["title"].to_list()
        [[2, 1, 0], [0, 0, 0]]
    """

    known: pl.DataFrame
    length: int

    name: ClassVar[str] = "words"

    @classmethod
    def fit(
        cls, values: pl.Series, *, length: int = 16, min_count: int = 1, most: int | None = None
    ) -> Self:
        """Learn the words; see `Encoder.fit`.

        Args:
            values: `(R,)` text.
            length: how many words of a text are read.
            min_count: a word seen less often stays unknown.
            most: how many words to know at most; as many as there are if None.

        Raises:
            TooLittleDataError: no word occurs often enough.
        """
        whole_number("length", length)
        whole_number("min_count", min_count)
        if most is not None:
            whole_number("most", most)
        words = split_words(as_words(values)).explode()
        if not words.count():
            raise TooLittleDataError(nothing_to_fit(values, cls.name))
        known = frequent(words, min_count, most)
        if known.is_empty():
            raise TooLittleDataError(
                f"No word of column {values.name!r} occurs {min_count} times in the training "
                "part, so all of them would be unknown; lower min_count or leave the column out."
            )
        return cls(known=known, length=length)

    @property
    def size(self) -> int:
        """How many codes there are, the two special ones included."""
        return self.known.height + FIRST_CODE

    def transform(self, values: pl.Series) -> pl.DataFrame:
        """`(R, L)` int32 in one column of arrays, filled up with 0; see `Encoder.transform`."""
        lists = split_words(as_words(values)).list.head(self.length)
        counts = lists.list.len().to_numpy().astype(np.int64)
        words = lists.filter(lists.list.len() > 0).explode()
        codes = np.zeros((len(values), self.length), np.int32)
        codes[np.arange(self.length) < counts[:, None]] = codes_of(words, self.known).to_numpy()
        column = pl.Series(values.name, codes, dtype=pl.Array(pl.Int32, self.length))
        return column.to_frame()
