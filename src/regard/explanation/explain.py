"""From one question and one item to an explanation in own ids."""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, cast

import numpy as np

from regard.data.queries import Queries
from regard.data.vocabulary import Id, Vocabulary
from regard.errors import ConfigurationError, ModelInputError
from regard.evaluation.protocol import Seen
from regard.evaluation.ranking import Scorer
from regard.explanation.attention_map import Tracer, attention_shares, caution, told_by
from regard.explanation.faithfulness import agreement, check_deletion
from regard.explanation.removal import Removals, leave_one_out
from regard.explanation.result import EventReason, Explanation, item_name
from regard.explanation.sentences import reason
from regard.explanation.standing import candidates
from regard.explanation.variants import newest
from regard.schema import FIRST_CODE
from regard.shapes import Codes, Floats

Titles: TypeAlias = Callable[[Sequence[Id]], Sequence[str | None]]
"""What items are called, such as `catalogue.titles`: own ids in, a title or None out for each."""
MOST_EVENTS: Final = 200
"""Events that are taken out, one at a time, where a recommender has no limit of its own: each costs
an answer."""


def explain(
    scorer: Scorer,
    queries: Queries,
    target: int,
    *,
    vocabulary: Vocabulary,
    titles: Titles | None = None,
    seen: Seen | str = Seen.KEEP,
    longest: int | None = None,
    seed: int = 0,
) -> Explanation:
    """Say which past events carry a recommendation, how much, and whether attention tells so too.

    Args:
        scorer: any recommender; one that can `trace` shows its attention as well.
        queries: exactly one query.
        target: code of the recommended item.
        vocabulary: turns codes into own ids.
        titles: what items are called, such as `catalogue.titles`.
        seen: whether items of the history are candidates; as in the recommendation.
        longest: the most events to look at; if omitted, as many as the network can look at. A
            method without a limit is asked about the whole history, of which the 200 newest events,
            or as many as this says, are taken out one at a time.
        seed: of the random removals that attention is checked against.

    Returns:
        The explanation.

    Raises:
        ModelInputError: there is not exactly one query, `longest` is below 1, or a network is
            asked about an empty history.
        ConfigurationError: the item is no candidate, such as a seen one where those are removed,
            or `seen` is neither word.

    Example:
        >>> import polars as pl
        >>> from regard.classical.markov import MarkovChain
        >>> from regard.data.interactions import Interactions
        >>> from regard.data.split import split_leave_last_out
        >>> log = pl.DataFrame({"user": [1] * 7, "item": list("ababcbc"), "position": range(7)})
        >>> split = split_leave_last_out(Interactions.of(log))
        >>> vocabulary = split.training.vocabulary
        >>> markov = MarkovChain().fit(split.training)
        >>> why = explain(markov, split.test, vocabulary.code("a"), vocabulary=vocabulary)
        >>> [event.effect for event in why.events][:-1]  # all but the last event
        [0.0, 0.0, 0.0, 0.0, 0.0]
    """
    longest = looked_at(scorer) if longest is None else longest
    _require_sound(scorer, queries, seen, longest)
    candidate_N = candidates(queries, vocabulary.size, Seen(seen))
    visible = newest(queries, longest)
    whole = _limit(scorer) is None
    removals = leave_one_out(scorer, queries, target, candidate_N, longest=longest, older=whole)
    shares_E, effects_E = _shares(scorer, visible), removals.effects_E
    agreed = check = None
    if shares_E is not None and effects_E is not None:
        agreed = agreement(shares_E, effects_E)
        check = check_deletion(scorer, visible, target, candidate_N, shares_E, seed=seed)
    [(item, title)] = _named(np.array([target], np.int32), vocabulary, titles)
    named = _named(visible.sequences.items, vocabulary, titles)
    events = _events(named, visible, removals, shares_E)
    count, earlier = int(candidate_N.sum()), int(queries.history_lengths[0]) - len(events)
    return Explanation(
        item=cast(Id, item),  # `leave_one_out` has refused what is no item
        title=title,
        score=removals.score,
        log_odds=removals.log_odds,
        place=removals.place,
        candidates=count,
        events=events,
        earlier=earlier,
        agreement=agreed,
        check=check,
        sentence=reason(item_name(item, title), removals.place, count, events, check),
        notes=_notes(None if shares_E is None else caution(told_by(scorer)), earlier, whole=whole),
    )


def _require_sound(scorer: Scorer, queries: Queries, seen: Seen | str, longest: int) -> None:
    """Refuse what cannot be explained."""
    if len(queries) != 1 or longest < 1:
        raise ModelInputError(
            f"An explanation is of one query and looks at one event or more; received "
            f"{len(queries)} queries and longest={longest}."
        )
    if seen not in list(Seen):
        raise ConfigurationError(f"seen must be 'keep' or 'remove'; received {seen!r}.")
    if isinstance(scorer, Tracer) and not queries.history_lengths[0]:
        raise ModelInputError(
            "A network has no history to look at here; explain the method that answers people "
            "without one (popularity)."
        )


def looked_at(scorer: Scorer) -> int:
    """How many events an explanation looks at: as many as a network does, for others 200."""
    limit = _limit(scorer)
    return MOST_EVENTS if limit is None else limit


def _limit(scorer: Scorer) -> int | None:
    """How many events a recommender reads; None for all of them."""
    limit = getattr(getattr(scorer, "model", None), "longest", None)
    return None if limit is None else int(limit)


def _shares(scorer: Scorer, visible: Queries) -> Floats | None:
    """Attention shares of the visible events; None for a method without attention."""
    events, promises = int(visible.history_lengths[0]), told_by(scorer)
    if not events or not isinstance(scorer, Tracer):
        return None
    if promises is not None and not promises.has_map:
        return None
    trace = scorer.trace(visible)
    if not trace.attention_maps:
        return None
    looked = min(events, next(iter(trace.attention_maps.values())).shape[-1])
    shares_E = attention_shares(trace, np.array([looked]))[0]
    # Events beyond what the network itself can look at have no attention.
    return np.concatenate([np.zeros(events - looked), shares_E[:looked]])


def _events(
    named: list[tuple[Id | None, str | None]],
    visible: Queries,
    removals: Removals,
    shares_E: Floats | None,
) -> tuple[EventReason, ...]:
    """One reason for each event, oldest first."""
    none = [None] * len(named)
    times_E, places_E = visible.sequences.times, removals.places_E
    columns = (
        none if each is None else each.tolist() for each in (times_E, shares_E, removals.effects_E)
    )
    places = none if places_E is None else [place or None for place in places_E.tolist()]
    return tuple(
        EventReason(*name, *each) for name, *each in zip(named, *columns, places, strict=True)
    )


def _named(
    items: Codes, vocabulary: Vocabulary, titles: Titles | None
) -> list[tuple[Id | None, str | None]]:
    """Own id and title of each code; neither where the model does not know the item."""
    known = items >= FIRST_CODE
    ids = vocabulary.decode(items[known])
    names = titles(ids) if titles is not None else [None] * len(ids)
    pairs = iter(zip(ids, names, strict=True))
    return [next(pairs) if each else (None, None) for each in known.tolist()]


def _notes(caution: str | None, earlier: int, *, whole: bool) -> tuple[str, ...]:
    """How the numbers were made; with a caution about the attention, None where there is none."""
    effect = (
        "effect: log-odds of the item with the event minus without it; positive speaks for the "
        "item. One event is removed at a time, so events that say the same hide each other."
    )
    notes = [effect]
    if caution is not None:
        notes.append(
            "attention: where the last layer looked from the newest event, mean over heads; "
            "looking is not a reason."
        )
    if caution:
        notes.append(caution)
    if earlier:
        fate = "stay in the history and were not taken out" if whole else "were not looked at"
        notes.append(f"The {earlier:,} earlier events {fate}.")
    return tuple(notes)
