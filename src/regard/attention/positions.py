"""Where in its history an event stands, as a vector."""

import torch
from torch import Tensor, nn

from regard.attention.heads import by_head, check_heads
from regard.attention.projection import Projection
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
        _check_length(longest, self.longest)
        return nn.functional.embedding(newest_first(lengths_B, longest), self.vectors_LD)


class DecoupledPositions(nn.Module):
    """Queries and keys that know where events stand and nothing else of them.

    For a map of positions alone, beside that of items: both are likeness, but an item is never
    compared with a place. Places count from the newest event, as above.

    Source: Fan et al. 2021, "Lighter and Better: Low-Rank Decomposed Self-Attention Networks for
    Next-Item Recommendation", section 3.2; the norm as in the authors' code. Differs in that places
    count from the newest event, where the paper counts from the oldest.

    Args:
        longest: most events in a history (`L`).
        width: of the vectors (`D`).
        heads: number of heads (`H`); must divide `width`.

    Raises:
        ConfigurationError: `heads` does not divide `width`.

    Example:
        >>> positions = DecoupledPositions(longest=4, width=8, heads=2)
        >>> q_BHLK, k_BHLK = positions(torch.tensor([3, 1]), 3)
        >>> q_BHLK.shape, torch.equal(q_BHLK[0, :, 2], q_BHLK[1, :, 0])
        (torch.Size([2, 2, 3, 4]), True)
    """

    def __init__(self, longest: int, width: int, heads: int = 1) -> None:
        super().__init__()
        check_heads(width, heads)
        self.longest, self.heads = longest, heads
        self.vectors_LD = nn.Parameter(torch.empty(longest, width))
        nn.init.normal_(self.vectors_LD, std=0.02)
        self.norm = nn.LayerNorm(width)
        self.queries_keys = Projection(width, 2 * width, bias=False)

    def forward(self, lengths_B: Tensor, longest: int) -> tuple[Tensor, Tensor]:
        """Queries and keys of a batch's positions.

        Args:
            lengths_B: int `(B,)` real events of each row.
            longest: L of the batch.

        Returns:
            `(B, H, L, K)` twice; what stands at padding has no meaning.

        Raises:
            ModelInputError: the batch is longer than the table.
        """
        _check_length(longest, self.longest)
        # Projected place by place, not event by event.
        projected_LP = self.queries_keys(self.norm(self.vectors_LD[:longest]))
        projected_BLP = nn.functional.embedding(newest_first(lengths_B, longest), projected_LP)
        q_BHLK, k_BHLK = by_head(projected_BLP, 2, self.heads)
        return q_BHLK, k_BHLK


def _check_length(longest: int, held: int) -> None:
    if longest > held:
        raise ModelInputError(
            f"A history of {longest} events was given to a model that holds {held}; "
            f"keep its newest {held}."
        )


def newest_first(lengths_B: Tensor, longest: int) -> Tensor:
    """How far each position lies from the newest event of its history, int64 `(B, L)`.

    Args:
        lengths_B: int `(B,)` real events of each row.
        longest: L of the batch.

    Example:
        >>> newest_first(torch.tensor([3, 1]), 3).tolist()
        [[2, 1, 0], [0, 0, 0]]
    """
    steps = torch.arange(longest, device=lengths_B.device)
    return (lengths_B[:, None] - 1 - steps).clamp_(min=0)


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
