"""The mixture against torch's attention and convolution, each called by itself."""

import pytest
import torch
from references import shaken, states_of
from torch.nn import functional as F

from regard.attention.convolution_mix import ConvolutionMix
from regard.errors import ConfigurationError

L, D, H = 7, 8, 2


@pytest.mark.parametrize("events", [1, 3, 10])
def test_equals_torchs_attention_and_convolution(events: int) -> None:
    mix = shaken(ConvolutionMix(D, H, events))
    states_BLD = torch.cat([states_of(L, D, seed) for seed in range(2)])
    parts = mix.attention.queries_keys_values(states_BLD).view(2, L, 3, H, D // H)
    q, k, v = parts.permute(2, 0, 3, 1, 4)
    attended = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
    far = mix.attention_norm(mix.attention.output(attended))
    taps = mix.convolution.weight.view(D, D, events)
    padded = F.pad(states_BLD.transpose(1, 2), (events - 1, 0))
    convolved = F.conv1d(padded, taps, mix.convolution.bias).transpose(1, 2)
    near = mix.convolution_norm(F.gelu(convolved))
    gate = torch.sigmoid(states_BLD @ mix.gate.weight.T + mix.gate.bias)
    expected = mix.output((1 - gate) * far + gate * near)
    torch.testing.assert_close(mix(states_BLD)[0], expected, rtol=1e-10, atol=1e-12)


def test_refuses_a_convolution_over_nothing() -> None:
    with pytest.raises(ConfigurationError, match="events=0 must be 1 or more"):
        ConvolutionMix(D, H, events=0)
