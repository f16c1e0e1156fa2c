"""Worlds whose best possible score is known: where a model must prove that it learned."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from regard.data.interactions import Interactions
from regard.errors import ConfigurationError
from regard.randomness import stream
from regard.schema import ITEM, TIME, USER
from regard.shapes import Offsets

_START: Final = 1_600_000_000.0
_MONTH: Final = 30 * 86_400.0
_HOUR: Final = 3_600.0


@dataclass(frozen=True)
class World:
    """A log and the score that no model can beat on it in the long run.

    Attributes:
        log: users 1 to U, items 1 to N, no two events of a user at the same time.
        best_hit_rate: expected share of hits among the top `k` of the best possible model, items
            of the history allowed.
    """

    log: Interactions
    best_hit_rate: float


def markov_world(
    users: int = 500,
    items: int = 50,
    length: int = 20,
    predictability: float = 0.8,
    seed: int = 0,
    *,
    k: int = 1,
) -> World:
    """Histories from a first-order Markov chain with a dial from random to certain.

    Each item has one successor, and the successors form a single ring. With probability
    `predictability` (p) a user goes on to the successor, otherwise to any of the N items with
    equal chances. The best model ranks the successor first, whatever comes behind it, so its hit
    rate is p + (1 - p) k / N.

    Args:
        users: number of users.
        items: number of items, 2 or more.
        length: events of each user.
        predictability: p, from 0 (noise) to 1 (certain).
        seed: same seed, same world.
        k: how many items a model may name.

    Returns:
        The world.

    Raises:
        ConfigurationError: a number out of its range.

    Example:
        >>> world = markov_world(users=3, items=10, length=4, predictability=1.0)
        >>> world.best_hit_rate
        1.0
        >>> len(world.log.collect())
        12
    """
    _check(users, items, length, k)
    if not 0.0 <= predictability <= 1.0:
        raise ConfigurationError(f"predictability is {predictability}; it must be from 0 to 1.")
    chance = stream(seed, "markov world")
    ring = chance.permutation(items)
    successor = np.empty(items, np.int64)
    successor[ring] = np.roll(ring, -1)
    jumps = chance.integers(items, size=(users, length))
    follows = chance.random((users, length)) < predictability
    walks_UL = jumps.copy()
    for step in range(1, length):
        expected = successor[walks_UL[:, step - 1]]
        walks_UL[:, step] = np.where(follows[:, step], expected, jumps[:, step])
    best = predictability + (1.0 - predictability) * k / items
    return World(_log(walks_UL, chance, f"a Markov world (p = {predictability})"), best)


def noise_world(
    users: int = 500, items: int = 50, length: int = 20, seed: int = 0, *, k: int = 1
) -> World:
    """Histories without any pattern: every item follows every other with equal chances.

    Args:
        users: number of users.
        items: number of items, 2 or more.
        length: events of each user.
        seed: same seed, same world.
        k: how many items a model may name.

    Returns:
        The world; its best hit rate is k / N.

    Example:
        >>> noise_world(users=2, items=20, length=3).best_hit_rate
        0.05
    """
    _check(users, items, length, k)
    chance = stream(seed, "noise world")
    walks_UL = chance.integers(items, size=(users, length))
    return World(_log(walks_UL, chance, "a world of noise"), k / items)


def _check(users: int, items: int, length: int, k: int) -> None:
    """Refuse sizes that make no world."""
    for name, value, least in (("users", users, 1), ("items", items, 2), ("length", length, 1)):
        if value < least:
            raise ConfigurationError(f"{name} is {value}; it must be {least} or more.")
    if not 1 <= k <= items:
        raise ConfigurationError(f"k is {k}; it must be from 1 to the number of items, {items}.")


def _log(walks_UL: Offsets, chance: np.random.Generator, name: str) -> Interactions:
    """Walks as a log: users start within a month, and pause an hour on average between events."""
    users, length = walks_UL.shape
    pauses = 1.0 + np.floor(chance.exponential(_HOUR, (users, length)))
    starts = _START + np.floor(chance.random((users, 1)) * _MONTH)
    table = pl.DataFrame(
        {
            USER: np.repeat(np.arange(1, users + 1), length),
            ITEM: walks_UL.ravel() + 1,
            TIME: (starts + np.cumsum(pauses, axis=1)).ravel(),
        }
    )
    return Interactions.of(table, name)
