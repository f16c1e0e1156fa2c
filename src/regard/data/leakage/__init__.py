"""Whether anything sees the future: one check per file, each with numbers and rows."""

from typing import Final

from regard.data.leakage.coarse_times import CoarseTimes
from regard.data.leakage.cold_targets import ColdTargets
from regard.data.leakage.contract import Check, Finding, Severity
from regard.data.leakage.encoders_ahead import EncodersAhead
from regard.data.leakage.foreign_vocabulary import ForeignVocabulary
from regard.data.leakage.future_in_history import FutureInHistory
from regard.data.leakage.future_times import FutureTimes
from regard.data.leakage.repeated_targets import RepeatedTargets
from regard.data.leakage.row_order import RowOrder
from regard.data.leakage.rules_ahead import RulesAhead
from regard.data.leakage.telling_columns import TellingColumns
from regard.data.leakage.tied_targets import TiedTargets
from regard.data.leakage.trained_on_targets import TrainedOnTargets
from regard.data.leakage.training_after_targets import TrainingAfterTargets
from regard.data.leakage.twice import SameEventTwice
from regard.data.leakage.unasked_users import UnaskedUsers

__all__ = [
    "LEAKS",
    "Check",
    "CoarseTimes",
    "ColdTargets",
    "EncodersAhead",
    "Finding",
    "ForeignVocabulary",
    "FutureInHistory",
    "FutureTimes",
    "RepeatedTargets",
    "RowOrder",
    "RulesAhead",
    "SameEventTwice",
    "Severity",
    "TellingColumns",
    "TiedTargets",
    "TrainedOnTargets",
    "TrainingAfterTargets",
    "UnaskedUsers",
]

LEAKS: Final[dict[str, type[Check]]] = {
    "future-in-history": FutureInHistory,
    "trained-on-targets": TrainedOnTargets,
    "training-after-targets": TrainingAfterTargets,
    "same-event-twice": SameEventTwice,
    "foreign-vocabulary": ForeignVocabulary,
    "rules-ahead": RulesAhead,
    "encoders-ahead": EncodersAhead,
    "telling-columns": TellingColumns,
    "tied-targets": TiedTargets,
    "coarse-times": CoarseTimes,
    "row-order": RowOrder,
    "future-times": FutureTimes,
    "unasked-users": UnaskedUsers,
    "cold-targets": ColdTargets,
    "repeated-targets": RepeatedTargets,
}
"""Every check under the name that diagnoses use, the gravest questions first."""
