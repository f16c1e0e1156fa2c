"""How many users are known by how many events, as a falling curve."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from regard.data.overview.sampling import few_places
from regard.schema import USER


@dataclass(frozen=True)
class HistoryCurve:
    """How many users have at least so many events.

    Attributes:
        lengths: numbers of events that some user has, ascending; a sample where they are many.
        users: for each, how many users have so many or more.
    """

    lengths: tuple[int, ...]
    users: tuple[int, ...]


def histories_of(table: pl.DataFrame) -> HistoryCurve | None:
    """Count the events of each user.

    Args:
        table: all rows of a log.

    Returns:
        The curve, or None where no row has a user.

    Example:
        >>> histories_of(pl.DataFrame({"user": [1, 1, 1, 2, 3, None]}))
        HistoryCurve(lengths=(1, 3), users=(3, 1))
    """
    counts = table.select(USER).drop_nulls().group_by(USER).len("events")["events"].to_numpy()
    if not len(counts):
        return None
    lengths, users = np.unique(counts, return_counts=True)
    at_least = np.cumsum(users[::-1])[::-1]
    places = few_places(lengths)
    return HistoryCurve(tuple(lengths[places].tolist()), tuple(at_least[places].tolist()))
