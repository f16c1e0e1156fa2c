"""What a check is: one question to a split, answered with numbers and rows.

A check reads a `Case` and never changes it. It says nothing where nothing is amiss::

    Case (split, log, encoders) -> check.look -> Finding, Finding ...
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from regard.data.leakage.case import Case
from regard.data.report import plain


class Severity(StrEnum):
    """How much a finding weighs, the gravest first.

    Example:
        >>> sorted([Severity.NOTE, Severity.LEAK], key=list(Severity).index)
        [<Severity.LEAK: 'leak'>, <Severity.NOTE: 'note'>]
    """

    LEAK = "leak"
    """Something sees what it will be asked: the numbers measured so are wrong."""
    RISK = "risk"
    """The numbers may flatter, or may mean something else than they seem to."""
    NOTE = "note"
    """Worth knowing when numbers are read."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a check found.

    Attributes:
        name: of the check.
        severity: how much it weighs.
        sentence: what was found, with its numbers.
        evidence: the numbers by name.
        samples: up to three rows that show it, each with its `row` number.
        advice: one sentence: what to do.

    Example:
        >>> print(Finding(name="cold-targets", severity=Severity.NOTE, sentence="Half are new.",
        ...               evidence={"share": 0.5}, advice="Learn more often."))
        note  cold-targets: Half are new.
    """

    name: str
    severity: Severity
    sentence: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    samples: tuple[Mapping[str, Any], ...] = ()
    advice: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "name": self.name,
            "severity": self.severity.value,
            "sentence": self.sentence,
            "evidence": {name: plain(value) for name, value in self.evidence.items()},
            "samples": [plain(sample) for sample in self.samples],
            "advice": self.advice,
        }

    def __str__(self) -> str:
        return f"{self.severity}  {self.name}: {self.sentence}"


@dataclass(frozen=True, kw_only=True)
class Check(ABC):
    """One way in which something could see the future; its fields are its thresholds.

    Attributes:
        name: what diagnoses call it.
        question: what it asks, for people.
        needs_clock: whether it makes no sense where a log carries only an order.
        needs_log: whether it reads columns that a split does not keep.
    """

    name: ClassVar[str]
    question: ClassVar[str]
    needs_clock: ClassVar[bool] = False
    needs_log: ClassVar[bool] = False

    @abstractmethod
    def look(self, case: Case) -> Iterator[Finding]:
        """Look at a split; nothing is found where nothing is amiss.

        Args:
            case: with a clock and a log, where the check says that it needs them.
        """

    def cannot_look(self, case: Case) -> str:
        """Why the check has to be left out of a case; empty where it need not be."""
        if self.needs_clock and case.times is None:
            return "the log carries only an order"
        if self.needs_log and case.log is None:
            return "it reads columns that a split does not keep; give the log too"
        return ""


def percent(share: float) -> str:
    """A share for a sentence.

    Args:
        share: from 0 to 1.

    Returns:
        Percent with one decimal, or with as many as it takes to show that it is not nothing.

    Example:
        >>> percent(0.5), percent(0.00012), percent(1.0)
        ('50.0 %', '0.012 %', '100.0 %')
    """
    return f"{100 * share:.1f} %" if share >= 0.001 or not share else f"{100 * share:.2g} %"
