"""Attention-based sequential recommendation, from a dirty log to a reason.

    import regard

    log = regard.read("purchases.csv")                   # Interactions, or an error with the rows
    log, report = regard.clean(log)                      # rows in = rows kept + rows explained
    rec = regard.Recommender("sasrec", seed=7).fit(log)  # splits, encodes, trains
    rec.recommend(user="17850", k=10)                    # own ids, scores, titles
    rec.explain(user="17850", item="22423")              # which past events, and is it true
    rec.save("retail-sasrec/")

Everything public is importable from here and loaded when it is first used, so that
`import regard` itself costs next to nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regard.data.clean import clean as clean
    from regard.data.clean import default_rules as default_rules
    from regard.data.describe import describe as describe
    from regard.data.ingest.read import read as read
    from regard.data.interactions import Interactions as Interactions
    from regard.data.leakage.diagnose import diagnose as diagnose
    from regard.data.split import split_by_time as split_by_time
    from regard.data.split import split_leave_last_out as split_leave_last_out
    from regard.errors import RegardError as RegardError
    from regard.recommender.comparing import compare_models as compare_models
    from regard.recommender.recipe import Recipe as Recipe
    from regard.recommender.recommender import Recommender as Recommender
    from regard.viz.plot import plot as plot

_HOMES = {
    "Interactions": "regard.data.interactions",
    "Recipe": "regard.recommender.recipe",
    "Recommender": "regard.recommender.recommender",
    "RegardError": "regard.errors",
    "clean": "regard.data.clean",
    "compare_models": "regard.recommender.comparing",
    "default_rules": "regard.data.clean",
    "describe": "regard.data.describe",
    "diagnose": "regard.data.leakage.diagnose",
    "plot": "regard.viz.plot",
    "read": "regard.data.ingest.read",
    "split_by_time": "regard.data.split",
    "split_leave_last_out": "regard.data.split",
}

__all__ = [
    "Interactions",
    "Recipe",
    "Recommender",
    "RegardError",
    "clean",
    "compare_models",
    "default_rules",
    "describe",
    "diagnose",
    "load",
    "plot",
    "read",
    "split_by_time",
    "split_leave_last_out",
]


def load(folder: str) -> "Recommender":
    """Open a bundle that `Recommender.save` wrote; nothing inside it is executed.

    Args:
        folder: the bundle.

    Returns:
        A recommender that answers as the saved one did.
    """
    from regard.recommender.recommender import Recommender

    return Recommender.load(folder)


def __getattr__(name: str) -> Any:
    """Load a public name from its room when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'regard' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
