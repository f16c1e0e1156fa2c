"""How parameters move: AdamW, a warm-up and a cosine decay; rows of sparse tables by themselves."""

import math
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

_BETAS = (0.9, 0.98)


class Optimiser:
    """Several optimisers of torch as one.

    Args:
        parts: each moves parameters of its own.

    Example:
        >>> layer = nn.Linear(2, 1)
        >>> optimiser = Optimiser([torch.optim.SGD([layer.weight]), torch.optim.SGD([layer.bias])])
        >>> optimiser.rate = 0.5
        >>> [group["lr"] for group in optimiser.param_groups]
        [0.5, 0.5]
    """

    def __init__(self, parts: Sequence[torch.optim.Optimizer]) -> None:
        self.parts = parts

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of all parts."""
        return [group for part in self.parts for group in part.param_groups]

    @property
    def rate(self) -> float:
        """Learning rate of all parts."""
        return float(self.param_groups[0]["lr"])

    @rate.setter
    def rate(self, rate: float) -> None:
        for group in self.param_groups:
            group["lr"] = rate

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for part in self.parts:
            part.zero_grad(set_to_none=True)

    def step(self) -> None:
        """Move every parameter that has a gradient."""
        for part in self.parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint must keep."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        for part, kept in zip(self.parts, state["parts"], strict=True):
            part.load_state_dict(kept)


def build_optimiser(
    model: nn.Module,
    weight_decay: float,
    tables: Collection[Tensor] = (),
    sparse: Collection[Tensor] = (),
) -> Optimiser:
    """AdamW with weight decay where it belongs, and Adam by rows where gradients are sparse.

    Matrices of linear layers are decayed. Biases and norms are not, nor are tables of vectors
    (items, positions): decay would shrink a rare item at every step in which it is not even seen.

    A sparse table moves only in the rows that a step has read, moments included, so a step costs
    the same however long the table is. Its rows are never decayed.

    Source: Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization".

    Args:
        model: whose parameters move.
        weight_decay: per unit of rate.
        tables: matrices of linear layers that hold a vector per item and are not decayed either.
        sparse: parameters of the model whose gradients are sparse.

    Returns:
        The optimiser; its rate is set at each step.

    Example:
        >>> layer = nn.Sequential(nn.Embedding(3, 4), nn.Linear(4, 4), nn.LayerNorm(4))
        >>> [len(group["params"]) for group in build_optimiser(layer, 0.01).param_groups]
        [1, 4]
    """
    rows = set(sparse)
    decayed = {
        module.weight
        for module in model.modules()
        if isinstance(module, nn.Linear) and module.weight.shape[0] > 1
    }.difference(tables, rows)
    dense = [parameter for parameter in model.parameters() if parameter not in rows]
    groups = [
        {"params": [each for each in dense if each in decayed], "weight_decay": weight_decay},
        {"params": [each for each in dense if each not in decayed], "weight_decay": 0.0},
    ]
    parts: list[torch.optim.Optimizer] = []
    if filled := [group for group in groups if group["params"]]:
        parts.append(torch.optim.AdamW(filled, fused=True, betas=_BETAS))
    if ordered := [parameter for parameter in model.parameters() if parameter in rows]:
        parts.append(torch.optim.SparseAdam(ordered, betas=_BETAS))
    return Optimiser(parts)


def clip_gradients(parameters: Iterable[nn.Parameter], longest: float) -> float:
    """Shorten all gradients together, dense and sparse ones, where they are longer than wanted.

    Source: Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural
    networks", algorithm 1.

    Args:
        parameters: those without a gradient are passed over.
        longest: norm of all gradients as one vector.

    Returns:
        Their norm before.

    Example:
        >>> weight = nn.Parameter(torch.zeros(2))
        >>> weight.grad = torch.tensor([3.0, 4.0])
        >>> clip_gradients([weight], 1.0)
        5.0
        >>> weight.grad.mul(10).round().tolist()
        [6.0, 8.0]
    """
    values = []
    for parameter in parameters:
        if parameter.grad is None:
            continue
        if parameter.grad.is_sparse:
            # A row that was read twice has two entries until they are summed.
            parameter.grad = parameter.grad.coalesce()
            values.append(parameter.grad._values())
        else:
            values.append(parameter.grad)
    norm = nn.utils.get_total_norm(values)
    factor = (longest / (norm + 1e-6)).clamp(max=1.0)
    for each in values:
        each.mul_(factor.to(each.device))
    return float(norm)


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
