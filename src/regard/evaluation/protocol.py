"""The rules of an evaluation: among which items, at which cut-offs, how ties count."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from regard.errors import ConfigurationError


class Seen(StrEnum):
    """What happens to items that a history already holds.

    Example:
        >>> Seen("remove") is Seen.REMOVE
        True
    """

    KEEP = "keep"
    """They may be recommended again: right where people repeat (a shop, music)."""
    REMOVE = "remove"
    """They are never recommended: right where nobody repeats (films that one rates once)."""


class Ties(StrEnum):
    """The rank of a target whose score other candidates share.

    Counting no tied candidate (the optimistic rank) would give a model that scores everything
    alike a perfect result, so it is not offered. Source: Berrendorf et al., "On the Ambiguity of
    Rank-Based Evaluation of Entity Alignment or Link Prediction Methods" (2020), section 3.

    Example:
        >>> [ties.value for ties in Ties]
        ['mean', 'worst']
    """

    MEAN = "mean"
    """Half of the tied others stand before it: the mean over all orders of the tied."""
    WORST = "worst"
    """All of the tied others stand before it."""


@dataclass(frozen=True)
class Protocol:
    """Everything that must be equal before two numbers may stand in one table.

    Candidates are always the full catalogue: metrics over sampled negatives can rank two
    recommenders the other way round (Krichene & Rendle, "On Sampled Metrics for Item
    Recommendation", KDD 2020), so they are not offered.

    Attributes:
        split: who is asked, and when, in words (`str(split.protocol)`).
        seen: whether items of the history stay candidates.
        ks: cut-offs of the recommended list, ascending.
        ties: how equal scores count.
        resamples: bootstrap resamples behind each interval.
        level: confidence level of the intervals.
        seed: seed of the bootstrap and of the paired test.

    Raises:
        ConfigurationError: a value makes no sense.

    Example:
        >>> protocol = Protocol("leave-last-out", seen=Seen.REMOVE, ks=(5, 10))
        >>> print(protocol)
        leave-last-out; full catalogue, seen items removed; tied items count half (mean rank)
    """

    split: str
    seen: Seen = Seen.KEEP
    ks: tuple[int, ...] = (10,)
    ties: Ties = Ties.MEAN
    resamples: int = 2_000
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        _coerce(self, "seen", Seen)
        _coerce(self, "ties", Ties)
        object.__setattr__(self, "ks", tuple(self.ks))
        if not self.ks or min(self.ks) < 1 or list(self.ks) != sorted(set(self.ks)):
            raise ConfigurationError(
                f"Cut-offs must be whole numbers from 1, each once and ascending, such as "
                f"(5, 10, 20); received {self.ks}."
            )
        if self.resamples < 100:
            raise ConfigurationError(
                f"An interval from {self.resamples} resamples means nothing; ask for at least 100."
            )
        if not 0.0 < self.level < 1.0:
            raise ConfigurationError(
                f"A confidence level lies between 0 and 1, such as 0.95; received {self.level}."
            )

    def __str__(self) -> str:
        seen = "kept" if self.seen is Seen.KEEP else "removed"
        ties = "half (mean rank)" if self.ties is Ties.MEAN else "fully (worst rank)"
        return f"{self.split}; full catalogue, seen items {seen}; tied items count {ties}"

    @property
    def intervals(self) -> str:
        """How intervals are made, in words."""
        return (
            f"{100 * self.level:g} % bootstrap over users, {self.resamples:,} resamples, "
            f"seed {self.seed}"
        )

    def to_dict(self) -> dict[str, Any]:
        """The protocol as JSON-ready values."""
        return {
            **asdict(self),
            "seen": self.seen.value,
            "ties": self.ties.value,
            "ks": list(self.ks),
            "candidates": "full catalogue",
        }


def _coerce(protocol: Protocol, name: str, kind: type[StrEnum]) -> None:
    """Turn a word from a recipe or a prompt into its enumeration, or say which words exist."""
    given = getattr(protocol, name)
    if given not in list(kind):
        choices = " or ".join(repr(each.value) for each in kind)
        raise ConfigurationError(f"{name} must be {choices}; received {given!r}.")
    object.__setattr__(protocol, name, kind(given))
