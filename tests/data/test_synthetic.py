"""Worlds: their stated best score is what an all-knowing model really reaches."""

import dataclasses

import numpy as np
import polars as pl
import pytest

from regard.data.synthetic import markov_world, noise_world
from regard.errors import ConfigurationError


def transitions(world):
    table = world.log.sorted().with_columns(next=pl.col("item").shift(-1).over("user"))
    return table.drop_nulls("next")["item", "next"]


@pytest.mark.parametrize("predictability", [0.0, 0.3, 0.8, 1.0])
@pytest.mark.parametrize("k", [1, 5])
def test_an_oracle_reaches_the_stated_hit_rate(predictability, k):
    world = markov_world(2_000, 20, 25, predictability, seed=3, k=k)
    pairs = transitions(world)
    counts = np.zeros((21, 21))
    np.add.at(counts, (pairs["item"].to_numpy(), pairs["next"].to_numpy()), 1)
    successor = counts.argmax(1)
    ranked = np.argsort(-np.eye(21)[successor] - 1e-3 * (np.arange(21) > 0), 1, kind="stable")[
        :, :k
    ]
    hits = (ranked[pairs["item"].to_numpy()] == pairs["next"].to_numpy()[:, None]).any(1)
    assert hits.mean() == pytest.approx(world.best_hit_rate, abs=0.01)


def test_successors_form_one_ring():
    pairs = transitions(markov_world(300, 12, 9, 1.0)).unique()
    follows = dict(pairs.rows())
    assert len(pairs) == len(follows) == 12
    seen, item = set(), 1
    while item not in seen:
        seen.add(item)
        item = follows[item]
    assert len(seen) == 12


def test_noise_has_no_pattern():
    world = noise_world(2_000, 10, 21, seed=5)
    pairs = transitions(world)
    shares = pairs.group_by("item", "next").len()["len"] / len(pairs)
    assert len(shares) == 100
    assert shares.max() < 0.013
    assert world.best_hit_rate == 0.1
    assert noise_world(2, 10, 2, k=10).best_hit_rate == 1.0


@pytest.mark.parametrize("make", [markov_world, noise_world])
def test_the_shape_of_a_world(make):
    table = make(users=7, items=5, length=11, seed=1).log.sorted()
    assert table["user"].to_list() == np.repeat(range(1, 8), 11).tolist()
    assert table["item"].is_between(1, 5).all()
    gaps = table.select(pl.col("time").diff().over("user"))["time"].drop_nulls()
    assert gaps.min() >= 1.0
    assert (table["time"] % 1 == 0).all()


@pytest.mark.parametrize("make", [markov_world, noise_world])
def test_the_seed_decides(make):
    first, again, other = (make(5, 9, 4, seed=seed).log.collect() for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


def test_a_world_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        noise_world(1, 2, 1).best_hit_rate = 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"users": 0}, "users is 0"),
        ({"items": 1}, "items is 1"),
        ({"length": 0}, "length is 0"),
        ({"predictability": 1.5}, "predictability is 1.5"),
        ({"k": 0}, "k is 0"),
        ({"k": 51}, "k is 51"),
    ],
)
def test_sizes_that_make_no_world(options, message):
    with pytest.raises(ConfigurationError, match=message):
        markov_world(**options)
