"""Session neighbours: people who lately did the same, and what they did around it.

A session is what one user did in the training part, each item once, where it occurred last::

    history            tea   cup   jam                newest last
    neighbour    salt  cup   jam   milk  rice         shares cup and jam; jam is the newest shared
    distance      2     1     0     1     2           so milk counts more than rice

Sessions are numbered newest first, so the most recent of some are those with the smallest numbers.
Suited to short histories, since all that a user did in training counts as one session.

Idea: a recent session is as near as the items it shares with the history, the newest of the history
most; it recommends what lies next to the newest shared item.

Formula: with `w(i) = 2^(-age(i) / half_life)` for the items of the history `h`::

    near(h, s)  = Σ w(i) / √(|h| |s|) · 2^(-age(s) / days)        i in h and in s
    score(j)    = Σ near(h, s) · 2^(-|place(j) - place(i*)| / reach)

where the second sum is over the `neighbours` nearest of the `sample` most recent sessions that
share an item, and `i*` is the newest item of the history that `s` holds. What no neighbour holds
follows popularity, below zero.

Source: STAN of Garg, Gupta, Malhotra, Vig & Shroff 2019, "Sequence and Time Aware Neighborhood for
Session-based Recommendations", SIGIR, which sharpens the VS-kNN of Ludewig & Jannach 2018,
"Evaluation of session-based recommendation algorithms", UMUAI.

Differs from the paper: fading is told as half-lives (`λ = half-life / ln 2`); the age of a session
is counted back from the end of training, which scales all alike; and a user who has a training part
of his own is his own neighbour too, which speaks for repeats.

Cost: time `O(E log E)` once, a sort of the E events, and `O(L S + k L)` a query that meets S
sampled sessions and keeps k, L at most `longest`; memory `O(E)`, and for 128 queries at a time.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple, Self

import numpy as np
from scipy import sparse

from regard.classical.contract import ClassicalMethod, count_items
from regard.classical.evidence import (
    Evidence,
    fading,
    history_rows,
    leftmost,
    newest_occurrences,
    strongest,
)
from regard.data.queries import Queries
from regard.data.split import TrainingPart
from regard.errors import ConfigurationError, NeedsClockError
from regard.shapes import Codes, Floats, Offsets, Scores

_SECONDS_A_DAY = 86_400.0
_QUERIES_AT_A_TIME = 128
"""Bounds memory: each query meets `longest` times `sample` sessions at the most."""


@dataclass(frozen=True)
class SessionNeighboursConfig:
    """Options of `SessionNeighbours`.

    Attributes:
        neighbours: nearest sessions that recommend.
        sample: most recent sessions among which they are sought.
        longest: newest events that are looked at, of a history and of each session.
        half_life: events after which an item of the history weighs half.
        reach: events away from the newest shared item at which an item of a neighbour counts half.
        days: age at which a session counts half; all count alike if omitted.

    Raises:
        ConfigurationError: a value that makes no sense.
    """

    neighbours: int = 100
    sample: int = 1000
    longest: int = 50
    half_life: float = 3.0
    reach: float = 3.0
    days: float | None = None

    def __post_init__(self) -> None:
        for name in ("neighbours", "sample", "longest"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name}={getattr(self, name)} must be 1 or more.")
        for name in ("half_life", "reach", "days"):
            value = getattr(self, name)
            if value is not None and not 0.0 < value < float("inf"):
                raise ConfigurationError(f"{name}={value} must be a positive number, such as 3.")


class SessionNeighbours(ClassicalMethod):
    """Recommends what the nearest recent sessions hold around the newest item they share.

    Example:
        >>> import polars as pl
        >>> from regard.data.interactions import Interactions
        >>> from regard.data.split import split_leave_last_out
        >>> log = pl.DataFrame({"user": [1, 1, 2, 2, 3, 3, 3],
        ...                     "item": ["cup", "jam", "tea", "rice", "cup", "tea", "tea"],
        ...                     "position": range(7)})
        >>> split = split_leave_last_out(Interactions.of(log))
        >>> asked = split.test  # of user 3, who has cup and then tea
        >>> scores = SessionNeighbours().fit(split.training).score(asked)[0, 2:].astype(float)
        >>> dict(zip(split.vocabulary.ids, scores.round(3).tolist()))
        {'cup': 0.958, 'jam': 0.315, 'tea': 0.5, 'rice': 0.397}
    """

    name = "session-knn"
    reads_time: ClassVar[bool | None] = None
    saved = ("starts", "items", "ages", "left", "counts")

    def __init__(
        self,
        neighbours: int = 100,
        sample: int = 1000,
        longest: int = 50,
        half_life: float = 3.0,
        reach: float = 3.0,
        days: float | None = None,
    ) -> None:
        super().__init__()
        self.config = SessionNeighboursConfig(neighbours, sample, longest, half_life, reach, days)

    def fit(self, training: TrainingPart) -> Self:
        """Line up the training parts of all users, the most recent one first.

        Args:
            training: what may be looked at.

        Returns:
            The method itself, fitted.

        Raises:
            NeedsClockError: sessions are to fade by days, and the log carries only an order.
        """
        sequences, ends = training.sequences, training.ends
        used = np.flatnonzero(ends > sequences.offsets[:-1])
        # In a log without a clock, what stands further down is taken to be more recent.
        clock = sequences.rows if sequences.times is None else sequences.times
        used = used[np.argsort(-clock[ends[used] - 1], kind="stable")]
        none = np.zeros(len(used) + 1, np.int64)
        parts = Queries(sequences, used, ends[used], np.zeros(0, np.int32), none, None)
        session, item, age = newest_occurrences(parts, self.config.longest)
        self._learned = {
            "starts": np.searchsorted(session, np.arange(len(used) + 1)).astype(np.int64),
            "items": item.astype(np.int32),
            "ages": age.astype(np.int32),
            "left": self._left(parts),
            "counts": count_items(training),
        }
        vars(self).pop("_sessions_of", None)  # those of an earlier fit
        return self

    def _left(self, parts: Queries) -> Floats:
        """`(sessions,)` float64: how much of each session age has left."""
        times = parts.sequences.times
        if self.config.days is None:
            return np.ones(len(parts))
        if times is None:
            raise NeedsClockError(
                "Sessions that fade by days need the time of each interaction, but this log "
                "carries only an order. Name a column of times, or leave the option days out."
            )
        moments = times[parts.ends - 1]
        ages = (moments.max(initial=-np.inf) - moments) / _SECONDS_A_DAY
        return fading(ages, self.config.days)

    def prepare(self, queries: Queries) -> Evidence:
        """Ready for any part of the catalogue; see `regard.evaluation.scorer.BlockScorer`."""
        counts = self.arrays()["counts"]
        none = sparse.csr_array((0, len(counts)), dtype=np.float64)
        found = [self._recommended(chunk) for chunk in queries.chunks(_QUERIES_AT_A_TIME)]
        return Evidence.of(sparse.vstack([none, *found], format="csr"), counts)

    def _score(self, queries: Queries) -> Scores:
        return self.prepare(queries).block(0, len(self.arrays()["counts"]))

    @cached_property
    def _sessions_of(self) -> sparse.csr_array:
        """`(N, sessions)` the most recent sessions of each item.

        A session among the most recent of some items' is so among those of each of its items.
        """
        learned = self.arrays()
        starts, items = learned["starts"], learned["items"]
        shape = (len(starts) - 1, len(learned["counts"]))
        held = sparse.csr_array((np.ones(len(items)), items, starts), shape=shape)
        return leftmost(held.T.tocsr(), self.config.sample)

    def _recommended(self, queries: Queries) -> sparse.csr_array:
        """`(B, N)` scores by the neighbours of some queries."""
        learned, options = self.arrays(), self.config
        size = len(learned["counts"])
        near = self._near(queries, size)
        query = np.repeat(np.arange(len(queries)), np.diff(near.indptr))
        held = self._events_of(near.indices)
        distance = np.abs(held.ages - self._anchors(queries, query, held)[held.pair])
        worth = near.data[held.pair] * fading(distance, options.reach)
        return sparse.csr_array((worth, (query[held.pair], held.items)), shape=(len(queries), size))

    def _near(self, queries: Queries, size: int) -> sparse.csr_array:
        """`(B, sessions)` nearness of the neighbours of each query."""
        learned, options = self.arrays(), self.config
        weights = history_rows(queries, size, half_life=options.half_life, longest=options.longest)
        near = leftmost(weights @ self._sessions_of, options.sample)
        lengths = np.diff(learned["starts"])[near.indices]
        query = np.repeat(np.arange(len(queries)), np.diff(near.indptr))
        near.data /= np.sqrt(np.diff(weights.indptr)[query] * lengths)
        near.data *= learned["left"][near.indices]
        return strongest(near, options.neighbours)

    def _events_of(self, sessions: Codes) -> "_Held":
        """What some sessions hold, one after the other."""
        learned = self.arrays()
        begins = learned["starts"][sessions]
        lengths = learned["starts"][sessions + 1] - begins
        firsts = np.cumsum(lengths) - lengths
        pair = np.repeat(np.arange(len(sessions)), lengths)
        entry = np.arange(len(pair)) + np.repeat(begins - firsts, lengths)
        return _Held(firsts, pair, learned["items"][entry], learned["ages"][entry])

    def _anchors(self, queries: Queries, query: Offsets, held: "_Held") -> Codes:
        """`(pairs,)` where each neighbour holds the newest item that it shares with its query."""
        asked, item, age = newest_occurrences(queries, self.config.longest)
        size = len(self.arrays()["counts"])
        keys = np.append(asked * size + item, -1)
        wanted = query[held.pair] * size + held.items
        place = np.searchsorted(keys[:-1], wanted)
        shared = keys[place] == wanted
        age_held = np.where(shared, np.append(age, 0)[place], np.iinfo(np.int64).max)
        if not len(query):
            return np.zeros(0, np.int32)
        newest = np.minimum.reduceat(age_held, held.firsts)
        # Ages within one history differ, so each neighbour has one such item.
        anchors: Codes = held.ages[age_held == newest[held.pair]]
        return anchors


class _Held(NamedTuple):
    """Items of the neighbours of some queries, pair after pair of query and session.

    Attributes:
        firsts: `(pairs,)` where each pair begins.
        pair: of each event.
        items: their codes.
        ages: their age within the session, in events.
    """

    firsts: Offsets
    pair: Offsets
    items: Codes
    ages: Codes
