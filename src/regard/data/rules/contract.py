"""What a cleaning rule is: a question to every row, asked of any engine that Narwhals speaks.

A frame on its way through the rules carries one more column, `REMOVED_BY`: 0 while a row is kept,
the number of the rule that removed it afterwards. Rows stay in the frame, so that the whole of
cleaning is one lazy plan::

    user  item  row  _removed_by  _marked
    7     tea   0    0            False
    null  tea   1    1            True       counted already, by rule 1
    7     tea   2    0            True       newly removed, by this rule
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, ClassVar, Final, Self

import narwhals as nw

from regard.data.engines import Frame
from regard.data.interactions import Interactions
from regard.errors import ConfigurationError

__all__ = ["FARTHEST", "MARKED", "REMOVED_BY", "SCRATCH", "Frame", "RowRule", "Rule"]

REMOVED_BY: Final = "_removed_by"
"""Int64 column: 0 while the row is kept, else the number (from 1) of the rule that removed it."""
MARKED: Final = "_marked"
"""Boolean column that a rule adds: true where the row must go; null counts as no."""
SCRATCH: Final = "_scratch"
"""A column that a rule may use on its way and drops again."""
FARTHEST: Final = 1e15
"""Seconds from 1970 that no clock counts: some engines cannot round what lies beyond."""


class Scope(StrEnum):
    """How far a rule looks before it judges a row: what a log cut into parts may ask of it."""

    ROW = "row"
    """At the row alone."""
    USER = "user"
    """At rows of the same user too: a part that holds whole users is judged like the whole log."""
    LOG = "log"
    """At rows of other users too: parts need to be told what the whole log says (`Rule.spread`)."""


@dataclass(frozen=True, kw_only=True)
class Rule(ABC):
    """One reason to remove rows; its fields are its parameters, plain enough for JSON and TOML.

    Attributes:
        name: what recipes and reports call it.
        reason: one sentence for reports, true of each row that it removes.
        needs: columns without which the question makes no sense.
        note: a warning that a report must carry when the rule ran; empty if there is none.
        scope: how far it looks; the whole log unless a rule says otherwise.
    """

    name: ClassVar[str]
    reason: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    note: ClassVar[str] = ""
    scope: ClassVar[Scope] = Scope.LOG

    @abstractmethod
    def mark(self, frame: Frame, ordering: str) -> Frame:
        """Add the column `MARKED`; change nothing else and read nothing that is not needed.

        Args:
            frame: the log with the column `REMOVED_BY`. A rule that looks at several rows at once
                looks at those with `REMOVED_BY == 0` only; marks on other rows do not count. The
                frame has no order of its own: `row` has it.
            ordering: the column that orders a history, `time` or `position`.

        Returns:
            The same rows and columns, and the mark.
        """

    def applies(self, log: Interactions) -> bool:
        """Whether the log has the columns that the rule needs."""
        return set(self.needs) <= set(log.columns())

    def settled(self) -> Self:
        """The same rule without parameters that depend on the moment it runs."""
        return self

    def settled_on(self, log: Interactions) -> Self:  # noqa: ARG002 - for rules that learn
        """The same rule with what it must learn from the log before it can judge.

        Args:
            log: what shall be cleaned. A rule that learns does so from the training period.
        """
        return self.settled()

    def spread(self, parts: Callable[[], Iterable[Frame]], ordering: str) -> "Rule":  # noqa: ARG002 - for rules that look across users
        """The rule as it judges a part that holds whole users, once it has seen all parts.

        Args:
            parts: gives the log part after part, as often as it is asked; with the column
                `REMOVED_BY`, as `mark` receives it.
            ordering: the column that orders a history, `time` or `position`.

        Returns:
            A rule that marks the rows of each part which this one marks in the whole log.

        Raises:
            ConfigurationError: the rule looks across users, and cannot say how to do so in parts.
        """
        if self.scope is Scope.LOG:
            raise ConfigurationError(
                f"The rule {self.name!r} compares rows of different users, which cannot be done in "
                "parts. Leave it out, or clean the log in memory."
            )
        return self

    def parameters(self) -> dict[str, Any]:
        """The fields by name: what a recipe would say to build the same rule again."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class RowRule(Rule):
    """A rule that sees one row at a time: a single expression.

    Example:
        A rule of one's own, on a column that only this log has:

        >>> import polars as pl
        >>> from regard.data.clean import clean
        >>> @dataclass(frozen=True, kw_only=True)
        ... class Bots(RowRule):
        ...     word: str = "bot"
        ...     name = "bots"
        ...     reason = "The browser says that it is a bot."
        ...     needs = ("browser",)
        ...
        ...     def unwanted(self, ordering: str) -> nw.Expr:
        ...         return nw.col("browser").str.contains(self.word, literal=True)
        >>> log = Interactions.of(pl.DataFrame({"user": [1, 2], "item": ["a", "b"],
        ...     "position": [0, 0], "browser": ["some bot", None]}))
        >>> kept, report = clean(log, [Bots()])
        >>> kept.collect()["item"].to_list(), report.removals[0].parameters
        (['b'], {'word': 'bot'})
    """

    scope: ClassVar[Scope] = Scope.ROW

    @abstractmethod
    def unwanted(self, ordering: str) -> nw.Expr:
        """True where a row must go; null counts as no.

        Args:
            ordering: the column that orders a history, `time` or `position`.
        """

    def mark(self, frame: Frame, ordering: str) -> Frame:
        """Add the expression as a column; see `Rule.mark`."""
        return frame.with_columns(self.unwanted(ordering).alias(MARKED))
