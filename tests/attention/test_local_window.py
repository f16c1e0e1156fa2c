"""The window against torch's kernel with the mask written out."""

import pytest
import torch
from references import shaken, states_of
from torch.nn import functional as F

from regard.attention.local_window import LocalWindowAttention
from regard.errors import ConfigurationError


@pytest.mark.parametrize("window", [1, 2, 3, 5, 40])
@pytest.mark.parametrize("length", [1, 2, 5, 6, 16])
def test_equals_the_kernel_with_a_mask(window: int, length: int) -> None:
    attention = shaken(LocalWindowAttention(8, heads=2, window=window))
    states_BLD = torch.cat([states_of(length, 8, seed) for seed in range(3)])
    q, k, v = attention.project(states_BLD)
    mask = [[0 <= i - j < window for j in range(length)] for i in range(length)]
    mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=torch.tensor(mask))
    expected = attention.output(mixed.transpose(1, 2).flatten(2))
    for need_map in (False, True):
        found, _ = attention(states_BLD, need_map=need_map)
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
    lengths_B = torch.tensor([length, 1, (length + 1) // 2])
    newest_BD = attention.newest(states_BLD, lengths_B)
    expected_BD = expected[torch.arange(3), lengths_B - 1]
    torch.testing.assert_close(newest_BD, expected_BD, rtol=1e-10, atol=1e-12)


def test_what_left_the_window_counts_no_more() -> None:
    attention = shaken(LocalWindowAttention(8, window=4))
    states_BLD = states_of(20, 8)
    other_BLD = states_BLD.clone()
    other_BLD[:, 3] = 50
    ours, theirs = attention(states_BLD)[0], attention(other_BLD)[0]
    changed = (ours != theirs).any(dim=-1)[0]
    assert changed.nonzero().flatten().tolist() == [3, 4, 5, 6]


def test_refuses_an_empty_window() -> None:
    with pytest.raises(ConfigurationError, match="window=0 must be 1 or more"):
        LocalWindowAttention(8, window=0)
