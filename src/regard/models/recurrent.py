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

_SPREAD_OF_STATES = 0.5
"""Standard deviation, roughly, of states that another recurrent layer reads."""


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


def begin_awake(layer: nn.GRU | nn.LSTM, spread: float) -> None:
    """Weights to begin with, by which an event moves the state at once and the state lasts.

    Torch's own are made for inputs of unit size. Item vectors begin far smaller, so that states
    would begin as all but zero, and a network would spend its first epochs waking up.

    What is summed within a gate begins with unit size: matrices of inputs are as wide as that asks
    for (LeCun et al. 1998, "Efficient BackProp", section 4.6). Matrices of states are orthogonal
    (Saxe et al. 2014, "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks"). Constants are zero; a gate of an LSTM that forgets has 1 (Jozefowicz et al. 2015,
    "An Empirical Exploration of Recurrent Network Architectures").

    Args:
        layer: whose weights are drawn anew.
        spread: standard deviation of the numbers that it reads.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> layer, vectors_BLD = nn.GRU(64, 128, batch_first=True), 0.16 * torch.randn(1, 9, 64)
        >>> def moved():
        ...     return round(states_after_each(layer, vectors_BLD).std(1).mean().item(), 1)
        >>> asleep = moved()
        >>> begin_awake(layer, spread=0.16)
        >>> asleep, moved()
        (0.0, 0.3)
    """
    hidden = layer.hidden_size
    with torch.no_grad():
        for name, values in layer.named_parameters():
            if name.startswith("weight_hh"):
                for gate in values.chunk(len(values) // hidden):
                    nn.init.orthogonal_(gate)
            elif name.startswith("weight_ih"):
                into = spread if name.endswith("_l0") else _SPREAD_OF_STATES
                nn.init.normal_(values, std=1 / (into * values.shape[1] ** 0.5))
            else:
                nn.init.zeros_(values)
                if isinstance(layer, nn.LSTM) and name.startswith("bias_ih"):
                    nn.init.ones_(values[hidden : 2 * hidden])
