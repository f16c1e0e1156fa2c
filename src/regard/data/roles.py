"""Which column of a strange table is the user, the item, the time: proposed, with reasons."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from regard.data.numerals import mostly_numbers
from regard.data.rolenames import name_confidence
from regard.data.times import time_likeness
from regard.errors import ColumnError
from regard.schema import (
    EVENT,
    ITEM,
    POSITION,
    PRICE,
    QUANTITY,
    SESSION,
    TIME,
    TITLE,
    USER,
    VALUE,
)

PROPOSED: Final = (USER, ITEM, TIME, EVENT, VALUE, QUANTITY, PRICE, SESSION, TITLE)
"""The roles that are looked for. An order is never guessed: it must be asked for."""

_DECISIVE: Final = (USER, ITEM, TIME)
_MANY_EVENTS: Final = 60
_TIME_BY_VALUES: Final = 0.6
_DOUBTFUL: Final = 0.4


@dataclass(frozen=True)
class RoleProposal:
    """One column's likely role.

    Attributes:
        role: a role of `regard.schema`.
        column: the name in the source.
        confidence: how sure, from 0 to 1.
        reason: why, one sentence without its full stop.

    Example:
        >>> RoleProposal("user", "CustomerID", 0.95, "its name says so").note
        "user = 'CustomerID' (sure 0.95): its name says so."
    """

    role: str
    column: str
    confidence: float
    reason: str

    @property
    def note(self) -> str:
        """The sentence that goes into `Interactions.notes`."""
        return f"{self.role} = {self.column!r} (sure {self.confidence:.2f}): {self.reason}."


def laid_out_by_clean(columns: Sequence[str]) -> bool:
    """Whether a table begins with user, item and time (or position), as what `clean` writes does.

    Example:
        >>> laid_out_by_clean(["user", "item", "time", "timestamp"])
        True
        >>> laid_out_by_clean(["item_id", "user", "item", "time"])
        False
    """
    return list(columns[:2]) == [USER, ITEM] and list(columns[2:3]) in ([TIME], [POSITION])


def propose_roles(
    sample: pl.DataFrame,
    *,
    wanted: Collection[str] = PROPOSED,
    source: str = "The table",
    typed: bool = True,
    cleaned: bool = False,
) -> tuple[RoleProposal, ...]:
    """Look at names and values, and say which column plays which role.

    A name proposes; the values may confirm it, weaken it or rule it out. Each column plays one
    role at most and each role is played by one column at most, the surest pair first.

    Args:
        sample: some rows of the table, spread over it; columns typed (numbers as numbers).
        wanted: roles to look for; leave out those the caller has given.
        source: what to call the table in a message.
        typed: whether the source itself knows types; in delimited text '5.10' may be an id.
        cleaned: whether the table is laid out as `clean` writes it, so that a column called like a
            role plays it; elsewhere `item` may be a name beside `item_id`.

    Returns:
        Proposals in the order of `regard.schema.ROLES`; roles that no column plays are left out.

    Raises:
        ColumnError: two columns are equally good as the user, the item or the time.

    Example:
        >>> import polars as pl
        >>> table = pl.DataFrame({"CustomerID": [17850, 13047], "StockCode": ["85123A", "22423"],
        ...                       "InvoiceDate": ["2010-12-01 08:26", "2010-12-01 08:34"],
        ...                       "Country": ["UK", "UK"]})
        >>> for each in propose_roles(table):
        ...     print(each.note)
        user = 'CustomerID' (sure 0.95): its name says so and its values can be ids.
        item = 'StockCode' (sure 0.95): its name says so and its values can be ids.
        time = 'InvoiceDate' (sure 0.95): its name says so and its values read as times.
    """
    judged = (_judge(sample, column, role, typed) for role in wanted for column in sample.columns)
    pairs = sorted(
        filter(None, judged),
        key=lambda pair: (not (cleaned and pair.column == pair.role), -pair.confidence),
    )
    chosen: dict[str, RoleProposal] = {}
    for pair in pairs:
        taken = any(pair.column == other.column for other in chosen.values())
        if taken:
            continue
        if pair.role not in chosen:
            chosen[pair.role] = pair
        elif (
            pair.role in _DECISIVE
            and pair.confidence == chosen[pair.role].confidence
            and not (cleaned and chosen[pair.role].column == pair.role)
        ):
            role, one = pair.role, chosen[pair.role].column
            raise ColumnError(
                f"{source} has two columns that could be the {role}: {one!r} and {pair.column!r}. "
                f"Say which: {role}={one!r} or {role}={pair.column!r}."
            )
    if TITLE in chosen and ITEM in chosen:
        item, title = chosen[ITEM].column, chosen[TITLE].column
        if not _tells_items_apart(sample, item, title):
            del chosen[TITLE]
    return tuple(chosen[role] for role in PROPOSED if role in chosen)


def _tells_items_apart(sample: pl.DataFrame, item: str, title: str) -> bool:
    """Whether rows of one item mostly share one title, as a review's headline would not."""
    told = sample.select(item=item, title=title).drop_nulls()
    titles = told.group_by("item").agg(rows=pl.len(), titles=pl.col("title").n_unique())
    again = titles.filter(pl.col("rows") > 1)
    return (
        again.is_empty()
        or again.filter(pl.col("titles") < pl.col("rows")).height > 0.3 * again.height
    )


def _judge(sample: pl.DataFrame, column: str, role: str, typed: bool) -> RoleProposal | None:
    """How well one column would play one role, or None where it cannot."""
    named = name_confidence(column, role)
    if role == TIME:
        return _judge_time(sample, column, named)
    if named == 0:
        return None
    if role in {USER, ITEM}:
        fits, evidence = _can_be_ids(sample[column], typed), "its values can be ids"
    elif role in {VALUE, QUANTITY, PRICE}:
        fits, evidence = _can_be_numbers(sample[column])
    elif role == EVENT:
        kinds = sample[column].n_unique()
        fits = kinds <= _MANY_EVENTS and not sample[column].dtype.is_float()
        evidence = f"it has {kinds} distinct values"
    elif role == SESSION:
        fits = (
            _can_be_ids(sample[column], typed) and sample[column].null_count() * 2 < sample.height
        )
        evidence = "its values can be ids"
    else:
        varied = sample.height == 1 or sample[column].n_unique() > 1
        fits = varied and sample[column].dtype == pl.String
        evidence = "its values are texts"
    fits = fits and (role in {USER, ITEM} or sample[column].null_count() < sample.height)
    return RoleProposal(role, column, named, f"its name says so and {evidence}") if fits else None


def _judge_time(sample: pl.DataFrame, column: str, named: float) -> RoleProposal | None:
    """A time is known by its values, and by its name where its values leave doubt."""
    share = time_likeness(sample[column])
    if share >= 0.5 and named:
        return RoleProposal(TIME, column, named, "its name says so and its values read as times")
    if share >= 0.9:
        return RoleProposal(TIME, column, _TIME_BY_VALUES, "its values read as times")
    if named and sample[column].dtype.is_nested() is False:
        doubt = "its name says so, though its values do not look like times"
        return RoleProposal(TIME, column, _DOUBTFUL, doubt)
    return None


def _can_be_numbers(column: pl.Series) -> tuple[bool, str]:
    """Whether values are numbers, but for some that are refused by their row when all are read."""
    if column.dtype == pl.String:
        return mostly_numbers(column), "most of its values are numbers"
    return column.dtype.is_numeric(), "its values are numbers"


def _can_be_ids(column: pl.Series, typed: bool) -> bool:
    """Whether values can be own ids: whole numbers or text."""
    if column.dtype.is_float() or column.dtype.is_decimal():
        present = column.cast(pl.Float64).drop_nulls().drop_nans()
        return not typed or bool((present == present.floor()).all())
    texts = isinstance(column.dtype, pl.String | pl.Categorical | pl.Enum | pl.Null)
    return texts or column.dtype.is_integer()
