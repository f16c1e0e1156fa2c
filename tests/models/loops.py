"""What witnesses of networks share: float64 arrays in the place of a network's weights."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from regard.models.contract import SequenceModel

Array = NDArray[np.float64]


def exact(model: SequenceModel, seed: int = 0) -> SequenceModel:
    """In float64, with parameters away from where they start: an identity would hide a mistake."""
    generator = torch.Generator().manual_seed(seed)
    model = model.double().eval()
    with torch.no_grad():
        for each in model.parameters():
            each += 0.3 * torch.randn(each.shape, generator=generator, dtype=torch.float64)
    return model


def numbers(tensor: Tensor) -> Array:
    return tensor.detach().double().numpy()


def normed(row: Array, norm: nn.LayerNorm | None = None, eps: float = 1e-5) -> Array:
    scaled = (row - row.mean()) / np.sqrt(row.var() + eps)
    return scaled if norm is None else scaled * numbers(norm.weight) + numbers(norm.bias)


def linear(layer: nn.Linear, row: Array) -> Array:
    product = numbers(layer.weight) @ row
    return product if layer.bias is None else product + numbers(layer.bias)


def sigmoid(values: Array) -> Array:
    return 1 / (1 + np.exp(-values))


def silu(values: Array) -> Array:
    return values * sigmoid(values)


def shares(scores: list[float]) -> Array:
    raised = np.exp(np.array(scores) - max(scores))
    return raised / raised.sum()
