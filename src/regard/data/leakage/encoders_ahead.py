"""Encoders that were fitted on more than the training part."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from regard.data.encoders.fitted import Encoders, training_part
from regard.data.encoders.provenance import Provenance
from regard.data.leakage.case import Case
from regard.data.leakage.contract import Check, Finding, Severity


@dataclass(frozen=True, kw_only=True)
class EncodersAhead(Check):
    """Means, edges and words were learned from rows that the test asks about.

    Fitted encoders carry the number of rows, the newest time and a fingerprint of what they learned
    from; these are held against the training part.
    """

    name: ClassVar[str] = "encoders-ahead"
    question: ClassVar[str] = "Were encoders fitted on more than the training part?"
    needs_log: ClassVar[bool] = True

    def cannot_look(self, case: Case) -> str:
        """It needs encoders, too."""
        return super().cannot_look(case) or ("" if case.encoders else "no encoders were given")

    def look(self, case: Case) -> Iterator[Finding]:
        """One finding for each set of encoders that is not of the training part."""
        if case.log is None:
            return
        rightful = Provenance.of(training_part(case.log, case.split))
        for encoders in case.encoders:
            if encoders.learned_from is None:
                yield self._silent(encoders)
            elif encoders.learned_from != rightful:
                yield self._other(case, encoders.learned_from, rightful)

    def _silent(self, encoders: Encoders) -> Finding:
        """Encoders that cannot say where they come from."""
        columns = list(dict.fromkeys(column for column, _ in encoders.fitted))
        return Finding(
            name=self.name,
            severity=Severity.NOTE,
            sentence=f"The encoders of {', '.join(columns)} do not say what they were fitted on.",
            evidence={"columns": columns},
            advice="Fit them again on training_part(log, split); encoders of this version say it.",
        )

    def _other(self, case: Case, found: Provenance, rightful: Provenance) -> Finding:
        """Encoders of other rows: a leak where these must lie beyond the training part."""
        later = (found.latest or 0.0) > (rightful.latest or 0.0)
        beyond = later or found.rows > int(case.trained_E.sum())
        outside = np.flatnonzero(~case.trained_E)
        return Finding(
            name=self.name,
            severity=Severity.LEAK if beyond else Severity.RISK,
            sentence=f"Encoders were fitted on {found.rows:,} rows, but the training part has "
            f"{rightful.rows:,}" + (", and the newest of them is later." if later else "."),
            evidence={
                "rows": found.rows,
                "rows_of_training": rightful.rows,
                "latest": found.latest,
                "latest_of_training": rightful.latest,
            },
            samples=case.rows(outside) if beyond else (),
            advice="Fit encoders on training_part(log, split).",
        )
