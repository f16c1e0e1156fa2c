"""One history with some of its events left out, many times over, as one set of queries.

A history of three events and the variants that leave out one at a time::

    events     12 40 9
    keep       x  x  x          12 40 9
               .  x  x    ->    40 9
               x  .  x          12 9
               x  x  .          12 40
"""

import numpy as np
import polars as pl

from regard.data.queries import Queries
from regard.errors import ModelInputError
from regard.schema import USER
from regard.shapes import Mask


def variants(queries: Queries, keep_VE: Mask) -> Queries:
    """The history of one query, once for each row of a mask.

    Every variant is asked at the same moment as the query itself: leaving out the newest event
    must not make the request look older.

    Args:
        queries: exactly one query.
        keep_VE: `(V, E)` Boolean; which of the E newest events each variant keeps. Events before
            those are in none of them.

    Returns:
        V queries without targets, over sequences of their own.

    Raises:
        ModelInputError: there is not exactly one query, or the mask is longer than its history.

    Example:
        >>> from regard.data.sequences import Sequences
        >>> seqs = Sequences.of(pl.DataFrame({"user": [7, 7, 7], "item": [12, 40, 9],
        ...                                   "row": [0, 1, 2]}))
        >>> asked = Queries.requests(seqs, np.array([0]))
        >>> without = variants(asked, ~np.eye(3, dtype=bool))
        >>> without.sequences.items.tolist(), without.history_lengths.tolist()
        ([40, 9, 12, 9, 12, 40], [2, 2, 2])
    """
    events = keep_VE.shape[1]
    if len(queries) != 1 or events > int(queries.history_lengths[0]):
        raise ModelInputError(
            f"Variants are made of one history of at least {events} events; received "
            f"{len(queries)} queries with {queries.history_lengths.tolist()[:5]} events."
        )
    given = queries.sequences
    position = int(queries.ends[0]) - events + np.nonzero(keep_VE)[1]
    offsets = np.concatenate([[0], np.cumsum(keep_VE.sum(axis=1))]).astype(np.int64)
    count = len(keep_VE)
    sequences = given.take(pl.Series(USER, np.arange(count)), offsets, position)
    asked = None if queries.times is None else np.repeat(queries.times, count)
    no_targets = np.zeros(0, np.int32), np.zeros(count + 1, np.int64)
    return Queries(sequences, np.arange(count), offsets[1:], *no_targets, asked)


def newest(queries: Queries, longest: int) -> Queries:
    """One query whose history is cut to the events that a model can look at.

    Args:
        queries: exactly one query.
        longest: keep at most this many newest events.

    Returns:
        One query over sequences of its own, which hold nothing else.
    """
    events = min(longest, int(queries.history_lengths[0])) if len(queries) == 1 else 0
    return variants(queries, np.ones((1, events), np.bool_))
