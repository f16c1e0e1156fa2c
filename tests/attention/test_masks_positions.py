"""Masks and positions against what a loop says."""

import pytest
import torch

from regard.attention.masks import causal_mask, real_positions
from regard.attention.positions import DecoupledPositions, NewestFirstPositions
from regard.errors import ModelInputError


@pytest.mark.parametrize("length", [1, 2, 5])
def test_causal_mask_equals_a_loop(length: int) -> None:
    slow = [[column <= row for column in range(length)] for row in range(length)]
    assert causal_mask(length).tolist() == slow


def test_real_positions_equal_a_loop() -> None:
    lengths = [3, 1, 0, 4]
    slow = [[step < length for step in range(4)] for length in lengths]
    assert real_positions(torch.tensor(lengths), 4).tolist() == slow


def test_the_newest_event_always_has_the_same_vector() -> None:
    positions = NewestFirstPositions(longest=5, width=3)
    lengths = [4, 2, 1]
    vectors = positions(torch.tensor(lengths), 4)
    for row, length in enumerate(lengths):
        for step in range(length):
            assert torch.equal(vectors[row, step], positions.vectors_LD[length - 1 - step])


def test_gradients_reach_exactly_the_places_that_were_read() -> None:
    positions = NewestFirstPositions(longest=5, width=3)
    positions(torch.tensor([2]), 2).sum().backward()
    assert positions.vectors_LD.grad.any(dim=1).tolist() == [True, True, False, False, False]


def test_refuses_what_is_longer_than_the_table() -> None:
    positions = NewestFirstPositions(longest=5, width=3)
    with pytest.raises(ModelInputError, match=r"history of 6 events .* holds 5; keep its newest 5"):
        positions(torch.tensor([6]), 6)


def test_places_are_compared_alike_however_long_the_history_is() -> None:
    positions = DecoupledPositions(longest=5, width=8, heads=2)
    lengths = [4, 2, 1]
    q_BHLK, k_BHLK = positions(torch.tensor(lengths), 4)
    queries, keys = positions.queries_keys(positions.norm(positions.vectors_LD)).split(8, dim=1)
    for row, length in enumerate(lengths):
        for step in range(length):
            place = length - 1 - step
            assert torch.allclose(q_BHLK[row, :, step].flatten(), queries[place], atol=1e-6)
            assert torch.allclose(k_BHLK[row, :, step].flatten(), keys[place], atol=1e-6)


def test_places_apart_refuse_what_is_longer_than_their_table() -> None:
    positions = DecoupledPositions(longest=5, width=4)
    with pytest.raises(ModelInputError, match=r"history of 6 events .* holds 5; keep its newest 5"):
        positions(torch.tensor([6]), 6)
