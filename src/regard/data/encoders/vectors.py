"""Stored vectors, one per word: embeddings of titles or pictures that another model made."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import polars as pl

from regard.data.encoders.categories import as_words
from regard.data.encoders.contract import Encoder, nothing_to_fit
from regard.errors import ColumnError, ConfigurationError, DataError, TooLittleDataError


@dataclass(frozen=True, kw_only=True, eq=False)
class Vectors(Encoder):
    """The vector that a given table has for a value; zeros where it has none.

    Nothing is learned from the log, so nothing can leak from it; whether the table itself has seen
    the future is for whoever made it to say.

    Attributes:
        known: columns `word` (different values) and `vector` (arrays of D float32).

    Example:
        >>> table = pl.DataFrame({"word": ["tea", "cup"], "vector": [[1.0, 0.0], [0.5, 0.5]]})
        >>> encoder = Vectors.fit(pl.Series("item", ["tea"]), table=table)
        >>> encoder.transform(pl.Series("item", ["cup", "milk", None]))["item"].to_list()
        [[0.5, 0.5], [0.0, 0.0], [0.0, 0.0]]
    """

    known: pl.DataFrame

    name: ClassVar[str] = "vectors"

    @classmethod
    def fit(cls, values: pl.Series, *, table: pl.DataFrame | None = None) -> Self:
        """Check the table; see `Encoder.fit`.

        Args:
            values: `(R,)` text, whole numbers, Booleans or categories.
            table: columns `word` (of the same values) and `vector` (lists or arrays of numbers,
                all of one length).

        Raises:
            TooLittleDataError: the column holds no value.
            ConfigurationError: no table was given.
        """
        if not isinstance(table, pl.DataFrame):
            raise ConfigurationError(
                "Vectors need a table: give a Polars frame with the columns 'word' and 'vector'."
            )
        if not as_words(values).count():
            raise TooLittleDataError(nothing_to_fit(values, cls.name))
        return cls(known=_checked(table))

    @property
    def width(self) -> int:
        """D: numbers per vector."""
        kind = self.known.schema["vector"]
        assert isinstance(kind, pl.Array)  # noqa: S101 - for the type checker alone
        return int(kind.size)

    def transform(self, values: pl.Series) -> pl.DataFrame:
        """`(R, D)` float32 in one column of arrays; see `Encoder.transform`."""
        asked = as_words(values).to_frame("word")
        rows = self.known.select("word").with_row_index("at")
        at = asked.join(rows, on="word", how="left", maintain_order="left")["at"]
        # Row 0 is the vector of what the table does not have.
        vectors = np.zeros((self.known.height + 1, self.width), np.float32)
        vectors[1:] = self.known["vector"].to_numpy()
        found = vectors[at.cast(pl.Int64).fill_null(-1).to_numpy() + 1]
        column = pl.Series(values.name, found, dtype=pl.Array(pl.Float32, self.width))
        return column.to_frame()


def _checked(table: pl.DataFrame) -> pl.DataFrame:
    """The table with text and float32 arrays, or a refusal that says what is wrong with it."""
    if not {"word", "vector"} <= set(table.columns):
        raise ColumnError(
            f"The table of vectors has the columns {table.columns}; it needs 'word' and 'vector'."
        )
    words, vectors = as_words(table["word"]), table["vector"]
    if words.null_count() or words.n_unique() != len(words):
        raise DataError("The table of vectors must have each word once and none that is missing.")
    if vectors.dtype == pl.Array:
        vectors = vectors.arr.to_list()
    if vectors.dtype != pl.List or not vectors.dtype.inner.is_numeric():  # type: ignore[attr-defined] # a list has it
        raise ColumnError(f"The column 'vector' holds {vectors.dtype}; it must hold numbers.")
    lengths = vectors.list.len().unique()
    if len(lengths) != 1 or not lengths[0]:
        found = lengths.sort().to_list()
        raise DataError(
            f"The vectors of a table must all have one length of 1 or more; these have {found}."
        )
    arrays = vectors.cast(pl.List(pl.Float32)).list.to_array(int(lengths[0]))
    if not np.isfinite(arrays.explode().fill_null(float("nan")).to_numpy()).all():
        raise DataError("A vector of the table holds a number that is missing or not finite.")
    return pl.DataFrame({"word": words, "vector": arrays})
