"""What else is known of events, as codes and numbers that lie beside the items in memory.

Three events with a country (codes), a price and whether it is missing (numbers)::

    items      4     2     9
    codes    [ 3 ] [ 1 ] [ 3 ]
    numbers  [.5,0] [0,1] [-1,0]

Encoders make them (`regard.data.encoders.events`); a network that reads them has an embedding for
the codes and a projection for the numbers (`regard.models.event_features`).
"""

import hashlib
import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from regard.errors import DataError

FARTHEST: Final = 30.0
"""Where numbers are cut off: one wild value must not drown everything else that a network reads."""


@dataclass(frozen=True, eq=False)
class Features:
    """Encoded features of events, in any arrangement: flat for a log, `(B, L)` for a batch.

    Attributes:
        codes: `(..., F)` int32, one column for each code of an event; F may be 0.
        numbers: `(..., F)` float32, one column for each number of an event; F may be 0.

    Raises:
        DataError: the two are not of the same events.

    Example:
        >>> features = Features(np.array([[3], [1]], np.int32), np.zeros((2, 0), np.float32))
        >>> features.take(np.array([[1, 1, 0]])).codes.tolist()
        [[[1], [1], [3]]]
    """

    codes: NDArray[np.int32]
    numbers: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.codes.shape[:-1] != self.numbers.shape[:-1]:
            raise DataError(
                f"Features have codes of shape {self.codes.shape} and numbers of shape "
                f"{self.numbers.shape}; both must be of the same events."
            )

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, index: NDArray[Any]) -> "Features":
        """The features of some events.

        Args:
            index: positions of events, or a Boolean for each; of any shape.

        Returns:
            Copies, arranged as the index is.
        """
        return Features(self.codes[index], self.numbers[index])

    def digest(self) -> str:
        """A short name for the content: 16 hexadecimal digits of BLAKE2b."""
        digest = hashlib.blake2b(digest_size=8)
        for array in (self.codes, self.numbers):
            digest.update(repr((array.shape, array.dtype.str)).encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


@dataclass(frozen=True)
class FeatureLayout:
    """What the columns of features mean to a network.

    Attributes:
        sizes: how many codes there are, for each column of codes.
        missing_codes: the codes of an event of which nothing but its item is known.
        missing_numbers: its numbers.

    Example:
        >>> layout = FeatureLayout(sizes=(5,), missing_codes=(0,), missing_numbers=(0.0, 1.0))
        >>> layout.misfit(Features(np.array([[4]], np.int32), np.zeros((1, 2), np.float32)))
        ''
        >>> layout.misfit(Features(np.array([[5]], np.int32), np.zeros((1, 2), np.float32)))
        'column 0 of the codes runs from 5 to 5 and not from 0 to 4'
    """

    sizes: tuple[int, ...]
    missing_codes: tuple[int, ...]
    missing_numbers: tuple[float, ...]

    def misfit(self, features: Features) -> str:
        """Why features are not of this layout; empty where they are.

        Args:
            features: of any events.
        """
        given = features.codes.shape[-1], features.numbers.shape[-1]
        wanted = len(self.sizes), len(self.missing_numbers)
        if given != wanted:
            return f"{given} columns of codes and numbers where {wanted} are expected"
        codes = features.codes.reshape(math.prod(features.codes.shape[:-1]), len(self.sizes))
        if codes.size:
            extremes = zip(codes.min(axis=0).tolist(), codes.max(axis=0).tolist(), strict=True)
            for column, ((low, high), size) in enumerate(zip(extremes, self.sizes, strict=True)):
                if low < 0 or high >= size:
                    return (
                        f"column {column} of the codes runs from {low} to {high} and not from 0 to "
                        f"{size - 1}"
                    )
        return "" if np.isfinite(features.numbers).all() else "a number is not finite"
