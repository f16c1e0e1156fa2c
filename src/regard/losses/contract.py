"""What a loss sees: states at real positions and the table of items, never all scores."""

from dataclasses import dataclass
from typing import Protocol

import torch
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


@dataclass(frozen=True)
class Narrowed:
    """States, each with some items that are no candidates for it.

    What stands in the place of `states_TD` where not all of the catalogue may be the answer.

    Attributes:
        states_TD: float `(T, D)`.
        row_P: int64 `(P,)` numbers of states, ascending.
        code_P: int64 `(P,)` codes, each at least 2, that are no candidates for these; never the
            target of the state.
    """

    states_TD: Tensor
    row_P: Tensor
    code_P: Tensor

    def within(self, rows: slice) -> tuple[Tensor, Tensor]:
        """Rows, counted from the first one of a slice, and codes of the pairs in that slice.

        Args:
            rows: with both ends; it may reach beyond the last state.

        Example:
            >>> import torch
            >>> row_P, code_P = torch.tensor([0, 2, 2, 3]), torch.tensor([5, 7, 5, 9])
            >>> narrowed = Narrowed(torch.zeros(4, 8), row_P, code_P)
            >>> [each.tolist() for each in narrowed.within(slice(1, 3))]
            [[1, 1], [7, 5]]
        """
        ends = self.row_P.new_tensor([rows.start, rows.stop])
        start, stop = torch.searchsorted(self.row_P, ends).tolist()
        return self.row_P[start:stop] - rows.start, self.code_P[start:stop]


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

    def __call__(self, states_TD: Tensor | Narrowed, table: ItemTable, targets_T: Tensor) -> Tensor:
        """The mean loss over targets.

        Args:
            states_TD: float `(T, D)`, one per real position with a true next item; perhaps with
                what are no candidates for each.
            table: of the catalogue.
            targets_T: int64 `(T,)` codes, each at least 2.

        Returns:
            A scalar tensor with a gradient.

        Raises:
            ModelInputError: there is no target, or one is outside the table.
        """
        ...
