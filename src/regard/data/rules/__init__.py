"""Which rows of a log must go, and why: one rule per file, each runs on any engine."""

from typing import Final

from regard.data.rules.bursts import Bursts
from regard.data.rules.cancellations import Cancellations
from regard.data.rules.clockwork import Clockwork
from regard.data.rules.contract import Rule, Scope
from regard.data.rules.duplicates import ExactDuplicates
from regard.data.rules.excluded_items import ExcludedItems
from regard.data.rules.implausible_times import ImplausibleTimes
from regard.data.rules.missing import MissingItem, MissingTime, MissingUser
from regard.data.rules.near_duplicates import NearDuplicates
from regard.data.rules.prices import NonPositivePrice
from regard.data.rules.quantities import NonPositiveQuantity
from regard.data.rules.rare import RareUsersAndItems
from regard.data.rules.repeats import ConsecutiveRepeats
from regard.data.rules.robots import Robots
from regard.data.rules.taken_back import TakenBack
from regard.data.rules.value_range import ValueRange

__all__ = [
    "RULES",
    "Bursts",
    "Cancellations",
    "Clockwork",
    "ConsecutiveRepeats",
    "ExactDuplicates",
    "ExcludedItems",
    "ImplausibleTimes",
    "MissingItem",
    "MissingTime",
    "MissingUser",
    "NearDuplicates",
    "NonPositivePrice",
    "NonPositiveQuantity",
    "RareUsersAndItems",
    "Robots",
    "Rule",
    "Scope",
    "TakenBack",
    "ValueRange",
]

RULES: Final[dict[str, type[Rule]]] = {
    "missing-user": MissingUser,
    "missing-item": MissingItem,
    "missing-time": MissingTime,
    "excluded-items": ExcludedItems,
    "exact-duplicates": ExactDuplicates,
    "taken-back": TakenBack,
    "cancellations": Cancellations,
    "non-positive-quantity": NonPositiveQuantity,
    "non-positive-price": NonPositivePrice,
    "implausible-times": ImplausibleTimes,
    "bursts": Bursts,
    "clockwork": Clockwork,
    "robots": Robots,
    "value-range": ValueRange,
    "near-duplicates": NearDuplicates,
    "consecutive-repeats": ConsecutiveRepeats,
    "rare-users-and-items": RareUsersAndItems,
}
"""Every rule under the name that recipes and reports use."""
