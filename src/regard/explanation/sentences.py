"""The reason in plain words, and no more than the numbers say."""

from collections.abc import Sequence

from regard.explanation.faithfulness import DeletionCheck
from regard.explanation.removal import MATTERS
from regard.explanation.result import EventReason

_NAMED = 2
"""More reasons than two are not remembered."""


def reason(
    name: str,
    place: int,
    candidates: int,
    events: Sequence[EventReason],
    check: DeletionCheck | None = None,
) -> str:
    """Say why an item stands where it stands.

    Args:
        name: of the item.
        place: in the recommended list, from 1.
        candidates: how many items could have been recommended.
        events: with their effects, oldest first.
        check: what removing several events at once did; events that say the same hide each
            other when they are removed one at a time.

    Returns:
        One to three sentences.

    Example:
        >>> events = [EventReason("b", "Bowl", effect=0.0, place_without=1),
        ...           EventReason("t", "Tea", effect=2.0, place_without=14)]
        >>> reason("Cup", 1, 300, events)
        'Cup (place 1 of 300) is recommended because of Tea: without it, it would fall to place 14.'
    """
    subject = f"{name} (place {place:,} of {candidates:,})"
    if not events:
        return f"{subject} is recommended without any history: that of this person is empty."
    if len(events) == 1:
        return (
            f"{subject} is recommended after a single event, {events[0].label}. Without it there "
            "is no history left to ask about, so how much it matters cannot be said."
        )
    together = check is not None and check.passed
    sentences = (
        _main(subject, place, events, check if together else None),
        "" if together else _contradiction(events, place),
    )
    return " ".join(each for each in sentences if each)


def _main(
    subject: str, place: int, events: Sequence[EventReason], together: DeletionCheck | None
) -> str:
    """What speaks for the item, one event or several, or that nothing does; and what against."""
    by_effect = sorted(events, key=lambda event: -(event.effect or 0.0))
    helping = [event for event in by_effect if _helps(event, place)]
    against = [event for event in by_effect[::-1] if _hinders(event, place)]
    if helping:
        told = f"{subject} is recommended because of {_listed(helping)}: {_fall(helping, place)}."
    elif together is not None:
        return f"{subject} is recommended because of {_jointly(events, together, place)}."
    elif against:
        return (
            f"{subject} is recommended in spite of {against[0].label}: without that, it would "
            f"{_move(place, against[0].place_without)}. No single event speaks for it."
        )
    else:
        return (
            f"{subject} is recommended whichever single event is left out: no one event matters. "
            "Either it would be recommended to most people, or several events say the same."
        )
    if against and -(against[0].effect or 0.0) >= 0.5 * (helping[0].effect or 0.0):
        moved = _move(place, against[0].place_without)
        told += f" {against[0].label} speaks against it: without that, it would {moved}."
    return told


def _helps(event: EventReason, place: int) -> bool:
    """Whether the item would lose by missing the event: odds, or half of its rank.

    Scores of some counting methods are shares, whose log-odds move little where the list moves far.
    """
    effect, without = event.effect or 0.0, event.place_without
    return effect >= MATTERS or (effect > 0 and (without is None or without >= 2 * place))


def _hinders(event: EventReason, place: int) -> bool:
    """Whether the item would win by missing the event."""
    effect, without = event.effect or 0.0, event.place_without
    return effect <= -MATTERS or (effect < 0 and without is not None and 2 * without <= place)


def _jointly(events: Sequence[EventReason], check: DeletionCheck, place: int) -> str:
    """Events of which any one could be missing, but not all."""
    most = sorted(events, key=lambda event: -(event.attention or 0.0))[: check.removed]
    named = list(dict.fromkeys(event.label for event in most))[:_NAMED]
    return (
        f"several events that say the same, such as {' and '.join(named)}: no one matters alone, "
        f"but without the {check.removed} that the model looked at most, it would "
        f"{_move(place, check.place_without)}"
    )


def _listed(events: Sequence[EventReason]) -> str:
    """The first two by name, the others by number."""
    named = [event.label for event in events[:_NAMED]]
    rest = len(events) - len(named)
    if rest:
        named.append("one more event" if rest == 1 else f"{rest} more events")
    return named[0] if len(named) == 1 else ", ".join(named[:-1]) + " and " + named[-1]


def _fall(helping: Sequence[EventReason], place: int) -> str:
    """What would happen without the first reason."""
    which = "it" if len(helping) == 1 else "the first"
    return f"without {which}, it would {_move(place, helping[0].place_without)}"


def _move(place: int, without: int | None) -> str:
    """From one place to another, as a verb."""
    if without is None:
        return "never be recommended"
    if without == place:
        return f"keep place {place:,} by a smaller margin" if place == 1 else f"stay at {place:,}"
    return f"{'fall' if without > place else 'rise'} to place {without:,}"


def _contradiction(events: Sequence[EventReason], place: int) -> str:
    """Warn where the attention points at an event that does not carry the answer."""
    looked = [event for event in events if event.attention is not None]
    if len(looked) < 2:
        return ""
    most = max(looked, key=lambda event: event.attention or 0.0)
    # A flat spread points at nobody, so it cannot mislead anybody.
    if most.effect is None or (most.attention or 0.0) < max(1.5 / len(events), 0.1):
        return ""
    opening = f"The model looked most at {most.label} ({100 * (most.attention or 0.0):.0f} %)"
    if _hinders(most, place):
        return (
            f"{opening}, but that speaks against the answer: attention shows where a model "
            "looks, not in which direction it is moved."
        )
    if not _helps(most, place):
        return (
            f"{opening}, but removing it hardly changes the answer: do not read the attention "
            "as the reason."
        )
    return ""
