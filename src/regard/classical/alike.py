"""What the methods share that give everybody the same list: kinds of popularity."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from regard.classical.contract import ClassicalMethod
from regard.data.queries import Queries
from regard.data.split import TrainingPart
from regard.errors import NeedsClockError
from regard.shapes import Scores, Seconds


@dataclass(frozen=True)
class Alike:
    """The same scores for everybody.

    Attributes:
        scores_N: float32.
        queries: how many are asked.

    Example:
        >>> Alike(np.array([0, 0, 2, 1], np.float32), queries=2).block(2, 4).tolist()
        [[2.0, 1.0], [2.0, 1.0]]
    """

    scores_N: Scores
    queries: int

    @property
    def shape(self) -> tuple[int, int]:
        """`(B, N)`."""
        return self.queries, len(self.scores_N)

    def block(self, start: int, stop: int) -> Scores:
        """`(B, stop - start)` float32 scores of the codes from `start` to `stop` (exclusive)."""
        return np.tile(self.scores_N[start:stop], (self.queries, 1))


class AlikeForAll(ClassicalMethod):
    """A method to which it does not matter who asks. An heir writes `fit` and `scores_of_all`."""

    @abstractmethod
    def scores_of_all(self) -> Scores:
        """`(N,)` float32 scores, from `self.arrays()`."""

    def prepare(self, queries: Queries) -> Alike:
        """Ready for any part of the catalogue; see `regard.evaluation.scorer.BlockScorer`."""
        return Alike(self.scores_of_all(), len(queries))

    def _score(self, queries: Queries) -> Scores:
        prepared = self.prepare(queries)
        return prepared.block(0, prepared.shape[1])


def clock_of(training: TrainingPart, what: str) -> Seconds:
    """The moments of all events that the training part was cut from.

    Args:
        training: the training part.
        what: needs them, as the beginning of a sentence.

    Returns:
        `(E,)` float64 UTC seconds by flat position.

    Raises:
        NeedsClockError: the log carries only an order.
    """
    times = training.sequences.times
    if times is None:
        raise NeedsClockError(
            f"{what} needs the time of each interaction, but this log carries only an order. Name "
            "a column of times, or use popularity of all time."
        )
    return times
