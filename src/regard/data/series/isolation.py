"""Outliers as points that random cuts set apart quickly (isolation forest), kept as intervals.

On one axis, a forest is a step function: between two neighbouring cuts, every value has the same
score. So the fitted detector is no forest of objects but the edges at which the verdict changes::

    verdict     out | in            | out     | in    | out
    edges          -2.1            1.7       4.0     5.2         in robust sigmas of the group
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from regard.data.series.arguments import require_positive, require_whole
from regard.data.series.grouped import robust_sigmas
from regard.data.series.levels import Levels
from regard.data.series.outliers import Action, FittedDetector, OutlierDetector
from regard.data.series.panel import Panel
from regard.errors import ConfigurationError
from regard.optional import require
from regard.shapes import Floats, Mask, Offsets


@dataclass(frozen=True, eq=False)
class FittedForest(FittedDetector):
    """Intervals of acceptable values, in robust sigmas from each group's median.

    Attributes:
        levels: two numbers a group, median and sigma (NaN where it does not vary).
        edges: `(V,)` ascending; interval `i` is `(edges[i - 1], edges[i]]`; the verdict changes at
            each edge.
        first_out: whether values up to the first edge are outliers.
        action: what happens to outliers.
    """

    levels: Levels
    edges: Floats
    first_out: bool
    action: Action

    def judge(self, panel: Panel) -> tuple[Mask, Floats]:
        """See `FittedDetector.judge`."""
        center, sigma = self.levels.of(panel)[panel.series_P].T
        place = (panel.values - center) / sigma
        interval = np.searchsorted(self.edges, place, side="left")
        outliers = ((interval % 2 == 0) == self.first_out) & ~np.isnan(place)
        padded = np.concatenate([[-np.inf], self.edges, [np.inf]])
        below, above = padded[interval], np.nextafter(padded[interval + 1], np.inf)
        nearest = np.where(place - below <= above - place, below, above)
        return outliers, center + sigma * np.where(outliers, nearest, 0.0)

    def to_dict(self) -> dict[str, Any]:
        """See `FittedDetector.to_dict`."""
        return {
            "name": IsolationForest.name,
            "action": self.action,
            "levels": self.levels.to_dict(),
            "edges": self.edges.tolist(),
            "first_out": self.first_out,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "FittedForest":
        """See `FittedDetector.from_dict`."""
        edges = np.array(values["edges"], np.float64)
        levels = Levels.from_dict(values["levels"])
        return cls(levels, edges, values["first_out"], values["action"])


@dataclass(frozen=True, kw_only=True)
class IsolationForest(OutlierDetector):
    """Values that few random cuts separate from the others (Liu, Ting & Zhou, 2008).

    Finds sparse regions between clusters too, where bounds see nothing. It always calls about
    `contamination` of the training values outliers, whether there are any or not. One forest (of
    scikit-learn) for all groups, on values in robust sigmas from their group's median. Needs the
    extra `series` to fit, not to apply.

    Attributes:
        contamination: share of the training values that are outliers, above 0, at most 0.5.
        trees: number of trees.
        seed: of the random cuts.
        min_points: groups with fewer observed values use median and sigma of all groups pooled.

    Example:
        >>> import polars as pl
        >>> x = np.concatenate([np.linspace(0, 1, 99), [7.0]])
        >>> panel = Panel.of(pl.DataFrame({"x": x}), value="x")
        >>> IsolationForest(trees=20).fit(panel).apply(panel).outliers_P.nonzero()[0].tolist()
        [99]
    """

    name: ClassVar[str] = "isolation-forest"
    fitted: ClassVar[type[FittedDetector]] = FittedForest
    contamination: float = 0.01
    trees: int = 100
    seed: int = 0
    min_points: int = 10

    def fit(self, panel: Panel) -> FittedForest:
        """See `OutlierDetector.fit`; `MissingDependencyError` without scikit-learn."""
        ensemble = require("sklearn.ensemble", extra="series", purpose="An isolation forest")
        levels = Levels.fit(panel, _center_and_sigma, self.min_points)
        center, sigma = levels.of(panel)[panel.series_P].T
        place = (panel.values - center) / sigma
        place = place[~np.isnan(place)]
        if not len(place):
            return FittedForest(levels, np.empty(0), False, self.action)
        forest = ensemble.IsolationForest(
            n_estimators=self.trees, contamination=self.contamination, random_state=self.seed
        )
        forest.fit(place[:, None])
        return FittedForest(levels, *_edges(forest), self.action)

    def _require_sense(self) -> None:
        require_whole(self.name, 1, trees=self.trees, min_points=self.min_points)
        require_whole(self.name, 0, seed=self.seed)
        require_positive(self.name, contamination=self.contamination)
        if self.contamination > 0.5:
            raise ConfigurationError(
                f"{self.name}: contamination is {self.contamination}; it may be at most 0.5."
            )


def _center_and_sigma(values_E: Floats, series_E: Offsets, groups: int) -> Floats:
    """`(G, 2)` median and robust sigma."""
    return np.stack(robust_sigmas(values_E, series_E, groups), axis=1)


def _edges(forest: Any) -> tuple[Floats, bool]:
    """Where the verdict of a forest on one axis changes, and what it is at the far left."""
    trees = [tree.tree_ for tree in forest.estimators_]
    cuts = np.unique(np.concatenate([tree.threshold[tree.feature >= 0] for tree in trees]))
    if not len(cuts):
        return np.empty(0), False
    middles = np.concatenate([[cuts[0] - 1], (cuts[1:] + cuts[:-1]) / 2, [cuts[-1] + 1]])
    out = forest.predict(middles[:, None]) < 0
    return cuts[out[1:] != out[:-1]], bool(out[0])
