"""What a report page is made of: result objects and a few words, nothing computed later."""

from dataclasses import dataclass

from regard.data.description import Description
from regard.data.report import CleaningReport
from regard.data.vocabulary import Id
from regard.evaluation.comparison import Comparison
from regard.explanation.result import Explanation
from regard.recommender.answers import Recommendations
from regard.training.history import History


@dataclass(frozen=True)
class PastEvent:
    """One event of a customer's history.

    Attributes:
        item: own id.
        title: what the item is called, where that is known.
        time: UTC seconds, or None without a clock.
    """

    item: Id
    title: str | None = None
    time: float | None = None


@dataclass(frozen=True, kw_only=True)
class CustomerCase:
    """One person, what they did, what they are shown, and why.

    Attributes:
        heading: who it is, such as `"Customer 17850"`.
        history: oldest event first.
        recommendations: what they are shown.
        explanations: reasons for some of the recommended items.
    """

    heading: str
    history: tuple[PastEvent, ...]
    recommendations: Recommendations
    explanations: tuple[Explanation, ...] = ()


@dataclass(frozen=True)
class HeadedComparison:
    """A comparison with the question that its protocol asks.

    Attributes:
        heading: such as `"The next purchase of each customer"`.
        comparison: under that protocol.
    """

    heading: str
    comparison: Comparison


@dataclass(frozen=True)
class NextStep:
    """One way to go on.

    Attributes:
        what: what it does, in a few words.
        command: what to type.
    """

    what: str
    command: str


@dataclass(frozen=True, kw_only=True)
class ReportContents:
    """Everything on the page, in the order in which it is told; what is empty is left out.

    Attributes:
        title: of the page.
        headline: what was done, in one sentence.
        verdict: what came out, in one to three sentences.
        description: of the raw log.
        cleaning: what was removed.
        history: of the training, or None for a method without epochs.
        comparisons: one for each protocol.
        customers: a few people.
        next_steps: how to go on.
    """

    title: str
    headline: str
    verdict: str
    description: Description
    cleaning: CleaningReport
    history: History | None = None
    comparisons: tuple[HeadedComparison, ...] = ()
    customers: tuple[CustomerCase, ...] = ()
    next_steps: tuple[NextStep, ...] = ()
