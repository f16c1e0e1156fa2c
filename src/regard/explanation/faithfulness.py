"""Is the attention true: does the recommender depend on what it looked at?

Two questions of the literature, asked of one recommendation:

- Do attention and removal order the events alike? (Jain & Wallace 2019, section 4.1, with
  Spearman's rank correlation in place of Kendall's.)
- Does removing what was looked at most lower the item more than removing as many random events?
  (Comprehensiveness of DeYoung et al. 2020, "ERASER: A Benchmark to Evaluate Rationalized NLP
  Models", section 4, against a random baseline.)
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from regard.data.queries import Queries
from regard.evaluation.ranking import Scorer
from regard.explanation.removal import MATTERS, lowering
from regard.explanation.standing import stand
from regard.explanation.variants import newest, variants
from regard.randomness import stream
from regard.shapes import Floats, Mask

FEWEST: Final = 4
"""Below four events an order says nothing: three fall into line by chance once in six times."""


def agreement(shares_E: Floats, effects_E: Floats) -> float | None:
    """Spearman's rank correlation of attention shares with removal effects.

    Args:
        shares_E: float64 attention share of each event.
        effects_E: float64 removal effect of each event.

    Returns:
        From -1 (opposite order) to 1 (same order); None for fewer than four events, or where
        all shares or all effects are equal and so have no order.

    Example:
        >>> agreement(np.array([.1, .2, .3, .4]), np.array([0.0, 0.1, 0.5, 0.4]))
        0.8
        >>> agreement(np.array([.2, .8]), np.array([0.0, 1.0])) is None
        True
    """
    if len(shares_E) < FEWEST or np.ptp(shares_E) == 0 or len(np.unique(effects_E)) < 2:
        return None
    from scipy.stats import spearmanr  # half of what importing all of regard would take

    return round(float(spearmanr(shares_E, effects_E).statistic), 12)


@dataclass(frozen=True)
class DeletionCheck:
    """Removing the events with most attention against removing random ones.

    Attributes:
        removed: how many events were removed each time.
        draws: how many random choices were tried.
        most_attended: by how much the log-odds fall without the most attended events.
        random: the same for random events, mean over the draws.
        above: share of the draws that it falls further than, 0 to 1; equal ones count half.
        place_without: place of the item without the most attended events; None where it would
            never be recommended.

    Example:
        >>> print(DeletionCheck(2, 20, 1.5, 0.4, 0.95, 14))
        Without the 2 events it looked at most, the log-odds change by -1.50; without 2 random
        ones by -0.40 on average (further than in 95 % of 20 draws).
    """

    removed: int
    draws: int
    most_attended: float
    random: float
    above: float
    place_without: int | None

    @property
    def passed(self) -> bool:
        """Whether what was looked at matters, and more than chance in nineteen draws of twenty."""
        return self.most_attended >= MATTERS and self.above >= 0.95

    def __str__(self) -> str:
        return (
            f"Without the {self.removed} events it looked at most, the log-odds change by "
            f"{-self.most_attended:+.2f}; without {self.removed} random ones by "
            f"{-self.random:+.2f} on average (further than in {100 * self.above:.0f} % of "
            f"{self.draws} draws)."
        )

    def to_dict(self) -> dict[str, Any]:
        """The numbers by name."""
        return asdict(self)


def check_deletion(
    scorer: Scorer,
    queries: Queries,
    target: int,
    candidate_N: Mask,
    shares_E: Floats,
    *,
    share: float = 0.25,
    draws: int = 20,
    seed: int = 0,
) -> DeletionCheck | None:
    """Remove what was looked at most, and as much at random, and compare the falls.

    Args:
        scorer: any recommender.
        queries: exactly one query.
        target: code of the item to explain.
        candidate_N: `(N,)` Boolean from `candidates`.
        shares_E: float64 attention shares of the E newest events; all of them are looked at.
        share: how large a part of the events to remove, rounded up; below 1.
        draws: random choices.
        seed: of the draws.

    Returns:
        What was found, or None for fewer than four events.
    """
    events = len(shares_E)
    if events < FEWEST:
        return None
    removed = min(int(np.ceil(share * events)), events - 1)
    keep_VE = np.ones((2 + draws, events), np.bool_)
    keep_VE[1, np.argsort(-shares_E, kind="stable")[:removed]] = False
    noise = stream(seed, "deletion check").random((draws, events))
    chosen = np.argsort(noise, axis=1)[:, :removed]
    np.put_along_axis(keep_VE[2:], chosen, values=False, axis=1)
    asked = variants(newest(queries, events), keep_VE)
    found = stand(scorer, asked, target, candidate_N)
    falls_V = lowering(float(found.log_odds_Q[0]), found.log_odds_Q[1:])
    attended, random_V = falls_V[0], falls_V[1:]
    further = np.count_nonzero(random_V < attended) + np.count_nonzero(random_V == attended) / 2
    return DeletionCheck(
        removed,
        draws,
        most_attended=float(attended),
        random=float(random_V.mean()),
        above=further / draws,
        place_without=int(found.place_Q[1]) or None,
    )
