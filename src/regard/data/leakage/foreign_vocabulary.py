"""A vocabulary that knows or has counted more than the training part holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from regard.data.leakage.case import Case
from regard.data.leakage.contract import Check, Finding, Severity
from regard.schema import FIRST_CODE


@dataclass(frozen=True, kw_only=True)
class ForeignVocabulary(Check):
    """The vocabulary was learned on more than the training part.

    Codes descend by count, and ties of score list the smaller code first; so counts that include
    the test part tell which items will be popular. The vocabulary carries its counts, and these
    must be those of the training part.
    """

    name: ClassVar[str] = "foreign-vocabulary"
    question: ClassVar[str] = "Does the vocabulary know more than the training part?"

    def look(self, case: Case) -> Iterator[Finding]:
        """Counts of the vocabulary against those of the training part."""
        vocabulary = case.split.vocabulary
        counted = np.bincount(case.split.training.items(), minlength=vocabulary.size)[FIRST_CODE:]
        more = vocabulary.counts > counted
        if not more.any():
            return
        never = int((more & (counted == 0)).sum())
        codes = np.flatnonzero(more) + FIRST_CODE
        outside = np.isin(case.split.events.items, codes) & ~case.trained_E
        yield Finding(
            name=self.name,
            severity=Severity.LEAK,
            sentence=f"The vocabulary counted {int(more.sum()):,} items more often than the "
            f"training part holds them; {never:,} of them never occur there.",
            evidence={
                "items": int(more.sum()),
                "never_in_training": never,
                "events_too_many": int((vocabulary.counts - counted)[more].sum()),
            },
            samples=case.rows(np.flatnonzero(outside)),
            advice="Learn the vocabulary on the training part alone (Vocabulary.fit), as the "
            "splits of Regard do.",
        )
