"""What a repair is: another spelling for some ids, asked of any engine that Narwhals speaks.

Rules remove rows and change none; a repair changes ids and removes none. Repairs run before the
rules, so that a row which becomes a duplicate is found, and each reports every spelling that it
changed, so that whoever disagrees can find the way back.
"""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final

from regard.data.rules.contract import Frame
from regard.errors import ConfigurationError
from regard.schema import ITEM, USER

MENDED: Final = "_mended"
"""A column that a repair adds: the spelling from now on, null where there is no id."""

_BOTH: Final = (USER, ITEM)


@dataclass(frozen=True, kw_only=True)
class Repair(ABC):
    """One way to bring spellings together; its fields are its parameters.

    Attributes:
        name: what recipes and reports call it.
        reason: one sentence for reports, true of each spelling that it changes.
        columns: `user`, `item` or both; a column of whole numbers has no spellings and is passed
            over.

    Raises:
        ConfigurationError: `columns` names something else, or nothing.
    """

    columns: tuple[str, ...] = _BOTH

    name: ClassVar[str]
    reason: ClassVar[str]

    def __post_init__(self) -> None:
        given: object = self.columns
        listed = isinstance(given, list | tuple) and bool(given)
        if not listed or not set(self.columns) <= set(_BOTH):
            raise ConfigurationError(
                f"The columns of {self.name} are {self.columns!r}; give a list of 'user', 'item' "
                "or both."
            )
        object.__setattr__(self, "columns", tuple(self.columns))

    @abstractmethod
    def mend(self, frame: Frame, column: str, ordering: str) -> Frame:
        """Add the column `MENDED`; change nothing else.

        Args:
            frame: the log, in no order of its own: `row` has it.
            column: String; whose spellings to mend.
            ordering: the column that orders a history, `time` or `position`.

        Returns:
            The same rows and columns, and the spelling from now on.
        """

    def parameters(self) -> dict[str, Any]:
        """The fields by name: what a recipe would say to build the same repair again."""
        return asdict(self) | {"columns": list(self.columns)}
