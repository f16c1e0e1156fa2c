"""Noise whose every row is known: damage to a log, so that cleaning can be held to the truth.

One history before and after, with one of each kind::

    clean    a  b  c  d  e
    noisy    a  b  b' d  c  x  e        b' a duplicate of b; d and c swapped; x inserted

What a cleaning rule removes can then be told apart: rows that were put in, and rows that were not.
"""

import math
from collections.abc import Mapping
from functools import reduce
from operator import and_
from typing import Final

import narwhals as nw
import numpy as np
import polars as pl

from regard.data.interactions import Interactions
from regard.data.truth import Kind, Truth
from regard.errors import ColumnError, ConfigurationError, TooLittleDataError
from regard.randomness import stream
from regard.schema import (
    EVENT,
    ITEM,
    POSITION,
    PRICE,
    QUANTITY,
    ROW,
    SESSION,
    TIME,
    USER,
    VALUE,
    Clock,
)
from regard.shapes import Floats, Mask, Offsets

_ORIGIN, _KIND, _ANCHOR, _STEP = "_origin", "_kind", "_anchor", "_step"
_LOSABLE: Final = (VALUE, QUANTITY, PRICE)


def inject(
    log: Interactions,
    *,
    insertions: float = 0.0,
    swaps: float = 0.0,
    duplicates: float = 0.0,
    near_duplicates: float = 0.0,
    missing: float = 0.0,
    popular: bool = True,
    seconds: float = 10.0,
    only: pl.Expr | None = None,
    seed: int = 0,
) -> tuple[Interactions, Truth]:
    """Damage a log at random places, and say exactly where.

    Every share is of the events that may be damaged: those with a user, an item and a time (or
    position), and where `only` says so. Numbers are rounded; places are drawn without replacement,
    but for insertions.

    Insertions lie between two neighbours of one history, at a random moment. User, event, quantity
    and session are those of the row before them, everything else is that of a random row, so that
    a price is one that the item had. Duplicates copy what stands in the noisy log, swapped rows
    too, but no row that has lost a number. Without a clock a near duplicate is the next event, and
    positions are counted anew from 0 within each user.

    Args:
        log: any log; read into memory once.
        insertions: rows that never happened.
        swaps: rows that change places with a neighbour of the same user, two for each swap.
        duplicates: rows that stand twice.
        near_duplicates: rows that come again up to `seconds` later, whatever lies between.
        missing: rows that lose one of their value, quantity and price.
        popular: whether items are inserted as often as they occur, or all alike.
        seconds: how late a near duplicate may be.
        only: of columns of `regard.schema` and context: which events may be damaged; the others
            are neither copied nor moved, and nothing is inserted beside them. All if None.
        seed: same seed and log, same noise.

    Returns:
        The noisy log, Polars-backed, rows numbered anew from 0 in the order of the source with
        added rows below the one that they follow; and the truth.

    Raises:
        ConfigurationError: a share is negative or too large for the log, or `seconds` is not
            positive.
        ColumnError: numbers shall get lost in a log that has none, or a column has a name that is
            needed here.
        TooLittleDataError: no event may be damaged.

    Example:
        >>> log = Interactions.of(pl.DataFrame({"user": [1] * 4, "item": list("abcd"),
        ...                                     "position": [0, 1, 2, 3]}))
        >>> noisy, truth = inject(log, insertions=0.25, duplicates=0.25, seed=3)
        >>> noisy.collect().height, truth.counts()[Kind.INSERTION], truth.counts()[Kind.DUPLICATE]
        (6, 1, 1)
        >>> truth.rows.filter(pl.col("kind") == "original")["origin"].to_list()
        [0, 1, 2, 3]
    """
    shares = {"insertions": insertions, "swaps": swaps, "duplicates": duplicates}
    shares |= {"near_duplicates": near_duplicates, "missing": missing}
    _check(log, shares, seconds)
    table = log.sorted()
    open_E = _may_be_damaged(log, table, only)
    draw = _Draw(shares, int(open_E.sum()), seed)
    follows_E = _followed(table, open_E)
    firsts = draw("swaps", _disjoint(follows_E, draw.chance("pairs")), each=2)
    table = _swapped(table, log.ordering, firsts)
    numbers = tuple(name for name in _LOSABLE if log.has(name))
    whole_E = open_E & (table[_KIND] == Kind.ORIGINAL.value).to_numpy() & _all_there(table, numbers)
    losers = draw("missing", np.flatnonzero(whole_E))
    table = _without_numbers(table, losers, numbers, draw.chance("numbers"))
    copied = np.setdiff1d(np.flatnonzero(open_E), losers)
    once = draw("duplicates", copied)
    again = draw("near_duplicates", np.setdiff1d(copied, once))
    gaps = draw.anywhere("insertions", np.flatnonzero(follows_E))
    donors = _donors(table, np.flatnonzero(open_E), len(gaps), draw.chance("items"), popular)
    late = seconds * draw.chance("late").uniform(0.1, 0.9, len(again))
    added = [
        _copies(table, once, Kind.DUPLICATE, 0.125),
        _later(_copies(table, again, Kind.NEAR_DUPLICATE, 0.25), log, late),
        _inserted(table, log, gaps, donors, draw.chance("moments").random(len(gaps))),
    ]
    return _finished(log, pl.concat([table, *added]))


class _Draw:
    """Draws events for each kind of noise, every kind from numbers of its own."""

    def __init__(self, shares: Mapping[str, float], events: int, seed: int) -> None:
        self.shares = shares
        self.events = events
        self.seed = seed

    def chance(self, purpose: str) -> np.random.Generator:
        """Random numbers for one purpose."""
        return stream(self.seed, "noise", purpose)

    def __call__(self, name: str, candidates: Offsets, *, each: int = 1) -> Offsets:
        """As many candidates as a share asks for, each at most once and standing for `each`."""
        count = self._count(name, each)
        if count > len(candidates):
            raise ConfigurationError(
                f"{name}={self.shares[name]:g} asks for {count * each:,} of {self.events:,} "
                f"events, but the log has room for {len(candidates) * each:,}; lower it."
            )
        chosen = self.chance(name).choice(candidates, count, replace=False)
        return np.sort(chosen).astype(np.int64)

    def anywhere(self, name: str, candidates: Offsets) -> Offsets:
        """The same, but a candidate may be drawn more than once."""
        count = self._count(name, 1)
        if count and not len(candidates):
            raise ConfigurationError(
                f"{name}={self.shares[name]:g} needs two events of one user side by side, and the "
                "log has none; leave it out."
            )
        chosen = self.chance(name).choice(candidates, count) if count else candidates[:0]
        return np.sort(chosen).astype(np.int64)

    def _count(self, name: str, each: int) -> int:
        return round(self.shares[name] * self.events / each)


def _check(log: Interactions, shares: Mapping[str, float], seconds: float) -> None:
    """Refuse what makes no noise."""
    for name, share in shares.items():
        if not 0 <= share < math.inf:
            raise ConfigurationError(
                f"{name}={share} must be a share of 0 or more, such as 0.1 for a tenth."
            )
    if not 0 < seconds < math.inf:
        raise ConfigurationError(f"seconds={seconds} must be a positive number.")
    if shares["missing"] and not any(map(log.has, _LOSABLE)):
        raise ColumnError(
            f"missing={shares['missing']:g} takes numbers away, but {log.source} has no column "
            f"that plays the role {', '.join(_LOSABLE[:-1])} or {_LOSABLE[-1]}; leave it out."
        )
    for name in (_ORIGIN, _KIND, _ANCHOR, _STEP):
        if log.has(name):
            raise ColumnError(
                f"{log.source} has a column {name!r}, a name that noise needs for itself; rename "
                "or drop it."
            )


def _may_be_damaged(log: Interactions, table: pl.DataFrame, only: pl.Expr | None) -> Mask:
    """`(E,)` Boolean: events that say who, what and when, and are not protected."""
    said = [pl.col(name).is_not_null() for name in (USER, ITEM)]
    said.append(pl.col(log.ordering).is_finite().fill_null(value=False))
    said += [] if only is None else [only.fill_null(value=False)]
    open_E: Mask = table.select(open=reduce(and_, said))["open"].to_numpy()
    if not open_E.any():
        raise TooLittleDataError(
            f"{log.source} holds no event with user, item and {log.ordering} that may be damaged."
        )
    return open_E


def _followed(table: pl.DataFrame, open_E: Mask) -> Mask:
    """`(E,)` Boolean: events that the next row follows in the same history, both unprotected."""
    same_E = (table[USER] == table[USER].shift(-1)).fill_null(value=False).to_numpy()
    follows: Mask = same_E & open_E & np.append(open_E[1:], np.False_)
    return follows


def _disjoint(follows_E: Mask, chance: np.random.Generator) -> Offsets:
    """First events of pairs of neighbours of which no two share an event.

    A pair is taken where its random number is less than those of the pairs beside it.
    """
    drawn = np.where(follows_E, chance.random(len(follows_E)), np.inf)
    padded = np.concatenate([[np.inf], drawn, [np.inf]])
    return np.flatnonzero((drawn < padded[:-2]) & (drawn < padded[2:]))


def _all_there(table: pl.DataFrame, names: tuple[str, ...]) -> Mask:
    """`(E,)` Boolean: rows that have every one of some numbers to lose."""
    there = [pl.col(name).is_not_null() for name in names]
    found: Mask = table.select(there=reduce(and_, there, pl.lit(value=True)))["there"].to_numpy()
    return found


def _swapped(table: pl.DataFrame, ordering: str, firsts: Offsets) -> pl.DataFrame:
    """The table with pairs in each other's places, and the columns that the truth is made of."""
    order = np.arange(len(table))
    order[firsts], order[firsts + 1] = firsts + 1, firsts
    stays = (USER, ordering, ROW)
    moved = table.select(pl.all().exclude(stays), pl.col(ROW).alias(_ORIGIN))[order]
    kinds = np.where(order == np.arange(len(table)), Kind.ORIGINAL.value, Kind.SWAPPED.value)
    return table.with_columns(
        *moved.get_columns(),
        pl.Series(_KIND, kinds, pl.String),
        pl.col(ROW).alias(_ANCHOR),
        pl.lit(0.0).alias(_STEP),
    )


def _without_numbers(
    table: pl.DataFrame, losers: Offsets, names: tuple[str, ...], chance: np.random.Generator
) -> pl.DataFrame:
    """The table in which some rows have lost one number each."""
    if not len(losers):
        return table
    lost_E = np.full(len(table), -1)
    lost_E[losers] = chance.integers(len(names), size=len(losers))
    lost = pl.lit(pl.Series(lost_E))
    emptied = [
        pl.when(lost == number).then(None).otherwise(pl.col(name)).alias(name)
        for number, name in enumerate(names)
    ]
    kind = pl.when(lost >= 0).then(pl.lit(Kind.MISSING.value)).otherwise(pl.col(_KIND))
    return table.with_columns(*emptied, kind.alias(_KIND))


def _donors(
    table: pl.DataFrame, events: Offsets, count: int, chance: np.random.Generator, popular: bool
) -> Offsets:
    """Rows whose items are inserted: any event, or the first one of any item."""
    if not popular:
        events = events[table[ITEM][events].is_first_distinct().to_numpy()]
    return chance.choice(events, count).astype(np.int64)


def _copies(table: pl.DataFrame, events: Offsets, kind: Kind, step: float) -> pl.DataFrame:
    """Some rows once more, a step below themselves."""
    return table[events].with_columns(pl.lit(kind.value).alias(_KIND), pl.lit(step).alias(_STEP))


def _later(rows: pl.DataFrame, log: Interactions, seconds: Floats) -> pl.DataFrame:
    """Rows that come later, where there is a clock to say so."""
    if log.clock is Clock.ORDER:
        return rows
    return rows.with_columns(pl.col(TIME) + pl.Series(seconds, dtype=pl.Float64))


def _inserted(
    table: pl.DataFrame, log: Interactions, gaps: Offsets, donors: Offsets, shares: Floats
) -> pl.DataFrame:
    """Rows of others in the gaps behind some events, at a share of the way to the next one."""
    before, after = table[gaps], table[gaps + 1]
    moments = before[log.ordering]
    if log.clock is Clock.TIME:
        moments = moments + pl.Series(shares, dtype=pl.Float64) * (after[TIME] - before[TIME])
    taken = [
        before[name] for name in (USER, EVENT, QUANTITY, SESSION, _ANCHOR) if name in table.columns
    ]
    return table[donors].with_columns(
        *taken,
        moments.alias(log.ordering),
        pl.Series(_STEP, 0.5 + 0.25 * shares, pl.Float64),
        pl.lit(None, pl.Int64).alias(_ORIGIN),
        pl.lit(Kind.INSERTION.value).alias(_KIND),
    )


def _finished(log: Interactions, rows: pl.DataFrame) -> tuple[Interactions, Truth]:
    """Number everything anew, and part the log from the truth."""
    if log.clock is Clock.ORDER:
        # An exact duplicate has the position of its original too.
        own = (pl.col(_KIND) != Kind.DUPLICATE.value).cast(pl.Int64).cum_sum().over(USER) - 1
        placed = pl.col(USER).is_not_null() & pl.col(POSITION).is_not_null()
        counted = pl.when(placed).then(own).otherwise(pl.col(POSITION)).alias(POSITION)
        rows = rows.sort(USER, POSITION, _ANCHOR, _STEP).with_columns(counted)
    rows = rows.sort(_ANCHOR, _STEP).with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(ROW))
    truth = Truth(rows.select(ROW, pl.col(_ORIGIN).alias("origin"), pl.col(_KIND).alias("kind")))
    said = ", ".join(f"{count:,} {kind}" for kind, count in truth.counts().items())
    noisy = nw.from_native(rows.select(log.columns()).lazy())
    return log.with_frame(noisy, f"Noise was put in on purpose; rows by kind: {said}."), truth
