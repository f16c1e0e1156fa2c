"""Kneser-Ney: what followed the last few items, a Markov chain of order 1 to 3 that backs off.

Histories are contexts, looked up from the newest item backwards, as far as training knows them::

    history   ... a b        "a b" was followed by  c c d:  3 events, 2 different items

    p(c | a b) = (2 - discount) / 3  +  (discount · 2 / 3) · p(c | b)

The contexts of all lengths lie in one flat array, each named by the context without its oldest item
(its parent) and that item, as one integer::

    contexts    b | c | ... | (b) a | (b) c | ...        levels    order 1 | order 2 | ...

Idea: what followed the last two items (`order`, 1 to 3) says more than what followed the last one,
where it was seen often enough. Each count loses `discount`; what all of them lose is shared out by
the shorter context.

Formula: with `c(h, j)` how often `j` followed the context `h`, and `h'` the context without its
oldest item::

    p(j | h) = max(c(h, j) - d, 0) / c(h) + d · n(h) / c(h) · p(j | h')

where `c(h) = Σ c(h, j)` and `n(h)` is the number of different items that followed. In contexts
shorter than `order`, `c` counts different items before `h`, not events: an item that follows one
item only is no safe guess after others. The shortest context is `p(j)`, the share of different
items that `j` follows. A context that training does not know is skipped.

Source: interpolated Kneser-Ney smoothing: Kneser & Ney 1995, "Improved backing-off for m-gram
language modeling", ICASSP, in the form of Chen & Goodman 1999, "An empirical study of smoothing
techniques for language modeling", section 2.7, with one discount for all orders.

Differs from the paper: words are items and sentences histories. A beginning, and an unknown item,
ends a context and is part of it; contexts that reach so far count events, since nothing lies before
them.

Cost: time `O(E log E)` for each order, a sort of the E events, and `O(order · N)` a query; memory
for the contexts that occur. The length of a history does not matter.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from regard.classical.contract import ClassicalMethod
from regard.classical.markov import Followers
from regard.data.queries import Queries
from regard.data.split import TrainingPart
from regard.errors import ConfigurationError
from regard.schema import FIRST_CODE, PADDING
from regard.shapes import Codes, Mask, Offsets, Scores


@dataclass(frozen=True)
class KneserNeyConfig:
    """Options of `KneserNey`.

    Attributes:
        order: newest items that are looked at, 1 to 3.
        discount: what each count loses to the shorter contexts, between 0 and 1.

    Raises:
        ConfigurationError: a value out of its range.
    """

    order: int = 2
    discount: float = 0.75

    def __post_init__(self) -> None:
        if not 1 <= self.order <= 3:
            raise ConfigurationError(f"order={self.order} must be 1, 2 or 3.")
        if not 0.0 < self.discount < 1.0:
            raise ConfigurationError(
                f"discount={self.discount} must lie between 0 and 1, such as 0.75."
            )


class KneserNey(ClassicalMethod):
    """Recommends what followed the newest items, longer contexts first, shorter ones mixed in.

    Example:
        >>> import polars as pl
        >>> from regard.data.interactions import Interactions
        >>> from regard.data.split import split_leave_last_out
        >>> log = pl.DataFrame({"user": [1] * 10, "item": list("abcdbeabcc"),
        ...                     "position": range(10)})
        >>> split = split_leave_last_out(Interactions.of(log))
        >>> asked = split.validation  # after `d b e a b`: `a b` was followed by `c`
        >>> scores = KneserNey(order=2).fit(split.training).score(asked)[0, 2:].astype(float)
        >>> dict(zip(split.vocabulary.ids, scores.round(3).tolist()))
        {'b': 0.161, 'a': 0.161, 'c': 0.424, 'd': 0.08, 'e': 0.174}
    """

    name = "kneser-ney"
    saved = ("levels", "contexts", "starts", "followers", "counts", "shares")

    def __init__(self, order: int = 2, discount: float = 0.75) -> None:
        super().__init__()
        self.config = KneserNeyConfig(order, discount)

    def fit(self, training: TrainingPart) -> Self:
        """Count what followed every context of every length.

        Args:
            training: what may be looked at.

        Returns:
            The method itself, fitted.
        """
        size = training.vocabulary.size
        events = _levels(training, self.config.order)
        pairs = pairwise(events)
        levels = [*(lower.different(higher, size) for lower, higher in pairs), events[-1]]
        heard_N = np.bincount(levels[0].followers, minlength=size)
        self._learned = {
            "levels": _edges(np.array([len(each.contexts) for each in levels])),
            "contexts": np.concatenate([each.contexts for each in levels]),
            "starts": _edges(np.concatenate([each.lengths for each in levels])),
            "followers": np.concatenate([each.followers for each in levels]).astype(np.int32),
            "counts": np.concatenate([each.counts for each in levels]).astype(np.int32),
            "shares": (heard_N / max(int(heard_N.sum()), 1)).astype(np.float32),
        }
        vars(self).pop("_before", None)  # that of an earlier fit
        return self

    def prepare(self, queries: Queries) -> "Interpolated":
        """Ready for any part of the catalogue; see `regard.evaluation.scorer.BlockScorer`."""
        learned, discount = self.arrays(), self.config.discount
        left_B, terms = np.ones(len(queries)), []
        for begins, ends in reversed(self._contexts(queries)):
            # A context that is not known has no events, takes nothing and leaves everything.
            events = np.maximum(self._before[ends] - self._before[begins], 1)
            followers = Followers(begins, ends, learned["followers"], learned["counts"])
            terms.append((followers, (left_B / events).astype(np.float32)))
            left_B = left_B * np.where(ends > begins, discount * (ends - begins) / events, 1.0)
        return Interpolated(
            tuple(terms), left_B.astype(np.float32), learned["shares"], np.float32(discount)
        )

    def _score(self, queries: Queries) -> Scores:
        return self.prepare(queries).block(0, len(self.arrays()["shares"]))

    def _contexts(self, queries: Queries) -> list[tuple[Offsets, Offsets]]:
        """Where the followers of each history's contexts begin and end, shortest first."""
        learned = self.arrays()
        levels, starts, size = learned["levels"], learned["starts"], len(learned["shares"])
        context, found = np.zeros(len(queries), np.int64), np.ones(len(queries), np.bool_)
        ranges = []
        for back, (first, last) in enumerate(pairwise(levels.tolist()), start=1):
            older = _older(queries.sequences.items, queries.ends, queries.starts, back)
            context, known = _sought(learned["contexts"][first:last], context * size + older)
            found &= known
            begins, ends = np.zeros((2, len(queries)), np.int64)
            at = first + context[found]
            begins[found], ends[found] = starts[at], starts[at + 1]
            ranges.append((begins, ends))
        return ranges

    @cached_property
    def _before(self) -> Offsets:
        """Sum of the counts before each entry."""
        return _edges(self.arrays()["counts"])


@dataclass(frozen=True)
class Interpolated:
    """Contexts of some queries, ready for any part of the catalogue.

    Attributes:
        terms: for each order, what followed the context, and `(B,)` float32 what one event of it
            is worth.
        left_B: float32 what all orders leave to the shares.
        shares_N: float32 share of different items that each item follows.
        discount: what each count loses.
    """

    terms: tuple[tuple[Followers, Scores], ...]
    left_B: Scores
    shares_N: Scores
    discount: np.float32

    @property
    def shape(self) -> tuple[int, int]:
        """`(B, N)`."""
        return len(self.left_B), len(self.shares_N)

    def block(self, start: int, stop: int) -> Scores:
        """`(B, stop - start)` float32 probabilities of the codes from `start` to `stop`."""
        scores_BN: Scores = np.multiply.outer(self.left_B, self.shares_N[start:stop])
        for followers, worth_B in self.terms:
            row, code, count = followers.within(start, stop)
            scores_BN[row, code - start] += worth_B[row] * (
                count.astype(np.float32) - self.discount
            )
        return scores_BN


@dataclass(frozen=True)
class _Level:
    """The contexts of one length, and what followed them.

    Attributes:
        contexts: `(C,)` int64 ascending: `parent * N + oldest item`, where the parent is the place
            of the context without its oldest item among those one shorter.
        lengths: `(C,)` int64 number of different followers.
        followers: int64 codes, context after context, ascending within each.
        counts: int64, of events or of different items before.
    """

    contexts: Offsets
    lengths: Offsets
    followers: Offsets
    counts: Offsets

    @property
    def owners(self) -> Offsets:
        """Context of each follower."""
        return np.repeat(np.arange(len(self.contexts)), self.lengths)

    def different(self, higher: "_Level", size: int) -> "_Level":
        """The same contexts, counting the different items before them.

        Args:
            higher: the contexts that are one longer; there is none of one that is a beginning,
                which so keeps its events.
            size: N.
        """
        parents = higher.contexts[higher.owners] // size
        place = np.searchsorted(
            self.owners * size + self.followers, parents * size + higher.followers
        )
        counts = np.bincount(place, minlength=len(self.counts))
        return replace(self, counts=np.where(counts > 0, counts, self.counts))


def _levels(training: TrainingPart, order: int) -> list[_Level]:
    """What followed the contexts of each length, counted in events."""
    sequences, size = training.sequences, training.vocabulary.size
    lengths = training.ends - sequences.offsets[:-1]
    position = training.events()
    start = np.repeat(sequences.offsets[:-1], lengths)
    context, kept = np.zeros(len(position), np.int64), sequences.items[position] >= FIRST_CODE
    levels = []
    for back in range(1, order + 1):
        position, start, context = position[kept], start[kept], context[kept]
        older = _older(sequences.items, position, start, back)
        contexts, context = np.unique(context * size + older, return_inverse=True)
        pairs, counts = np.unique(context * size + sequences.items[position], return_counts=True)
        owners, followers = np.divmod(pairs, size)
        distinct = np.bincount(owners, minlength=len(contexts))
        levels.append(_Level(contexts, distinct, followers, counts))
        kept = older != PADDING
    return levels


def _older(items: Codes, position: Offsets, start: Offsets, back: int) -> Offsets:
    """Codes so many events before some positions; padding for unknown ones and before the start."""
    codes, inside = np.full(len(position), PADDING, np.int64), position - back >= start
    codes[inside] = items[position[inside] - back]
    codes[codes < FIRST_CODE] = PADDING
    return codes


def _sought(keys: Offsets, wanted: Offsets) -> tuple[Offsets, Mask]:
    """Place of each wanted key among ascending ones, and whether it is there."""
    place = np.searchsorted(keys, wanted)
    there = place < len(keys)
    there[there] = keys[place[there]] == wanted[there]
    return place, there


def _edges(lengths: NDArray[np.integer[Any]]) -> Offsets:
    """Where stretches of some lengths begin, and the end of the last."""
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
