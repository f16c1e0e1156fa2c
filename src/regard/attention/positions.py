"""Where in its history an event stands, as a vector."""

import torch
from torch import Tensor, nn

from regard.errors import ModelInputError


class NewestFirstPositions(nn.Module):
    """A learned vector per distance from the newest event.

    In a row of three events the newest has place 0::

        events     12  40   9
        places      2   1   0

    The same as the positions of SASRec (Kang & McAuley 2018, section III-A), whose left padding
    also lets the newest event always have the same one.

    Args:
        longest: most events in a history (`L`).
        width: of the vectors (`D`).

    Example:
        >>> positions = NewestFirstPositions(longest=4, width=8)
        >>> positions(torch.tensor([3, 1]), 3).shape
        torch.Size([2, 3, 8])
    """

    def __init__(self, longest: int, width: int) -> None:
        super().__init__()
        self.longest = longest
        self.vectors_LD = nn.Parameter(torch.empty(longest, width))
        nn.init.normal_(self.vectors_LD, std=0.02)

    def forward(self, lengths_B: Tensor, longest: int) -> Tensor:
        """The vectors of a batch's positions.

        Args:
            lengths_B: int `(B,)` real events of each row.
            longest: L of the batch.

        Returns:
            `(B, L, D)`; what stands at padding has no meaning.

        Raises:
            ModelInputError: the batch is longer than the table.
        """
        if longest > self.longest:
            raise ModelInputError(
                f"A history of {longest} events was given to a model that holds {self.longest}; "
                f"keep its newest {self.longest}."
            )
        steps = torch.arange(longest, device=lengths_B.device)
        places_BL = (lengths_B[:, None] - 1 - steps).clamp_(min=0)
        return nn.functional.embedding(places_BL, self.vectors_LD)


class Distances(nn.Module):
    """A scheme that makes likeness depend on how far apart two events are.

    It turns queries and keys, or adds to their scores, or both; this one does neither.
    `regard.attention.rotary` and `regard.attention.linear_bias` are what it is for.

    Example:
        >>> scheme = Distances()
        >>> q_BHLK = torch.ones(1, 1, 2, 4)
        >>> scheme.turn(q_BHLK, torch.tensor([[0, 1]])) is q_BHLK
        True
        >>> scheme.added(torch.tensor([[[0, -1], [1, 0]]])) is None
        True
    """

    def turn(self, parts_BHLK: Tensor, places_BL: Tensor) -> Tensor:
        """Queries or keys as they are compared.

        Args:
            parts_BHLK: float `(B, H, L, K)`.
            places_BL: int64 `(B, L)` or `(1, L)`: where they stand, 0 for the oldest event.

        Returns:
            `(B, H, L, K)`.
        """
        del places_BL
        return parts_BHLK

    def added(self, distances_BQM: Tensor) -> Tensor | None:
        """What is added to the scores.

        Args:
            distances_BQM: int64 how far back each position lies, negative in the future.

        Returns:
            Float `(B, H, Q, M)`, or None for nothing; of any value in the future.
        """
        del distances_BQM
        return None
