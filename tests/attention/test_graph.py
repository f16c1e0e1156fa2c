"""Attention over the graph of a session against loops over edges."""

import numpy as np
import pytest
import torch
from references import Array, linear, numbers, shaken, sigmoid, states_of

from regard.attention.graph import GraphAttention, neighbours

D = 6
SESSIONS = [[5, 6, 7, 6], [5, 5, 5, 8], [2, 3, 4, 5], [5, 6, 5, 6, 7, 5]]


def heard(session: list[int], i: int, step: int) -> list[int]:
    """The events next to an occurrence of i's item, up to i; one for each edge."""
    return [m + step for m in range(i + 1) if session[m] == session[i] and 0 <= m + step <= i]


@pytest.mark.parametrize("session", SESSIONS)
def test_neighbours_equal_a_loop_over_edges(session: list[int]) -> None:
    found = neighbours(torch.tensor([session]), torch.float64)
    for matrix, step in zip(found, (-1, 1), strict=True):
        for i in range(len(session)):
            row = np.zeros(len(session))
            edges = heard(session, i, step)
            for j in edges:
                row[j] += 1 / len(edges)
            np.testing.assert_allclose(matrix[0, i].numpy(), row)


def updated(attention: GraphAttention, x: Array, session: list[int], i: int) -> Array:
    """Equations 1 to 5 at one event."""
    parts = []
    for layer, step in ((attention.from_before, -1), (attention.from_after, 1)):
        edges = heard(session, i, step)
        told = [linear(layer, x[j]) for j in edges] or [np.zeros(D)]
        parts.append(sum(told) / max(len(edges), 1))
    cell = attention.update
    given = np.split(numbers(cell.weight_ih) @ np.concatenate(parts) + numbers(cell.bias_ih), 3)
    kept = np.split(numbers(cell.weight_hh) @ x[i] + numbers(cell.bias_hh), 3)
    reset, keep = sigmoid(given[0] + kept[0]), sigmoid(given[1] + kept[1])
    return (1 - keep) * np.tanh(given[2] + reset * kept[2]) + keep * x[i]


@pytest.mark.parametrize("session", SESSIONS)
def test_equals_a_loop(session: list[int]) -> None:
    attention, length = shaken(GraphAttention(D)), len(session)
    states_BLD, items_BL = states_of(length, D), torch.tensor([session])
    x = numbers(states_BLD[0])
    nodes = [updated(attention, x, session, i) for i in range(length)]
    found, _ = attention(states_BLD, items_BL=items_BL)
    for i in range(length):
        total = np.zeros(D)
        for j in range(i + 1):
            hidden = sigmoid(linear(attention.asking, nodes[i]) + linear(attention.asked, nodes[j]))
            total += linear(attention.strength, hidden)[0] * nodes[j]
        expected = linear(attention.output, np.concatenate([nodes[i], total]))
        np.testing.assert_allclose(numbers(found[0, i]), expected, rtol=1e-9, atol=1e-11)


def test_coming_back_ties_neighbours_together() -> None:
    attention, states_BLD = shaken(GraphAttention(D)), states_of(4, D)
    back, _ = attention(states_BLD, items_BL=torch.tensor([[5, 6, 7, 5]]))
    on, _ = attention(states_BLD, items_BL=torch.tensor([[5, 6, 7, 8]]))
    assert torch.equal(back[:, :3], on[:, :3])
    assert not torch.allclose(back[:, 3], on[:, 3])
