"""Visits: runs of a user's events with no long pause inside."""

import math
from dataclasses import dataclass
from typing import Final

import narwhals as nw
import numpy as np
import numpy.typing as npt
import polars as pl

from regard.data.encoders.gaps import GAP, with_gaps
from regard.data.interactions import Interactions
from regard.errors import ColumnError, ConfigurationError, TooLittleDataError
from regard.schema import ROW, TIME, USER

VISIT: Final = "visit"
"""The column of session numbers. `session` is the role of what the log itself calls a visit."""
_CLEAR: Final = 2.0
_BINS: Final = 512
_ROUNDS: Final = 500
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SessionGap:
    """A pause that separates visits, proposed by the pauses of a log.

    Attributes:
        seconds: longer pauses begin a new visit.
        within: the typical pause inside a visit, in seconds.
        between: the typical pause between two visits, in seconds.
        share_within: share of pauses that lie inside visits, 0 to 1.
        separation: Ashman's D of the two kinds of pauses; they are two kinds where it exceeds 2.
    """

    seconds: float
    within: float
    between: float
    share_within: float
    separation: float

    @property
    def clear(self) -> bool:
        """Whether the log has two kinds of pauses at all."""
        return self.separation > _CLEAR

    def __str__(self) -> str:
        said = (
            f"A pause of more than {_duration(self.seconds)} begins a new visit: events of one "
            f"visit are typically {_duration(self.within)} apart, visits "
            f"{_duration(self.between)} (separation {self.separation:.1f})."
        )
        if self.clear:
            return said
        return f"{said} The two kinds of pauses overlap, so choose the pause by what is known."


def with_sessions(log: Interactions, *, gap: float) -> Interactions:
    """Number the visits of each user, as the new column `visit`.

    Args:
        log: with a clock; ties keep the order of the source.
        gap: seconds; a longer pause begins a new visit.

    Returns:
        The same rows with the Int64 column `visit`: 1 for a user's first one; null where user or
        time is missing.

    Raises:
        NeedsClockError: the log carries only an order.
        ConfigurationError: the gap is not positive.
        ColumnError: the log has a column `visit` already.

    Example:
        >>> log = Interactions.of(pl.DataFrame({"user": [1, 2, 1, 1], "item": ["a"] * 4,
        ...                                     "time": [0.0, 5.0, 60.0, 9000.0]}))
        >>> with_sessions(log, gap=1800).collect()["visit"].to_list()
        [1, 1, 1, 2]
    """
    log.require_clock("Telling visits apart")
    if not 0 < gap < math.inf:
        raise ConfigurationError(
            f"gap={gap} must be a positive number of seconds, such as 1800 for half an hour."
        )
    if log.has(VISIT):
        raise ColumnError(f"{log.source} has a column {VISIT!r} already; rename or drop it.")
    table = log.collect()
    placed = with_gaps(table.select(USER, TIME, ROW))
    # A user's first event has no gap, and begins the first visit.
    begins = pl.col(GAP).is_null() | (pl.col(GAP) > gap)
    numbered = (
        placed.filter(pl.col(USER).is_not_null() & pl.col(TIME).is_finite())
        .sort(USER, TIME, ROW)
        .select(ROW, begins.cast(pl.Int64).cum_sum().over(USER).alias(VISIT))
    )
    joined = table.join(numbered, on=ROW, how="left", maintain_order="left")
    said = f"Visits end at pauses of more than {_duration(gap)}."
    return log.with_frame(nw.from_native(joined.lazy()), said)


def propose_gap(log: Interactions) -> SessionGap:
    """Find the pause at which a log's visits are best told apart.

    The logarithms of all pauses between events of one user are taken for two normal distributions,
    short pauses and long ones; the proposal is where a pause is as likely of the one as of the
    other. Give it the training part alone, as anything that learns.

    Source: A. Halfaker et al., "User session identification based on strong regularities in
    inter-activity time", WWW 2015; fitted by expectation maximisation on a histogram of 512 bins.
    The separation is that of K. Ashman, C. Bird and S. Zepf, The Astronomical Journal 108 (1994).

    Args:
        log: with a clock; pauses of 0 seconds say nothing and are left out.

    Returns:
        The proposal, and how clear it is.

    Raises:
        NeedsClockError: the log carries only an order.
        TooLittleDataError: there are not two pauses of different lengths.

    Example:
        >>> times = [visit * 86_400.0 + click * 40.0 for visit in range(30) for click in range(9)]
        >>> log = Interactions.of(pl.DataFrame({"user": 1, "item": "a", "time": times}))
        >>> proposed = propose_gap(log)
        >>> proposed.clear, 40 < proposed.seconds < 86_000
        (True, True)
    """
    log.require_clock("Proposing a session gap")
    gaps = with_gaps(log.collect().select(USER, TIME, ROW))[GAP].drop_nulls()
    logs = np.log(gaps.filter(gaps > 0).to_numpy())
    if not len(logs) or logs.min() == logs.max():
        raise TooLittleDataError(
            f"{log.source} has no two pauses of different lengths between events of one user, so "
            "visits cannot be told apart by them."
        )
    weights, means, deviations = _two_normals(logs)
    grid = np.linspace(means[0], means[1], 10_001)
    densities = _log_densities(grid, weights, means, deviations)
    # Where one kind is likelier everywhere between the means, an end is the nearest one can come.
    crossed = np.flatnonzero(densities[0] <= densities[1])
    cut = grid[crossed[0]] if len(crossed) else grid[-1]
    apart = math.sqrt(2) * float(means[1] - means[0]) / math.hypot(*deviations)
    return SessionGap(
        seconds=math.exp(cut),
        within=math.exp(means[0]),
        between=math.exp(means[1]),
        share_within=float(weights[0]),
        separation=apart,
    )


def _two_normals(logs: _Floats) -> tuple[_Floats, _Floats, _Floats]:
    """Weights, means and deviations of two normal distributions, the lower mean first."""
    counts, edges = np.histogram(logs, bins=_BINS)
    centres, width = (edges[1:] + edges[:-1]) / 2, float(edges[1] - edges[0])
    means = np.quantile(logs, (0.1, 0.9))
    # No deviation gets below that of a uniform bin: the histogram knows no better.
    least = width / math.sqrt(12)
    deviations = np.full(2, max(float(logs.std()) / 2, least))
    weights = np.array([0.5, 0.5])
    before = -math.inf
    for _ in range(_ROUNDS):
        densities = _log_densities(centres, weights, means, deviations)
        together = np.logaddexp(*densities)
        shares = np.exp(densities - together) * counts
        sizes = np.maximum(shares.sum(axis=1), 1e-9)
        weights, means = sizes / sizes.sum(), shares @ centres / sizes
        spread = (shares * (centres - means[:, None]) ** 2).sum(axis=1) / sizes
        deviations = np.maximum(np.sqrt(spread), least)
        likelihood = float(counts @ together) / len(logs)
        if likelihood - before < 1e-9:
            break
        before = likelihood
    order = np.argsort(means, kind="stable")
    return weights[order], means[order], deviations[order]


def _log_densities(at: _Floats, weights: _Floats, means: _Floats, deviations: _Floats) -> _Floats:
    """`(2, len(at))` log of each weighted density, less what they share."""
    standard = (at - means[:, None]) / deviations[:, None]
    densities: _Floats = np.log(weights / deviations)[:, None] - standard**2 / 2
    return densities


def _duration(seconds: float) -> str:
    """Seconds in the largest unit of which there is at least one."""
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} seconds"
