"""Memory of returns: how likely people come back to what they had, by how long ago they had it.

::

    history      tea   cup   jam   tea   cup
    age, in events           2     1     0              each item where it occurred last
    factor                   0.4   0.4   0.02           by bands of age: 0, 1-2, 3-6, 7-14, ...

    p(item)  ∝  p(item | network) · factor(age of the item)        1 for what is not in the history

A network adds each layer to what it has read, and is asked by the table that it was read with: so
the item of the newest event stays the likeliest of all unless the network learns to take it off
again, whether or not anybody buys the same twice in a row. How often people do return is counted.

The factors are those of the highest likelihood on the validation part: all are raised or lowered
until as many returns of each age are expected as there are. One doubtful question is added for each
band, in which a return is as likely as not and half of one happens: it moves no factor that rests
on many returns, and keeps one that rests on none from zero.

Source: Darroch & Ratcliff 1972, "Generalized iterative scaling for log-linear models". That people
return by how long ago it was: Anderson, Kumar, Tomkins & Vassilvitskii 2014, "The dynamics of
repeat consumption", WWW, section 3.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from regard.classical.evidence import newest_occurrences
from regard.data.queries import Queries
from regard.evaluation.scorer import Prepared
from regard.recommender.mixture import log_sum
from regard.schema import FIRST_CODE
from regard.shapes import Codes, Floats, Offsets, Scores

BANDS: Final = 9
"""Of age in events: 0, 1-2, 3-6, 7-14, and so on; the last one has no end."""
_ROUNDS, _STILL = 1_000, 1e-6
"""Of scaling, at the most; and how little all factors move, relatively, when they stand still."""


@dataclass(frozen=True)
class Returns:
    """What the probability of an item of the history is multiplied by.

    Attributes:
        factors: one for each band of age, newest first.
        longest: events of a history that are looked at, the newest; what the network does not see
            is no reason for an answer.

    Example:
        >>> import polars as pl
        >>> from regard.data.sequences import Sequences
        >>> from regard.evaluation.scorer import Whole
        >>> seqs = Sequences.of(pl.DataFrame({"user": [7] * 2, "item": [2, 3], "row": [0, 1]}))
        >>> asked = Queries.requests(seqs, np.array([0]))
        >>> even = Whole(np.zeros((1, 5), np.float32))
        >>> weighed = Returns((0.1, 0.5), longest=200).weigh(even, asked)
        >>> np.exp(weighed.block(2, 5).astype(float)).round(2).tolist()
        [[0.5, 0.1, 1.0]]
    """

    factors: tuple[float, ...]
    longest: int

    def weigh(self, read: Prepared, queries: Queries) -> "Weighed":
        """Scores as logarithms, with the factor of each item of the history in them.

        Args:
            read: what a network made of the queries.
            queries: the same.
        """
        query, item, age = newest_occurrences(queries, self.longest)
        logs = np.log(self.factors)[np.minimum(bands(age), len(self.factors) - 1)]
        return Weighed(read, sparse.csr_array((logs, (query, item)), shape=read.shape))

    def factor(self, queries: Queries, code: int) -> float | None:
        """What an item of a single query is multiplied by; None where it is not weighed.

        Args:
            queries: exactly one.
            code: of the item.
        """
        _, item, age = newest_occurrences(queries, self.longest)
        here = np.flatnonzero(item == code)
        if not len(here):
            return None
        return self.factors[min(int(bands(age[here])[0]), len(self.factors) - 1)]


@dataclass(frozen=True)
class Weighed:
    """Queries that a network has read, with what the items of their histories are weighed by.

    Attributes:
        network: scores of the network.
        logs_BN: logarithms of factors; nothing for what is not in the history.
    """

    network: Prepared
    logs_BN: sparse.csr_array

    @property
    def shape(self) -> tuple[int, int]:
        """`(B, N)`."""
        return self.network.shape

    def block(self, start: int, stop: int) -> Scores:
        """`(B, stop - start)` float32 scores of the codes from `start` to `stop`."""
        scores_BN = self.network.block(start, stop)
        logs = self.logs_BN[:, start:stop]
        row = np.repeat(np.arange(logs.shape[0]), np.diff(logs.indptr))
        scores_BN[row, logs.indices] += logs.data.astype(np.float32)
        return scores_BN


class Expected:
    """How many returns of each age a network expects, and how many there were.

    Args:
        longest: events of a history that the network looks at.

    Example:
        >>> import polars as pl
        >>> from regard.data.sequences import Sequences
        >>> from regard.evaluation.scorer import Whole
        >>> items = [2, 3, 2, 2, 3, 4] * 2  # asked after `2 3`: one 2, one 4
        >>> seqs = Sequences.of(pl.DataFrame({"user": [0] * 3 + [1] * 3, "item": items[:6],
        ...                                   "row": range(6)}))
        >>> asked = Queries.next_event(seqs, np.array([0, 1]), seqs.offsets[1:] - 1)
        >>> found = Expected(longest=200)
        >>> found.look(Whole(np.zeros((2, 5), np.float32)), asked)
        >>> found.returns().factors[0] < 1 < found.returns().factors[1]
        True
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._masses: list[Floats] = []
        self._counts: list[NDArray[np.int64]] = []

    def look(self, read: Prepared, queries: Queries) -> None:
        """Take in some queries with targets.

        Args:
            read: what the network made of them.
            queries: of the validation part.
        """
        rows, items = read.shape
        query, item, age = newest_occurrences(queries, self._longest)
        band = 1 + np.minimum(bands(age), BANDS - 1)
        likely = np.exp(_at(read, query, item) - log_sum(read)[query, 0])
        flat = np.bincount(query * (BANDS + 1) + band, likely, rows * (BANDS + 1))
        masses = flat.reshape(rows, BANDS + 1).astype(np.float64)
        masses[:, 0] = np.maximum(1.0 - masses.sum(axis=1), 0.0)
        self._masses.append(masses)
        self._counts.append(_targets(queries, query * items + item, band, items))

    def returns(self) -> Returns:
        """The factors of the highest likelihood."""
        doubts_KA = 0.5 * np.eye(BANDS + 1)[1:]
        doubts_KA[:, 0] = 0.5
        masses_QA = np.concatenate([*self._masses, doubts_KA])
        counts_QA = np.concatenate([*self._counts, doubts_KA])
        asked_Q1, there_A = counts_QA.sum(axis=1, keepdims=True), counts_QA.sum(axis=0)
        factors_A = np.ones(BANDS + 1)
        for _ in range(_ROUNDS):
            shares_QA = masses_QA * factors_A
            shares_QA *= asked_Q1 / shares_QA.sum(axis=1, keepdims=True)
            steps_A = there_A / shares_QA.sum(axis=0)
            steps_A /= steps_A[0]
            factors_A *= steps_A
            if np.abs(steps_A - 1).max() < _STILL:
                break
        return Returns(tuple(factors_A[1:].tolist()), self._longest)


def bands(ages: Offsets) -> Offsets:
    """The band of each age in events.

    Example:
        >>> bands(np.array([0, 1, 2, 3, 4, 500])).tolist()
        [0, 1, 1, 2, 2, 8]
    """
    found: Offsets = np.log2(ages + 1.0).astype(np.int64)
    return found


def _at(read: Prepared, query: Offsets, item: Codes) -> Floats:
    """Scores at some places, float64."""
    scores_BN = read.block(0, read.shape[1])
    found: Floats = scores_BN[query, item].astype(np.float64)
    return found


def _targets(queries: Queries, keys: Offsets, band: Offsets, items: int) -> NDArray[np.int64]:
    """Known targets of each query by band: `(Q, BANDS + 1)`, the first for what is no return."""
    owner = np.repeat(np.arange(len(queries)), np.diff(queries.target_offsets))
    known = queries.targets >= FIRST_CODE
    owner, wanted = owner[known], owner[known] * items + queries.targets[known]
    place = np.searchsorted(keys, wanted)
    # One more behind the last, which nobody wants.
    there = np.append(keys, -1)[place] == wanted
    kind = np.where(there, np.append(band, 0)[place], 0)
    flat = np.bincount(owner * (BANDS + 1) + kind, minlength=len(queries) * (BANDS + 1))
    return flat.reshape(len(queries), BANDS + 1)
