"""Cleaning rules that judged rows by what came later."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from regard.data.leakage.case import Case
from regard.data.leakage.contract import Check, Finding, Severity
from regard.data.rules import RULES


@dataclass(frozen=True, kw_only=True)
class RulesAhead(Check):
    """A cleaning rule counted over the whole log, the test part included.

    A rule that does so says it in a note, which a cleaned log carries as long as it stays in
    memory. A log that was cleaned into a file carries none, and limits that somebody has looked up
    on the whole log (`value-range`, `bursts`, `clockwork`) look like any others.
    """

    name: ClassVar[str] = "rules-ahead"
    question: ClassVar[str] = "Did cleaning look at the test part?"

    def look(self, case: Case) -> Iterator[Finding]:
        """The rules whose notes the log carries."""
        said = set(case.notes)
        ran = [name for name, rule in RULES.items() if rule.note and rule.note in said]
        if not ran:
            return
        rules = ", ".join(repr(name) for name in ran)
        yield Finding(
            name=self.name,
            severity=Severity.RISK,
            sentence=f"Cleaning by {rules} judged users or items by the whole log, the test part "
            "included.",
            evidence={"rules": ran},
            advice="Leave the rule out; to have rare items stay unknown, set split.min_count, "
            "which counts on the training part alone.",
        )
