"""What holds of every rule on any log: alone, with others, and whatever order the rows come in.

Order: a log's rows carry their number (`row`), and time and number decide, so the order in which an
engine hands the rows over never matters. Numbering the rows anew is another log: the rules below
that look at each row, or at sums over users, still remove the same content.
"""

import math
from typing import Any

import polars as pl
import pytest
from dirty_logs import EARLIEST, LATEST, VALUES, rows_of
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from regard.data.clean import clean, mark_rows
from regard.data.interactions import Interactions
from regard.data.rules import (
    RULES,
    Bursts,
    Clockwork,
    ExcludedItems,
    ImplausibleTimes,
    NearDuplicates,
    RareUsersAndItems,
    Robots,
    Rule,
    TakenBack,
    ValueRange,
)
from regard.data.rules.contract import REMOVED_BY
from regard.errors import TooLittleDataError

LIMITS: dict[str, Any] = {
    "until": 2e9, "night_from": 0, "per_minute": 2.0, "per_hour": 3.0, "night": 0.5, "hours": 1.0,
    "gaps": 0.4, "items": 0.5,
}  # fmt: skip
GIVEN: dict[str, Rule] = {
    "excluded-items": ExcludedItems(pattern="POST|po.*"),
    "implausible-times": ImplausibleTimes(earliest=EARLIEST, latest=LATEST),
    "taken-back": TakenBack(partial=True),
    "bursts": Bursts(per_minute=4, per_hour=6),
    "clockwork": Clockwork(rows=4, gaps=0.4, items=0.5),
    "robots": Robots(rows=3, **LIMITS),
    "value-range": ValueRange(column="price", least=0, most=1),
    "near-duplicates": NearDuplicates(seconds=1.0),
    "rare-users-and-items": RareUsersAndItems(user=2, item=2),
}
ALL: dict[str, Rule] = {name: GIVEN.get(name) or kind() for name, kind in RULES.items()}

ROW_WISE = (
    "missing-user", "missing-item", "missing-time", "excluded-items", "cancellations",
    "non-positive-quantity", "non-positive-price", "implausible-times", "value-range",
)  # fmt: skip
USER_WISE = ("bursts", "rare-users-and-items")
"""Rules to which the number of a row means nothing at all."""
KEEPS_ONE_OF_A_KIND = ("exact-duplicates",)

few = settings(max_examples=5)
logs = rows_of(VALUES)
several = st.lists(st.sampled_from(list(ALL.values())), min_size=2, max_size=4, unique=True)
"""Some rules in some order; a plan of all of them at once takes Polars seconds to make."""
every_rule = pytest.mark.parametrize("name", ALL)


def numbered(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_row_index("row").cast({"row": pl.Int64})


def removed_by(table: pl.DataFrame, rules: list[Rule]) -> dict[int, int]:
    """Row number -> number of its rule, 0 where it stays."""
    marked = mark_rows(Interactions.of(table), rules).collect("polars").to_native()
    return dict(marked.select("row", REMOVED_BY).iter_rows())


def cleaned(table: pl.DataFrame, rules: list[Rule]) -> Any:
    try:
        return clean(Interactions.of(table), rules)
    except TooLittleDataError:
        return None


def check_accounts(table: pl.DataFrame, rules: list[Rule]) -> None:
    """Rows in = kept + explained, for each rule too; samples are the first of its own rows."""
    outcome = cleaned(table, rules)
    by_row = removed_by(table, rules)
    if outcome is None:
        assert all(by_row.values())
        return
    kept, report = outcome
    assert report.rows_in == table.height == report.rows_kept + report.rows_removed
    assert kept.collect()["row"].to_list() == sorted(r for r, rule in by_row.items() if not rule)
    assert sorted(report.quarantine["row"]) == sorted(r for r, rule in by_row.items() if rule)
    for number, removal in enumerate(report.removals, start=1):
        mine = sorted(row for row, rule in by_row.items() if rule == number)
        assert removal.rows == len(mine)
        assert math.isclose(removal.share, len(mine) / table.height)
        assert [sample["row"] for sample in removal.samples] == mine[:3]
        quarantined = report.quarantine.filter(pl.col("rule") == removal.rule)
        assert quarantined["row"].to_list() == mine


@every_rule
@few
@given(logs)
def test_each_rule_accounts_for_every_row(name: str, table: pl.DataFrame) -> None:
    check_accounts(numbered(table), [ALL[name]])


@settings(max_examples=8)
@given(logs, several)
def test_rules_together_account_for_every_row_in_any_order(
    table: pl.DataFrame, rules: list[Rule]
) -> None:
    check_accounts(numbered(table), rules)


@every_rule
@few
@given(logs)
def test_each_rule_is_idempotent(name: str, table: pl.DataFrame) -> None:
    outcome = cleaned(numbered(table), [ALL[name]])
    if outcome is None:
        return
    again = cleaned(outcome[0].collect(), [ALL[name]])
    assert again is not None
    assert again[1].rows_removed == 0
    assert_frame_equal(again[0].collect(), outcome[0].collect())


@every_rule
@few
@given(logs, st.randoms(use_true_random=False))
def test_the_order_in_which_rows_arrive_is_nothing_to_a_rule(
    name: str, table: pl.DataFrame, chance: Any
) -> None:
    table = numbered(table)
    shuffled = table.sample(fraction=1, shuffle=True, seed=chance.randrange(2**31))
    assert removed_by(shuffled, [ALL[name]]) == removed_by(table, [ALL[name]])


@settings(max_examples=8)
@given(logs, several, st.randoms(use_true_random=False))
def test_the_order_in_which_rows_arrive_is_nothing_to_a_report(
    table: pl.DataFrame, rules: list[Rule], chance: Any
) -> None:
    table = numbered(table)
    shuffled = table.sample(fraction=1, shuffle=True, seed=chance.randrange(2**31))
    one, other = cleaned(table, rules), cleaned(shuffled, rules)
    assert (one is None) == (other is None)
    if one is not None:
        assert one[1].to_dict() == other[1].to_dict()
        assert_frame_equal(one[0].collect(), other[0].collect())
        assert_frame_equal(one[1].quarantine, other[1].quarantine)


@pytest.mark.parametrize("name", [*ROW_WISE, *USER_WISE, *KEEPS_ONE_OF_A_KIND])
@few
@given(logs, st.randoms(use_true_random=False))
def test_another_file_order_keeps_the_same_content(
    name: str, table: pl.DataFrame, chance: Any
) -> None:
    """Rules that do not ask for the number of a row keep the same rows of a file written anew."""
    contents = []
    for each in (table, table.sample(fraction=1, shuffle=True, seed=chance.randrange(2**31))):
        by_row = removed_by(numbered(each), [ALL[name]])
        stays = pl.Series([not by_row[row] for row in range(each.height)])
        contents.append(sorted(map(repr, each.filter(stays).rows())))
    assert contents[0] == contents[1]
