"""BSARec against NumPy's Fourier transform of each prefix, and what slow and quick are."""

import numpy as np
import pytest
import torch
from small_worlds import input_of
from stack_references import (
    Array,
    N,
    assert_same_states,
    attention,
    embedded,
    fed_forward,
    layer_norm,
    numbers,
    prefix_by_prefix,
    shaken,
)

from regard.errors import ConfigurationError
from regard.models.bsarec import BSARec


def filtered(mix, rows: Array) -> Array:
    """The paper's filter of a whole history: slow, and β² of what is quick."""
    waves = np.fft.rfft(rows, axis=0, norm="ortho")
    waves[mix.frequencies :] = 0
    low = np.fft.irfft(waves, n=len(rows), axis=0, norm="ortho")
    return low + numbers(mix.root_D) ** 2 * (rows - low)


def test_each_event_sees_the_filter_of_its_own_prefix() -> None:
    model = shaken(BSARec, blocks=2, heads=2, frequencies=2, share=0.6)

    def expected_of(history: list[int]) -> Array:
        rows = embedded(model, history)
        for block in model.blocks:
            normed, mix = layer_norm(rows, block.attention_norm), block.attention
            slow = prefix_by_prefix(lambda prefix, mix=mix: filtered(mix, prefix)[-1], normed)
            mixed = 0.6 * slow + 0.4 * attention(mix.attention, normed)
            rows = fed_forward(block, rows + mixed)
        return layer_norm(rows, model.norm)

    assert_same_states(model, expected_of)


@pytest.mark.parametrize(("quick", "changed"), [(0.0, True), (1.0, False)])
def test_the_slow_part_is_of_the_past_and_all_together_are_the_newest_event(
    quick: float, changed: bool
) -> None:
    model = shaken(BSARec, blocks=1, share=1.0, frequencies=1)
    with torch.no_grad():
        model.blocks[0].attention.root_D.fill_(quick)
        model.positions.vectors_LD.zero_()
    ours, other, turned = ([3, 4, 5, 6], [3, 9, 5, 6], [5, 3, 4, 6])
    first, second, third = (model.newest(input_of([each], N)) for each in (ours, other, turned))
    assert torch.allclose(first, second) != changed
    torch.testing.assert_close(first, third)  # a mean knows no order, and the newest is the same


def test_refuses_what_is_no_share() -> None:
    with pytest.raises(ConfigurationError, match=r"share=1.5 must lie from 0 to 1"):
        shaken(BSARec, share=1.5)
