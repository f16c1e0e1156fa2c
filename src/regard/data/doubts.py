"""What in a log should make its reader doubt, the most important first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from regard.data.description import Description
from regard.data.interactions import Interactions
from regard.data.rules.robots import Robots, suspects
from regard.schema import (
    EVENT,
    ITEM,
    POSITION,
    PRICE,
    QUANTITY,
    ROW,
    SESSION,
    TIME,
    TITLE,
    USER,
    VALUE,
)


@dataclass(frozen=True)
class Doubt:
    """A reason to doubt a log.

    Attributes:
        weight: how important it is, larger first: the share of rows concerned, times a factor for
            how much harm they do.
        kind: which check found it, such as `"missing-user"`; at most one doubt of a kind.
        text: one sentence.
        evidence: the numbers and examples behind the sentence, plain enough for JSON.
        remains: whether the log has a doubt of this kind after cleaning too; None where nobody
            cleaned.

    Example:
        >>> doubt = Doubt(2.5, "missing-user", "A quarter have no user.", {"rows": 25})
        >>> doubt.severity, doubt.to_dict()["evidence"]
        ('serious', {'rows': 25})
    """

    weight: float
    kind: str
    text: str
    evidence: Mapping[str, Any]
    remains: bool | None = None

    @property
    def severity(self) -> str:
        """`"serious"`, `"notable"` or `"minor"`, by weight."""
        return next(word for least, word in _SEVERITIES if self.weight >= least)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "severity": self.severity,
            "kind": self.kind,
            "text": self.text,
            "evidence": dict(self.evidence),
            "remains": self.remains,
        }


_SEVERITIES: Final = ((1.0, "serious"), (0.1, "notable"), (0.0, "minor"))


_FRACTIONS: Final = (
    (1 / 4, "a quarter"), (1 / 3, "a third"), (1 / 2, "half"), (2 / 3, "two thirds"),
    (3 / 4, "three quarters"),
)  # fmt: skip
_TICKS: Final = {86_400: "day", 3_600: "hour", 60: "minute", 1: "second", None: "moment"}
_REQUIRED: Final = (USER, ITEM, TIME, POSITION)
_LOOKS_MISSING: Final = ("na", "n/a", "nan", "null", "none", "unknown", "undefined", "-", "?", "0")
_SHORT_HISTORY: Final = 3
_GREEDY: Final = 0.1


def doubts_of(page: Description, table: pl.DataFrame) -> tuple[Doubt, ...]:
    """Everything doubtful that the numbers and the ids of a log show.

    Args:
        page: the description so far.
        table: the log itself.

    Returns:
        By importance: what makes the log useless first, curiosities last.

    Example:
        >>> share_in_words(0.249), share_in_words(0.9), share_in_words(0.0001)
        ('a quarter (24.9 %)', '90.0 %', '0.01 %')
    """
    if not page.rows:
        return (Doubt(10.0, "no-rows", "There are no rows.", {}),)
    found = [*_of_rows(page), *_of_times(page), *_of_histories(page, table), *_of_ids(table)]
    found += [*_of_titles(table), *_of_extremes(page, table), *_of_robots(page, table)]
    return tuple(sorted(found, key=lambda doubt: -doubt.weight))


def _doubt(weight: float, kind: str, sentence: str, **evidence: Any) -> Doubt:
    """A doubt whose sentence begins with a capital letter."""
    return Doubt(weight, kind, sentence[0].upper() + sentence[1:], evidence)


def share_in_words(share: float) -> str:
    """A share as people say it: a simple fraction where one is near, and always the percentage.

    Args:
        share: from 0 to 1.

    Returns:
        Words such as 'half (50.3 %)'.
    """
    percent = f"{share * 100:.1f} %" if share >= 0.001 else f"{share * 100:.2g} %"
    near = [words for fraction, words in _FRACTIONS if abs(share - fraction) < 0.015]
    return f"{near[0]} ({percent})" if near else percent


def _rows(count: int) -> str:
    """A number of rows as the subject of a sentence that says what they have."""
    return "1 row has" if count == 1 else f"{count:,} rows have"


def _of_rows(page: Description) -> Iterator[Doubt]:
    """Missing values of the roles, duplicates, numbers that should be positive."""
    for role, missing in page.missing.items():
        share = missing / page.rows
        if missing and role not in {EVENT, VALUE, SESSION}:
            weight = 10 if role in _REQUIRED else 1
            text = f"{share_in_words(share)} of the rows have no {role}."
            yield _doubt(weight * share, f"missing-{role}", text, rows=missing, share=share)
    if page.duplicates:
        share = page.duplicates / page.rows
        text = f"{_rows(page.duplicates)} an exact copy earlier in the log."
        yield _doubt(4 * share, "duplicates", text, rows=page.duplicates, share=share)
    meanings = {QUANTITY: "returns or corrections", PRICE: "gifts or corrections"}
    for role, rows in page.non_positive.items():
        if rows:
            share = rows / page.rows
            text = f"{_rows(rows)} a {role} at or below zero: {meanings[role]}?"
            yield _doubt(3 * share, f"non-positive-{role}", text, rows=rows, share=share)


def _of_times(page: Description) -> Iterator[Doubt]:
    """Ties, and times that can hardly be true."""
    if page.ties >= 0.05:
        tick = _TICKS[page.tick] if page.span else "position"
        text = (
            f"{share_in_words(page.ties)} of the consecutive events share the same {tick}: their "
            "order is the file's."
        )
        yield _doubt(2 * page.ties, "ties", text, share=page.ties)
    odd = page.odd_times
    if odd is None:
        return
    if odd.placeholder:
        rows, share = odd.placeholder_rows, odd.placeholder_rows / page.rows
        text = (
            f"{rows:,} rows are dated {odd.placeholder}, far from the others: "
            "probably a placeholder for 'unknown'."
        )
        yield _doubt(5 * share, "placeholder-times", text, day=odd.placeholder, rows=rows)
        return
    for rows, where, kind in (
        (odd.future, "in the future", "future-times"),
        (odd.ancient, "before 1990", "ancient-times"),
    ):
        if rows:
            yield _doubt(5 * rows / page.rows, kind, f"{_rows(rows)} a time {where}.", rows=rows)


def _of_histories(page: Description, table: pl.DataFrame) -> Iterator[Doubt]:
    """Histories too short to learn from, and one user or item that outweighs the others."""
    if page.lengths and page.lengths.median < _SHORT_HISTORY:
        text = (
            f"half of the users have at most {page.lengths.median:g} events: there is little of a "
            "sequence to learn from."
        )
        yield _doubt(3.0, "short-histories", text, median=page.lengths.median)
    most = page.lengths.max if page.lengths else 0
    for role, others, rows in ((USER, page.users, most), (ITEM, page.items, page.rows)):
        if others < 10 or rows <= _GREEDY * page.rows:
            continue
        top = table[role].drop_nulls().value_counts(sort=True)
        share = top["count"][0] / page.rows
        if share > _GREEDY:
            name, rows = top.row(0)
            text = f"one {role}, {name!r}, has {share_in_words(share)} of the rows."
            yield _doubt(share, f"greedy-{role}", text, id=name, rows=rows, share=share)


def _of_ids(table: pl.DataFrame) -> Iterator[Doubt]:
    """Ids that are probably one thing spelled twice, and ids that spell 'missing'."""
    for role in (USER, ITEM):
        if table[role].dtype != pl.String:
            continue
        ids = table[role].drop_nulls().value_counts().rename({role: "id", "count": "rows"})
        for same, how, kind in (
            (pl.col("id").str.to_lowercase(), "letter case", "letter-case"),
            (pl.col("id").str.strip_chars(), "blanks around them", "blanks"),
        ):
            yield from _spelled_twice(ids, role, same, how, f"{kind}-{role}")
        empty = ids.filter(pl.col("id").str.to_lowercase().is_in(_LOOKS_MISSING)).sort("rows")
        if empty.height:
            name, rows = empty.row(-1)
            text = f"{_rows(rows)} the {role} {name!r}, which may stand for a missing value."
            weight = 8 * rows / table.height
            yield _doubt(weight, f"looks-missing-{role}", text, id=name, rows=rows)


def _spelled_twice(
    ids: pl.DataFrame, role: str, same: pl.Expr, how: str, kind: str
) -> Iterator[Doubt]:
    """Ids that become equal when something small is made equal."""
    alike = (
        ids.group_by(same.alias("same"))
        .agg(pl.col("id").sort_by("rows", "id", descending=[True, False]), pl.col("rows").sum())
        .filter(pl.col("id").list.len() > 1)
        .sort("rows", "same", descending=[True, False])
    )
    if alike.height:
        pair = alike["id"][0].to_list()[:2]
        rows = int(alike["rows"].to_numpy().sum())
        text = f"{alike.height:,} {role} ids differ only in {how}, such as {' / '.join(pair)}."
        weight = 2 * rows / int(ids["rows"].to_numpy().sum())
        yield _doubt(weight, kind, text, ids=alike.height, rows=rows, example=pair)


def _of_robots(page: Description, table: pl.DataFrame) -> Iterator[Doubt]:
    """Users who act like robots in two ways at least."""
    if page.span is None or page.lengths is None or page.lengths.max < Robots.rows:
        return
    users = suspects(Interactions.of(table.select(USER, ITEM, TIME, ROW)))
    if len(users):
        share = int(table[USER].is_in(users.implode()).sum()) / page.rows
        who = "1 user acts" if len(users) == 1 else f"{len(users):,} users act"
        yield _doubt(
            2 * share,
            "robots",
            f"{who} like a robot ({share_in_words(share)} of the rows), such as {users[0]!r}: the "
            "rule 'robots' removes such users.",
            users=len(users),
            share=share,
            example=users[0],
        )


def _of_titles(table: pl.DataFrame) -> Iterator[Doubt]:
    """Titles that several items share, and items that carry several titles."""
    if TITLE not in table.columns:
        return
    pairs = table.select(ITEM, TITLE).drop_nulls().unique()
    for one, other, what, kind in (
        (TITLE, ITEM, "titles belong to several items", "shared-titles"),
        (ITEM, TITLE, "items carry several titles", "several-titles"),
    ):
        several = pairs.group_by(one).agg(pl.col(other).sort()).filter(pl.col(other).list.len() > 1)
        if several.height:
            most = several.sort(pl.col(other).list.len(), one, descending=[True, False]).row(0)
            shown = " / ".join(map(str, most[1][:2]))
            share = several.height / max(pairs[one].n_unique(), 1)
            text = f"{several.height:,} {what}, such as {most[0]!r}: {shown}."
            yield _doubt(0.5 * share, kind, text, count=several.height, share=share)


def _of_extremes(page: Description, table: pl.DataFrame) -> Iterator[Doubt]:
    """Columns that say nothing: one user, one item, one kind of value."""
    if page.users == 1:
        yield _doubt(9.0, "one-user", "there is only one user.")
    if page.items == 1:
        yield _doubt(9.0, "one-item", "there is only one item.")
    if VALUE in table.columns and table[VALUE].drop_nulls().n_unique() == 1 and page.rows > 1:
        only = table[VALUE].drop_nulls()[0]
        yield _doubt(0.1, "one-value", f"every value is {only}: it says nothing.", value=str(only))
