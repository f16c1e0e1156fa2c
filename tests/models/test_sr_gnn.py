"""SR-GNN against a loop over the paper's equations, and what its graph tells it."""

import numpy as np
import torch
from loops import Array, exact, linear, normed, numbers, sigmoid
from torch import Tensor

from regard.models.contract import ModelInput
from regard.models.sr_gnn import SRGNN, SRGNNConfig

N, D = 12, 6
ITEMS = [3, 7, 3, 11, 7, 3]


def network() -> SRGNN:
    torch.manual_seed(0)
    return SRGNN(SRGNNConfig(width=D, longest=9, dropout=0.0), N).eval()


def batch(items: list[int]) -> ModelInput:
    return ModelInput(torch.tensor([items]), torch.tensor([len(items)]))


def shared(edges: list[int], states: list[Array]) -> Array:
    """One row of a connection matrix, times the states of the events it reaches."""
    return sum((states[each] for each in edges), np.zeros(D)) / max(len(edges), 1)


def gru(cell: torch.nn.GRUCell, heard: Array, state: Array) -> Array:
    """Equations 2 to 5, in torch's order of gates: reset, update, new."""
    given = np.split(numbers(cell.weight_ih) @ heard + numbers(cell.bias_ih), 3)
    own = np.split(numbers(cell.weight_hh) @ state + numbers(cell.bias_hh), 3)
    reset, update = sigmoid(given[0] + own[0]), sigmoid(given[1] + own[1])
    new = np.tanh(given[2] + reset * own[2])
    return (1 - update) * new + update * state


def looped(model: SRGNN) -> Array:
    """Equations 1 to 7 for the graph of each prefix, read where its newest item occurs."""
    part, table = model.session, numbers(model.items.vectors_ND)
    states = [table[item] * D**0.5 for item in ITEMS]
    before = [linear(part.from_before, row) for row in states]
    after = [linear(part.from_after, row) for row in states]
    nodes = []
    for i, item in enumerate(ITEMS):
        places = [place for place in range(i + 1) if ITEMS[place] == item]
        earlier = [place - 1 for place in places if place > 0]
        later = [place + 1 for place in places if place + 1 <= i]
        heard = np.concatenate([shared(earlier, before), shared(later, after)])
        nodes.append(gru(part.update, heard, states[i]))
    rows, q = [], numbers(part.strength.weight)[0]
    for i in range(len(ITEMS)):
        asking = linear(part.asking, nodes[i])
        strengths = [q @ sigmoid(asking + linear(part.asked, nodes[j])) for j in range(i + 1)]
        session = sum(each * nodes[j] for j, each in enumerate(strengths))
        rows.append(normed(linear(part.output, np.concatenate([nodes[i], session])), model.norm))
    return np.array(rows)


def test_equals_a_loop_at_every_event() -> None:
    model = exact(network())
    expected = looped(model)
    found = model.trace(batch(ITEMS), need_maps=True)
    np.testing.assert_allclose(numbers(found.states_BLD[0]), expected, rtol=1e-9, atol=1e-11)
    assert list(found.attention_maps) == ["session"]
    newest_BD = model.newest(batch(ITEMS))
    np.testing.assert_allclose(numbers(newest_BD[0]), expected[-1], rtol=1e-9, atol=1e-11)


def newest(items: list[int]) -> Tensor:
    return network().newest(batch(items))


def test_the_graph_is_heard() -> None:
    """The same items as often, the same newest one, other neighbours."""
    ours, theirs = newest([3, 7, 11, 5]), newest([7, 3, 11, 5])
    assert not torch.allclose(ours, theirs, atol=1e-6)


def test_only_who_comes_back_hears_what_came_after() -> None:
    came_back, first_time = [7, 11, 3, 7], [7, 11, 3, 5]
    deaf = network()
    with torch.no_grad():
        deaf.session.from_after.weight.zero_()
        deaf.session.from_after.bias.zero_()
    assert not torch.allclose(newest(came_back), deaf.newest(batch(came_back)), atol=1e-6)
    torch.testing.assert_close(newest(first_time), deaf.newest(batch(first_time)))


def test_it_needs_no_clock() -> None:
    assert not network().with_times
