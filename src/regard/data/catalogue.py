"""What is known of the items: their titles."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from regard.data.ingest.columns import as_ids, as_text
from regard.data.ingest.sources import open_source
from regard.data.interactions import Interactions
from regard.data.roles import propose_roles
from regard.data.vocabulary import Id, coerce_ids
from regard.errors import ColumnError, DataError
from regard.schema import ITEM, ROW, TITLE


@dataclass(frozen=True)
class Catalogue:
    """Items and their titles.

    Attributes:
        ids: `(items,)` own ids, unique, in the order of first appearance.
        names: `(items,)` String titles, null where an item has none.

    Raises:
        DataError: an id is missing or stands twice, or ids and names differ in length.

    Example:
        >>> import polars as pl
        >>> log = Interactions.of(pl.DataFrame({"user": [1, 2, 3], "item": ["a", "a", "b"],
        ...     "time": [1.0, 2.0, 3.0], "title": ["Tea", "Tea", " "]}))
        >>> Catalogue.of(log).titles(["b", "a", "caviar"])
        [None, 'Tea', None]
    """

    ids: pl.Series
    names: pl.Series

    def __post_init__(self) -> None:
        if len(self.ids) != len(self.names):
            raise DataError("A catalogue has one title, or a missing one, for each item.")
        if self.ids.null_count() or self.ids.n_unique() != len(self.ids):
            raise DataError("A catalogue holds each item once and none without an id.")

    @classmethod
    def of(cls, log: Interactions) -> "Catalogue":
        """The items of a log, each with the title it most often carries.

        Args:
            log: the log; without a column of titles, all titles are missing.

        Returns:
            Items in the order of first appearance; of two titles that are equally frequent, the
            one seen first; blank titles count for nothing.
        """
        columns = [ITEM, TITLE, ROW] if log.has(TITLE) else [ITEM, ROW]
        collected = log.frame.select(*columns).collect("polars").to_native()
        table = pl.DataFrame(collected).sort(ROW).drop(ROW)
        if TITLE not in table.columns:
            table = table.with_columns(pl.lit(None, pl.String).alias(TITLE))
        return cls._most_frequent(table)

    @classmethod
    def read(cls, source: Any, *, item: str | None = None, title: str | None = None) -> "Catalogue":
        """Read a table of items.

        Args:
            source: a path or a dataframe, as `regard.read` takes it.
            item: column with the item's id; proposed by its name if omitted.
            title: column with its title; proposed by its name if omitted.

        Returns:
            The catalogue; of several rows of one item, the most frequent title counts.

        Raises:
            ColumnError: a column is not there or could not be found.

        Example:
            >>> import polars as pl
            >>> Catalogue.read(pl.DataFrame({"movieId": [1], "title": ["Toy Story"]})).title(1)
            'Toy Story'
        """
        table = open_source(source)
        given = {ITEM: item, TITLE: title}
        wanted = [role for role, column in given.items() if column is None]
        found = propose_roles(table.frame, wanted=wanted, source=table.name, typed=table.typed)
        columns = {each.role: each.column for each in found}
        columns |= {role: column for role, column in given.items() if column is not None}
        for role in (ITEM, TITLE):
            if columns.get(role) not in table.frame.columns:
                raise ColumnError(
                    f"{table.name} has no column for the {role} (columns: "
                    f"{', '.join(map(repr, table.frame.columns))}). Say which: {role}='...'."
                )
        ids, _ = as_ids(table.frame[columns[ITEM]], typed=table.typed)
        names = as_text(table.frame[columns[TITLE]])
        return cls._most_frequent(pl.DataFrame([ids.alias(ITEM), names.alias(TITLE)]))

    @classmethod
    def _most_frequent(cls, table: pl.DataFrame) -> "Catalogue":
        """One title per item: the most frequent one, ties to the first seen."""
        return cls.from_counts(counted_titles(table.with_row_index(ROW)))

    @classmethod
    def from_counts(cls, counts: pl.DataFrame) -> "Catalogue":
        """One title per item: the most frequent one, ties to the first seen.

        Args:
            counts: what `counted_titles` gave; perhaps summed over the parts of a log.
        """
        chosen = (
            counts.lazy()
            .sort(ROW)
            .with_row_index("seen")
            .with_columns(pl.col("seen").min().over(ITEM).alias("appeared"))
            .sort(pl.col(TITLE).is_null(), "count", descending=[False, True], maintain_order=True)
            .unique(ITEM, keep="first", maintain_order=True)
            .sort("appeared")
            .collect()
        )
        return cls(chosen[ITEM], chosen[TITLE])

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def _lookup(self) -> pl.DataFrame:
        return self.to_frame()

    def title(self, item: Id) -> str | None:
        """The title of one item, or None where the item or its title is not known."""
        return self.titles([item])[0]

    def titles(self, items: pl.Series | Sequence[Id]) -> list[str | None]:
        """The titles of some items.

        Args:
            items: own ids; text that spells an integer finds an integer id.

        Returns:
            One title for each, None where it is not known.
        """
        given = coerce_ids(items, self.ids.dtype).to_frame(ITEM)
        found = given.join(self._lookup, on=ITEM, how="left", maintain_order="left")
        return found[TITLE].to_list()

    def to_frame(self) -> pl.DataFrame:
        """Columns `item` and `title`, one row per item."""
        return pl.DataFrame([self.ids.alias(ITEM), self.names.alias(TITLE)])

    @classmethod
    def from_frame(cls, frame: pl.DataFrame) -> "Catalogue":
        """What `to_frame` gave, back again."""
        return cls(frame[ITEM], frame[TITLE].cast(pl.String))


def counted_titles(table: pl.DataFrame) -> pl.DataFrame:
    """How often each item carries each title, and where it does so first.

    Args:
        table: columns `item`, `row` and perhaps `title`.

    Returns:
        Columns `item`, `title` (null where it is blank), `count` and `row`; one row per pair.

    Example:
        >>> counted_titles(pl.DataFrame({"item": [7, 7], "title": ["Tea", " "], "row": [4, 5]}))[
        ...     "title", "count"].sort("title").rows()
        [(None, 1), ('Tea', 1)]
    """
    if TITLE not in table.columns:
        table = table.with_columns(pl.lit(None, pl.String).alias(TITLE))
    title = pl.col(TITLE).fill_null("")
    present = title.str.strip_chars() != ""
    pairs = table.lazy().drop_nulls(ITEM).group_by(ITEM, pl.when(present).then(title).alias(TITLE))
    return pairs.agg(pl.len().cast(pl.Int64).alias("count"), pl.col(ROW).min()).collect()
