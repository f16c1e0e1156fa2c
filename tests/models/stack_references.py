"""What reference loops of stacks share: the frame around the blocks, in NumPy and float64."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from small_worlds import input_of, small
from torch import Tensor, nn

from regard.models.contract import SequenceModel

Array = NDArray[np.float64]
N = 20


def shaken(kind: type[SequenceModel], **settings: Any) -> SequenceModel:
    """A small network in float64 whose parameters are away from where they start.

    Also that of padding, which nobody may read.
    """
    model = small(kind, N, **settings).double()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for each in model.parameters():
            each += 0.3 * torch.randn(each.shape, generator=generator, dtype=torch.float64)
    return model


def numbers(tensor: Tensor) -> Array:
    return tensor.detach().numpy()


def embedded(model: Any, history: list[int]) -> Array:
    """Scaled item vectors and, where the network has them, positions from the newest event."""
    rows = numbers(model.items.table.weight)[history] * np.sqrt(model.config.width)
    if model.positions is None:
        return rows
    return rows + numbers(model.positions.vectors_LD)[: len(history)][::-1]


def layer_norm(rows: Array, norm: nn.LayerNorm) -> Array:
    centred = rows - rows.mean(-1, keepdims=True)
    normed = centred / np.sqrt(rows.var(-1, keepdims=True) + 1e-5)
    return normed * numbers(norm.weight) + numbers(norm.bias)


def fed_forward(block: Any, rows: Array) -> Array:
    """The second half of a block: wider, cut at zero, back, and added."""
    normed = layer_norm(rows, block.forward_norm)
    hidden = np.maximum(normed @ numbers(block.feed_forward.expand.weight).T, 0)
    return rows + hidden @ numbers(block.feed_forward.contract.weight).T


def prefix_by_prefix(newest_of: Callable[[Array], Array], rows: Array) -> Array:
    """What a formula over whole histories says at the newest event of each prefix."""
    return np.stack([newest_of(rows[: end + 1]) for end in range(len(rows))])


def softmax(scores: Array, axis: int = -1) -> Array:
    raised = np.exp(scores - scores.max(axis, keepdims=True))
    return raised / raised.sum(axis, keepdims=True)


def by_heads(part: Array, heads: int) -> list[Array]:
    return np.split(part, heads, axis=1)


def attention(mechanism: Any, rows: Array) -> Array:
    """Causal softmax attention of all rows, head by head, as in SASRec (equations 2 and 3)."""
    parts = np.split(rows @ numbers(mechanism.queries_keys_values.weight).T, 3, axis=1)
    future = np.triu(np.full((len(rows), len(rows)), -np.inf), 1)
    mixed = [
        softmax(q @ k.T / np.sqrt(q.shape[1]) + future) @ v
        for q, k, v in zip(*(by_heads(part, mechanism.heads) for part in parts), strict=True)
    ]
    return np.concatenate(mixed, axis=1) @ numbers(mechanism.output.weight).T


def sigmoid(values: Array) -> Array:
    return 1 / (1 + np.exp(-values))


def elu(values: Array) -> Array:
    return np.where(values > 0, values, np.expm1(np.minimum(values, 0)))


def gelu(values: Array) -> Array:
    error = np.vectorize(math.erf)
    return values * (1 + error(values / np.sqrt(2))) / 2


def assert_same_states(model: SequenceModel, expected_of: Callable[[list[int]], Array]) -> None:
    """Histories of unlike lengths in one padded batch, at every event whose state has a meaning."""
    rows = [[3, 4, 5, 6, 4, 7, 2], [7], [8, 1, 9, 8]]
    read = input_of(rows, N, columns=9)
    newest_BD, trace = numbers(model.newest(read)), model.trace(read, need_maps=True)
    fused_BLD = numbers(model(read))
    for row, history in enumerate(rows):
        expected = expected_of(history)
        since = 0 if model.promises.causal else len(history) - 1
        for found_BLD in (fused_BLD, numbers(trace.states_BLD)):
            found = found_BLD[row, since : len(history)]
            np.testing.assert_allclose(found, expected[since:], rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(newest_BD[row], expected[-1], rtol=1e-9, atol=1e-11)
