"""Who may look at whom.

A causal mask over four positions (`x` = may look)::

    M  0 1 2 3
    L0 x
    L1 x x
    L2 x x x
    L3 x x x x

Histories are padded on the right, so a causal mask is all that real positions need: the padding
lies in everybody's future.
"""

import torch
from torch import Tensor


def causal_mask(length: int, device: torch.device | str = "cpu") -> Tensor:
    """Which positions each position may look at: itself and the ones before.

    Args:
        length: L.
        device: where the mask is wanted.

    Returns:
        Boolean `(L, L)`; True where row may look at column.

    Example:
        >>> causal_mask(3).int().tolist()
        [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    """
    return torch.ones(length, length, dtype=torch.bool, device=device).tril()


def real_positions(lengths_B: Tensor, longest: int) -> Tensor:
    """Which positions of right-padded rows hold an event.

    Args:
        lengths_B: int `(B,)` real events of each row.
        longest: L.

    Returns:
        Boolean `(B, L)`.

    Example:
        >>> real_positions(torch.tensor([2, 1]), 3).int().tolist()
        [[1, 1, 0], [1, 0, 0]]
    """
    return torch.arange(longest, device=lengths_B.device) < lengths_B[:, None]


def pick_newest(states_BLD: Tensor, lengths_B: Tensor) -> Tensor:
    """The state at the last real position of each history.

    Args:
        states_BLD: float `(B, L, D)`.
        lengths_B: int64, at least 1 each.

    Returns:
        `(B, D)`.

    Example:
        >>> states_BLD = torch.tensor([[[1.0], [2.0]], [[3.0], [0.0]]])
        >>> pick_newest(states_BLD, torch.tensor([2, 1])).tolist()
        [[2.0], [3.0]]
    """
    rows = torch.arange(len(lengths_B), device=lengths_B.device)
    return states_BLD[rows, lengths_B - 1]
