"""TiSASRec against a loop over the paper's equations, and what pauses do to it."""

import numpy as np
import pytest
import torch
from loops import Array, exact, linear, normed, numbers, shares
from torch import Tensor

from regard.errors import NeedsClockError
from regard.models.contract import ModelInput
from regard.models.tisasrec import TiSASRec, TiSASRecConfig

N, D, H, BUCKETS, LONGEST = 12, 8, 2, 5, 9
ITEMS = [3, 7, 3, 11, 5]
TIMES = [0.0, 60.0, 60.0, 90.0, 4000.0]


def network(**sizes: int) -> TiSASRec:
    torch.manual_seed(0)
    given = {"width": D, "heads": H, "buckets": BUCKETS, "longest": LONGEST} | sizes
    return TiSASRec(TiSASRecConfig(**given, dropout=0.0), N).eval()


def batch(items: list[int], times: list[float] | None) -> ModelInput:
    moments = None if times is None else torch.tensor([times], dtype=torch.float64)
    lengths = torch.tensor([len(items)])
    return ModelInput(torch.tensor([items]), lengths, times_BL=moments)


def bucket(times: list[float], i: int, j: int) -> int:
    """Equation 1, in units of the shortest pause until event i."""
    pauses = [times[m] - times[m - 1] for m in range(1, i + 1) if times[m] > times[m - 1]]
    return min(int((times[i] - times[j]) / min(pauses, default=1.0)), BUCKETS)


def looped(model: TiSASRec) -> Array:
    """Equations 5 to 12, event by event, head by head."""
    table, places = numbers(model.items.vectors_ND), numbers(model.positions.vectors_LD)
    last = len(ITEMS) - 1
    states = [table[item] * D**0.5 + places[last - i] for i, item in enumerate(ITEMS)]
    for block in model.blocks:
        attention, K = block.attention, D // H
        inputs = [normed(row, block.attention_norm) for row in states]
        projected = [linear(attention.queries_keys_values, row) for row in inputs]
        q, k, v = ([row[part * D : (part + 1) * D] for row in projected] for part in range(3))
        of_keys, of_values = numbers(attention.keys_TD), numbers(attention.values_TD)
        looked = []
        for i in range(len(ITEMS)):
            mixed = np.zeros(D)
            for head in (slice(h * K, (h + 1) * K) for h in range(H)):
                spans = [bucket(TIMES, i, j) for j in range(i + 1)]
                keys = [k[j][head] + of_keys[span, head] for j, span in enumerate(spans)]
                map_row = shares([float(q[i][head] @ key) / np.sqrt(K) for key in keys])
                for j, span in enumerate(spans):
                    mixed[head] += map_row[j] * (v[j][head] + of_values[span, head])
            looked.append(states[i] + linear(attention.output, mixed))
        forward = block.feed_forward
        states = [
            row
            + linear(
                forward.contract,
                np.maximum(linear(forward.expand, normed(row, block.forward_norm)), 0),
            )
            for row in looked
        ]
    return np.array([normed(row, model.norm) for row in states])


def test_equals_a_loop_at_every_event() -> None:
    model = exact(network())
    expected = looped(model)
    found = model.trace(batch(ITEMS, TIMES), need_maps=True)
    np.testing.assert_allclose(numbers(found.states_BLD[0]), expected, rtol=1e-9, atol=1e-11)
    assert list(found.attention_maps) == ["block 1", "block 2"]
    newest_BD = model.newest(batch(ITEMS, TIMES))
    np.testing.assert_allclose(numbers(newest_BD[0]), expected[-1], rtol=1e-9, atol=1e-11)


def states(times: list[float]) -> Tensor:
    return network()(batch(ITEMS, times))[0]


def test_a_longer_pause_changes_what_comes_after_it_and_nothing_before() -> None:
    ours, theirs = states(TIMES), states([0.0, 60.0, 60.0, 200.0, 4000.0])
    torch.testing.assert_close(ours[:3], theirs[:3])
    assert not torch.allclose(ours[3], theirs[3], atol=1e-5)


def test_only_pauses_count_neither_the_day_nor_the_unit() -> None:
    torch.testing.assert_close(states(TIMES), states([1e9 + time for time in TIMES]))
    torch.testing.assert_close(states(TIMES), states([7 * time for time in TIMES]))


def test_a_history_without_times_is_refused_by_name() -> None:
    model = network()
    assert model.promises.needs_clock
    assert model.with_times
    for read in (model, model.newest):
        with pytest.raises(NeedsClockError, match="needs the time of each event"):
            read(batch(ITEMS, None))
