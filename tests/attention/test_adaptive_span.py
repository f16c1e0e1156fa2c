"""Adaptive spans against a loop, and what a span does."""

import numpy as np
import pytest
import torch
from references import heads_of, numbers, shaken, states_of

from regard.attention.adaptive_span import AdaptiveSpanAttention
from regard.attention.scaled_dot_product import ScaledDotProductAttention
from regard.errors import ConfigurationError

L, D, H = 9, 8, 2


def test_equals_a_loop() -> None:
    attention = shaken(AdaptiveSpanAttention(D, H, longest=6, ramp=3))
    states_BLD = states_of(L, D)
    q, k, v = heads_of(attention.queries_keys_values.weight, states_BLD, 3, H)
    joined = np.zeros((L, D))
    for head, span in enumerate(numbers(attention.spans())):
        columns = slice(head * D // H, (head + 1) * D // H)
        for i in range(L):
            values = np.array(
                [
                    np.clip((3 + span - (i - j)) / 3, 0, 1)
                    * np.exp(q[head][i] @ k[head][j] / np.sqrt(D / H))
                    for j in range(i + 1)
                ]
            )
            joined[i, columns] = values / values.sum() @ v[head][: i + 1]
    expected = joined @ numbers(attention.output.weight).T
    found = numbers(attention(states_BLD)[0][0])
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_a_long_span_is_plain_attention_and_a_short_one_sees_the_present_only() -> None:
    attention = AdaptiveSpanAttention(D, H, longest=1000, ramp=1).double()
    plain = ScaledDotProductAttention(D, H).double()
    plain.load_state_dict(attention.state_dict(), strict=False)
    states_BLD = states_of(L, D)
    torch.testing.assert_close(attention(states_BLD)[0], plain(states_BLD)[0])
    with torch.no_grad():
        attention.span_H.fill_(-50.0)
    _, map_BHLM = attention(states_BLD, need_map=True)
    assert torch.equal(map_BHLM[0, 0], torch.eye(L, dtype=torch.float64))


def test_a_loss_of_spans_shortens_them() -> None:
    attention = AdaptiveSpanAttention(D, H, longest=10)
    attention.spans().mean().backward()
    assert (attention.span_H.grad > 0).all()


@pytest.mark.parametrize("sizes", [{"longest": 0}, {"ramp": 0}])
def test_refuses_a_size_of_nothing(sizes: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="must be 1 or more"):
        AdaptiveSpanAttention(D, **sizes)
