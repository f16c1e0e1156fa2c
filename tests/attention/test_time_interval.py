"""Attention by time intervals against a loop over the paper's equations."""

import numpy as np
import pytest
import torch
from references import heads_of, numbers, shaken, softmax, states_of

from regard.attention.time_interval import TimeIntervalAttention
from regard.errors import ConfigurationError, NeedsClockError

L, D, H, BUCKETS = 6, 8, 2, 4
K = D // H
TIMES = [
    [0.0, 0.0, 100.0, 130.0, 200.0, 1e6],
    [5.0, 5.0, 5.0, 5.0, 5.0, 5.0],
    [1e9, 1e9 + 1, 1e9 + 3, 1e9 + 3, 1e9 + 7, 1e9 + 8],
]


def bucket(times: list[float], i: int, j: int) -> int:
    pauses = [times[m] - times[m - 1] for m in range(1, i + 1) if times[m] > times[m - 1]]
    return min(int((times[i] - times[j]) / min(pauses, default=1.0)), BUCKETS)


@pytest.mark.parametrize("times", TIMES)
def test_equals_a_loop(times: list[float]) -> None:
    attention = shaken(TimeIntervalAttention(D, H, buckets=BUCKETS))
    states_BLD = states_of(L, D)
    q, k, v = heads_of(attention.queries_keys_values.weight, states_BLD, 3, H)
    of_keys, of_values = numbers(attention.keys_TD), numbers(attention.values_TD)
    joined = np.zeros((L, D))
    for h in range(H):
        columns = slice(h * K, (h + 1) * K)
        for i in range(L):
            spans = [bucket(times, i, j) for j in range(i + 1)]
            scores = [
                q[h][i] @ (k[h][j] + of_keys[spans[j], columns]) / np.sqrt(K) for j in range(i + 1)
            ]
            joined[i, columns] = sum(
                share * (v[h][j] + of_values[spans[j], columns])
                for j, share in enumerate(softmax(scores))
            )
    expected = joined @ numbers(attention.output.weight).T
    times_BL = torch.tensor([times], dtype=torch.float64)
    for need_map in (False, True):
        found, _ = attention(states_BLD, times_BL=times_BL, need_map=need_map)
        np.testing.assert_allclose(numbers(found[0]), expected, rtol=1e-10, atol=1e-12)
    newest = attention.newest(states_BLD, torch.tensor([4]), times_BL=times_BL)
    np.testing.assert_allclose(numbers(newest[0]), expected[3], rtol=1e-10, atol=1e-12)


def test_the_same_events_at_other_times_mean_something_else() -> None:
    attention, states_BLD = shaken(TimeIntervalAttention(D, H)), states_of(3, D)
    even = attention(states_BLD, times_BL=torch.tensor([[0.0, 60.0, 120.0]]))[0]
    later = attention(states_BLD, times_BL=torch.tensor([[900.0, 960.0, 1020.0]]))[0]
    uneven = attention(states_BLD, times_BL=torch.tensor([[0.0, 60.0, 600.0]]))[0]
    assert torch.equal(even, later)
    assert torch.equal(even[:, :2], uneven[:, :2])
    assert not torch.allclose(even[:, 2], uneven[:, 2])


def test_refuses_a_history_without_times() -> None:
    attention = TimeIntervalAttention(D, H)
    with pytest.raises(NeedsClockError, match="needs the time of each event"):
        attention(torch.randn(1, 3, D))
    with pytest.raises(NeedsClockError, match="needs the time of each event"):
        attention.newest(torch.randn(1, 3, D), torch.tensor([3]))
    with pytest.raises(ConfigurationError, match="buckets=0 must be 1 or more"):
        TimeIntervalAttention(D, H, buckets=0)
