"""How unequally events fall on items."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from regard.data.overview.sampling import few_places
from regard.data.vocabulary import Id
from regard.schema import ITEM, TITLE
from regard.shapes import Floats, Offsets

_HEADS: Final = (0.01, 0.05, 0.1, 0.2)
_LORENZ_POINTS: Final = 101
_TOP: Final = 5


@dataclass(frozen=True)
class TopItem:
    """One of the busiest items.

    Attributes:
        item: own id.
        title: what the log mostly calls it, or None.
        events: how many events it has.
    """

    item: Id
    title: str | None
    events: int


@dataclass(frozen=True)
class Popularity:
    """How the events of a log are spread over its items.

    Attributes:
        items: number of different items.
        events: number of events that have an item.
        gini: 0 where all items have as many events, towards 1 where one has them all.
        head: pairs: share of the items (the most popular ones), and their share of the events.
        half: how many of the most popular items have half of the events.
        once: items with a single event.
        ranks: places by popularity, 1 first: a sample, dense where items are popular.
        counts: events of the item at each of these ranks.
        lorenz: points (share of the items, the least popular first; their share of the events).
        top: the busiest items.
    """

    items: int
    events: int
    gini: float
    head: tuple[tuple[float, float], ...]
    half: int
    once: int
    ranks: tuple[int, ...]
    counts: tuple[int, ...]
    lorenz: tuple[tuple[float, float], ...]
    top: tuple[TopItem, ...]


def popularity_of(table: pl.DataFrame) -> Popularity | None:
    """Count the events of each item.

    Args:
        table: all rows of a log.

    Returns:
        The counts, or None where no row has an item.

    Example:
        >>> found = popularity_of(pl.DataFrame({"item": ["a", "a", "a", "b", None]}))
        >>> found.items, found.events, found.gini, found.counts, found.once
        (2, 4, 0.25, (3, 1), 1)
        >>> found.lorenz
        ((0.0, 0.0), (0.5, 0.25), (1.0, 1.0))
    """
    counted = table.select(ITEM).drop_nulls().group_by(ITEM).len("events")
    if counted.is_empty():
        return None
    counted = counted.sort("events", ITEM, descending=[True, False])
    events = counted["events"].to_numpy().astype(np.int64)
    ranks, total = np.arange(1, len(events) + 1), int(events.sum())
    places = few_places(ranks)
    taken = np.cumsum(events)
    return Popularity(
        items=len(events),
        events=total,
        gini=gini(events),
        head=tuple((share, _of_head(taken, share)) for share in _HEADS),
        half=int(np.searchsorted(taken, total / 2)) + 1,
        once=int((events == 1).sum()),
        ranks=tuple(ranks[places].tolist()),
        counts=tuple(events[places].tolist()),
        lorenz=_lorenz(events),
        top=_top(table, counted.head(_TOP)),
    )


def gini(counts: Offsets) -> float:
    """The Gini coefficient: half of the mean difference of two items over their mean.

    Computed on sorted counts, as in Dorfman, "A Formula for the Gini Coefficient" (1979).

    Args:
        counts: `(N,)` events of each item, one at least of them positive.

    Returns:
        From 0 to 1 - 1 / N.

    Example:
        >>> gini(np.array([1, 1, 1])), gini(np.array([0, 0, 0, 8]))
        (0.0, 0.75)
    """
    ascending, many = np.sort(counts).astype(np.float64), len(counts)
    weighted = float((np.arange(1, many + 1) * ascending).sum() / ascending.sum())
    return max(0.0, (2 * weighted - many - 1) / many)


def titles_of(table: pl.DataFrame, ids: pl.Series) -> dict[Any, str]:
    """What the log mostly calls some items.

    Args:
        table: all rows of a log.
        ids: of the items.

    Returns:
        Item -> title; items without any are left out.
    """
    if TITLE not in table.columns:
        return {}
    named = table.lazy().select(ITEM, TITLE).drop_nulls().filter(pl.col(ITEM).is_in(ids.implode()))
    often = named.group_by(ITEM, TITLE).len("rows").sort("rows", TITLE, descending=[True, False])
    chosen = often.unique(ITEM, keep="first", maintain_order=True).collect()
    return dict(zip(chosen[ITEM], chosen[TITLE].cast(pl.String), strict=True))


def _of_head(taken: Offsets, share: float) -> float:
    """Share of the events that the most popular items have; part of an item counts as one."""
    head = int(np.ceil(share * len(taken) - 1e-9))
    return float(taken[head - 1] / taken[-1])


def _lorenz(events: Offsets) -> tuple[tuple[float, float], ...]:
    """Points of the Lorenz curve at even shares of the items, or at each of few items."""
    taken: Floats = np.concatenate([[0], np.cumsum(events[::-1])]) / events.sum()
    points = min(_LORENZ_POINTS, len(taken))
    places = np.unique(np.linspace(0, len(events), points).round().astype(np.int64))
    return tuple(zip((places / len(events)).tolist(), taken[places].tolist(), strict=True))


def _top(table: pl.DataFrame, busiest: pl.DataFrame) -> tuple[TopItem, ...]:
    """The busiest items with their titles."""
    titles = titles_of(table, busiest[ITEM])
    return tuple(TopItem(item, titles.get(item), rows) for item, rows in busiest.iter_rows())
