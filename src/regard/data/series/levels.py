"""Numbers that were fitted for each group, and one row for those that had too few points.

A table that was learned on the training part and meets other groups later::

    keys       numbers
    'tea'      2.0  9.0       at least min_points observed values
    'cup'      1.5  4.5
    fallback   1.8  7.7       any other group: the values of all groups pooled
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from regard.data.series.panel import Panel
from regard.errors import DataError, TooLittleDataError
from regard.shapes import Floats, Offsets

Statistic: TypeAlias = Callable[[Floats, Offsets, int], Floats]
"""From observed values, their series and the number of series to `(G, K)` numbers."""


@dataclass(frozen=True, eq=False)
class Levels:
    """`K` numbers for each of `G` groups, plain enough for JSON.

    Attributes:
        keys: `(G,)` own ids of the groups that had enough points.
        numbers: `(G, K)` float64; NaN where there is nothing to say.
        fallback: `(K,)` float64 for every other group.

    Example:
        >>> import polars as pl
        >>> levels = Levels(pl.Series(["tea"]), np.array([[2.0]]), np.array([1.8]))
        >>> panel = Panel.of(pl.DataFrame({"g": ["cup", "tea"], "x": [0, 0]}), group="g", value="x")
        >>> levels.of(panel).ravel().tolist()
        [1.8, 2.0]
        >>> Levels.from_dict(levels.to_dict()).numbers.tolist()
        [[2.0]]
    """

    keys: pl.Series
    numbers: Floats
    fallback: Floats

    @classmethod
    def fit(cls, panel: Panel, statistic: Statistic, min_points: int) -> "Levels":
        """Compute a statistic for each group and for all of them pooled.

        Args:
            panel: the training part.
            statistic: what to compute from observed values.
            min_points: groups with fewer observed values get the fallback.

        Returns:
            The levels.

        Raises:
            TooLittleDataError: no value of the panel is observed.
        """
        seen = ~panel.missing_P
        values, series = panel.values[seen], panel.series_P[seen]
        if not len(values):
            raise TooLittleDataError(
                "The training part of the panel holds no observed value, so nothing can be fitted."
            )
        numbers = statistic(values, series, len(panel))
        pooled = statistic(values, np.zeros(len(values), np.int64), 1)[0]
        enough = np.bincount(series, minlength=len(panel)) >= min_points
        return cls(panel.keys.filter(pl.Series(enough)), numbers[enough], pooled)

    def of(self, panel: Panel) -> Floats:
        """The numbers of each series of a panel.

        Args:
            panel: any panel whose keys are of the same kind as those fitted.

        Returns:
            `(S, K)` float64.

        Raises:
            DataError: keys of the one are text and of the other integers.
        """
        known = self.keys
        if known.dtype != panel.keys.dtype and len(known) and len(panel):
            if not (known.dtype.is_integer() and panel.keys.dtype.is_integer()):
                raise DataError(
                    f"Fitted groups are {known.dtype}, those of this panel {panel.keys.dtype}; "
                    "read both from the same kind of column."
                )
            known = known.cast(panel.keys.dtype, strict=False)
        if not len(known) or not len(panel):
            return np.tile(self.fallback, (len(panel), 1))
        table = pl.DataFrame({"key": known, "place": np.arange(len(known))})
        asked = panel.keys.alias("key").to_frame()
        places = asked.join(table, on="key", how="left", maintain_order="left")["place"]
        rows = np.concatenate([self.numbers, self.fallback[None, :]])
        found: Floats = rows[places.fill_null(len(known)).to_numpy()]
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain lists for JSON; NaN becomes None."""
        return {
            "keys": self.keys.to_list(),
            "numbers": [[_plain(x) for x in row] for row in self.numbers.tolist()],
            "fallback": [_plain(x) for x in self.fallback.tolist()],
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Levels":
        """What `to_dict` gave, as levels again."""
        fallback = np.array(values["fallback"], np.float64)
        numbers = np.array(values["numbers"], np.float64).reshape(-1, len(fallback))
        return cls(pl.Series(values["keys"]), numbers, fallback)


def _plain(number: float) -> float | None:
    """A float that JSON can say."""
    return None if np.isnan(number) else number
