"""LightSANs against the paper's matrices, and that items and places are compared apart."""

import numpy as np
import pytest
import torch
from small_worlds import input_of
from stack_references import (
    Array,
    N,
    assert_same_states,
    by_heads,
    embedded,
    fed_forward,
    layer_norm,
    numbers,
    shaken,
    softmax,
)

from regard.errors import ConfigurationError
from regard.models.lightsans import LightSANs, LightSANsConfig


def whole_history(mechanism, rows: Array) -> Array:
    """Low-rank attention of items, and a map of positions alone, each head by itself."""
    D, positions = rows.shape[1], mechanism.positions
    weight = numbers(mechanism.queries_keys_values.weight)
    queries, keys, values = (rows @ weight[at : at + D].T for at in (0, D, 2 * D))
    of_keys = softmax(keys @ numbers(mechanism.key_interests.weight).T, axis=0)
    of_values = softmax(values @ numbers(mechanism.value_interests.weight).T, axis=0)
    places = layer_norm(numbers(positions.vectors_LD)[: len(rows)][::-1], positions.norm)
    asking, asked = np.split(places @ numbers(positions.queries_keys.weight).T, 2, axis=1)
    mixed = []
    split = (by_heads(part, mechanism.heads) for part in (queries, keys, values, asking, asked))
    for q, k, v, p, r in zip(*split, strict=True):
        of_items = softmax(q @ (of_keys.T @ k).T / np.sqrt(q.shape[1])) @ (of_values.T @ v)
        of_places = softmax(p @ r.T / np.sqrt(q.shape[1])) @ v
        mixed.append((of_items + of_places) / 2)
    return np.concatenate(mixed, axis=1) @ numbers(mechanism.output.weight).T


def test_equals_the_paper_over_whole_histories() -> None:
    model = shaken(LightSANs, blocks=2, heads=2, interests=3)

    def expected_of(history: list[int]) -> Array:
        rows = embedded(model, history)
        for block in model.blocks:
            attended = whole_history(block.attention, layer_norm(rows, block.attention_norm))
            rows = fed_forward(block, rows + attended)
        return layer_norm(rows, model.norm)

    assert_same_states(model, expected_of)


def test_the_order_of_the_past_is_a_matter_of_places_alone() -> None:
    model = shaken(LightSANs)
    ours, theirs = input_of([[3, 4, 5, 6]], N), input_of([[5, 3, 4, 6]], N)
    assert not torch.allclose(model.newest(ours), model.newest(theirs))
    with torch.no_grad():
        for block in model.blocks:
            block.attention.positions.queries_keys.weight.zero_()
    torch.testing.assert_close(model.newest(ours), model.newest(theirs))


def test_an_interest_sees_the_whole_history() -> None:
    model = shaken(LightSANs)
    ours, theirs = model(input_of([[3, 4, 5]], N)), model(input_of([[3, 4, 9]], N))
    assert not torch.allclose(ours[0, 0], theirs[0, 0])


def test_refuses_no_interests() -> None:
    with pytest.raises(ConfigurationError, match=r"model.interests=0 must be 1 or more"):
        LightSANsConfig(interests=0)
