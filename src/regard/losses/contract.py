"""What a loss sees: states at real positions and the table of items, never all scores."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class ItemTable:
    """What a state is compared with: score of item `n` = `state · vectors_ND[n] + bias_N[n]`.

    A network that looks at each candidate by itself (`Reading`) has a comparison of its own in
    place of the product.

    Attributes:
        vectors_ND: float `(N, D)`, the two special codes included.
        bias_N: float `(N,)`, or None.
    """

    vectors_ND: Tensor
    bias_N: Tensor | None = None


class Reading(Protocol):
    """T moments of histories, ready to be compared with the vectors of candidates.

    What stands in the place of `states_TD` where a history means something else to each candidate.
    """

    def among(self, vectors_KD: Tensor) -> Tensor:
        """What each moment says of the same K candidates: `(T, K)`, without their bias."""
        ...

    def own(self, vectors_TD: Tensor) -> Tensor:
        """What each moment says of one candidate of its own: `(T,)`, without its bias."""
        ...


class Loss(Protocol):
    """A pure function from states and targets to a number to be made small."""

    def __call__(self, states_TD: Tensor, table: ItemTable, targets_T: Tensor) -> Tensor:
        """The mean loss over targets.

        Args:
            states_TD: float `(T, D)`, one per real position with a true next item.
            table: of the catalogue.
            targets_T: int64 `(T,)` codes, each at least 2.

        Returns:
            A scalar tensor with a gradient.

        Raises:
            ModelInputError: there is no target, or one is outside the table.
        """
        ...
