"""The filter against torch's Fourier transform of each prefix."""

import pytest
import torch
from references import shaken, states_of

from regard.attention.frequency_mix import FrequencyMix, low_pass
from regard.errors import ConfigurationError

L, D, H = 9, 8, 2


@pytest.mark.parametrize("frequencies", [1, 2, 3, 5, 20])
def test_equals_the_transform_of_each_prefix(frequencies: int) -> None:
    mix = shaken(FrequencyMix(D, H, frequencies, share=0.3))
    states_BLD = states_of(L, D)
    attended_BLD, _ = mix.attention(states_BLD)
    found, _ = mix(states_BLD)
    for i in range(L):
        prefix = states_BLD[0, : i + 1]
        waves = torch.fft.rfft(prefix, dim=0, norm="ortho")
        waves[frequencies:] = 0
        low = torch.fft.irfft(waves, n=i + 1, dim=0, norm="ortho")
        filtered = low + mix.root_D**2 * (prefix - low)
        expected = 0.3 * filtered[-1] + 0.7 * attended_BLD[0, i]
        torch.testing.assert_close(found[0, i], expected, rtol=1e-10, atol=1e-12)


def test_all_frequencies_together_are_the_history_itself() -> None:
    rows = low_pass(torch.arange(L)[None], L, frequencies=L)
    torch.testing.assert_close(rows[0], torch.eye(L, dtype=torch.float64))


@pytest.mark.parametrize("wrong", [{"frequencies": 0}, {"share": 1.5}, {"share": float("nan")}])
def test_refuses_what_makes_no_filter(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="must"):
        FrequencyMix(D, H, **wrong)
