"""Where an item stands among the candidates: its score, its log-odds, its place.

The unit of every effect is the log-odds of the item under the softmax over the candidates,
`s(t) - log Σ exp s(c)` over all candidates c other than t. It can be compared between people,
because it does not change when a constant is added to all scores of a history, which changes no
recommendation either; the plain score does. And other than the log-probability it never
saturates: an item of probability 0.99 can still gain.

For a network trained with cross-entropy these are its own probabilities. The scores of classical
methods are counts, not logits: among effects of one method on one log the log-odds can be compared,
between methods they cannot.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from regard.data.queries import Queries
from regard.errors import ConfigurationError, ModelInputError
from regard.evaluation.protocol import Seen
from regard.evaluation.ranking import BUDGET_BYTES, Scorer
from regard.schema import FIRST_CODE
from regard.shapes import Floats, Mask, Offsets

_CELL_BYTES = 40
"""One score as float32, three times as float64, and Booleans on the way."""


@dataclass(frozen=True)
class Standing:
    """Where one item stands for each of some queries.

    Attributes:
        score_Q: float64, in the scorer's own unit.
        log_odds_Q: float64, natural logarithm, against all other candidates together.
        place_Q: int64 place in the recommended list, from 1; 0 where it would never be
            recommended. Equal scores stand by ascending code, as in `top_items`.
    """

    score_Q: Floats
    log_odds_Q: Floats
    place_Q: Offsets


def candidates(queries: Queries, catalogue_size: int, seen: Seen = Seen.KEEP) -> Mask:
    """Which items may be recommended to somebody.

    Args:
        queries: exactly one query; its full history counts, however little a model looks at.
        catalogue_size: N, the number of codes.
        seen: whether items of the history stay candidates.

    Returns:
        `(N,)` Boolean; never true for padding and unknown.
    """
    mask_N = np.ones(catalogue_size, np.bool_)
    mask_N[:FIRST_CODE] = False
    if seen == Seen.REMOVE:
        mask_N &= ~queries.seen(catalogue_size)[0]
    return mask_N


def stand(
    scorer: Scorer,
    queries: Queries,
    target: int,
    candidate_N: Mask,
    *,
    budget_bytes: int = BUDGET_BYTES,
) -> Standing:
    """Score an item among the same candidates for each of some queries.

    Args:
        scorer: any recommender.
        queries: histories to continue; all in one call of the scorer as long as their scores fit
            the budget.
        target: code of the item.
        candidate_N: `(N,)` Boolean; what competes with it, the item itself included.
        budget_bytes: memory for the scores of one call.

    Returns:
        One standing for each query.

    Raises:
        ConfigurationError: the item is no candidate.
        ModelInputError: scores of the wrong shape or NaN.

    Example:
        >>> import polars as pl
        >>> from regard.data.sequences import Sequences
        >>> class Fixed:
        ...     def score(self, queries):
        ...         return np.log(np.array([[9, 9, 6, 3, 1]], np.float32))
        >>> seqs = Sequences.of(pl.DataFrame({"user": [7], "item": [2], "row": [0]}))
        >>> asked = Queries.requests(seqs, np.array([0]))
        >>> found = stand(Fixed(), asked, 3, candidates(asked, 5))
        >>> np.exp(found.log_odds_Q).round(3).tolist(), found.place_Q.tolist()  # odds 3 : 6 + 1
        ([0.429], [2])
    """
    if not 0 <= target < len(candidate_N) or not candidate_N[target]:
        raise ConfigurationError(
            f"Item code {target} is not among the {int(candidate_N.sum()):,} candidates, so there "
            "is no recommendation to explain. If it stands in the history, keep seen items "
            "(seen='keep')."
        )
    size = max(1, budget_bytes // (_CELL_BYTES * len(candidate_N)))
    parts = [_stand(scorer, chunk, target, candidate_N) for chunk in queries.chunks(size)]
    columns = zip(*parts, strict=True)
    return Standing(*(np.concatenate(column) for column in columns))


def _stand(
    scorer: Scorer, queries: Queries, target: int, candidate_N: Mask
) -> tuple[Floats, Floats, Offsets]:
    """Score, log-odds and place for one call of the scorer."""
    scores_QN = np.asarray(scorer.score(queries))
    expected = (len(queries), len(candidate_N))
    if scores_QN.shape != expected or np.isnan(scores_QN[:, candidate_N]).any():
        raise ModelInputError(
            f"{type(scorer).__name__} gave scores of shape {scores_QN.shape}, some of them perhaps "
            f"NaN; an explanation needs numbers of shape {expected}."
        )
    own_Q = scores_QN[:, target].astype(np.float64)
    other_N = candidate_N.copy()
    other_N[target] = False
    others_QC = scores_QN[:, other_N].astype(np.float64)
    before_C = np.flatnonzero(other_N) < target
    ahead = (others_QC > own_Q[:, None]) | ((others_QC == own_Q[:, None]) & before_C)
    place_Q = np.where(own_Q > -np.inf, 1 + np.count_nonzero(ahead, axis=1), 0)
    return own_Q, own_Q - _log_of_sum(others_QC), place_Q


def _log_of_sum(scores_QC: Floats) -> Floats:
    """`log Σ exp`, minus infinity where there is nobody to sum over."""
    if not scores_QC.shape[1]:
        return np.full(len(scores_QC), -np.inf)
    summed: Floats = logsumexp(scores_QC, axis=1)
    return summed
