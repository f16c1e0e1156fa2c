"""What reference loops share: weights as NumPy numbers, one history at a time, no matrix path."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Array = NDArray[np.float64]


def numbers(tensor: Tensor) -> Array:
    return tensor.detach().double().numpy()


def states_of(length: int, width: int, seed: int = 0) -> Tensor:
    """`(1, L, D)` float64."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, length, width, generator=generator, dtype=torch.float64)


def shaken(attention: nn.Module, seed: int = 0) -> nn.Module:
    """In float64, with parameters away from where they start: an identity would hide a mistake."""
    generator = torch.Generator().manual_seed(seed)
    attention = attention.double().eval()
    with torch.no_grad():
        for each in attention.parameters():
            each += 0.3 * torch.randn(each.shape, generator=generator, dtype=torch.float64)
    return attention


def heads_of(weight: Tensor, states: Tensor, parts: int, heads: int) -> list[list[Array]]:
    """`[part][head]`: `(L, K)` each."""
    projected = numbers(states[0]) @ numbers(weight).T
    return [np.split(part, heads, axis=1) for part in np.split(projected, parts, axis=1)]


def softmax(scores: list[float]) -> Array:
    raised = np.exp(np.array(scores) - max(scores))
    return raised / raised.sum()


def sigmoid(values: Array) -> Array:
    return 1 / (1 + np.exp(-values))


def layer_norm(row: Array, norm: nn.LayerNorm | None = None, eps: float = 1e-5) -> Array:
    normed = (row - row.mean()) / np.sqrt(row.var() + eps)
    return normed if norm is None else normed * numbers(norm.weight) + numbers(norm.bias)


def linear(layer: nn.Linear, row: Array) -> Array:
    product = numbers(layer.weight) @ row
    return product if layer.bias is None else product + numbers(layer.bias)
