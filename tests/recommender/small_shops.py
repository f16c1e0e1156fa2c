"""One small log with its awkward customers, and recipes that learn from it in a moment."""

from dataclasses import replace

import polars as pl

from regard.data.interactions import Interactions
from regard.data.synthetic import markov_world
from regard.recommender.recipe import Recipe

CLASSICAL = (
    "decayed", "ease", "item-knn", "kneser-ney", "markov", "popularity", "recent", "session-knn",
)  # fmt: skip
"""Those that learn without an extra."""
NETWORKS = ("sasrec", "attention-pooling")
TINY = {
    "sasrec": {"width": 16, "blocks": 1, "heads": 1, "longest": 8},
    "attention-pooling": {"width": 16, "longest": 8},
}
ITEMS = 20
NEWCOMER, LATECOMER, MIXED = 900, 901, 902
"""Customers of items that nobody bought before: of these alone, of these at first, now and then."""
USERS = 63


def shop_log() -> Interactions:
    """A Markov world with titles; its last purchases are of items that nobody bought before."""
    log = markov_world(users=USERS - 3, items=ITEMS, length=12).log.sorted().drop("row")
    # Everybody comes once a day, so that everybody is there in the test period.
    day = pl.int_range(pl.len()).over("user") * 86_400.0
    log = log.with_columns((1.6e9 + day + pl.col("user")).alias("time"))
    after = float(log["time"].max())
    late = pl.DataFrame({
        "user": [NEWCOMER] * 3 + [LATECOMER] * 3 + [MIXED] * 4,
        "item": [501, 502, 503, 501, 502, 3, 4, 501, 5, 503],
        "time": [after + second for second in (1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 1.5, 2.5, 3.5, 4.5)],
    })  # fmt: skip
    whole = pl.concat([log, late])
    title = pl.when(pl.col("item") != 7).then(pl.format("Title {}", "item")).alias("title")
    return Interactions.of(whole.with_columns(title), "a shop")


def order_only(log: Interactions) -> Interactions:
    """The same log without its clock."""
    position = pl.int_range(pl.len()).over("user").alias("position")
    return Interactions.of(log.sorted().select("user", "item", position), "a list of purchases")


def recipe_for(model: str, **parts: object) -> Recipe:
    """A recipe that learns in a moment."""
    training = {"epochs": 2, "device": "cpu"}
    values = {"model": {"name": model, **TINY.get(model, {})}, "training": training}
    return replace(Recipe.from_dict(values), **parts)
