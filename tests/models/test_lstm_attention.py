"""LSTM with attention against a loop, and what each half of the joined states is for."""

import numpy as np
import pytest
import torch
from recurrent_references import ROWS, N, linear, lstm, numbers, read_in, rows, shaken
from small_worlds import input_of

from regard.errors import ConfigurationError
from regard.models.lstm_attention import LSTMAttention, LSTMAttentionConfig

H = 5


def network() -> LSTMAttention:
    torch.manual_seed(0)
    return LSTMAttention(LSTMAttentionConfig(width=6, hidden=H, longest=12), N)


def test_equals_a_loop() -> None:
    model = shaken(network())
    trace = model.trace(rows(), need_maps=True)
    w = numbers(model.attention.score.weight[0])
    for row, codes in enumerate(ROWS):
        states = lstm(model.lstm, read_in(model, codes))
        for t in range(len(codes)):
            raised = [np.exp(w @ states[j]) for j in range(t + 1)]
            shares = np.array(raised) / sum(raised)
            attended = sum(share * state for share, state in zip(shares, states, strict=False))
            expected = linear(model.output, np.concatenate([attended, states[t]]))
            np.testing.assert_allclose(numbers(trace.states_BLD[row, t]), expected, rtol=1e-9)
            told = numbers(trace.attention_maps["states so far"][row, 0, t, : t + 1])
            np.testing.assert_allclose(told, shares, rtol=1e-9)


def test_attention_brings_back_what_the_last_state_has_forgotten() -> None:
    model = network().eval()
    with torch.no_grad():
        # Nothing is handed on from one event to the next.
        model.lstm.weight_hh_l0.zero_()
        model.lstm.bias_ih_l0[H : 2 * H] = -1e3
    one, other = input_of([[3, 4, 5]], N), input_of([[9, 4, 5]], N)
    assert not torch.allclose(model.newest(one), model.newest(other))
    with torch.no_grad():
        model.output.weight[:, :H] = 0
    torch.testing.assert_close(model.newest(one), model.newest(other))


def test_a_state_that_attention_is_for_takes_the_map() -> None:
    model = network().eval()
    states = model._read(rows())[0]
    with torch.no_grad():
        model.attention.score.weight.copy_(1e3 * (states[1] - states.mean(0)))
    [map_LM] = model.trace(rows(), need_maps=True).attention_maps["states so far"][0]
    assert map_LM[-1].argmax() == (states @ model.attention.score.weight[0]).argmax()
    assert map_LM[-1].max() > 0.9


@pytest.mark.parametrize("name", ["width", "hidden", "longest"])
def test_a_size_below_one_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"model.{name}=0 must be 1 or more"):
        LSTMAttentionConfig(**{name: 0})
