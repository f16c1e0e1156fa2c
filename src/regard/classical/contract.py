"""What a classical method promises: fit, score, and plain arrays to be saved."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from regard.data.queries import Queries
from regard.data.split import TrainingPart
from regard.errors import BundleError, NotFittedError
from regard.schema import FIRST_CODE
from regard.shapes import Offsets, Scores

Arrays: TypeAlias = dict[str, NDArray[Any]]
"""Name -> plain numeric array, as safetensors takes it."""


@dataclass(frozen=True)
class NoOptions:
    """The config of a method without options.

    Example:
        >>> NoOptions()
        NoOptions()
    """


class ClassicalMethod(ABC):
    """A recommender without a network, learned by counting.

    It answers the same `score` as a network, so evaluation, recommendation and comparison treat
    both alike. Add one: subclass, write `fit` and `_score`, list its arrays, and name it in
    `CLASSICAL`. One that can score a part of the catalogue writes `prepare` as well, as
    `regard.evaluation.scorer.BlockScorer` has it; then large catalogues cost it no memory.

    Attributes:
        config: the options, a frozen dataclass; `type(self)(**asdict(config))` gives an equal
            unfitted method.
    """

    name: ClassVar[str]
    """What the command line calls it."""
    saved: ClassVar[tuple[str, ...]]
    """Names of the arrays that hold what was learned."""
    reads_time: ClassVar[bool | None] = False
    """Whether it reads a clock; None where an option decides, or it does where there is one."""
    reads_moment: ClassVar[bool] = False
    """Whether its answer depends on the moment of the request, where histories have times."""
    cold_items: ClassVar[bool] = False
    """Whether it can recommend items that training never showed."""

    config: Any = NoOptions()

    def __init__(self) -> None:
        self._learned: Arrays | None = None

    def require(self) -> None:
        """Refuse at once, not after hours, if `fit` lacks something here, such as an extra."""
        return

    @abstractmethod
    def fit(self, training: TrainingPart) -> Self:
        """Learn from the training part and nothing else.

        Args:
            training: what may be looked at.

        Returns:
            The method itself, fitted.
        """

    @abstractmethod
    def _score(self, queries: Queries) -> Scores:
        """`(B, N)` float32 scores from `self.arrays()`."""

    def score(self, queries: Queries) -> Scores:
        """Scores of all items for some queries.

        Args:
            queries: whose histories to continue.

        Returns:
            `(B, N)` float32, higher is better, a fresh array.

        Raises:
            NotFittedError: nothing was learned yet.
        """
        self.arrays()
        return self._score(queries)

    @property
    def in_blocks(self) -> bool:
        """Whether a `prepare` of the method, if it has one, gives the scores that `_score` gives.

        Not so for an heir that scores otherwise and inherits `prepare`.
        """
        defined = (vars(each) for each in type(self).__mro__)
        return "prepare" in next(names for names in defined if {"prepare", "_score"} & names.keys())

    def arrays(self) -> Arrays:
        """What was learned, as plain numeric arrays.

        Returns:
            One array for each name of `saved`.

        Raises:
            NotFittedError: nothing was learned yet.
        """
        if self._learned is None:
            raise NotFittedError(f"{type(self).__name__} has learned nothing yet; call fit first.")
        return self._learned

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], **options: Any) -> Self:
        """The fitted method that `arrays()` came from.

        Args:
            arrays: what `arrays()` gave.
            options: the fields of its config.

        Returns:
            A method that scores as the saved one did.

        Raises:
            BundleError: the arrays are not those of this method.
        """
        cls._require_arrays(arrays, cls.saved)
        method = cls(**options)
        method._learned = {name: np.asarray(arrays[name]) for name in cls.saved}
        return method

    @classmethod
    def _require_arrays(cls, arrays: Mapping[str, NDArray[Any]], names: Collection[str]) -> None:
        """Refuse arrays of other names.

        Raises:
            BundleError: there are too few or too many.
        """
        if set(arrays) != set(names):
            raise BundleError(
                f"A saved {cls.__name__} holds the arrays {', '.join(sorted(names))}; received "
                f"{', '.join(arrays) or 'none'}."
            )


def count_items(training: TrainingPart, events: Offsets | None = None) -> NDArray[np.int64]:
    """How often each code occurs among training events.

    Args:
        training: the training part.
        events: flat positions to count; all training events if omitted.

    Returns:
        `(N,)` int64, zero for the two special codes.
    """
    codes = training.sequences.items[training.events() if events is None else events]
    counts = np.bincount(codes, minlength=training.vocabulary.size).astype(np.int64)
    counts[:FIRST_CODE] = 0
    return counts


def below_one(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Counts scaled into [0, 1/2], so that they decide only between equal whole numbers.

    Half rather than one leaves room for rounding to float32.

    Example:
        >>> below_one(np.array([0, 5, 10])).tolist()
        [0.0, 0.25, 0.5]
    """
    return 0.5 * counts / max(int(counts.max(initial=0)), 1)


def under_zero(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Counts scaled into [-1/2, 0]: an order for items that nothing speaks for.

    Whatever has a positive score stands above all of them.

    Example:
        >>> under_zero(np.array([0, 5, 10])).tolist()
        [-0.5, -0.25, 0.0]
    """
    return below_one(counts) - 0.5
