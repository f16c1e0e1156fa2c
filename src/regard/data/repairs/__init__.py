"""Which ids of a log are spelled in two ways, and how they become one: one repair per file."""

from typing import Final

from regard.data.repairs.contract import Repair
from regard.data.repairs.letter_case import MergeLetterCase
from regard.data.repairs.trim import TrimIds

__all__ = ["REPAIRS", "MergeLetterCase", "Repair", "TrimIds"]

REPAIRS: Final[dict[str, type[Repair]]] = {
    "trim-ids": TrimIds,
    "merge-letter-case": MergeLetterCase,
}
"""Every repair under the name that recipes and reports use, in the order that suits most logs."""
