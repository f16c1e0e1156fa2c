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
