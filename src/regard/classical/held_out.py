"""A training part cut once more, for methods that learn from what other methods miss.

::

    training part      e  e  e  e  e  e | ?  ?  ?      learn from e, then be asked about each ?
"""

import numpy as np

from regard.data.queries import Queries
from regard.data.split import TrainingPart, events_in_newest
from regard.schema import FIRST_CODE


def held_out(training: TrainingPart, share: float, most: int) -> tuple[TrainingPart, Queries]:
    """Cut a training part as a log is cut: an earlier part, and questions about what came after.

    Args:
        training: what may be looked at.
        share: of its events, the newest ones.
        most: questions at the most, spread evenly.

    Returns:
        What to learn sources from: by time what lies before a moment, and without a clock all but
        the newest share of each history. And one question for each later event of a known item,
        given all that the same person did before.

    Example:
        >>> import polars as pl
        >>> from regard.data.interactions import Interactions
        >>> from regard.data.split import split_leave_last_out
        >>> log = pl.DataFrame({"user": [1] * 8, "item": list("ababacbc"), "position": range(8)})
        >>> split = split_leave_last_out(Interactions.of(log))
        >>> earlier, asked = held_out(split.training, 0.3, most=10)
        >>> split.vocabulary.decode(earlier.items().tolist())
        ['a', 'b', 'a', 'b']
        >>> split.vocabulary.decode(asked.targets)
        ['a', 'c']
    """
    sequences, events = training.sequences, training.events()
    firsts = sequences.offsets[:-1]
    if sequences.times is not None and len(events):
        moments = np.sort(sequences.times[events])
        moment = moments[len(moments) - events_in_newest(len(moments), share)]
        before = np.concatenate([[0], np.cumsum(training.mask & (sequences.times < moment))])
        ends = firsts + before[training.ends] - before[firsts]
    else:
        lengths = training.ends - firsts
        ends = training.ends - np.ceil(lengths * share - 1e-9).astype(np.int64)
    owner = np.repeat(np.arange(len(firsts)), sequences.lengths)[events]
    later = (events >= ends[owner]) & (events > firsts[owner])
    later &= sequences.items[events] >= FIRST_CODE
    chosen = np.flatnonzero(later)
    if len(chosen) > most:
        chosen = chosen[np.linspace(0, len(chosen) - 1, most).astype(np.int64)]
    asked = Queries.next_event(sequences, owner[chosen], events[chosen])
    return TrainingPart(sequences, ends.astype(np.int64), training.vocabulary), asked
