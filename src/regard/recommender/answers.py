"""What a recommender answers: items in own ids, best first, and who answered."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

import polars as pl

from regard.data.vocabulary import Id


@dataclass(frozen=True)
class Recommendation:
    """One item of a list.

    Attributes:
        rank: from 1.
        item: own id.
        score: higher is better; comparable within one list only.
        title: what the item is called, where that is known.
        seen: whether the history already holds it.
    """

    rank: int
    item: Id
    score: float
    title: str | None
    seen: bool


@dataclass(frozen=True)
class Recommendations:
    """A list of items for one person.

    Attributes:
        user: own id, or None for a history that came with the request.
        items: best first.
        answered_by: name of the model, or of the fallback that answered in its place.
        notes: what the person who asked should know, one sentence each.

    Example:
        >>> tea = Recommendation(1, "T1", 4.2, "Green tea", seen=False)
        >>> answer = Recommendations("anna", (tea,), "sasrec")
        >>> answer.ids
        ['T1']
        >>> print(answer)
        For anna, by sasrec:
          1. T1  Green tea  (4.200)
    """

    user: Id | None
    items: tuple[Recommendation, ...]
    answered_by: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Recommendation]:
        return iter(self.items)

    @property
    def ids(self) -> list[Id]:
        """The own ids alone, best first."""
        return [each.item for each in self.items]

    def __str__(self) -> str:
        whom = "this history" if self.user is None else str(self.user)
        lines = [f"For {whom}, by {self.answered_by}:"]
        for each in self.items:
            title = f"  {each.title}" if each.title else ""
            again = ", had before" if each.seen else ""
            lines.append(f"{each.rank:>3}. {each.item}{title}  ({each.score:.3f}{again})")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    def to_frame(self) -> pl.DataFrame:
        """As a table with the columns rank, item, score, title, seen; also of an empty list."""
        kinds = {"rank": pl.Int64, "score": pl.Float64, "title": pl.String, "seen": pl.Boolean}
        names = [each.name for each in fields(Recommendation)]
        rows = [asdict(each) for each in self.items]
        return pl.DataFrame(rows, names, schema_overrides=kinds)

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            "user": self.user,
            "answered_by": self.answered_by,
            "notes": list(self.notes),
            "items": [asdict(each) for each in self.items],
        }
