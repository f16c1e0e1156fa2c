"""NARM against a loop, and its two readings of a session."""

import numpy as np
import pytest
import torch
from recurrent_references import ROWS, N, gru, numbers, read_in, rows, shaken, sigmoid
from small_worlds import input_of

from regard.errors import ConfigurationError
from regard.models.narm import NARM, NARMConfig

H = 5


def network() -> NARM:
    torch.manual_seed(0)
    return NARM(NARMConfig(width=6, hidden=H, longest=12), N)


def test_equals_a_loop() -> None:
    model = shaken(network())
    trace = model.trace(rows(), need_maps=True)
    attention = model.attention
    a1, a2 = numbers(attention.asking.weight), numbers(attention.asked.weight)
    v, b = numbers(attention.strength.weight[0]), numbers(model.decoder.weight)
    items = numbers(model.item_table().vectors_ND)
    scores_BLN = trace.states_BLD @ model.item_table().vectors_ND.T
    for row, codes in enumerate(ROWS):
        h = gru(model.gru, read_in(model, codes))
        for t in range(len(codes)):
            alpha = [v @ sigmoid(a1 @ h[t] + a2 @ h[j]) for j in range(t + 1)]
            local = sum(alpha[j] * h[j] for j in range(t + 1))
            c = np.concatenate([h[t], local])
            expected = [items[i] @ (b @ c) for i in range(N)]
            np.testing.assert_allclose(numbers(scores_BLN[row, t]), expected, rtol=1e-9, atol=1e-9)
            told = numbers(trace.attention_maps["local"][row, 0, t, : t + 1])
            np.testing.assert_allclose(told, alpha, rtol=1e-9)


def test_what_counts_depends_on_who_asks() -> None:
    map_LM = shaken(network()).trace(rows(), need_maps=True).attention_maps["local"][0, 0]
    assert map_LM[:, 0].std() > 0.01


def test_without_strength_the_last_state_answers_alone() -> None:
    model = network().eval()
    batch = input_of([[3, 4, 5]], N)
    both = model.newest(batch)
    with torch.no_grad():
        model.attention.strength.weight.zero_()
        alone = model.newest(batch)
        model.decoder.weight[:, H:] = 9
    assert not torch.allclose(both, alone)
    torch.testing.assert_close(model.newest(batch), alone)


@pytest.mark.parametrize("name", ["width", "hidden", "longest"])
def test_a_size_below_one_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"model.{name}=0 must be 1 or more"):
        NARMConfig(**{name: 0})
