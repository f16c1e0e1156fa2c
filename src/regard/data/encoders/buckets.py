"""Numbers as the code of the bucket they fall into."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import polars as pl

from regard.data.encoders.contract import Invertible, one_of, whole_number
from regard.data.encoders.scales import Numbers, as_numbers, known_numbers
from regard.errors import DataError


@dataclass(frozen=True, kw_only=True, eq=False)
class Buckets(Invertible):
    """Codes 1, 2, ... of consecutive intervals; 0 where a value is missing.

    Each bucket holds its lower edge, the last one its upper edge too; values beyond the training
    range fall into the first or the last. Log-spaced buckets suit gaps between events, which run
    from seconds to years.

    Attributes:
        edges: `(K + 1,)` ascending edges of K buckets; one edge alone where the training column is
            constant, and then there is one bucket.

    Example:
        >>> gaps = pl.Series("gap", [1.0, 60.0, 3600.0, 216_000.0])
        >>> encoder = Buckets.fit(gaps, count=3, strategy="log")
        >>> encoder.transform(pl.Series("gap", [0.0, 59.0, 61.0, 5000.0, None]))["gap"].to_list()
        [1, 1, 2, 3, 0]
    """

    edges: tuple[float, ...]

    name: ClassVar[str] = "buckets"

    @classmethod
    def fit(cls, values: pl.Series, *, count: int = 16, strategy: str = "quantile") -> Self:
        """Learn the edges; see `Encoder.fit`.

        Args:
            values: `(R,)` numbers.
            count: how many buckets; fewer where edges coincide.
            strategy: `"quantile"` for buckets of equally many rows, `"uniform"` for equally wide
                ones, `"log"` for widths that grow by a factor, from the smallest positive value
                to the largest.

        Raises:
            DataError: values lie further apart than float64 can hold.
        """
        whole_number("count", count)
        one_of("strategy", strategy, ("quantile", "uniform", "log"))
        known = known_numbers(values, cls.name)
        with np.errstate(over="ignore", invalid="ignore"):
            edges = _EDGES[strategy](known, count)
        if not np.isfinite(edges).all():
            raise DataError(
                f"The values of column {values.name!r} lie further apart than float64 can hold; "
                "remove the extreme ones, or choose strategy='quantile' or 'log'."
            )
        return cls(edges=tuple(np.unique(edges).tolist()))

    @property
    def size(self) -> int:
        """How many codes there are, the one for missing values included."""
        return max(len(self.edges), 2)

    def transform(self, values: pl.Series) -> pl.DataFrame:
        """`(R,)` int32 codes; see `Encoder.transform`."""
        numbers = as_numbers(values)
        codes = 1 + np.searchsorted(np.asarray(self.edges[1:-1]), numbers, side="right")
        return pl.DataFrame(
            {values.name: np.where(np.isfinite(numbers), codes, 0).astype(np.int32)}
        )

    def inverse(self, encoded: pl.DataFrame) -> pl.Series:
        """The middle of each bucket, which has the same code again; null for missing values.

        Raises:
            DataError: a code is none of this encoder.
        """
        name = encoded.columns[0]
        codes = encoded[name].cast(pl.Int64).to_numpy()
        if len(codes) and (codes.min() < 0 or codes.max() >= self.size):
            raise DataError(f"Codes of {name!r} must lie from 0 to {self.size - 1}.")
        lower = np.asarray(self.edges[:-1] or self.edges)
        upper = np.asarray(self.edges[1:] or self.edges)
        middle = lower + (upper - lower) / 2
        # Between two neighbours of float64 the middle rounds to the upper one, another bucket's.
        middle = np.where(middle < upper, middle, lower)
        return pl.Series(name, [None, *middle.tolist()], dtype=pl.Float64).gather(codes)


def _quantile(known: Numbers, count: int) -> Numbers:
    """Edges between equally many rows."""
    edges: Numbers = np.quantile(known, np.linspace(0, 1, count + 1))
    return edges


def _uniform(known: Numbers, count: int) -> Numbers:
    """Edges at equal distances."""
    return np.linspace(known.min(), known.max(), count + 1)


def _log(known: Numbers, count: int) -> Numbers:
    """Edges at equal ratios, the first of them lowered to hold what is not positive."""
    positive = known[known > 0]
    if not len(positive):
        return np.array([known.min()])
    edges = np.geomspace(positive.min(), positive.max(), count + 1)
    edges[0] = known.min()
    return edges


_EDGES = {"quantile": _quantile, "uniform": _uniform, "log": _log}
