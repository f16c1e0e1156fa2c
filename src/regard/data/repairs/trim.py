"""Blanks around an id, which nobody means."""

from dataclasses import dataclass
from typing import ClassVar

import narwhals as nw

from regard.data.repairs.contract import MENDED, Repair
from regard.data.rules.contract import Frame
from regard.data.rules.missing import BLANKS


@dataclass(frozen=True, kw_only=True)
class TrimIds(Repair):
    """Ids lose the blanks around them: `"tea "` and `"tea"` are one item.

    An id of nothing but blanks becomes empty text, which `missing-user` and `missing-item` remove.

    Example:
        >>> import polars as pl
        >>> from regard.data.clean import clean
        >>> from regard.data.interactions import Interactions
        >>> log = Interactions.of(pl.DataFrame({"user": [1, 1], "item": ["tea ", "tea"],
        ...                                     "position": [0, 1]}))
        >>> kept, report = clean(log, repairs=[TrimIds()])
        >>> kept.collect()["item"].to_list(), report.mendings[0].spellings.rows()
        (['tea', 'tea'], [('item', 'tea ', 'tea', 1, 0)])
    """

    name: ClassVar[str] = "trim-ids"
    reason: ClassVar[str] = "Blanks stood around the id."

    def mend(self, frame: Frame, column: str, ordering: str) -> Frame:  # noqa: ARG002 - the contract's
        """Strip each id; see `Repair.mend`."""
        return frame.with_columns(nw.col(column).str.strip_chars(BLANKS).alias(MENDED))
