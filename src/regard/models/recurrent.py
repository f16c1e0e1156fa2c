"""Recurrent layers over a history.

A recurrent layer reads from the oldest event on, so it is causal by itself, and padding, which lies
on the right, comes after all that counts.

On a processor it stays in float32 where `torch.autocast` asks for less: a rounding would be handed
on from event to event, and for each new shape of a batch the matrix library would keep programs of
its own, as `regard.attention.projection` tells.
"""

import torch
from torch import Tensor, nn

from regard.attention.projection import low_precision


def states_after_each(layer: nn.GRU | nn.LSTM, vectors_BLD: Tensor) -> Tensor:
    """The state of the last layer after each event.

    Args:
        layer: of one direction, with `batch_first`.
        vectors_BLD: of the events, oldest first.

    Returns:
        `(B, L, H)` with H numbers a state.

    Example:
        >>> layer = nn.GRU(4, 6, batch_first=True)
        >>> states_after_each(layer, torch.zeros(2, 3, 4)).shape
        torch.Size([2, 3, 6])
    """
    states_BLH: Tensor
    if low_precision(vectors_BLD) is None:
        states_BLH, _ = layer(vectors_BLD)
        return states_BLH
    with torch.autocast("cpu", enabled=False):
        states_BLH, _ = layer(vectors_BLD.float())
    return states_BLH
