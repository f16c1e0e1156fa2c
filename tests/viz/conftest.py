"""Results of every kind, made by the code that makes them for users."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest

from regard.classical.markov import MarkovChain
from regard.classical.popularity import Popularity
from regard.data.clean import clean
from regard.data.description import Description
from regard.data.interactions import Interactions
from regard.data.overview.report import DataReport, report
from regard.data.report import CleaningReport
from regard.data.split import split_leave_last_out
from regard.evaluation.comparison import Comparison, compare
from regard.evaluation.evaluate import evaluate
from regard.evaluation.protocol import Protocol
from regard.explanation.explain import explain
from regard.explanation.faithfulness import DeletionCheck
from regard.explanation.result import EventReason, Explanation
from regard.recommender.answers import Recommendation, Recommendations
from regard.training.history import Epoch, History
from regard.viz.contents import (
    CustomerCase,
    HeadedComparison,
    NextStep,
    PastEvent,
    ReportContents,
)

HOSTILE = '<script>alert("1")</script>'


@dataclass(frozen=True)
class World:
    data: DataReport
    description: Description
    cleaning: CleaningReport
    history: History
    comparison: Comparison
    plain: Explanation
    attentive: Explanation


@pytest.fixture(scope="session")
def world() -> World:
    """A small shop whose items carry a hostile title."""
    rng = np.random.default_rng(5)
    events = 40 * 8
    users = pl.Series("user", np.repeat(np.arange(40), 8)).to_list()
    users[3] = users[77] = None
    items = [f"i{n}{HOSTILE if n == 3 else ''}" for n in rng.integers(0, 12, events)]
    frame = {
        "user": users,
        "item": items,
        "time": 1.3e9 + 3_600.0 * np.arange(events),
        "note": [HOSTILE] * events,
    }
    raw = Interactions.of(pl.DataFrame(frame), source=f"shop {HOSTILE}.csv")
    log, cleaning = clean(raw)
    data = report(raw, (log, cleaning))
    split = split_leave_last_out(log)
    protocol = Protocol(str(split.protocol), ks=(5, 10), resamples=200)
    training, vocabulary = split.training, split.training.vocabulary
    methods = {"markov": MarkovChain(), "popularity": Popularity()}
    reports = [
        evaluate(
            method.fit(training),
            split.test,
            name=name,
            protocol=protocol,
            training=training,
            fingerprint=split.fingerprint,
        )
        for name, method in methods.items()
    ]
    epochs = tuple(
        Epoch(n, 6.0 - n, 0.1 * [1, 3, 2][n - 1], 1e-3, 100, 2.0, 0.5) for n in (1, 2, 3)
    )
    return World(
        data,
        data.before.description,
        cleaning,
        History(epochs, "ndcg@10", "patience ran out", 700.0),
        compare(reports, "markov", "ndcg@10"),
        explain(methods["markov"], split.test.select(slice(0, 1)), 4, vocabulary=vocabulary),
        attentive(),
    )


def attentive() -> Explanation:
    """What a network's explanation looks like, with more events than a picture shows."""
    events = tuple(
        EventReason(f"e{n}", f"Event {n} {HOSTILE}", 1.3e9 + n, 0.05, n / 10 - 0.5, n + 1)
        for n in range(20)
    )
    return Explanation(
        item="x", title=HOSTILE, score=1.0, log_odds=0.5, place=1, candidates=9, events=events,
        agreement=0.5, check=DeletionCheck(5, 20, 1.0, 0.5, 0.9, 3), sentence=f"So {HOSTILE}.",
        notes=(),
    )  # fmt: skip


@pytest.fixture(scope="session")
def make_contents(world: World) -> Callable[..., ReportContents]:
    """Contents of a report in which everything that can be hostile is."""

    def make(**changes: object) -> ReportContents:
        shown = (
            Recommendation(1, "i1", 2.5, HOSTILE, seen=True),
            Recommendation(2, "i2", 1.5, None, seen=False),
        )
        past = tuple(PastEvent(f"h{n}", HOSTILE if n % 2 else None, 1.3e9) for n in range(12))
        case = CustomerCase(
            heading=f"Customer {HOSTILE}",
            history=past,
            recommendations=Recommendations(HOSTILE, shown, "sasrec", (f"A note {HOSTILE}.",)),
            explanations=(world.attentive, world.plain),
        )
        newcomer = CustomerCase(
            heading="A newcomer",
            history=(),
            recommendations=Recommendations(None, (), "popularity"),
        )
        told = {
            "title": f"Report {HOSTILE}",
            "headline": f"Headline {HOSTILE}",
            "verdict": f"Verdict {HOSTILE}",
            "data": world.data,
            "history": world.history,
            "comparisons": (
                HeadedComparison(f"Last one out {HOSTILE}", world.comparison),
                HeadedComparison("By time", world.comparison),
            ),
            "customers": (case, newcomer),
            "next_steps": (NextStep(f"Go on {HOSTILE}", f"regard explain '{HOSTILE}'"),),
        }
        return ReportContents(**(told | changes))

    return make
