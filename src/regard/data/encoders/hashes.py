"""Words of a set without end as codes of a fixed number, with nothing to learn and to store."""

import hashlib
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import polars as pl

from regard.data.encoders.categories import as_words
from regard.data.encoders.contract import Encoder, nothing_to_fit, whole_number
from regard.errors import TooLittleDataError


@dataclass(frozen=True, kw_only=True, eq=False)
class Hashes(Encoder):
    """The hash of a word modulo a number of buckets, plus 1; 0 where a word is missing.

    No word is unknown, but two may share a code. The hash is BLAKE2b of the word's UTF-8 bytes,
    so codes are the same on every machine and in every version (the hashes of Python and Polars
    promise neither). Each different word is hashed once, whatever the number of rows.

    Source: K. Weinberger et al., "Feature hashing for large scale multitask learning", ICML 2009;
    without their signs, since codes are looked up and not added.

    Attributes:
        count: how many buckets.
        seed: another seed makes other words share a code.

    Example:
        >>> encoder = Hashes.fit(pl.Series("query", ["tea"]), count=1000)
        >>> encoder.transform(pl.Series("query", ["tea", "milk", None]))["query"].to_list()
        [277, 305, 0]
    """

    count: int
    seed: int

    name: ClassVar[str] = "hashes"

    @classmethod
    def fit(cls, values: pl.Series, *, count: int = 1024, seed: int = 0) -> Self:
        """Check the column; see `Encoder.fit`.

        Args:
            values: `(R,)` text, whole numbers, Booleans or categories.
            count: how many buckets.
            seed: of the hash.

        Raises:
            TooLittleDataError: the column holds no word.
        """
        whole_number("count", count)
        whole_number("seed", seed, 0)
        if not as_words(values).count():
            raise TooLittleDataError(nothing_to_fit(values, cls.name))
        return cls(count=count, seed=seed)

    @property
    def size(self) -> int:
        """How many codes there are, the one for missing values included."""
        return self.count + 1

    def transform(self, values: pl.Series) -> pl.DataFrame:
        """`(R,)` int32 codes; see `Encoder.transform`."""
        words = as_words(values).to_frame("word")
        different = words["word"].unique().drop_nulls()
        key = self.seed.to_bytes(8, "little")
        digests = b"".join(
            hashlib.blake2b(word.encode(), digest_size=8, key=key).digest() for word in different
        )
        bucket = 1 + np.frombuffer(digests, "<u8") % np.uint64(self.count)
        coded = pl.DataFrame({"word": different, "code": bucket.astype(np.int32)})
        joined = words.join(coded, on="word", how="left", maintain_order="left")
        return joined.select(pl.col("code").fill_null(0).alias(values.name))
