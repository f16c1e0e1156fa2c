"""One explanation: what was recommended, and what each past event had to do with it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from regard.data.vocabulary import Id
from regard.evaluation.tables import plain_table
from regard.explanation.faithfulness import DeletionCheck
from regard.explanation.removal import MATTERS

NAMELESS: Final = "an item the model does not know"
"""What an event with an item outside the vocabulary is called."""
_ROWS = 10
"""How many events a printed table shows."""
_WIDEST = 40
"""How many characters of a title a printed table shows."""


@dataclass(frozen=True)
class EventReason:
    """One past event and what it had to do with the recommendation.

    Attributes:
        item: own id, or None for an item that the model does not know.
        title: what the item is called, where that is known.
        time: UTC seconds, or None without a clock.
        attention: share of the attention, 0 to 1, or None for a method without attention.
        effect: log-odds of the recommended item with this event minus without it; None where
            removing the event leaves no history.
        place_without: place of the recommended item without this event; None where there is no
            effect, or where it would never be recommended.

    Example:
        >>> EventReason("85123A", "WHITE HEART", 1291191960.0, 0.4, 1.2, 14).label
        'WHITE HEART (2010-12-01)'
    """

    item: Id | None
    title: str | None = None
    time: float | None = None
    attention: float | None = None
    effect: float | None = None
    place_without: int | None = None

    @property
    def name(self) -> str:
        """The title, or else the own id."""
        return item_name(self.item, self.title)

    @property
    def label(self) -> str:
        """The name, with the day where it is known: people buy things twice."""
        return self.name if self.time is None else f"{self.name} ({day(self.time)})"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values; an infinite effect is written as text."""
        return {
            "item": self.item,
            "title": self.title,
            "time": self.time,
            "attention": self.attention,
            "effect": _finite(self.effect),
            "place_without": self.place_without,
        }


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why one person is shown one item.

    Attributes:
        item: own id of the recommended item.
        title: what it is called, where that is known.
        score: in the recommender's own unit.
        log_odds: of the item against all other candidates together.
        place: in the recommended list, from 1.
        candidates: how many items could have been recommended.
        events: the events that the recommender looked at, oldest first.
        earlier: how many events before those it did not look at.
        agreement: Spearman's rank correlation of attention with removal effects; None where
            there is no attention, fewer than four events or no order.
        check: whether removing what was looked at most lowers the item more than removing random
            events; None where there is no attention or fewer than four events.
        sentence: the reason in plain words.
        notes: how the numbers were made, one sentence each.

    Example:
        >>> tea = EventReason("T1", "Green tea", None, None, 1.5, 4)
        >>> print(Explanation(item="C1", title="Cup", score=2.0, log_odds=-1.0, place=1,
        ...     candidates=300, events=(tea,), sentence="Because of Green tea.", notes=()))
        Cup (C1): place 1 of 300, score 2.000
        <BLANKLINE>
          event      attention  effect  place without it
          ---------  ---------  ------  ----------------
          Green tea                     +1.50                 4
        <BLANKLINE>
        Because of Green tea.
    """

    item: Id
    title: str | None
    score: float
    log_odds: float
    place: int
    candidates: int
    events: tuple[EventReason, ...]
    earlier: int = 0
    agreement: float | None = None
    check: DeletionCheck | None = None
    sentence: str
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        """The title of the recommended item, or else its own id."""
        return item_name(self.item, self.title)

    @property
    def has_attention(self) -> bool:
        """Whether the recommender has an attention map to show."""
        return any(event.attention is not None for event in self.events)

    def most_important(self, count: int) -> tuple[EventReason, ...]:
        """The events that matter most, then those with most attention, oldest first."""
        order = sorted(range(len(self.events)), key=lambda at: _weight(self.events[at]))
        return tuple(self.events[at] for at in sorted(order[::-1][:count]))

    def __str__(self) -> str:
        own = "" if self.title is None else f" ({self.item})"
        head = (
            f"{self.name}{own}: place {self.place:,} of {self.candidates:,}, score {self.score:.3f}"
        )
        return "\n".join([head, "", *self._lines(), self.sentence, *self._evidence()])

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values, all events included."""
        return {
            "item": self.item,
            "title": self.title,
            "score": self.score,
            "log_odds": _finite(self.log_odds),
            "place": self.place,
            "candidates": self.candidates,
            "sentence": self.sentence,
            "events": [event.to_dict() for event in self.events],
            "earlier": self.earlier,
            "agreement": self.agreement,
            "check": None if self.check is None else self.check.to_dict(),
            "notes": list(self.notes),
        }

    def _lines(self) -> Iterator[str]:
        """The table, newest event first, with a line for what it leaves out."""
        shown = self.most_important(_ROWS)
        if shown:
            header = ["event", "attention", "effect", "place without it"]
            yield plain_table(header, [_cells(event) for event in reversed(shown)])
        left_out = len(self.events) - len(shown)
        if left_out:
            kept = {id(event) for event in shown}
            largest = max(abs(e.effect or 0.0) for e in self.events if id(e) not in kept)
            yield f"  and {left_out} more events, no effect above {largest:.2f} either way"
        if shown:
            yield ""

    def _evidence(self) -> Iterator[str]:
        """How far attention can be read, then how the numbers were made."""
        if self.agreement is not None:
            yield f"  attention and effects agree with rank correlation {self.agreement:+.2f}"
        if self.check is not None:
            yield f"  {self.check}"
        yield from (f"  {note}" for note in self.notes)


def item_name(item: Id | None, title: str | None) -> str:
    """What to call an item when talking to people.

    Example:
        >>> item_name("85123A", None), item_name(None, None)
        ('85123A', 'an item the model does not know')
    """
    if title:
        return title
    return NAMELESS if item is None else str(item)


def day(seconds: float) -> str:
    """The UTC day of a moment, or its seconds where no calendar has such a day.

    Example:
        >>> day(1291191960.0), day(1e300)
        ('2010-12-01', '1e+300 s')
    """
    try:
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    except (OverflowError, ValueError, OSError):
        return f"{seconds:g} s"


def _weight(event: EventReason) -> tuple[float, float, float]:
    """What makes an event worth a row: an effect that matters, else attention, else any effect."""
    effect = abs(event.effect or 0.0)
    return effect if effect >= MATTERS else 0.0, event.attention or 0.0, effect


def _cells(event: EventReason) -> list[str]:
    """One row of the table."""
    when = "" if event.time is None else f" ({day(event.time)})"
    name = event.name if len(event.name) <= _WIDEST else event.name[: _WIDEST - 1] + "…"
    attention = "" if event.attention is None else f"{100 * event.attention:.1f} %"
    if event.effect is None:
        return [name + when, attention, "", ""]
    place = "never" if event.place_without is None else f"{event.place_without:,}"
    # Adding zero turns a rounded -0.00 into +0.00.
    return [name + when, attention, f"{round(event.effect, 2) + 0.0:+.2f}", place]


def _finite(number: float | None) -> float | str | None:
    """JSON knows no infinity."""
    return number if number is None or math.isfinite(number) else f"{number:+}"
