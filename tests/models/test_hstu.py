"""HSTU against a loop over the paper's equations, and what the clock does to it."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from loops import Array, exact, linear, normed, numbers, silu

from regard.models.contract import ModelInput
from regard.models.hstu import HSTU, HSTUConfig

N, D, H, LONGEST = 12, 8, 2, 9
ITEMS = [3, 7, 3, 11, 5]
TIMES = [0.0, 60.0, 60.0, 90.0, 4000.0]
ASKED = [60.0, 60.0, 90.0, 4000.0, 9e6]


def network() -> HSTU:
    torch.manual_seed(0)
    config = HSTUConfig(width=D, heads=H, longest=LONGEST, blocks=3, dropout=0.0)
    return HSTU(config, N).eval()


def batch(times: list[float] | None = TIMES, asked: list[float] | None = ASKED) -> ModelInput:
    def moments(given: list[float] | None) -> torch.Tensor | None:
        return None if given is None else torch.tensor([given], dtype=torch.float64)

    lengths = torch.tensor([len(ITEMS)])
    return ModelInput(
        torch.tensor([ITEMS]), lengths, times_BL=moments(times), asked_BL=moments(asked)
    )


def looped(model: HSTU, times: list[float] | None, asked: list[float] | None) -> Array:
    """Equations 1 to 3 with a residual, event by event, head by head."""
    table, places, K = (
        numbers(model.items.vectors_ND), numbers(model.positions.vectors_LD), D // H,
    )  # fmt: skip
    states = [table[item] * D**0.5 + places[len(ITEMS) - 1 - i] for i, item in enumerate(ITEMS)]
    for layer in model.blocks:
        part = layer.attention
        inputs = [normed(row, layer.attention_norm) for row in states]
        projected = [silu(linear(part.gates_values_queries_keys, row)) for row in inputs]
        u, v, q, k = ([row[at * D : (at + 1) * D] for row in projected] for at in range(4))
        by_distance, by_time = numbers(part.by_distance_S), numbers(part.by_time_T)
        added = []
        for i in range(len(ITEMS)):
            mixed = np.zeros(D)
            for head in (slice(h * K, (h + 1) * K) for h in range(H)):
                for j in range(i + 1):
                    strength = q[i][head] @ k[j][head] + by_distance[i - j]
                    if times is not None:
                        seconds = (times if asked is None else asked)[i] - times[j]
                        strength += by_time[int(math.log(max(1.0, seconds)) / 0.301)]
                    mixed[head] += silu(np.float64(strength)) / LONGEST * v[j][head]
            added.append(linear(part.output, normed(mixed, eps=1e-6) * u[i]))
        states = [row + more for row, more in zip(states, added, strict=True)]
    return np.array([normed(row, model.norm) for row in states])


@pytest.mark.parametrize(("times", "asked"), [(TIMES, ASKED), (TIMES, None), (None, None)])
def test_equals_a_loop_at_every_event(times: list[float] | None, asked: list[float] | None) -> None:
    model = exact(network())
    expected = looped(model, times, asked)
    found = model.trace(batch(times, asked), need_maps=True)
    np.testing.assert_allclose(numbers(found.states_BLD[0]), expected, rtol=1e-9, atol=1e-11)
    assert list(found.attention_maps) == ["block 1", "block 2", "block 3"]
    newest_BD = model.newest(batch(times, asked))
    np.testing.assert_allclose(numbers(newest_BD[0]), expected[-1], rtol=1e-9, atol=1e-11)


def test_the_moment_of_the_request_changes_the_newest_state_only() -> None:
    model = network()
    ours, theirs = model(batch())[0], model(batch(asked=[*ASKED[:-1], 4001.0]))[0]
    torch.testing.assert_close(ours[:-1], theirs[:-1], rtol=0, atol=0)
    assert not torch.allclose(ours[-1], theirs[-1], atol=1e-5)
    assert not torch.allclose(
        model.newest(batch()), model.newest(batch(asked=[*ASKED[:-1], 4001.0])), atol=1e-5
    )


def test_a_longer_pause_changes_what_is_asked_after_it_and_nothing_before() -> None:
    later = [*TIMES[:3], 2000.0, 4000.0]
    ours, theirs = network()(batch())[0], network()(batch(later))[0]
    torch.testing.assert_close(ours[:3], theirs[:3])
    assert not torch.allclose(ours[3], theirs[3], atol=1e-5)


def test_the_day_itself_says_nothing() -> None:
    moved = batch([1e9 + time for time in TIMES], [1e9 + time for time in ASKED])
    torch.testing.assert_close(network()(batch()), network()(moved))


def test_without_a_clock_it_reads_positions_alone() -> None:
    model = network()
    assert not model.promises.needs_clock
    assert model.with_times
    states = model(batch(None, None))
    assert torch.isfinite(states).all()
    assert not torch.allclose(states, model(batch()), atol=1e-5)
    swapped = replace(batch(None, None), items_BL=torch.tensor([[7, 3, *ITEMS[2:]]]))
    assert not torch.allclose(model(swapped)[0, -1], states[0, -1], atol=1e-6)
