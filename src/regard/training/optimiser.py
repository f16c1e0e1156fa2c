"""How parameters move: AdamW, a warm-up and a cosine decay."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


def build_optimiser(
    model: nn.Module, weight_decay: float, tables: Sequence[Tensor] = ()
) -> torch.optim.AdamW:
    """AdamW with weight decay where it belongs.

    Matrices of linear layers are decayed. Biases and norms are not, nor are tables of vectors
    (items, positions): decay would shrink a rare item at every step in which it is not even seen.

    Source: Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization".

    Args:
        model: whose parameters move.
        weight_decay: per unit of rate.
        tables: matrices of linear layers that hold a vector per item and are not decayed either.

    Returns:
        The optimiser; its rate is set at each step.

    Example:
        >>> layer = nn.Sequential(nn.Embedding(3, 4), nn.Linear(4, 4), nn.LayerNorm(4))
        >>> [len(group["params"]) for group in build_optimiser(layer, 0.01).param_groups]
        [1, 4]
    """
    decayed = {
        module.weight
        for module in model.modules()
        if isinstance(module, nn.Linear) and module.weight.shape[0] > 1
    }.difference(tables)
    others = [parameter for parameter in model.parameters() if parameter not in decayed]
    ordered = [parameter for parameter in model.parameters() if parameter in decayed]
    groups = [
        {"params": ordered, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [each for each in groups if each["params"]], fused=True, betas=(0.9, 0.98)
    )


def rate_at(progress: float, *, highest: float, warmup: float) -> float:
    """The learning rate at a moment of training: a straight rise, then half a cosine down.

    Args:
        progress: share of the planned training that is done, from 0 to 1.
        highest: rate at the end of the warm-up.
        warmup: share of the training that rises.

    Returns:
        A rate; a tenth of the highest is left at the end, so that a longer run still learns.

    Example:
        >>> [round(rate_at(p, highest=1.0, warmup=0.1), 2) for p in (0.0, 0.05, 0.1, 0.55, 1.0)]
        [0.0, 0.5, 1.0, 0.55, 0.1]
    """
    if progress < warmup:
        return highest * progress / warmup
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - warmup) / (1 - warmup))))
    return highest * (0.1 + 0.9 * cosine)
