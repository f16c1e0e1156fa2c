"""What would see the future if one fitted on a log with all defaults, as commands tell it."""

from dataclasses import dataclass
from typing import Any

from regard.data.interactions import Interactions
from regard.data.leakage.diagnosis import Diagnosis


@dataclass(frozen=True)
class Leakage:
    """A diagnosis, or why there is none.

    Attributes:
        diagnosis: None where the log cannot be split.
        refused: why it cannot; empty where it can.
    """

    diagnosis: Diagnosis | None
    refused: str = ""

    def __str__(self) -> str:
        if self.diagnosis is None:
            return f"Does anything see the future? This log cannot be split: {self.refused}"
        return str(self.diagnosis)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"refused": self.refused} if self.diagnosis is None else self.diagnosis.to_dict()


def leakage_of(log: Interactions) -> Leakage:
    """Clean a log by the default rules, split it as `fit` would, and examine the split.

    Args:
        log: as it was read.

    Returns:
        What was found.

    Example:
        >>> import polars as pl
        >>> table = pl.DataFrame({"user": [1], "item": ["a"], "position": [0]})
        >>> print(leakage_of(Interactions.of(table)))
        Does anything see the future? This log cannot be split: No user can be asked for ...
    """
    from regard.data.clean import clean
    from regard.data.leakage.diagnose import diagnose
    from regard.errors import DataError

    try:
        return Leakage(diagnose(clean(log)[0]))
    except DataError as refused:
        return Leakage(None, str(refused))
