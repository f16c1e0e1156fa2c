"""The rules of `regard.clean` on a log that lies in shards: the same rows, the same reasons."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from regard.data.catalogue import counted_titles
from regard.data.clean import by_rule, first_of_each, mark_rows, removals_of, with_reasons
from regard.data.interactions import Interactions
from regard.data.large.scatter import Tell
from regard.data.large.workplace import Workplace
from regard.data.ordering import in_history_order
from regard.data.parallel import each
from regard.data.report import CleaningReport
from regard.data.rules import Rule, Scope
from regard.data.rules.contract import REMOVED_BY, Frame
from regard.errors import DataError
from regard.schema import ITEM, ROW, TIME, TITLE, USER, Clock

USERS, ITEMS, ROWS, TIMES = "users.arrow", "items.arrow", "rows.npy", "times.npy"
"""Files of a cleaned shard: whose its histories are and how long, then the events user by user,
oldest first, a file for each column."""
QUARANTINE, SAMPLES, TITLES = "quarantine.parquet", "samples.parquet", "titles.parquet"


@dataclass(frozen=True)
class Cleaned:
    """A log in clean shards.

    Attributes:
        place: where they lie.
        shards: how many there are.
        report: what was removed; its quarantine is empty, for the rows lie in the shards.
    """

    place: Workplace
    shards: int
    report: CleaningReport

    def tables(self, name: str) -> Iterator[pl.DataFrame]:
        """A table of each shard: `USERS` has columns `user` and `len`, `ITEMS` has `item`."""
        return map(pl.read_ipc_stream, self.place.outcomes(name, self.shards))

    def arrays(self, name: str) -> Iterator[NDArray[Any]]:
        """An array of each shard: `ROWS` is int64, `TIMES` float64."""
        return map(np.load, self.place.outcomes(name, self.shards))


def clean_shards(
    head: Interactions, rules: Sequence[Rule], place: Workplace, shards: int, tell: Tell
) -> Cleaned:
    """Clean every shard that is not clean yet.

    Args:
        head: a sample of the log, typed.
        rules: settled, in the order in which they run.
        place: with all rows in their shards.
        shards: how many.
        tell: hears how many shards are done.

    Returns:
        The clean shards.

    Raises:
        DataError: a kept row has no user, item or time.
    """
    todo = [shard for shard in range(shards) if place.finished(shard) is None]
    if todo:
        spread = _spread(head, rules, place, shards)
        work = partial(_clean_one, head, spread, place)
        for number, (shard, _) in enumerate(zip(todo, each(work, todo), strict=True), start=1):
            if not look_across(rules):  # or a run that goes on would count the other shards alone
                place.drop_raw(shard)
            tell(shards - len(todo) + number, shards)
    place.drop_all_raw()
    facts = [place.finished(shard) or {} for shard in range(shards)]
    _require_whole(head, facts)
    return Cleaned(place, shards, _report(head, rules, place, facts))


def _clean_one(head: Interactions, rules: Sequence[Rule], place: Workplace, shard: int) -> None:
    """Mark, sort and write one shard."""
    table = _marked(head, rules, place, shard)
    keeps = table[REMOVED_BY] == 0
    kept, removed = table.filter(keeps), table.filter(~keeps).sort(ROW)
    folder = place.clean(shard)
    folder.mkdir(exist_ok=True)
    if TITLE in kept.columns:
        counted_titles(kept.select(ITEM, TITLE, ROW)).write_parquet(folder / TITLES)
    kept = in_history_order(kept.select(USER, ITEM, head.ordering, ROW), head.ordering)
    lengths = kept[USER].rle().struct.unnest()
    lengths.select(pl.col("value").alias(USER), "len").write_ipc_stream(folder / USERS)
    kept.select(ITEM).write_ipc_stream(folder / ITEMS)
    np.save(folder / ROWS, kept[ROW].to_numpy())
    if head.clock is Clock.TIME:
        np.save(folder / TIMES, kept[TIME].cast(pl.Float64).to_numpy())
    first_of_each(removed).write_parquet(folder / SAMPLES)
    # With the original rules, whose names and reasons are those of the report.
    with_reasons(removed, rules).write_parquet(folder / QUARANTINE)
    counts = {str(n): rows for n, rows in removed[REMOVED_BY].value_counts().iter_rows()}
    facts = {"in": len(table), "kept": len(kept), "users": len(lengths), "removed": counts}
    place.finish(shard, facts | {"missing": _missing(kept, head.ordering)})


def _marked(
    head: Interactions, rules: Iterable[Rule], place: Workplace, shard: int
) -> pl.DataFrame:
    """All rows of a shard, with the number of the rule that removes them."""
    empty = nw.to_native(head.frame.collect("polars")).clear()
    raw = place.raw(shard, empty)
    marked = mark_rows(head.with_frame(nw.from_native(raw.lazy())), rules).collect("polars")
    table: pl.DataFrame = nw.to_native(marked)
    if len(table) != len(raw):
        raise RuntimeError(
            f"Of {len(raw):,} rows of a shard of {head.source}, {len(table):,} came back from the "
            f"rules; one among {', '.join(rule.name for rule in rules)} adds or loses rows."
        )
    return table if table[ROW].is_sorted() else table.sort(ROW)


# --- rules that look across users ----------------------------------------------------------------


def look_across(rules: Iterable[Rule]) -> bool:
    """Whether any rule compares rows of different users, which takes all shards at once."""
    return any(rule.scope is Scope.LOG for rule in rules)


def _spread(head: Interactions, rules: Sequence[Rule], place: Workplace, shards: int) -> list[Rule]:
    """The rules as they judge a shard, those that look at the whole log having seen it."""
    spread: list[Rule] = []
    for rule in rules:
        if rule.scope is Scope.LOG:
            files = [place.marked(shard) for shard in range(shards)]
            for shard, file in enumerate(files):
                _marked(head, spread, place, shard).write_parquet(file)
            spread.append(rule.spread(lambda files=files: _frames(files), head.ordering))  # type: ignore[misc] # mypy sees no default in a lambda
        else:
            spread.append(rule)
    return spread


def _frames(files: Sequence[Path]) -> Iterator[Frame]:
    return (nw.from_native(pl.scan_parquet(file, glob=False)) for file in files)


# --- what it came to -----------------------------------------------------------------------------


def _missing(kept: pl.DataFrame, ordering: str) -> dict[str, list[int]]:
    """Column -> how many kept rows lack it, and the first of them."""
    found = {}
    for name in (USER, ITEM, ordering):
        absent = pl.col(name).is_null()
        if kept.schema[name].is_float():
            absent |= pl.col(name).is_nan()
        rows = kept.filter(absent)[ROW]
        if len(rows):
            found[name] = [len(rows), int(rows.to_numpy().min())]
    return found


def _require_whole(head: Interactions, facts: Sequence[dict[str, Any]]) -> None:
    """Refuse kept rows that no history can hold."""
    for name in (USER, ITEM, head.ordering):
        lacking = [each["missing"][name] for each in facts if name in each["missing"]]
        if lacking:
            raise DataError(
                f"{sum(count for count, _ in lacking):,} interactions of {head.source} have no "
                f"{name} (first: row {min(row for _, row in lacking)}). Add the rule "
                f"missing-{'time' if name == head.ordering else name}."
            )


def _report(
    head: Interactions, rules: Sequence[Rule], place: Workplace, facts: Sequence[dict[str, Any]]
) -> CleaningReport:
    """All shards together: the same numbers and samples as if they had never been apart."""
    counts: dict[int, int] = {}
    for found in facts:
        for number, rows in found["removed"].items():
            counts[int(number)] = counts.get(int(number), 0) + rows
    files = place.outcomes(SAMPLES, len(facts))
    samples = pl.concat([pl.read_parquet(file, glob=False) for file in files])
    rows_in = sum(each["in"] for each in facts)
    quarantine = pl.read_parquet(place.clean(0) / QUARANTINE, glob=False).clear()
    return CleaningReport(
        source=head.source,
        rows_in=rows_in,
        rows_kept=sum(each["kept"] for each in facts),
        removals=removals_of(rules, rows_in, counts, by_rule(first_of_each(samples.sort(ROW)))),
        notes=tuple(rule.note for rule in rules if rule.note),
        quarantine=quarantine,
    )


def removed_rows(cleaned: Cleaned) -> Any:
    """`(removed,)` int64 numbers of the rows that cleaning removed, ascending."""
    files = cleaned.place.outcomes(QUARANTINE, cleaned.shards)
    tables = [pl.read_parquet(file, columns=[ROW], glob=False) for file in files]
    return np.sort(np.concatenate([table[ROW].to_numpy() for table in tables]))
