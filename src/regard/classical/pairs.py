"""What is known of a history and a candidate, as one row of numbers for each pair of them.

::

    query  item     markov  rank  popular  seen  since  ...
      0     tea       1.0      0     -3.1     2      4
      0     cup       0.2      5     -4.0     0     nan       a number that there is not is nan
      1     tea       0.0     17     -3.1     0     nan

All columns are made for all pairs at once. Scores are shares of the best one of their query, counts
are shares of all, and ages are counted from the end of what was learned from: a method that learned
from more events gives numbers of the same size.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from regard.classical.contract import Arrays, ClassicalMethod, count_items
from regard.classical.evidence import newest_occurrences
from regard.data.queries import Queries
from regard.data.split import TrainingPart
from regard.schema import FIRST_CODE
from regard.shapes import Codes, Floats, Offsets, Scores

LATELY: Final = 0.1
"""The newest share of the events, of which popularity of late is counted."""
NEWEST: Final = 3
"""Events that a candidate is compared with one by one."""
_SECONDS_A_DAY: Final = 86_400.0
SAVED: Final = ("counts", "lately", "first_days", "last_days")


@dataclass(frozen=True)
class Pairs:
    """Candidates of some queries, query after query.

    Attributes:
        query: `(P,)` int64 numbers of queries, ascending.
        item: `(P,)` int64 codes, ascending within a query.

    Example:
        >>> pairs = Pairs(np.array([0, 0, 2]), np.array([3, 5, 3]))
        >>> pairs.ranks(np.array([0.2, 0.7, 0.1])).tolist()
        [1.0, 0.0, 0.0]
    """

    query: Offsets
    item: Offsets

    def __len__(self) -> int:
        return len(self.query)

    def ranks(self, scores_P: Floats | Scores) -> Floats:
        """`(P,)` place of each candidate among those of its query, from 0; ties by code."""
        order = np.lexsort((-scores_P, self.query))
        ranks = np.empty(len(self))
        ranks[order] = np.arange(len(self)) - np.searchsorted(self.query, self.query)
        return ranks


def item_facts(training: TrainingPart) -> Arrays:
    """What the training part tells of each item, whoever asks.

    Args:
        training: what may be looked at.

    Returns:
        By the names of `SAVED`, each `(N,)`: events, events among the newest tenth of all, and days
        from the first and from the last event to the end of the training part (nan without a clock,
        or without an event).
    """
    events, size = training.events(), training.vocabulary.size
    times = training.sequences.times
    # In a log without a clock, what stands further down is taken to be more recent.
    clock = training.sequences.rows if times is None else times
    moments = clock[events].astype(np.float64)
    late = events[moments >= np.quantile(moments, 1 - LATELY)] if len(events) else events
    facts: Arrays = {
        "counts": count_items(training),
        "lately": count_items(training, late),
        "first_days": np.full(size, np.nan),
        "last_days": np.full(size, np.nan),
    }
    if times is not None:
        days = (moments.max(initial=-np.inf) - moments) / _SECONDS_A_DAY
        items = training.items()
        np.fmax.at(facts["first_days"], items, days)
        np.fmin.at(facts["last_days"], items, days)
    return facts


class Features:
    """Rows of numbers of pairs.

    Args:
        sources: fitted methods by name, whose scores and ranks are features.
        facts: from `item_facts`.
    """

    def __init__(self, sources: Mapping[str, ClassicalMethod], facts: Arrays) -> None:
        self.sources = sources
        self.facts = facts

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the columns are called."""
        of_sources = (f"{name} {what}" for name in self.sources for what in ("score", "rank"))
        of_newest = (
            f"{what} event {age}"
            for age in range(1, NEWEST + 1)
            for what in ("followed", "held with")
        )
        return (
            *of_sources,
            *("popularity", "popularity lately", "days since its first event"),
            *("days since its last event", "times in the history", "events since", "days since"),
            *("length of the history", "distinct items of the history"),
            *of_newest,
        )

    def of(
        self, queries: Queries, pairs: Pairs, scores: Mapping[str, Scores]
    ) -> NDArray[np.float32]:
        """The features of some pairs.

        Args:
            queries: whom the pairs belong to.
            pairs: candidates.
            scores: `(B, N)` of each source for the queries.

        Returns:
            `(P, F)` float32; nan where there is no such number.
        """
        columns = [
            *self._of_sources(pairs, scores),
            *self._of_items(pairs),
            *self._of_histories(queries, pairs),
            *self._of_newest(queries, pairs),
        ]
        return np.stack(columns, axis=1).astype(np.float32)

    def _of_sources(self, pairs: Pairs, scores: Mapping[str, Scores]) -> list[Floats]:
        """Score, as a share of the best one, and rank by each source."""
        columns: list[Floats] = []
        for name in self.sources:
            scores_BN = scores[name][:, FIRST_CODE:]
            best_B = np.abs(scores_BN).max(axis=1, initial=0.0).astype(np.float64)
            own_P = scores[name][pairs.query, pairs.item]
            columns += [own_P / np.maximum(best_B, 1e-30)[pairs.query], pairs.ranks(own_P)]
        return columns

    def _of_items(self, pairs: Pairs) -> list[Floats]:
        """Popularity ever and of late, as logarithms of shares, and the ages of items."""
        shares = (_log_share(self.facts[name])[pairs.item] for name in ("counts", "lately"))
        ages = (self.facts[name][pairs.item] for name in ("first_days", "last_days"))
        return [*shares, *ages]

    def _of_histories(self, queries: Queries, pairs: Pairs) -> list[Floats]:
        """How often and when a candidate occurred in the history, and how long that is."""
        size = len(self.facts["counts"])
        query, item, age = newest_occurrences(queries)
        place = _places(query * size + item, pairs.query * size + pairs.item)
        since = _at(age, place, np.nan)
        everyone, position = queries.history_events()
        keys = everyone * size + queries.sequences.items[position]
        held, times = np.unique(keys, return_counts=True)
        often = _at(times, _places(held, pairs.query * size + pairs.item), 0.0)
        distinct = np.bincount(query, minlength=len(queries))
        return [
            often,
            since,
            self._days_since(queries, pairs, since),
            queries.history_lengths[pairs.query].astype(np.float64),
            distinct[pairs.query].astype(np.float64),
        ]

    def _days_since(self, queries: Queries, pairs: Pairs, since: Floats) -> Floats:
        """Days from the candidate's newest event in the history to the question."""
        times, asked = queries.sequences.times, queries.times
        days = np.full(len(pairs), np.nan)
        if times is None or asked is None:
            return days
        had = np.flatnonzero(~np.isnan(since))
        query = pairs.query[had]
        event = queries.ends[query] - 1 - since[had].astype(np.int64)
        days[had] = (asked[query] - times[event]) / _SECONDS_A_DAY
        return days

    def _of_newest(self, queries: Queries, pairs: Pairs) -> list[Floats]:
        """How often a candidate followed each of the newest items, and is held with it."""
        size = len(self.facts["counts"])
        columns: list[Floats] = []
        for age in range(NEWEST):
            place = queries.ends - 1 - age
            there = place >= queries.starts
            # The code of the padding is in no table.
            item_B = np.where(there, _items_at(queries, place), 0).astype(np.int64)
            wanted = item_B[pairs.query] * size + pairs.item
            for keys, values in (self._followed, self._held_with):
                found = _at(values, _places(keys, wanted), 0.0)
                columns.append(np.where(item_B[pairs.query] < FIRST_CODE, np.nan, found))
        return columns

    @cached_property
    def _followed(self) -> tuple[Offsets, Floats]:
        """Pairs of items, as ascending keys, and which share of transitions leads there."""
        learned = self.sources["markov"].arrays()
        lengths = np.diff(learned["starts"])
        row = np.repeat(np.arange(len(lengths)), lengths)
        total = np.bincount(row, learned["transitions"], minlength=len(lengths))
        return row * len(lengths) + learned["followers"], learned["transitions"] / total[row]

    @cached_property
    def _held_with(self) -> tuple[Offsets, Floats]:
        """Pairs of items, as ascending keys, and their cosines."""
        learned = self.sources["item-knn"].arrays()
        lengths = np.diff(learned["starts"])
        row = np.repeat(np.arange(len(lengths)), lengths)
        return row * len(lengths) + learned["neighbours"], learned["cosines"].astype(np.float64)


def _log_share(counts: NDArray[Any]) -> Floats:
    """Logarithm of the share of all events, nan where there is none."""
    shares = np.where(counts > 0, counts / max(float(counts.sum()), 1.0), np.nan)
    logarithms: Floats = np.log(shares)
    return logarithms


def _items_at(queries: Queries, place: Offsets) -> Codes:
    """Codes of flat positions, some of which may lie before the first event."""
    items = queries.sequences.items
    return items[np.maximum(place, 0)] if len(items) else np.zeros(len(place), np.int32)


def _places(keys: Offsets, wanted: Offsets) -> Offsets:
    """Where each wanted key stands among ascending keys; -1 where it does not."""
    place = np.searchsorted(keys, wanted)
    found: Offsets = np.where(np.append(keys, -1)[place] == wanted, place, -1)
    return found


def _at(values: NDArray[Any], places: Offsets, otherwise: float) -> Floats:
    """Values at some places, and another number where the place is -1."""
    return np.where(places < 0, otherwise, np.append(values, 0)[places].astype(np.float64))
