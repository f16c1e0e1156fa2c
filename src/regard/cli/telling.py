"""The story of the demo in words: headings, numbers that add up, one table of who was better."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from regard.cli.story import GLOBAL_TIME, NO_PRODUCTS, ZONE, Contest
from regard.data.description import Description
from regard.data.report import CleaningReport
from regard.evaluation.comparison import Comparison
from regard.evaluation.intervals import Interval
from regard.explanation.result import day, item_name
from regard.viz.contents import CustomerCase, NextStep

_PROTOCOLS: Final = {
    GLOBAL_TIME: "global time (as in the shop: learn from the past, asked about what came later)",
    "leave-last-out": "leave-last-out (as in the literature: everybody's last purchase is asked)",
}


class Teller:
    """Tells each step as it happens.

    Args:
        console: where to.

    Example:
        >>> import io
        >>> console = Console(file=io.StringIO(), width=40)
        >>> Teller(console).heading(1, "The file")
        >>> print(console.file.getvalue().strip())
        ── 1  The file ─────────────────────────
    """

    def __init__(self, console: Console) -> None:
        self.console = console

    def heading(self, number: int, title: str) -> None:
        """Begin a step."""
        self.console.print()
        self.console.print(Text(f"── {number}  {title} ".ljust(self.console.width, "─"), "bold"))

    def say(self, text: str) -> None:
        """One paragraph."""
        self.console.print(Padding(Text(text), (0, 0, 0, 2)))

    def file(self, description: Description) -> None:
        """What the log is and what is wrong with it."""
        span = " to ".join(moment[:10] for moment in description.span or ())
        self.say(
            f"A year of a British gift shop's till ({span}), raw: {description.rows:,} lines, "
            f"{description.users:,} customers, {description.items:,} codes. Times are read on the "
            f"shop's clock ({ZONE}), since the file names no zone. Roles were found by names and "
            "values:"
        )
        for role, column in description.roles.items():
            self.say(f"  {role:<9} {column}")
        self.say("What makes one doubt:")
        for doubt in description.doubts:
            self.say(f"- {doubt}")

    def cleaning(self, report: CleaningReport) -> None:
        """What was removed, each row once."""
        table = _table("rule", "rows", "share", "why")
        for each in report.removals:
            table.add_row(each.rule, f"{each.rows:,}", f"{each.share:.1%}", each.reason)
        self.console.print(table)
        self.say(
            f"{report.rows_in:,} rows in = {report.rows_kept:,} kept + {report.rows_removed:,} "
            "removed; each removed row is counted once and lies in quarantine with its reason. "
            f"What is no product only the shop can know, so it was told: {NO_PRODUCTS}."
        )

    def protocol(self, name: str) -> None:
        """How the log is cut, and that training begins."""
        self.say(f"Learning for {_PROTOCOLS[name]}:")

    def learned(self, contest: Contest) -> None:
        """What the training came to."""
        self.say(f"{contest.network.learned.protocol}.")
        self.say(f"{contest.network.learned.history}.")
        if contest.network.learned.memory is not None:
            self.say(f"Beside it, a {contest.network.learned.memory}.")
        if contest.network.learned.counted is not None:
            self.say(f"For comparison, {contest.network.learned.counted}.")

    def comparison(self, contests: Sequence[Contest]) -> None:
        """Who was better, under each protocol, and a sentence that says so."""
        first = contests[0].comparison
        metric, hits = first.metric, f"hit_rate@{first.metric.partition('@')[2]}"
        table = _table("recommender", metric, hits, "difference")
        for contest in contests:
            table.add_section()
            table.add_row(Text(contest.protocol, "italic"))
            for row in _rows(contest.comparison, hits):
                table.add_row(*row)
        self.console.print(table)
        for contest in contests:
            self.say(f"{contest.protocol}: {contest.comparison.verdict}")
        protocol = first.reports[0].protocol
        self.say(
            f"All {first.reports[0].catalogue:,} items are candidates, items bought before are "
            f"{'kept' if protocol.seen == 'keep' else 'removed'}; brackets are "
            f"{protocol.intervals}. The difference is that of {first.candidate} to the row, "
            "customer by customer."
        )

    def customer(self, case: CustomerCase) -> None:
        """What somebody bought, is offered, and why."""
        self.console.print()
        self.say(f"{case.heading} bought last")
        for event in case.history:
            when = "" if event.time is None else day(event.time)
            self.say(f"  {when}  {item_name(event.item, event.title)}")
        self.say("and is offered")
        for each in case.recommendations:
            again = "  (bought before)" if each.seen else ""
            self.say(f"  {each.rank}. {item_name(each.item, each.title)}{again}")
        for reason in case.explanations:
            self.say(f"Why: {reason.sentence}")

    def places(self, places: Sequence[tuple[Path, str]], steps: Sequence[NextStep]) -> None:
        """Where everything is, and how to go on."""
        width = max((len(str(path)) for path, _ in places), default=0)
        for path, what in places:
            self.say(f"{path!s:<{width}}  {what}")
        self.say("Go on with")
        width = max((len(step.command) for step in steps), default=0)
        for step in steps:
            self.say(f"  {step.command:<{width}}  {step.what}")


def _table(*titles: str) -> Table:
    """An empty table: texts at both ends to the left, numbers between them to the right."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=True, header_style="bold")
    for place, title in enumerate(titles):
        table.add_column(title, justify="right" if 0 < place < 3 else "left")
    return table


def _rows(comparison: Comparison, hits: str) -> Iterator[tuple[str, ...]]:
    """One row for each recommender, best first; three digits, which fit 80 columns."""
    metric = comparison.metric
    against = {each.baseline: each for each in comparison.differences}
    for report in sorted(comparison.reports, key=lambda each: -each.metrics[metric].mean):
        difference = against.get(report.name)
        apart = "" if difference is None else _brackets(difference.interval, "+")
        hit_rate = f"{report.metrics[hits].mean:.3f}"
        yield (f"  {report.name}", _brackets(report.metrics[metric]), hit_rate, apart)


def _brackets(interval: Interval, sign: str = "") -> str:
    """A mean with the ends of its interval."""
    mean, low, high = (f"{each:{sign}.3f}" for each in (interval.mean, interval.low, interval.high))
    return f"{mean} [{low}, {high}]"
