"""What loops of recurrent and session networks share: float64, one event at a time."""

import numpy as np
import torch
from numpy.typing import NDArray
from small_worlds import input_of
from torch import Tensor, nn

from regard.models.contract import ModelInput, SequenceModel

Array = NDArray[np.float64]
N = 20
ROWS = [[3, 4, 5, 6, 4, 2], [7], [8, 1, 9]]
"""Histories of unlike lengths, with a repeated and an unknown item."""


def numbers(tensor: Tensor) -> Array:
    return tensor.detach().double().numpy()


def shaken(model: SequenceModel) -> SequenceModel:
    """In float64, with parameters away from where they start: a zero would hide a mistake."""
    generator = torch.Generator().manual_seed(1)
    model = model.double().eval()
    with torch.no_grad():
        for each in model.parameters():
            each += 0.3 * torch.randn(each.shape, generator=generator, dtype=torch.float64)
        model.item_table().vectors_ND[0] = 0
    return model


def rows() -> ModelInput:
    return input_of(ROWS, N)


def read_in(model: SequenceModel, codes: list[int]) -> Array:
    """Item vectors as they enter a network, times √D."""
    table = numbers(model.item_table().vectors_ND)
    return np.stack([table[code] * np.sqrt(table.shape[1]) for code in codes])


def sigmoid(values: Array) -> Array:
    return 1 / (1 + np.exp(-values))


def linear(layer: nn.Linear, row: Array) -> Array:
    product = numbers(layer.weight) @ row
    return product if layer.bias is None else product + numbers(layer.bias)


def gru(layer: nn.GRU, vectors: Array, number: int = 0) -> Array:
    """Cho et al. 2014, the reset gate behind the product: states after each event, `(L, H)`."""
    kinds = ("weight", "bias")
    into = [np.split(numbers(getattr(layer, f"{each}_ih_l{number}")), 3) for each in kinds]
    over = [np.split(numbers(getattr(layer, f"{each}_hh_l{number}")), 3) for each in kinds]
    states, h = [], np.zeros(layer.hidden_size)
    for x in vectors:
        from_x = [w @ x + b for w, b in zip(*into, strict=True)]
        from_h = [w @ h + b for w, b in zip(*over, strict=True)]
        reset, keep = sigmoid(from_x[0] + from_h[0]), sigmoid(from_x[1] + from_h[1])
        new = np.tanh(from_x[2] + reset * from_h[2])
        h = (1 - keep) * new + keep * h
        states.append(h)
    return np.stack(states)


def lstm(layer: nn.LSTM, vectors: Array) -> Array:
    """Gers et al. 2000: states after each event, `(L, H)`."""
    weight_x, weight_h = numbers(layer.weight_ih_l0), numbers(layer.weight_hh_l0)
    bias = numbers(layer.bias_ih_l0) + numbers(layer.bias_hh_l0)
    states, h, cell = [], np.zeros(layer.hidden_size), np.zeros(layer.hidden_size)
    for x in vectors:
        write, keep, new, show = np.split(weight_x @ x + weight_h @ h + bias, 4)
        cell = sigmoid(keep) * cell + sigmoid(write) * np.tanh(new)
        h = sigmoid(show) * np.tanh(cell)
        states.append(h)
    return np.stack(states)
