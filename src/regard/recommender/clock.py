"""What a model reads of the clock, and what a question must bring for it."""

from dataclasses import dataclass, replace

from regard.errors import NeedsClockError
from regard.evaluation.scorer import Scorer
from regard.recommender.asking import Question
from regard.recommender.moments import Moment, asked_at, told


@dataclass(frozen=True)
class Read:
    """What a model reads of the clock.

    Attributes:
        times: whether it looks at the times of events.
        moment: whether it looks at the moment of the request.
        needed: whether it cannot read a history without times.
    """

    times: bool = False
    moment: bool = False
    needed: bool = False


def read_by(scorer: Scorer) -> Read:
    """What a model reads of the clock to answer; a network says so in its promises.

    Args:
        scorer: network or classical method; no torch is loaded for the latter.

    Example:
        >>> from regard.classical import Popularity
        >>> read_by(Popularity())
        Read(times=False, moment=False, needed=False)
    """
    promises = getattr(getattr(scorer, "model", None), "promises", None)
    if promises is None:
        moment = getattr(scorer, "reads_moment", False)
        return Read(times=moment, moment=moment)
    names = promises.needs
    return Read("times_BL" in names, "asked_BL" in names, promises.needs_clock)


def timed(asked: Question, at: Moment | None, read: Read, name: str) -> Question:
    """A question at its moment, with a word about what the model makes of it.

    Args:
        asked: right after the newest event.
        at: another moment, if one was given.
        read: what the model reads.
        name: of the model.

    Returns:
        The question; one that the fallback will answer is left as it is.

    Raises:
        ConfigurationError: the moment makes no sense, or lies before the newest event.
        NeedsClockError: a moment was given and the history has no times, or the model cannot read
            one without.
    """
    if asked.trouble:
        return asked
    clock = asked.queries.sequences.times is not None
    if read.needed and not clock:
        raise NeedsClockError(
            f"The model {name!r} reads the time between events, and this history carries only an "
            "order. Give times= with a moment for each event."
        )
    notes = list(asked.notes)
    queries = asked.queries if at is None else asked_at(asked.queries, at)
    if read.times and not clock:
        notes.append(f"The history comes without times; {name} reads it by positions alone.")
    elif at is not None and not read.moment:
        notes.append(f"{name} does not look at the moment of the request; at= changes nothing.")
    elif at is None and read.moment and queries.times is not None:
        newest = told(float(queries.times[0]))
        notes.append(f"Asked right after the newest event ({newest}); at= names another moment.")
    return replace(asked, queries=queries, notes=tuple(notes))
