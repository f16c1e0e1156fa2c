"""LinRec against the paper's own order of products, prefix by prefix, and what its lengths do."""

import numpy as np
import torch
from small_worlds import input_of
from stack_references import (
    Array,
    N,
    assert_same_states,
    by_heads,
    elu,
    embedded,
    fed_forward,
    layer_norm,
    numbers,
    prefix_by_prefix,
    shaken,
)

from regard.models.linrec import LinRec


def whole_history(mechanism, rows: Array) -> Array:
    """`ρ₁(elu(Q)) (ρ₂(elu(K))ᵀ V)`: rows of Q and columns of K have length one; no map anywhere."""
    parts = np.split(rows @ numbers(mechanism.queries_keys_values.weight).T, 3, axis=1)
    mixed = []
    for q, k, v in zip(*(by_heads(part, mechanism.heads) for part in parts), strict=True):
        questions = elu(q) / np.linalg.norm(elu(q), axis=1, keepdims=True)
        features = elu(k) / np.linalg.norm(elu(k), axis=0, keepdims=True)
        mixed.append(questions @ (features.T @ v) / np.sqrt(q.shape[1]))
    return np.concatenate(mixed, axis=1) @ numbers(mechanism.output.weight).T


def test_each_event_sees_what_the_paper_gives_the_newest_event_of_its_prefix() -> None:
    model = shaken(LinRec, blocks=2, heads=2)

    def expected_of(history: list[int]) -> Array:
        rows = embedded(model, history)
        for block in model.blocks:
            normed = layer_norm(rows, block.attention_norm)
            attended = prefix_by_prefix(
                lambda prefix, block=block: whole_history(block.attention, prefix)[-1], normed
            )
            rows = fed_forward(block, rows + attended)
        return layer_norm(rows, model.norm)

    assert_same_states(model, expected_of)


def test_of_an_event_alone_only_the_signs_of_its_features_count() -> None:
    model = shaken(LinRec, blocks=1)
    alone, two = input_of([[3]], N), input_of([[3, 4]], N)
    before = model.newest(alone), model.newest(two)
    with torch.no_grad():
        model.blocks[0].attention.queries_keys_values.weight[16:32] *= 3
    torch.testing.assert_close(model.newest(alone), before[0])
    assert not torch.allclose(model.newest(two), before[1])
