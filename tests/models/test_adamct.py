"""AdaMCT against the paper's mixture, prefix by prefix, and what its gate does."""

import numpy as np
import torch
from small_worlds import input_of
from stack_references import (
    Array,
    N,
    assert_same_states,
    attention,
    embedded,
    gelu,
    layer_norm,
    numbers,
    prefix_by_prefix,
    shaken,
    sigmoid,
)

from regard.models.adamct import AdaMCT


def local(mix, rows: Array) -> Array:
    """The newest row of the paper's convolution: as far to either side, zeros beyond the ends."""
    D, n = rows.shape[1], mix.events
    before = np.concatenate([np.zeros((n - 1, D)), rows])[-n:]
    taps = numbers(mix.convolution.weight).reshape(D, D, n)
    convolved = sum(taps[:, :, tap] @ before[tap] for tap in range(n))
    return layer_norm(gelu(convolved + numbers(mix.convolution.bias)), mix.convolution_norm)


def newest_of(mix, rows: Array) -> Array:
    """The adaptive mixture at the newest event: its gate is of the mean of the history."""
    far = layer_norm(attention(mix.attention, rows)[-1], mix.attention_norm)
    gate = sigmoid(numbers(mix.gate.weight) @ rows.mean(0) + numbers(mix.gate.bias))
    mixed = (1 - gate) * far + gate * local(mix, rows)
    return numbers(mix.output.weight) @ mixed + numbers(mix.output.bias)


def test_each_event_sees_the_mixture_of_its_own_prefix() -> None:
    model = shaken(AdaMCT, blocks=2, heads=2, events=3)

    def expected_of(history: list[int]) -> Array:
        rows = embedded(model, history)
        for block in model.blocks:
            normed = layer_norm(rows, block.attention_norm)
            rows = rows + prefix_by_prefix(
                lambda prefix, block=block: newest_of(block.attention, prefix), normed
            )
        return layer_norm(rows, model.norm)

    assert_same_states(model, expected_of)


def test_the_gate_decides_between_the_last_events_and_all() -> None:
    model = shaken(AdaMCT, blocks=1, events=3)
    mix = model.blocks[0].attention
    ours, theirs = input_of([[3, 4, 5, 6, 7]], N), input_of([[9, 9, 5, 6, 7]], N)
    for bias, seen in ((100.0, False), (-100.0, True)):
        with torch.no_grad():
            mix.gate.weight.zero_()
            mix.gate.bias.fill_(bias)
        same = torch.allclose(model.newest(ours), model.newest(theirs), rtol=1e-10, atol=1e-12)
        assert same != seen


def test_far_events_move_the_gate_even_where_only_near_ones_are_mixed() -> None:
    model = shaken(AdaMCT, blocks=1, events=1)
    mix = model.blocks[0].attention
    with torch.no_grad():
        mix.attention_norm.weight.zero_()  # attention says the same of every history
    ours, theirs = input_of([[3, 4, 5]], N), input_of([[9, 4, 5]], N)
    assert not torch.allclose(model.newest(ours), model.newest(theirs))
    with torch.no_grad():
        mix.gate.weight.zero_()
    torch.testing.assert_close(model.newest(ours), model.newest(theirs))
