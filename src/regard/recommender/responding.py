"""From a question to a list, to lists for everybody, or to reasons, by what was learned."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from regard.classical import Boosted
from regard.data.queries import Queries
from regard.data.vocabulary import Id
from regard.errors import ConfigurationError
from regard.evaluation.protocol import Seen
from regard.evaluation.ranking import top_items
from regard.explanation.explain import explain
from regard.explanation.result import Explanation
from regard.recommender.answers import Recommendation
from regard.recommender.asking import (
    Question,
    ask_history,
    ask_user,
    indices_of,
    knows_something,
)
from regard.recommender.clock import read_by, timed
from regard.recommender.learned import Learned
from regard.recommender.memory import RememberingScorer
from regard.recommender.moments import Moment, asked_at, newest_moments
from regard.schema import FIRST_CODE
from regard.shapes import Codes, Scores


def ask(
    learned: Learned,
    name: str,
    user: Id | None,
    history: Sequence[Id] | None,
    times: Sequence[Moment] | None,
    at: Moment | None,
) -> Question:
    """One query, about a user or about anybody with a history, at its moment.

    Args:
        learned: who is asked.
        name: of the model, for notes.
        user: own id of a user of the log, or None.
        history: own ids of items, oldest first, or None.
        times: of the events of that history.
        at: the moment of the request.

    Raises:
        ConfigurationError: neither or both of user and history, or a moment that makes no sense.
        NeedsClockError: the model cannot read a history without times, or there are none to
            compare the moment with.
    """
    if (user is None) == (history is None):
        raise ConfigurationError("Give a user or a history, one of them.")
    if history is None and times is not None:
        raise ConfigurationError("times= are those of a history; a user's are in the log.")
    if history is None:
        asked = ask_user(user, learned.histories, learned.events)
    else:
        asked = _without_features(learned, ask_history(history, learned.vocabulary, times))
    return timed(asked, at, read_by(learned.scorer), name)


def list_for(learned: Learned, queries: Queries, k: int, seen: Seen) -> tuple[Recommendation, ...]:
    """The list of one who asks, in own ids.

    Args:
        learned: who answers, or its fallback.
        queries: exactly one.
        k: length of the list.
        seen: whether items of the history are candidates.

    Raises:
        ConfigurationError: k below 1.
    """
    codes, scores = _top(learned, queries, k, seen)
    real = codes[0] >= FIRST_CODE
    ids = learned.vocabulary.decode(codes[0][real])
    had = queries.seen(learned.vocabulary.size)[0][codes[0][real]]
    titles = learned.catalogue.titles(ids)
    return tuple(
        Recommendation(rank, item, float(score), title, bool(again))
        for rank, (item, score, title, again) in enumerate(
            zip(ids, scores[0][real], titles, had, strict=True), start=1
        )
    )


def lists_for_all(
    learned: Learned,
    users: Sequence[Id] | None,
    at: Moment | None,
    k: int,
    seen: Seen,
    *,
    fallback: bool = True,
) -> pl.DataFrame:
    """Lists for many known users, as `regard.recommender.recommender.Recommender` tells them.

    Args:
        learned: who answers, or its fallback.
        users: own ids; all users where None.
        at: the moment of the requests.
        k: length of each list.
        seen: whether items of the history are candidates.
        fallback: whether those whom the fallback would answer have a list.

    Raises:
        ConfigurationError: k below 1, or a moment before the newest event of somebody.
        NeedsClockError: a moment was given, and the log carries only an order.
        UnknownUserError: a user is not known.
    """
    if users is None:
        index = np.arange(len(learned.histories), dtype=np.int64)
    else:
        index = indices_of(users, learned.histories.users)
    moments = newest_moments(learned.events, index)
    queries = Queries.requests(learned.histories, index, moments)
    if not fallback:
        known = knows_something(queries)
        index, queries = index[known], queries.select(known)
    queries = queries if at is None else asked_at(queries, at)
    codes, scores = _top(learned, queries, k, seen)
    real = codes >= FIRST_CODE
    rows, columns = np.nonzero(real)
    return pl.DataFrame({
        "user": learned.histories.users.gather(index[rows]),
        "rank": columns + 1,
        "item": learned.vocabulary.ids.gather(codes[real] - FIRST_CODE),
        "score": scores[real],
    })  # fmt: skip


def reasons_for(learned: Learned, asked: Question, item: Id | None, seen: Seen) -> Explanation:
    """Why one who asks is shown an item.

    Args:
        learned: who answered.
        asked: a question with something to go by.
        item: own id; the first recommendation where None.
        seen: whether items of the history are candidates.

    Raises:
        ConfigurationError: the item is no candidate, or nothing is left to recommend.
        UnknownItemError: no such item.
    """
    queries, scorer = asked.queries, learned.scorer
    code = _first(learned, queries, seen) if item is None else learned.vocabulary.code(item)
    if seen is Seen.REMOVE and queries.seen(learned.vocabulary.size)[0, code]:
        raise ConfigurationError(
            f"Item {item!r} stands in the history, and seen items are no candidates, so there is "
            "no recommendation to explain. Ask with seen='keep', or about another item."
        )
    explanation = explain(
        scorer,
        queries,
        code,
        vocabulary=learned.vocabulary,
        titles=learned.catalogue.titles,
        seen=seen,
    )
    notes = (*explanation.notes, *asked.notes)
    if isinstance(scorer, Boosted):
        notes = (*notes, scorer.reason(queries, code))
    if isinstance(scorer, RememberingScorer):
        told = _of_transitions(scorer, queries, code)
        notes = (*notes, told, *_of_return(scorer, queries, code))
    return replace(explanation, notes=notes)


def _of_transitions(scorer: RememberingScorer, queries: Queries, code: int) -> str:
    """What was counted after the newest event, and how far that is trusted in this answer."""
    followed, ever = scorer.remembered(queries, code)
    share = float(scorer.gate.shares(np.array([ever]))[0])
    part = f"a share of {100 * share:.0f} %" if share else "no share"
    return (
        f"In the training log the newest event was followed by something {ever:,} times, by this "
        f"item {followed:,} times; the memory of transitions has {part} in the answer."
    )


def _of_return(scorer: RememberingScorer, queries: Queries, code: int) -> list[str]:
    """A word about an item that the history holds, where such items are weighed."""
    factor = None if scorer.returns is None else scorer.returns.factor(queries, code)
    if factor is None:
        return []
    often = "more seldom" if factor < 1 else "more often"
    told = (
        f"The history holds this item already, so its probability is weighed by {factor:.2g}: "
        f"people come back to what they had as long ago {often} than the network expects."
    )
    return [told]


def _without_features(learned: Learned, asked: Question) -> Question:
    """A typed history, with a word about what it lacks."""
    if learned.encoders is None or asked.trouble:
        return asked
    names = ", ".join(dict.fromkeys(column for column, _ in learned.encoders.fitted))
    note = f"The history comes without {names}; they are read as missing."
    return replace(asked, notes=(*asked.notes, note))


def _top(learned: Learned, queries: Queries, k: int, seen: Seen) -> tuple[Codes, Scores]:
    """The lists of everybody who asks: `(Q, k)` codes and scores, `k` at most the catalogue."""
    if k < 1:
        raise ConfigurationError(f"k={k} must be 1 or more.")
    size = learned.vocabulary.size
    return top_items(learned.answering, queries, min(k, size), catalogue_size=size, seen=seen)


def _first(learned: Learned, queries: Queries, seen: Seen) -> int:
    """Code of the first recommendation."""
    code = int(_top(learned, queries, 1, seen)[0][0, 0])
    if code < FIRST_CODE:
        raise ConfigurationError(
            "Nothing is left to recommend, and so to explain: the history holds every item. "
            "Ask with seen='keep', or about an item."
        )
    return code
