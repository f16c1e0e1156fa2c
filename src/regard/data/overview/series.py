"""A few real series of a log: their gaps, filled as one could have at the time, and outliers.

Which series: the events of the whole log, and, for each column of numbers, those of the items that
have such a number on most days. Which step: the first of day, week, month and year that needs few
points and leaves no more than half of them empty.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Final

import numpy as np
import polars as pl

from regard.data.overview.popularity import titles_of
from regard.data.series import Forward, Hampel, Panel
from regard.data.vocabulary import Id
from regard.schema import ITEM, PRICE, QUANTITY, VALUE

DETECTOR: Final = Hampel(window=15, threshold=5.0)
"""Learns nothing, so it can look at the whole of a log; looks both ways, as a reader does."""
FILLER: Final = Forward(causal=True, longest_gap_points=7)
"""Needs no later value, so the picture shows what a feature of that day could have known."""
_HOW: Final = {QUANTITY: "sum", PRICE: "mean", VALUE: "mean"}
_STEPS: Final = (("day", "1d"), ("week", "1w"), ("month", "1mo"), ("year", "1y"))
_MOST_POINTS: Final = 400
_LEAST_POINTS: Final = 5
_ITEM_SERIES: Final = 3


@dataclass(frozen=True)
class ShownSeries:
    """One series on an even grid of steps.

    Attributes:
        role: the role of `regard.schema` it is made of, or None for numbers of events.
        column: what the source calls that column, or None for numbers of events.
        item: the item it belongs to, or None for the whole log.
        title: what the log mostly calls that item, or None.
        how: what a point is of the rows within its step: `"count"`, `"sum"` or `"mean"`.
        step: `"day"`, `"week"`, `"month"` or `"year"`, in UTC.
        moments: first day (ISO) of each step, none left out.
        values: of each step. One without any row is 0 where rows are counted or summed, and None,
            a gap, where they are averaged.
        fills: what the filler put into a gap, None where it left it open and where there is none.
        outliers: places of the points that the detector marks.
        detector: its name and its parameters.
        filler: its name and its parameters.
    """

    role: str | None
    column: str | None
    item: Id | None
    title: str | None
    how: str
    step: str
    moments: tuple[str, ...]
    values: tuple[float | None, ...]
    fills: tuple[float | None, ...]
    outliers: tuple[int, ...]
    detector: Mapping[str, Any]
    filler: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What it is, in words: the quantity of an item, say."""
        if self.item is None:
            return f"events of the whole log, count of each {self.step}"
        called = self.title or str(self.item)
        return f"{self.column} of {called}, {self.how} of each {self.step}"

    @property
    def missing(self) -> int:
        """How many steps are gaps: without any row to average."""
        return sum(value is None for value in self.values)

    @property
    def filled(self) -> int:
        """How many of those the filler could fill."""
        return sum(fill is not None for fill in self.fills)


def some_series(rows: pl.DataFrame, roles: Mapping[str, str]) -> tuple[ShownSeries, ...]:
    """Choose series that have much to show, and look for gaps and outliers in them.

    Args:
        rows: of a log, with the column `day` of `regard.data.overview.days.dated`.
        roles: role -> name of the source's column.

    Returns:
        The whole log's events first, then at most three of items; none of under five points.

    Example:
        >>> days = [day for day in (*range(9), *range(10, 20))]
        >>> rows = pl.DataFrame({"item": "tea", "price": [1] * 12 + [90] + [2] * 6,
        ...                      "day": pl.Series(days, dtype=pl.Int32).cast(pl.Date)})
        >>> events, tea = some_series(rows, {"price": "pounds"})
        >>> tea.name, tea.missing, tea.fills[9], tea.moments[tea.outliers[0]]
        ('pounds of tea, mean of each day', 1, 1.0, '1970-01-14')
    """
    found = [_series(rows.select("day"))]
    chosen = list(islice(_choices(rows), _ITEM_SERIES))
    titles = titles_of(rows, pl.Series([item for _, item in chosen], dtype=rows[ITEM].dtype))
    for role, item in chosen:
        own = _finite(rows.filter(pl.col(ITEM) == item), role)
        found.append(_series(own, role, roles.get(role, role), item, titles.get(item)))
    return tuple(each for each in found if each is not None)


def columns_of_numbers(rows: pl.DataFrame) -> list[str]:
    """The roles of `regard.schema` with numbers that differ, so that a series says something.

    Args:
        rows: of a log.

    Returns:
        Of quantity, price and value those that are worth a series.
    """
    here = (role for role in _HOW if role in rows.columns)
    return [role for role in here if _finite(rows, role)[role].n_unique() > 1]


def _finite(rows: pl.DataFrame, role: str) -> pl.DataFrame:
    """Day, item and number of the rows that have all of them."""
    number = pl.col(role).cast(pl.Float64)
    return rows.select("day", ITEM, number).filter(number.is_finite() & pl.col(ITEM).is_not_null())


def _choices(rows: pl.DataFrame) -> Iterator[tuple[str, Id]]:
    """Column and item, the items that are there on most days first, columns in turn."""
    busiest = {
        role: _finite(rows, role)
        .group_by(ITEM)
        .agg(pl.col("day").n_unique())
        .sort("day", ITEM, descending=[True, False])
        .head(_ITEM_SERIES)[ITEM]
        .to_list()
        for role in columns_of_numbers(rows)
    }
    for place in range(_ITEM_SERIES):
        yield from ((role, items[place]) for role, items in busiest.items() if place < len(items))


def _series(
    rows: pl.DataFrame,
    role: str | None = None,
    column: str | None = None,
    item: Id | None = None,
    title: str | None = None,
) -> ShownSeries | None:
    """One series with its gaps and outliers, or None where it has too few points."""
    how = "count" if role is None else _HOW[role]
    value = pl.len() if role is None else getattr(pl.col(role), how)()
    step, grid = _even(rows, value.cast(pl.Float64).alias("value"))
    if grid["value"].count() < _LEAST_POINTS:
        return None
    if how != "mean":  # a day without a sale sold nothing; a day without a price has no other price
        grid = grid.with_columns(pl.col("value").fill_null(0.0))
    panel = Panel.of(grid, value="value", time="day")
    marked = DETECTOR.fit(panel).apply(panel).outliers_P
    filled = FILLER.fit(panel).fill(panel)
    return ShownSeries(
        role=role,
        column=column,
        item=item,
        title=title,
        how=how,
        step=step,
        moments=tuple(grid["day"].dt.to_string("%Y-%m-%d").to_list()),
        values=tuple(grid["value"].to_list()),
        fills=tuple(
            value if there else None
            for value, there in zip(
                filled.panel.values.tolist(), filled.filled_P.tolist(), strict=True
            )
        ),
        outliers=tuple(np.flatnonzero(marked).tolist()),
        detector={"name": DETECTOR.name, **asdict(DETECTOR)},
        filler={"name": FILLER.name, **asdict(FILLER)},
    )


def _even(rows: pl.DataFrame, value: pl.Expr) -> tuple[str, pl.DataFrame]:
    """A step, and a row for each of them with null where nothing happened."""
    sparse = None
    for step, every in _STEPS:
        points = rows.group_by(pl.col("day").dt.truncate(every)).agg(value).sort("day")
        if points.is_empty():
            return step, points
        days = pl.date_range(points["day"][0], points["day"][-1], every, eager=True).alias("day")
        # Of a log of more than 400 years, the latest are shown.
        grid = days.to_frame().tail(_MOST_POINTS)
        found = step, grid.join(points, on="day", how="left", maintain_order="left")
        few, enough = len(days) <= _MOST_POINTS, len(points) >= _LEAST_POINTS
        if few and enough and 2 * len(points) >= len(days):
            return found
        if few and (enough or sparse is None):
            sparse = found
    return sparse or found
