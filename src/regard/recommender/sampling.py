"""How many questions of the validation part are asked, where all would take too long."""

import numpy as np

from regard.data.queries import Queries

_FEWEST = 500
"""Fewer would tell one model from another by chance."""
_TO_JUDGE = 5_000
"""Questions by which what is trained already is judged: a few numbers need no more."""
_SCORES_TO_JUDGE = 5 * 10**8
"""Those questions times items; each gate of the memory looks at all of them."""


def to_judge_by(validation: Queries, catalogue_size: int) -> Queries:
    """The questions by which a trained network is held against counting, and mixed with it.

    Args:
        validation: all questions of the validation part.
        catalogue_size: N.

    Returns:
        Those of `some`, at most 5,000.

    Example:
        >>> import polars as pl
        >>> from regard.data.sequences import Sequences
        >>> row = np.arange(12_000)
        >>> seqs = Sequences.of(pl.DataFrame({"user": row // 2, "item": row % 9 + 2, "row": row}))
        >>> asked = Queries.next_event(seqs, np.arange(6_000), seqs.offsets[1:] - 1)
        >>> len(to_judge_by(asked, 10)), len(to_judge_by(asked, 10**6))
        (5000, 500)
    """
    return some(
        validation, most=_TO_JUDGE, most_scores=_SCORES_TO_JUDGE, catalogue_size=catalogue_size
    )


def some(queries: Queries, *, most: int, most_scores: int, catalogue_size: int) -> Queries:
    """Queries with a history, spread evenly over all, as many as can be afforded.

    Args:
        queries: of the validation part.
        most: more would tell nothing new.
        most_scores: queries times items; with many items fewer queries are asked, but 500.
        catalogue_size: N.

    Returns:
        All of them, or some in the same order.

    Example:
        >>> import polars as pl
        >>> from regard.data.sequences import Sequences
        >>> row = np.arange(4000)
        >>> seqs = Sequences.of(pl.DataFrame({"user": row // 2, "item": row % 9 + 2, "row": row}))
        >>> asked = Queries.next_event(seqs, np.arange(2000), seqs.offsets[1:] - 1)
        >>> [len(some(asked, most=1500, most_scores=10**9, catalogue_size=n)) for n in (10, 10**6)]
        [1500, 1000]
    """
    # Whoever has no history is answered by the fallback, not by the network.
    queries = queries.select(queries.history_lengths > 0)
    affordable = min(most, max(_FEWEST, most_scores // catalogue_size))
    if len(queries) <= affordable:
        return queries
    return queries.select(np.linspace(0, len(queries) - 1, affordable).astype(np.int64))
