"""The picture of a log in numbers: what it was, what cleaning made of it, what is left to doubt."""

import dataclasses
import html
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from regard.data.doubts import Doubt
from regard.data.interactions import Interactions
from regard.data.leakage.contract import Severity
from regard.data.leakage.diagnosis import Diagnosis
from regard.data.overview.days import dated
from regard.data.overview.look import Look, look_at
from regard.data.overview.series import ShownSeries, columns_of_numbers, some_series
from regard.data.report import CleaningReport, percent
from regard.schema import Clock

Progress = Callable[[str], None]
"""Is told what comes next, in a few words."""
_WEIGHTS: Final = {Severity.LEAK: 5.0, Severity.RISK: 0.5, Severity.NOTE: 0.01}
PARTS: Final = ("the raw log", "the clean log", "series")
"""What `report` tells that it looks at, in order; a log that was not cleaned has no second."""


@dataclass(frozen=True)
class DataReport:
    """What a log is, before cleaning and after it. `str()` is a page of text.

    `regard.plot` draws it and its parts, `regard.write_report` makes a page of it.

    Attributes:
        before: the log as it was read.
        after: the kept rows, or None where nothing was cleaned.
        cleaning: what was removed and why, with sample rows; None where nothing was cleaned.
        series: a few real series of the rows worth learning from: their gaps and outliers.
        series_note: why there are none, or none of items; empty where there is nothing to say.
        doubts: the most important first, what may see the future among them; each says whether
            it remains after cleaning.
    """

    before: Look
    after: Look | None
    cleaning: CleaningReport | None
    series: tuple[ShownSeries, ...]
    series_note: str
    doubts: tuple[Doubt, ...]

    @property
    def source(self) -> str:
        """Where the log came from."""
        return self.before.description.source

    @property
    def latest(self) -> Look:
        """The look at the rows that are learned from: after cleaning where there was any."""
        return self.after or self.before

    def comparison(self) -> list[tuple[str, str, str]]:
        """Name of a number, the number before cleaning, and after it (or an empty text)."""
        after = [("", "")] * len(_numbers(self.before))
        if self.after is not None:
            after = _numbers(self.after)
        rows = zip(_numbers(self.before), after, strict=True)
        return [(name, before, then) for (name, before), (_, then) in rows]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: some tens of kilobytes, however long the log."""
        return {
            "source": self.source,
            "before": self.before.to_dict(),
            "after": None if self.after is None else self.after.to_dict(),
            "cleaning": None if self.cleaning is None else self.cleaning.to_dict(),
            "series": [dataclasses.asdict(each) for each in self.series],
            "series_note": self.series_note,
            "doubts": [each.to_dict() for each in self.doubts],
        }

    def __str__(self) -> str:
        columns = ("", "before", "after") if self.after else ("", "log", "")
        lines = [self.source, *_aligned([columns, *self.comparison()])]
        for title, sentences in (
            ("Doubts", [f"{_standing(each)}: {each.text}" for each in self.doubts]),
            ("Series", [_about(each) for each in self.series]),
            ("Notes", [self.series_note] if self.series_note else []),
        ):
            if sentences:
                lines += ["", title, *(f"  - {sentence}" for sentence in sentences)]
        return "\n".join([*lines, *(("", str(self.cleaning)) if self.cleaning else ())])

    def _repr_html_(self) -> str:
        """Tables for a notebook; nothing of the log is read as markup."""
        columns = ("", "before", "after") if self.after else ("", "log", "")
        removals = self.cleaning.removals if self.cleaning else ()
        gone = [(each.rule, f"{each.rows:,}", each.reason) for each in removals if each.rows]
        doubts = [(_standing(each), each.text) for each in self.doubts]
        return "".join(
            (
                f"<p><strong>{html.escape(self.source)}</strong></p>",
                _table(columns, self.comparison()),
                _table(("doubt", "what"), doubts),
                _table(("rule", "rows removed", "why"), gone),
            )
        )


def report(
    log: Interactions,
    cleaned: tuple[Interactions, CleaningReport] | None = None,
    *,
    diagnosis: Diagnosis | None = None,
    progress: Progress | None = None,
) -> DataReport:
    """Look at a whole log, and at what cleaning made of it.

    Args:
        log: as it was read; it is not changed.
        cleaned: what `regard.clean` gave for this log: the kept rows, and its report.
        diagnosis: what `regard.diagnose` found, to stand among the doubts.
        progress: is told what comes next, one of `PARTS`.

    Returns:
        The numbers. Curves are sampled, so that they are few however long the log.

    Example:
        >>> from regard.data.clean import clean
        >>> log = Interactions.of(pl.DataFrame({"user": [1, 1, None], "item": ["a", "b", "b"],
        ...                                     "time": [1.7e9, 1.7e9 + 60, 1.7e9 + 90]}))
        >>> found = report(log, clean(log))
        >>> found.comparison()[0], found.doubts[1].severity, found.doubts[1].remains
        (('rows', '3', '2'), 'serious', False)
        >>> found.latest.activity.busiest
        ('2023-11-14', 2)
    """
    told = progress or _silent
    told(PARTS[0])
    table = log.collect()
    rows = dated(log, table)
    before, after, last = look_at(log, table, rows), None, log
    if cleaned is not None:
        last = cleaned[0]
        told(PARTS[1])
        table = last.collect()
        rows = dated(last, table)
        after = look_at(last, table, rows)
    told(PARTS[2])
    series = some_series(rows, last.roles)
    return DataReport(
        before=before,
        after=after,
        cleaning=None if cleaned is None else cleaned[1],
        series=series,
        series_note=_series_note(last, rows, series),
        doubts=_by_weight((*_doubts(before, after), *_findings(diagnosis))),
    )


def _silent(part: str) -> None:
    """Nobody wants to know."""


def _doubts(before: Look, after: Look | None) -> tuple[Doubt, ...]:
    """About the raw log, whether they remain, and those that came by cleaning."""
    if after is None:
        return before.doubts
    known, still = ({each.kind for each in look.doubts} for look in (before, after))
    asked = [dataclasses.replace(each, remains=each.kind in still) for each in before.doubts]
    came = (each for each in after.doubts if each.kind not in known)
    return (*asked, *(dataclasses.replace(each, remains=True) for each in came))


def _findings(diagnosis: Diagnosis | None) -> Iterable[Doubt]:
    """What may see the future, as doubts: a leak outweighs all but an empty log."""
    for each in () if diagnosis is None else diagnosis.findings:
        evidence = {**each.to_dict()["evidence"], "advice": each.advice}
        text = f"{each.sentence} {each.advice}"
        yield Doubt(_WEIGHTS[each.severity], each.name, text, evidence)


def _by_weight(doubts: Iterable[Doubt]) -> tuple[Doubt, ...]:
    return tuple(sorted(doubts, key=lambda doubt: -doubt.weight))


def _series_note(log: Interactions, rows: pl.DataFrame, series: Sequence[ShownSeries]) -> str:
    """Why there are no series, or none of items."""
    if log.clock is not Clock.TIME:
        return "The log carries only an order, so there are no days to draw a series along."
    if not series:
        return "Fewer than five days have rows, which is too few for a series."
    if not columns_of_numbers(rows):
        return (
            "The log has no column of numbers that differ (quantity, price, value), so only its "
            "events are counted."
        )
    return ""


def _numbers(look: Look) -> list[tuple[str, str]]:
    """The numbers that are told before and after."""
    page, spread, when = look.description, look.popularity, look.activity
    span = page.span or ("order only", "order only")
    lengths = page.lengths
    return [
        ("rows", f"{page.rows:,}"),
        ("users", f"{page.users:,}"),
        ("items", f"{page.items:,}"),
        ("first day", span[0][:10]),
        ("last day", span[1][:10]),
        ("days with events", f"{when.active_days:,} of {when.days:,}" if when else "–"),
        ("events of a user, median", f"{lengths.median:,g}" if lengths else "–"),
        ("events of a user, most", f"{lengths.max:,}" if lengths else "–"),
        ("pairs of user and item that occur", f"{100 * page.density:.3g} %"),
        ("rows that repeat a user's item", percent(page.repeats)),
        ("next events at the same time", percent(page.ties)),
        ("exact copies of an earlier row", f"{page.duplicates:,}"),
        ("events of the top 1 % of items", percent(spread.head[0][1]) if spread else "–"),
        ("Gini coefficient of the items", f"{spread.gini:.3f}" if spread else "–"),
    ]


def _standing(doubt: Doubt) -> str:
    """How serious a doubt is, and what cleaning did about it."""
    said = {True: ", remains", False: ", settled by cleaning", None: ""}
    return doubt.severity + said[doubt.remains]


def _about(series: ShownSeries) -> str:
    """A series in one line."""
    gaps = f"{series.missing:,} without a row ({series.filled:,} filled)"
    if series.how != "mean":
        gaps = f"{sum(value == 0 for value in series.values):,} of them 0"
    return f"{series.name}: {len(series.values):,} steps, {gaps}, {len(series.outliers):,} outliers"


def _aligned(rows: Sequence[tuple[str, str, str]]) -> list[str]:
    """Names to the left, numbers to the right."""
    first, second, third = (max(map(len, column)) for column in zip(*rows, strict=True))
    lines = (f"  {a:<{first}}  {b:>{second}}  {c:>{third}}" for a, b, c in rows)
    return [line.rstrip() for line in lines]


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of plain text, or nothing without any row."""
    body = "".join(f"<tr>{_cells('td', row)}</tr>" for row in rows)
    head = f"<thead><tr>{_cells('th', header)}</tr></thead>"
    return f"<table>{head}<tbody>{body}</tbody></table>" if body else ""


def _cells(name: str, texts: Iterable[str]) -> str:
    return "".join(f"<{name}>{html.escape(text)}</{name}>" for text in texts)
