"""Ask a recommender all queries of a part, and write down how good its answers were."""

import time
from dataclasses import replace
from importlib.metadata import version

import numpy as np

from regard.data.queries import Queries
from regard.data.split import TrainingPart
from regard.errors import TooLittleDataError
from regard.evaluation.beyond import beyond_accuracy
from regard.evaluation.intervals import bootstrap_intervals
from regard.evaluation.metrics import average_per_user, measure, metric_names
from regard.evaluation.protocol import Protocol
from regard.evaluation.ranking import Ranks, Scorer, rank_and_list
from regard.evaluation.report import EvaluationReport
from regard.shapes import Floats


def evaluate(
    scorer: Scorer,
    queries: Queries,
    *,
    name: str,
    protocol: Protocol,
    training: TrainingPart,
    fingerprint: str,
    tie_share: float | None = None,
) -> EvaluationReport:
    """Judge a recommender: every metric, with an interval over users.

    Args:
        scorer: a fitted recommender.
        queries: questions with targets, such as `split.test`.
        name: what to call the recommender.
        protocol: the rules.
        training: what it was fitted on; gives the catalogue and its popularity.
        fingerprint: of the log, such as `split.fingerprint`.
        tie_share: share of equal times in the log, such as `split.tie_share`.

    Returns:
        The report, with the values of single users for `compare`.

    Raises:
        TooLittleDataError: there is no query, or one without a target.
        ModelInputError: the scores are of the wrong shape or NaN.

    Example:
        >>> import polars as pl
        >>> from regard.data.interactions import Interactions
        >>> from regard.data.split import split_leave_last_out
        >>> log = pl.DataFrame({"user": [1] * 4 + [2] * 4, "item": list("abababab"),
        ...                     "position": [0, 1, 2, 3] * 2})
        >>> split = split_leave_last_out(Interactions.of(log))
        >>> class Alike:
        ...     def score(self, queries):
        ...         return np.zeros((len(queries), 4), np.float32)
        >>> report = evaluate(Alike(), split.test, name="alike", training=split.training,
        ...                   protocol=Protocol("leave-last-out", ks=(1, 2)),
        ...                   fingerprint=split.fingerprint)
        >>> report.metrics["mrr"].mean  # both items are tied, so the rank of either is 1.5
        0.6666666666666666
    """
    if not len(queries):
        raise TooLittleDataError(f"There is no query to ask {name}; the part to judge on is empty.")
    began = time.perf_counter()
    vocabulary = training.vocabulary
    ranks, lists_QK = rank_and_list(
        scorer,
        queries,
        min(protocol.ks[-1], vocabulary.size),
        catalogue_size=vocabulary.size,
        seen=protocol.seen,
        ties=protocol.ties,
    )
    seconds = time.perf_counter() - began
    users = np.unique(queries.users)
    per_user = _per_user(ranks, queries, protocol)
    intervals = bootstrap_intervals(
        np.column_stack(list(per_user.values())),
        level=protocol.level,
        resamples=protocol.resamples,
        seed=protocol.seed,
    )
    return EvaluationReport(
        name=name,
        protocol=protocol,
        fingerprint=fingerprint,
        metrics=dict(zip(per_user, intervals, strict=True)),
        beyond=tuple(
            replace(beyond_accuracy(lists_QK[:, :k], queries.targets, vocabulary.counts), k=k)
            for k in protocol.ks
        ),
        users=len(users),
        queries=len(queries),
        targets=len(ranks.values),
        catalogue=len(vocabulary),
        cold_share=ranks.cold / len(ranks.values),
        repeat_share=ranks.repeats / len(ranks.values),
        removed_share=ranks.removed / len(ranks.values),
        tied_share=ranks.tied / len(ranks.values),
        time_ties=tie_share,
        seconds=seconds,
        version=version("regard"),
        asked=queries.digest,
        user_ids=queries.sequences.users.gather(users.tolist()),
        per_user=per_user,
    )


def _per_user(ranks: Ranks, queries: Queries, protocol: Protocol) -> dict[str, Floats]:
    """Metric name -> one value for each user, users by ascending index."""
    return {
        name: average_per_user(measure(name, ranks), queries.users)
        for name in metric_names(protocol.ks)
    }
