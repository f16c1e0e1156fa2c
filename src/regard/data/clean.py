"""From a raw log to one that later code can trust, with every removed row explained."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import narwhals as nw
import polars as pl

from regard.data.interactions import Interactions
from regard.data.repairs import Repair
from regard.data.repairs.mend import mend
from regard.data.report import SAMPLES, CleaningReport, CleaningSummary, Removal
from regard.data.rules import (
    Cancellations,
    ExactDuplicates,
    ImplausibleTimes,
    MissingItem,
    MissingTime,
    MissingUser,
    NonPositivePrice,
    NonPositiveQuantity,
    Rule,
)
from regard.data.rules.contract import MARKED, REMOVED_BY, SCRATCH, Frame
from regard.errors import ColumnError, TooLittleDataError
from regard.schema import ROW, TIME


def default_rules(log: Interactions, *, settle: bool = True) -> tuple[Rule, ...]:
    """What nobody wants to learn from, as far as the log has the columns to tell.

    Args:
        log: what shall be cleaned; none of its rows is read.
        settle: whether what depends on the moment is decided now, or when the rules run.

    Returns:
        Rules in the order in which they run.

    Example:
        >>> import polars as pl
        >>> log = Interactions.of(pl.DataFrame({"user": [1], "item": ["a"], "position": [0],
        ...                                     "price": [2.5]}))
        >>> [rule.name for rule in default_rules(log)][3:]
        ['exact-duplicates', 'non-positive-price']
    """
    offered: tuple[Rule, ...] = (
        MissingUser(),
        MissingItem(),
        MissingTime(),
        ExactDuplicates(),
        Cancellations(),
        NonPositiveQuantity(),
        NonPositivePrice(),
        ImplausibleTimes(),
    )
    rules = tuple(rule for rule in offered if rule.applies(log))
    return tuple(rule.settled() for rule in rules) if settle else rules


def mark_rows(log: Interactions, rules: Iterable[Rule]) -> Frame:
    """Ask every rule about every row, in the log's own engine, without removing anything.

    `clean` brings the outcome into memory; a log that is too large for that can be cleaned
    with this frame where it lies. A log that lacks a column that a rule needs raises `ColumnError`,
    or `NeedsClockError` where real time is what it lacks.

    Args:
        log: what shall be cleaned.
        rules: in the order in which they run.

    Returns:
        A lazy frame with the log's rows, in no particular order, its columns, and one more,
        `_removed_by`: 0 where a row is kept, else the number (from 1) of the first rule that
        marked it.

    Example:
        >>> import polars as pl
        >>> log = Interactions.of(pl.DataFrame({"user": [1, None, None], "item": ["a", None, "b"],
        ...                                     "position": [0, 1, 2]}))
        >>> marked = mark_rows(log, [MissingItem(), MissingUser()])
        >>> marked.collect()["_removed_by"].to_list()
        [0, 1, 2]
    """
    chosen = tuple(rules)
    require_columns(log, chosen)
    frame = log.frame.with_columns(nw.lit(0).cast(nw.Int64).alias(REMOVED_BY))
    for number, rule in enumerate(chosen, start=1):
        newly = (nw.col(REMOVED_BY) == 0) & nw.col(MARKED)
        first = nw.when(newly).then(nw.lit(number)).otherwise(nw.col(REMOVED_BY))
        marked = rule.mark(frame, log.ordering)
        frame = marked.with_columns(first.cast(nw.Int64).alias(REMOVED_BY)).drop(MARKED)
    return frame


def clean(
    log: Interactions,
    rules: Sequence[Rule] | None = None,
    *,
    repairs: Sequence[Repair] = (),
) -> tuple[Interactions, CleaningReport]:
    """Remove the rows that rules mark, and explain each of them once.

    A row is counted for the first rule that marks it. Cleaning the outcome again with the default
    rules changes nothing; where several rules that look at other rows are combined (repeats,
    rare users), the later one can make work for the earlier one.

    Args:
        log: any log, however dirty; its rows are counted, then read once.
        rules: in the order in which they run; `default_rules` if omitted.
        repairs: what to mend before any rule looks, in the order in which they run.

    Returns:
        The kept rows as Polars-backed interactions with the same columns, and the report.

    Raises:
        TooLittleDataError: no row is left.
        RuntimeError: a rule added or lost rows instead of marking them; a defect of that rule.

    Example:
        >>> import polars as pl
        >>> log = Interactions.of(pl.DataFrame({"user": [1, 1, None], "item": ["a", "a", "b"],
        ...                                     "time": [1e9, 1e9, 1e9]}))
        >>> kept, report = clean(log)
        >>> kept.collect()["row"].to_list(), report.rows_in, report.rows_kept
        ([0], 3, 1)
        >>> report.quarantine.select("row", "rule").rows()
        [(1, 'exact-duplicates'), (2, 'missing-user')]
    """
    log, mendings = mend(log, repairs)
    chosen = default_rules(log) if rules is None else tuple(rule.settled_on(log) for rule in rules)
    rows_in = int(log.frame.select(nw.len()).collect().item())
    table = nw.to_native(mark_rows(log, chosen).collect("polars"))
    table = table if table[ROW].is_sorted() else table.sort(ROW)
    kept = table.filter(pl.col(REMOVED_BY) == 0).drop(REMOVED_BY)
    report = _report(log, chosen, rows_in, kept.height, table.filter(pl.col(REMOVED_BY) > 0))
    report = replace(report, mendings=mendings)
    require_explained(report)
    return log.with_frame(nw.from_native(kept.lazy()), *report.notes), report


def require_columns(log: Interactions, rules: Sequence[Rule]) -> None:
    """Refuse by name a rule that the log cannot answer, and a log that uses our own names."""
    for name in (REMOVED_BY, MARKED, SCRATCH):
        if log.has(name):
            raise ColumnError(
                f"{log.source} has a column {name!r}, a name that cleaning needs for itself; "
                "rename or drop it."
            )
    for rule in rules:
        if rule.applies(log):
            continue
        if TIME in rule.needs:
            log.require_clock(f"Rule {rule.name!r}")
        missing = ", ".join(name for name in rule.needs if not log.has(name))
        raise ColumnError(
            f"Rule {rule.name!r} needs the column {missing}, which {log.source} does not have; "
            "say which column plays that role, or leave the rule out."
        )


def _report(
    log: Interactions, rules: Sequence[Rule], rows_in: int, rows_kept: int, removed: pl.DataFrame
) -> CleaningReport:
    """Count, sample and name what was removed."""
    counts = dict(removed[REMOVED_BY].value_counts().iter_rows())
    return CleaningReport(
        source=log.source,
        rows_in=rows_in,
        rows_kept=rows_kept,
        removals=removals_of(rules, rows_in, counts, by_rule(first_of_each(removed))),
        notes=tuple(rule.note for rule in rules if rule.note),
        quarantine=with_reasons(removed, rules),
    )


def first_of_each(removed: pl.DataFrame) -> pl.DataFrame:
    """The first rows that each rule removed, as many as a report shows.

    Args:
        removed: in the order of the log, with `_removed_by`.
    """
    return removed.filter(pl.int_range(pl.len()).over(REMOVED_BY) < SAMPLES)


def by_rule(samples: pl.DataFrame) -> dict[int, list[dict[str, Any]]]:
    """Rows as plain values, for each number of a rule.

    Args:
        samples: few rows, with `_removed_by`.

    Example:
        >>> by_rule(pl.DataFrame({"user": [7], "_removed_by": [2]}))
        {2: [{'user': 7}]}
    """
    parts = samples.group_by(REMOVED_BY, maintain_order=True)
    return {int(number): rows.drop(REMOVED_BY).to_dicts() for (number,), rows in parts}


def removals_of(
    rules: Sequence[Rule],
    rows_in: int,
    counts: Mapping[int, int],
    samples: Mapping[int, Sequence[Mapping[str, Any]]],
) -> tuple[Removal, ...]:
    """What each rule removed, for a report.

    Args:
        rules: in the order in which they ran.
        rows_in: of the log.
        counts: number of a rule, from 1 -> rows that it was the first to mark.
        samples: the same number -> some of those rows.

    Returns:
        One removal for each rule, in their order.
    """
    return tuple(
        Removal(
            rule=rule.name,
            reason=rule.reason,
            rows=counts.get(number, 0),
            share=counts.get(number, 0) / rows_in if rows_in else 0.0,
            samples=tuple(samples.get(number, ())),
            parameters=rule.parameters(),
        )
        for number, rule in enumerate(rules, start=1)
    )


def require_explained(report: CleaningSummary) -> None:
    """Hold a report to its promise: every row is kept or explained, and some are kept.

    Args:
        report: after all rules ran.

    Raises:
        RuntimeError: a rule added or lost rows instead of marking them; a defect of that rule.
        TooLittleDataError: no row is left.
    """
    if report.rows_in != report.rows_kept + report.rows_removed:
        raise RuntimeError(
            f"Of {report.rows_in:,} rows of {report.source}, {report.rows_kept:,} were kept and "
            f"{report.rows_removed:,} explained, which does not add up; a rule among "
            f"{', '.join(removal.rule for removal in report.removals)} adds or loses rows."
        )
    if not report.rows_kept:
        raise TooLittleDataError(nothing_left(report))


def with_reasons(removed: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
    """The removed rows with the name and the reason of their rule."""
    said = names_and_reasons(rules, removed.columns)
    numbers, steps = pl.col(REMOVED_BY), range(1, len(rules) + 1)
    return removed.with_columns(
        numbers.replace_strict(steps, texts, return_dtype=pl.String).alias(name)
        for name, texts in said.items()
    ).drop(REMOVED_BY)


def names_and_reasons(rules: Sequence[Rule], taken: Iterable[str]) -> dict[str, list[str]]:
    """The two columns that quarantine has beside those of the log.

    Args:
        rules: in the order in which they ran.
        taken: names of the log's own columns.

    Returns:
        Name of the column -> what it says for each rule.
    """
    return {
        _free("rule", set(taken)): [rule.name for rule in rules],
        _free("reason", set(taken)): [rule.reason for rule in rules],
    }


def _free(name: str, taken: set[str]) -> str:
    """A column name that the log does not use itself."""
    while name in taken:
        name += "_"
    return name


def nothing_left(report: CleaningSummary) -> str:
    """Why cleaning came to nothing."""
    if not report.rows_in:
        return f"{report.source} holds no rows, so there is nothing to clean."
    most = max(report.removals, key=lambda removal: removal.rows)
    return (
        f"Cleaning leaves none of the {report.rows_in:,} rows of {report.source}: rule "
        f"{most.rule!r} removed most, {most.rows:,} (the first is row {most.samples[0]['row']}). "
        f"{most.reason} Check which column plays which role, or leave that rule out."
    )
