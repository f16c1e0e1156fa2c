"""Who asks: somebody of the log, or anybody with a history, as one query."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from regard.data.queries import Queries
from regard.data.sequences import Sequences
from regard.data.vocabulary import Id, Vocabulary, coerce_ids
from regard.errors import ConfigurationError, UnknownUserError
from regard.recommender.moments import Moment, newest_moments, times_of
from regard.schema import FIRST_CODE, UNKNOWN
from regard.shapes import Codes, Mask, Offsets, Seconds


@dataclass(frozen=True)
class Question:
    """One query, and what the person who asks should know of it.

    Attributes:
        queries: exactly one.
        trouble: why the model has nothing to go by, as a sentence without its full stop; empty
            where it has something.
        notes: other sentences.

    Example:
        >>> vocabulary = Vocabulary.fit(pl.Series(["tea", "milk"]))
        >>> asked = ask_history(["milk", "caviar"], vocabulary)
        >>> asked.queries.sequences.items.tolist(), asked.notes
        ([3], ('Not known and left out: caviar.',))
    """

    queries: Queries
    trouble: str = ""
    notes: tuple[str, ...] = ()


def ask_user(user: Id | None, histories: Sequences, events: Sequences) -> Question:
    """A question about a user of the log; an id typed as text finds one that is a number.

    Args:
        user: own id.
        histories: of all users, known items only.
        events: of the same users, unknown items included.

    Returns:
        The question, with an empty history where the user is not known.
    """
    wanted = coerce_ids([] if user is None else [user], histories.users.dtype).drop_nulls()
    index = histories.users.index_of(wanted[0]) if len(wanted) else None
    if index is None:
        trouble = f"User {user!r} is not among the {len(histories):,} users of this model"
        return Question(one_history(np.zeros(0, np.int32)), trouble)
    asking = np.array([index], np.int64)
    queries = Queries.requests(histories, asking, newest_moments(events, asking))
    if knows_something(queries).all():
        left_out = int(events.lengths[index] - histories.lengths[index])
        note = f"{left_out:,} events with items that this model does not know are left out."
        return Question(queries, notes=(note,) if left_out else ())
    return Question(queries, f"The history of user {user!r} holds no item that this model knows")


def ask_history(
    history: Sequence[Id], vocabulary: Vocabulary, times: Sequence[Moment] | None = None
) -> Question:
    """A question about somebody who is not in the log.

    Args:
        history: own ids of items, oldest first.
        vocabulary: the items that the model knows; others are left out, and named.
        times: when each event happened, where that is known.

    Returns:
        The question, asked right after the newest event.

    Raises:
        ConfigurationError: the history is a single text, or the times do not fit it.
    """
    if isinstance(history, str):
        raise ConfigurationError(
            f"history={history!r} is one text; give a list of item ids, such as [{history!r}]."
        )
    codes = vocabulary.encode(list(history))
    strangers = [str(item) for item, code in zip(history, codes, strict=True) if code == UNKNOWN]
    known = codes[codes != UNKNOWN]
    seconds = None if times is None else times_of(times, len(codes))
    return Question(
        one_history(known, None if seconds is None else seconds[codes != UNKNOWN]),
        "" if len(known) else "The history holds no item that this model knows",
        (f"Not known and left out: {', '.join(strangers)}.",) if strangers else (),
    )


def indices_of(wanted: Sequence[Id], users: pl.Series) -> Offsets:
    """Where many users stand, all of whom must be known.

    Args:
        wanted: own ids.
        users: `(U,)` own ids of all users.

    Returns:
        `(len(wanted),)` int64 indices in `users`.

    Raises:
        UnknownUserError: one is not there.

    Example:
        >>> indices_of(["9", 7], pl.Series([7, 8, 9])).tolist()
        [2, 0]
    """
    asked = pl.DataFrame({"user": coerce_ids(list(wanted), users.dtype)})
    known = users.alias("user").to_frame().with_row_index("index")
    found = asked.join(known, on="user", how="left", maintain_order="left")["index"]
    if found.null_count():
        stranger = wanted[int(found.is_null().arg_true()[0])]
        raise UnknownUserError(
            f"User {stranger!r} is not among the {len(users):,} users of this model; leave that "
            "user out, or ask for one list by a history."
        )
    return found.cast(pl.Int64).to_numpy()


def knows_something(queries: Queries) -> Mask:
    """`(Q,)` Boolean: whether a history holds any item that the model knows."""
    knows: Mask = queries.last_items >= FIRST_CODE
    # Few histories end with an unknown item; only those have to be read whole.
    rest = np.flatnonzero(~knows)
    query, position = queries.select(rest).history_events()
    knows[rest[query[queries.sequences.items[position] >= FIRST_CODE]]] = True
    return knows


def one_history(codes: Codes, times: Seconds | None = None) -> Queries:
    """A query about somebody who is not in the log.

    Args:
        codes: `(events,)` int32 item codes, oldest first.
        times: `(events,)` float64 UTC seconds, never falling; without them the question is asked
            at no particular moment.

    Example:
        >>> one_history(np.array([3, 2], np.int32)).last_items.tolist()
        [2]
    """
    count = len(codes)
    rows = np.arange(count, dtype=np.int64)
    sequences = Sequences(pl.Series("user", [0]), np.array([0, count]), codes, times, rows)
    return Queries.requests(sequences, np.zeros(1, np.int64))
