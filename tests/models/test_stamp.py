"""STAMP against a loop; the last click stands for itself, and the order before it is not seen."""

import numpy as np
import pytest
import torch
from recurrent_references import ROWS, N, linear, numbers, read_in, rows, shaken, sigmoid
from small_worlds import input_of

from regard.errors import ConfigurationError
from regard.models.stamp import STAMP, STAMPConfig

D = 6


def network() -> STAMP:
    torch.manual_seed(0)
    return STAMP(STAMPConfig(width=D, longest=12), N)


def test_equals_a_loop() -> None:
    model = shaken(network())
    trace = model.trace(rows(), need_maps=True)
    attention = model.attention
    w1 = numbers(attention.asked.weight)
    w2, w3 = np.split(numbers(attention.asking.weight), 2, axis=1)
    w0, constant = numbers(attention.strength.weight[0]), numbers(attention.asking.bias)
    items = numbers(model.item_table().vectors_ND)
    scores_BLN = trace.states_BLD @ model.item_table().vectors_ND.T
    for row, codes in enumerate(ROWS):
        x = read_in(model, codes)
        for t in range(len(codes)):
            mean = sum(x[: t + 1]) / (t + 1)
            alpha = [
                w0 @ sigmoid(w1 @ x[i] + w2 @ x[t] + w3 @ mean + constant) for i in range(t + 1)
            ]
            memory = sum(alpha[i] * x[i] for i in range(t + 1))
            h_s = np.tanh(linear(model.of_memory, memory))
            h_t = np.tanh(linear(model.of_click, x[t]))
            expected = [sum(h_s * h_t * items[i]) for i in range(N)]
            np.testing.assert_allclose(numbers(scores_BLN[row, t]), expected, rtol=1e-9, atol=1e-9)
            told = numbers(trace.attention_maps["memory"][row, 0, t, : t + 1])
            np.testing.assert_allclose(told, alpha, rtol=1e-9)


def test_the_last_click_is_told_from_the_same_clicks_in_another_order() -> None:
    model = network().eval()
    one, other = input_of([[3, 4, 5]], N), input_of([[5, 4, 3]], N)
    assert not torch.allclose(model.newest(one), model.newest(other), rtol=0.01)


def test_the_order_before_the_last_click_is_not_seen() -> None:
    model = network().eval()
    one, other = input_of([[3, 4, 6, 5]], N), input_of([[6, 3, 4, 5]], N)
    torch.testing.assert_close(model.newest(one), model.newest(other))


def test_a_last_click_that_says_nothing_silences_the_session() -> None:
    model = network().eval()
    with torch.no_grad():
        model.of_click.weight.zero_()
        model.of_click.bias.zero_()
    assert not model(rows()).any()


@pytest.mark.parametrize("name", ["width", "longest"])
def test_a_size_below_one_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"model.{name}=0 must be 1 or more"):
        STAMPConfig(**{name: 0})
