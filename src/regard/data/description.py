"""A log in numbers, as a page of text or as plain values."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Lengths:
    """How long histories are, in events.

    Attributes:
        min: of the shortest.
        median: as many are shorter as longer.
        mean: over users.
        p90: nine in ten are at most so long.
        max: of the longest.
        doublings: how many users have 1 event, 2 to 3, 4 to 7, 8 to 15, and so on.
    """

    min: int
    median: float
    mean: float
    p90: float
    max: int
    doublings: tuple[int, ...]


@dataclass(frozen=True)
class OddTimes:
    """Times that can hardly be true.

    Attributes:
        future: rows later than now.
        ancient: rows before 1990.
        placeholder: the one day (ISO) on which most of those lie, where it is repeated, or None.
        placeholder_rows: rows on that day.
    """

    future: int
    ancient: int
    placeholder: str | None
    placeholder_rows: int


@dataclass(frozen=True)
class Description:
    """What `describe` found. `str()` is a page of text, `to_dict()` is ready for JSON.

    Attributes:
        source: where the log came from.
        notes: what was decided while reading.
        roles: role -> column of the source.
        reasons: role -> why that column, where it was proposed.
        rows: number of interactions.
        users: number of different users.
        items: number of different items.
        span: first and last time (ISO 8601, UTC), or None where there is only an order.
        missing: role -> rows without a value.
        duplicates: rows that repeat an earlier row in every column.
        repeats: share of rows whose user had that item already.
        ties: share of consecutive events of a user at the same time; their order is the file's.
        tick: seconds that all times are multiples of (86400, 3600, 60 or 1), or None.
        lengths: lengths of histories, or None without any.
        non_positive: `quantity` and `price` -> rows at or below zero.
        odd_times: times that can hardly be true, or None without a clock.
        density: share of all pairs of a user and an item that occur.
        doubts: sentences, the most important first.
    """

    source: str
    notes: tuple[str, ...]
    roles: Mapping[str, str]
    reasons: Mapping[str, str]
    rows: int
    users: int
    items: int
    span: tuple[str, str] | None
    missing: Mapping[str, int]
    duplicates: int
    repeats: float
    ties: float
    tick: int | None
    lengths: Lengths | None
    non_positive: Mapping[str, int]
    odd_times: OddTimes | None
    density: float
    doubts: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        plain = dataclasses.asdict(self)
        plain["span"] = list(self.span) if self.span else "order only"
        return plain | {"notes": list(self.notes), "doubts": list(self.doubts)}

    def __str__(self) -> str:
        return "\n".join([*_headline(self), *_roles_page(self), *_numbers_page(self)])


def _headline(page: Description) -> list[str]:
    """The source and its size."""
    span = f"{page.span[0]} to {page.span[1]}" if page.span else "order only"
    return [
        page.source,
        f"  {page.rows:,} rows, {page.users:,} users, {page.items:,} items",
        f"  {span}",
    ]


def _roles_page(page: Description) -> list[str]:
    """Which column plays which role, why, and how many of its values are missing."""
    lines = ["", "Roles"]
    for role in page.missing:
        column = page.roles.get(role, role)
        missing = f", {page.missing[role]:,} missing" if page.missing[role] else ""
        reason = page.reasons.get(role, "as given")
        lines.append(f"  {role:<9} {column}{missing} {reason}")
    return lines


def _numbers_page(page: Description) -> list[str]:
    """Histories, repetitions and oddities, then the doubts and the notes."""
    lines = ["", "Histories"]
    if page.lengths:
        each = page.lengths
        lines.append(
            f"  events per user: min {each.min:,}, median {each.median:,g}, mean {each.mean:,.1f}, "
            f"90th percentile {each.p90:,g}, max {each.max:,}"
        )
    lines += [
        f"  repeated items: {page.repeats:.1%}",
        f"  consecutive events at the same time: {page.ties:.1%}",
        f"  exact duplicate rows: {page.duplicates:,}",
        f"  density: {page.density:.3%}",
    ]
    lines += [f"  {role} at or below zero: {rows:,}" for role, rows in page.non_positive.items()]
    notes = [note for note in page.notes if not note.endswith(tuple(page.reasons.values()))]
    for title, sentences in (("Doubts", page.doubts), ("Notes", notes)):
        if sentences:
            lines += ["", title, *(f"  - {sentence}" for sentence in sentences)]
    return lines
