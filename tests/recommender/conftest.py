"""Every kind of recommender, fitted once on one small log."""

import pytest
from small_shops import CLASSICAL, NETWORKS, recipe_for, shop_log

from regard.data.interactions import Interactions
from regard.recommender.recommender import Recommender


@pytest.fixture(scope="session")
def log() -> Interactions:
    return shop_log()


@pytest.fixture(scope="session")
def fitted(log: Interactions) -> dict[str, Recommender]:
    """Every model by name, and a network that wears its memory whatever validation says."""
    models = {name: recipe_for(name) for name in (*CLASSICAL, *NETWORKS)}
    models["remembering"] = recipe_for("sasrec", memory="on")
    models["alone"] = recipe_for("sasrec", memory="off")
    return {name: Recommender.from_recipe(recipe).fit(log) for name, recipe in models.items()}


@pytest.fixture(params=[*CLASSICAL, *NETWORKS, "remembering", "alone"])
def recommender(request: pytest.FixtureRequest, fitted: dict[str, Recommender]) -> Recommender:
    return fitted[request.param]
