"""What a report page is made of: result objects and a few words, nothing computed later."""

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePath

from regard.data.overview.report import DataReport
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
        data: what the log was, and what cleaning made of it.
        history: of the training, or None for a method without epochs.
        comparisons: one for each protocol.
        customers: a few people.
        next_steps: how to go on.
    """

    title: str
    headline: str
    verdict: str
    data: DataReport
    history: History | None = None
    comparisons: tuple[HeadedComparison, ...] = ()
    customers: tuple[CustomerCase, ...] = ()
    next_steps: tuple[NextStep, ...] = ()


def contents_of(report: DataReport, next_steps: tuple[NextStep, ...] = ()) -> ReportContents:
    """A page about a log alone.

    Args:
        report: of the log.
        next_steps: how to go on.

    Returns:
        What the page tells.

    Example:
        >>> import polars as pl
        >>> from regard.data.interactions import Interactions
        >>> from regard.data.overview.report import report
        >>> log = pl.DataFrame({"user": [1, 1, 2], "item": ["a", "b", "a"], "position": [0, 1, 0]})
        >>> contents = contents_of(report(Interactions.of(log, "plays.csv")))
        >>> contents.headline
        '3 rows: 2 users and 2 items'
        >>> print(contents.verdict)
        1 serious doubt. First: Half of the users have at most 1.5 events: there is little of a
        sequence to learn from.
    """
    page = report.before.description
    who, what = _many(page.users, "user"), _many(page.items, "item")
    headline = f"{_many(page.rows, 'row')}: {who} and {what}"
    if report.cleaning is not None:
        headline += f"; {report.cleaning.rows_kept:,} kept, every removed one explained"
    return ReportContents(
        title=f"Data report: {shown_source(report.source)}",
        headline=headline,
        verdict=_verdict(report),
        data=report,
        next_steps=next_steps,
    )


def shown_source(source: str) -> str:
    """What a page calls a log: the folders of whoever made the page are nobody's business.

    Example:
        >>> shown_source("/home/anna/shop.csv"), shown_source("a pandas frame")
        ('shop.csv', 'a pandas frame')
    """
    path = PurePath(source)
    return path.name if path.is_absolute() else source


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _verdict(report: DataReport) -> str:
    """How many doubts there are, how serious, what cleaning settled, and the first of them."""
    if not report.doubts:
        return "Nothing to doubt was found."
    counted = Counter(doubt.severity for doubt in report.doubts)
    told = ", ".join(_many(count, f"{severity} doubt") for severity, count in counted.items())
    settled = sum(doubt.remains is False for doubt in report.doubts)
    if settled:
        told += f"; cleaning settles {settled} of them"
    standing = [doubt for doubt in report.doubts if doubt.remains is not False]
    first = f" First{' of the others' if settled else ''}: {standing[0].text}" if standing else ""
    return f"{told}.{first}"
