"""What one event did: the history without it is scored again.

Leave-one-out removal (occlusion, Zeiler & Fergus 2014, "Visualizing and Understanding
Convolutional Networks", section 4, for events instead of image patches) asks the recommender
itself and trusts nothing inside it, so it works alike for networks and for counts. It sees one
event at a time: of two events that say the same, neither matters alone.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from regard.data.queries import Queries
from regard.errors import ConfigurationError
from regard.evaluation.ranking import BUDGET_BYTES, Scorer
from regard.explanation.standing import stand
from regard.explanation.variants import newest, variants
from regard.shapes import Floats, Mask, Offsets

MATTERS: Final = 0.1
"""Log-odds: a smaller effect changes the odds by less than about a tenth, and is called none."""


@dataclass(frozen=True)
class Removals:
    """Where an item stands with the whole history, and without each of its events.

    Attributes:
        score: of the item given the whole history, in the scorer's own unit.
        log_odds: the same against all other candidates together.
        place: in the recommended list, from 1.
        effects_E: float64 log-odds with the event minus without it, oldest event first: positive
            where the event speaks for the item. None where removing leaves no history.
        places_E: int64 place without the event; 0 where it would never be recommended. None as
            above.
    """

    score: float
    log_odds: float
    place: int
    effects_E: Floats | None
    places_E: Offsets | None


def leave_one_out(
    scorer: Scorer,
    queries: Queries,
    target: int,
    candidate_N: Mask,
    *,
    longest: int,
    older: bool = False,
    budget_bytes: int = BUDGET_BYTES,
) -> Removals:
    """Score an item with a history, and without each of its events.

    Of the `longest` newest events each is removed once. No older event moves in: a network is asked
    about these alone, so that an effect is that of one event; a method that reads the whole history
    is asked about all of it, older events included. Candidates are the same throughout: a removed
    item does not become unseen.

    A history of one event has no effects: without it there is no history, and what somebody
    without a history is told comes from another method (a network cannot read nothing).

    Args:
        scorer: any recommender.
        queries: exactly one query.
        target: code of the item to explain.
        candidate_N: `(N,)` Boolean from `candidates`.
        longest: the most events to remove, one at a time.
        older: whether the events before those stay in the history.
        budget_bytes: memory for scores; all variants are one call of the scorer if they fit.

    Returns:
        The standing and the effects of the `min(longest, history)` newest events.

    Raises:
        ConfigurationError: the recommender would never recommend the item to anybody like this.

    Example:
        >>> import polars as pl
        >>> from regard.data.sequences import Sequences
        >>> class LikesTea:
        ...     def score(self, queries):
        ...         rows, position = queries.history_events()
        ...         scores = np.zeros((len(queries), 5), np.float32)
        ...         np.add.at(scores[:, 4], rows, 2.0 * (queries.sequences.items[position] == 3))
        ...         return scores
        >>> seqs = Sequences.of(pl.DataFrame({"user": [7, 7], "item": [2, 3], "row": [0, 1]}))
        >>> asked = Queries.requests(seqs, np.array([0]))
        >>> everything = np.array([False, False, True, True, True])
        >>> found = leave_one_out(LikesTea(), asked, 4, everything, longest=10)
        >>> found.effects_E.tolist(), found.place, found.places_E.tolist()
        ([0.0, 2.0], 1, [1, 3])
    """
    visible = queries if older else newest(queries, longest)
    events = int(visible.history_lengths[0])
    removed = min(longest, events) if events > 1 else 0
    keep_VE = np.ones((1 + removed, events), np.bool_)
    keep_VE[np.arange(1, 1 + removed), np.arange(events - removed, events)] = False
    asked = variants(visible, keep_VE)
    found = stand(scorer, asked, target, candidate_N, budget_bytes=budget_bytes)
    score, log_odds, place = found.score_Q[0], found.log_odds_Q[0], int(found.place_Q[0])
    if not place:
        raise ConfigurationError(
            f"{type(scorer).__name__} scores item code {target} with minus infinity: it never "
            "recommends it, so there is nothing to explain."
        )
    if events < 2:
        return Removals(float(score), float(log_odds), place, None, None)
    effects_E = lowering(log_odds, found.log_odds_Q[1:])
    return Removals(float(score), float(log_odds), place, effects_E, found.place_Q[1:])


def lowering(log_odds: float, without_V: Floats) -> Floats:
    """By how much the log-odds fall; 0 where both are the same infinity.

    Example:
        >>> lowering(2.0, np.array([2.0, 0.5, -np.inf])).tolist()
        [0.0, 1.5, inf]
    """
    with np.errstate(invalid="ignore"):
        fall = log_odds - without_V
    return np.where(without_V == log_odds, 0.0, fall)
