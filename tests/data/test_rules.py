"""Each rule alone: what it marks, what it leaves, what it refuses."""

import itertools
import math
import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from dirty_logs import (
    bracketed,
    core_rows,
    rows_of,
    rows_without_repeats,
    taken_piecewise,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.data.clean import clean, mark_rows
from regard.data.interactions import Interactions
from regard.data.rules import RULES
from regard.data.rules.bursts import Bursts
from regard.data.rules.cancellations import Cancellations
from regard.data.rules.clockwork import Clockwork
from regard.data.rules.contract import REMOVED_BY, Rule
from regard.data.rules.duplicates import ExactDuplicates
from regard.data.rules.excluded_items import ExcludedItems
from regard.data.rules.implausible_times import ImplausibleTimes
from regard.data.rules.missing import MissingItem, MissingTime, MissingUser
from regard.data.rules.near_duplicates import NearDuplicates
from regard.data.rules.prices import NonPositivePrice
from regard.data.rules.quantities import NonPositiveQuantity
from regard.data.rules.rare import RareUsersAndItems
from regard.data.rules.repeats import ConsecutiveRepeats
from regard.data.rules.taken_back import TakenBack
from regard.data.rules.value_range import ValueRange
from regard.errors import ColumnError, ConfigurationError, NeedsClockError, TooLittleDataError

PLAIN = {"user": [1, 2, 3, 4], "item": ["a", "b", "c", "d"], "time": [1e9, 2e9, 3e9, 4e9]}


def log_of(**columns: object) -> Interactions:
    size = len(next(iter(columns.values())))  # type: ignore[arg-type] # columns are lists here
    plain = {name: values[:size] for name, values in PLAIN.items()}
    if "position" in columns:
        del plain["time"]
    return Interactions.of(pl.DataFrame(plain | columns, strict=False))


def removed(rule: Rule, log: Interactions) -> list[int]:
    """Row numbers that one rule removes."""
    table = mark_rows(log, [rule]).collect("polars").to_native()
    return sorted(table.filter(pl.col(REMOVED_BY) == 1)["row"].to_list())


GIVEN: dict[str, dict[str, Any]] = {
    "excluded-items": {"pattern": "POST"},
    "value-range": {"least": 1},
    "bursts": {"per_hour": 100},
    "clockwork": {"hours": 4.5},
}
"""What rules without defaults must be told."""


class TestTheSet:
    def test_names_are_those_of_the_rules(self) -> None:
        assert {name: rule.name for name, rule in RULES.items()} == {name: name for name in RULES}

    def test_every_rule_of_the_room_is_named(self) -> None:
        def concrete(kind: type[Rule]) -> set[type[Rule]]:
            below = {each for sub in kind.__subclasses__() for each in concrete(sub)}
            # A form that a rule takes for the parts of a log has no name of its own.
            ours = kind.__module__.startswith("regard.") and kind.__name__[0] != "_"
            return below | ({kind} if ours and not kind.__abstractmethods__ else set())

        assert concrete(Rule) == set(RULES.values())

    @pytest.mark.parametrize("rule", RULES.values())
    def test_a_reason_is_one_sentence(self, rule: type[Rule]) -> None:
        assert re.fullmatch(r"[A-Z][^.]+\.", rule.reason)

    @pytest.mark.parametrize("name", RULES)
    def test_parameters_build_the_rule_again(self, name: str) -> None:
        rule = RULES[name](**GIVEN.get(name, {})).settled()
        assert RULES[name](**rule.parameters()) == rule


class TestMissing:
    def test_whole_numbers_and_text(self) -> None:
        assert removed(MissingUser(), log_of(user=[None, 0, 7])) == [0]
        assert removed(MissingUser(), log_of(user=["", "x", " y "])) == [0]
        assert removed(MissingItem(), log_of(item=["a", None, "\u2003"])) == [1, 2]

    def test_words_for_nothing_are_ids(self) -> None:
        assert removed(MissingUser(), log_of(user=["nan", "None", "-"])) == []

    def test_time_and_position(self) -> None:
        assert removed(MissingTime(), log_of(time=[None, 0.0, float("nan"), 1e12])) == [0, 2]
        assert removed(MissingTime(), log_of(position=[0, None, 2])) == [1]


class TestExcludedItems:
    def test_the_whole_id_and_nothing_less(self) -> None:
        log = log_of(item=["POST", "POSTER", "post", "M"])
        assert removed(ExcludedItems(pattern="POST|M"), log) == [0, 3]

    def test_ids_that_are_numbers(self) -> None:
        assert removed(ExcludedItems(pattern="9[0-9]"), log_of(item=[9, 90, 990, 99])) == [1, 3]

    @pytest.mark.parametrize("pattern", ["(", "a)|(b", "(?=x)", r"(a)\1", "", None, 5])
    def test_refuses_what_is_no_pattern_for_all_engines(self, pattern: Any) -> None:
        with pytest.raises(ConfigurationError, match="regular expression"):
            ExcludedItems(pattern=pattern)


class TestCancellations:
    @pytest.mark.parametrize("prefix", ["C", "RET-", "a.b", "Ö ", "+", "\\d"])
    def test_prefix_is_taken_literally(self, prefix: str) -> None:
        log = log_of(session=[f"{prefix}12", f"x{prefix}12", f"{prefix}", f"{prefix}1a"])
        assert removed(Cancellations(prefix=prefix), log) == [0]

    def test_invoices_that_are_numbers_cancel_nothing(self) -> None:
        assert removed(Cancellations(), log_of(session=[1, 2, None])) == []

    @pytest.mark.parametrize("prefix", ["", None, 7])
    def test_refuses_a_prefix_that_fits_all(self, prefix: Any) -> None:
        with pytest.raises(ConfigurationError, match="must be text such as 'C'"):
            Cancellations(prefix=prefix)


INVOICES = {
    "user": ["a", "b", None],
    "item": ["x", "y", None],
    "time": [1.0, 2.0, 3.0, 4.0, 5.0],
    "session": ["C1", "C2", "C3", "7", "8", "9", None, "C"],
    "quantity": [1, 1, 2, -1, -1, -2, 0],
}


class TestTakenBack:
    @given(rows_of(INVOICES))
    def test_agrees_with_a_loop(self, table: pl.DataFrame) -> None:
        expected = bracketed(table.with_row_index("row"))
        assert removed(TakenBack(), Interactions.of(table)) == expected

    @settings(max_examples=40)
    @given(rows_of({**INVOICES, "quantity": [1, 2, 3, 5, -1, -2, -4, 0]}))
    def test_pieces_agree_with_a_loop(self, table: pl.DataFrame) -> None:
        expected = taken_piecewise(table.with_row_index("row"))
        log = Interactions.of(table)
        assert removed(TakenBack(partial=True), log) == expected
        if len(expected) < table.height:
            kept, _ = clean(log, [TakenBack(partial=True)])
            assert removed(TakenBack(partial=True), kept) == []

    def test_pieces_spread_backwards_and_never_below_nothing(self) -> None:
        log = log_of(
            user=[1] * 6, item=["a"] * 6, position=[0, 1, 2, 3, 4, 5],
            session=["C1", "2", "3", "C4", "5", "C6"], quantity=[-9, 6, 2, -5, 4, -99],
        )  # fmt: skip
        assert removed(TakenBack(partial=True), log) == [1, 2, 3, 4, 5]
        assert removed(TakenBack(partial=True), Interactions.of(log.collect().head(4))) == [2, 3]

    def test_pieces_that_cannot_be_counted_are_left_alone(self) -> None:
        log = log_of(
            user=[1] * 4, item=["a"] * 4, session=["1", "C2", "3", "C4"],
            quantity=[2.5, -1.0, 2.0**31, -5.0],
        )  # fmt: skip
        assert removed(TakenBack(partial=True), log) == []

    @pytest.mark.parametrize("partial", [None, 1, "yes"])
    def test_refuses_what_is_neither_true_nor_false(self, partial: Any) -> None:
        with pytest.raises(ConfigurationError, match="must be true or false"):
            TakenBack(partial=partial)

    def test_closes_like_brackets(self) -> None:
        log = log_of(
            user=[1] * 4, item=["a"] * 4, session=["1", "2", "C3", "4"], quantity=[5, 5, -5, 5]
        )
        assert removed(TakenBack(), log) == [1, 2]

    def test_fewer_pieces_and_another_prefix_pair_with_nothing(self) -> None:
        fewer = log_of(user=[1, 1], item=["a", "a"], session=["1", "C2"], quantity=[5, -4])
        assert removed(TakenBack(), fewer) == []
        other = log_of(user=[1, 1], item=["a", "a"], session=["1", "R2"], quantity=[5, -5])
        assert removed(TakenBack(), other) == []
        assert removed(TakenBack(prefix="R"), other) == [0, 1]

    def test_what_was_removed_before_is_not_there(self) -> None:
        log = log_of(user=[1, 1], item=["a", "a"], session=["1", "C2"], quantity=[5, -5])
        _, report = clean(
            Interactions.of(
                pl.concat(
                    [log.collect(), log.collect()[:1].with_columns(row=9, user=2)],
                    how="vertical_relaxed",
                )
            ),
            [Cancellations(), TakenBack()],
        )
        assert [removal.rows for removal in report.removals] == [1, 0]

    @pytest.mark.parametrize("prefix", ["", None, 7])
    def test_refuses_a_prefix_that_fits_all(self, prefix: Any) -> None:
        with pytest.raises(ConfigurationError, match="must be text such as 'C'"):
            TakenBack(prefix=prefix)


@pytest.mark.parametrize(
    ("rule", "column"), [(NonPositiveQuantity(), "quantity"), (NonPositivePrice(), "price")]
)
class TestNonPositive:
    def test_unknown_stays(self, rule: Rule, column: str) -> None:
        assert removed(rule, log_of(**{column: [0, -1, None, 1]})) == [0, 1]
        assert removed(rule, log_of(**{column: [0.0, -0.0, float("nan"), 1e-9]})) == [0, 1]

    def test_applies_where_the_column_is(self, rule: Rule, column: str) -> None:
        assert rule.applies(log_of(**{column: [1]}))
        assert not rule.applies(log_of(item=[1]))


class TestImplausibleTimes:
    def test_bounds_are_inside(self) -> None:
        rule = ImplausibleTimes(earliest="2001-09-09T01:46:40", latest="2001-09-09T01:46:41+00:00")
        assert removed(rule, log_of(time=[1e9 - 1, 1e9, 1e9 + 1, 1e9 + 2])) == [0, 3]

    def test_a_date_covers_its_day(self) -> None:
        rule = ImplausibleTimes(earliest="2020-01-01", latest="2020-01-01")
        midnight = datetime(2020, 1, 1, tzinfo=UTC).timestamp()
        times = [midnight - 1e-3, midnight, midnight + 86_399.999, midnight + 86_400]
        assert removed(rule, log_of(time=times)) == [0, 3]

    def test_zone_is_honoured(self) -> None:
        rule = ImplausibleTimes(earliest="2001-09-09T03:46:40+02:00")
        assert removed(rule, log_of(time=[1e9 - 1, 1e9])) == [0]

    def test_no_moment_at_all(self) -> None:
        times = [float("inf"), float("-inf"), float("nan"), 1e9]
        assert removed(ImplausibleTimes(), log_of(time=times)) == [0, 1, 2]

    def test_now_is_settled_once(self) -> None:
        before = datetime.now(UTC)
        rule = ImplausibleTimes().settled()
        assert rule.latest is not None
        assert before <= datetime.fromisoformat(rule.latest) <= datetime.now(UTC)
        assert rule.settled() is rule

    @pytest.mark.parametrize("earliest", ["yesterday", "", None, 1990, "2001-13-01"])
    def test_refuses_what_is_no_moment(self, earliest: Any) -> None:
        with pytest.raises(ConfigurationError, match=r"must be an ISO date in quotes"):
            ImplausibleTimes(earliest=earliest)

    def test_refuses_moments_the_wrong_way_round(self) -> None:
        with pytest.raises(ConfigurationError, match="lies before the earliest"):
            ImplausibleTimes(earliest="2020-01-02", latest="2020-01-01")
        ImplausibleTimes(earliest="2020-01-01T12:00", latest="2020-01-01")


class TestExactDuplicates:
    def test_the_first_by_row_stays_whatever_the_order(self) -> None:
        frame = pl.DataFrame({"user": [1] * 3, "item": ["a"] * 3, "time": [1.0] * 3})
        log = Interactions.of(frame.with_columns(pl.Series("row", [7, 3, 5])))
        assert removed(ExactDuplicates(), log) == [5, 7]

    def test_null_equals_null_and_nan_equals_nan(self) -> None:
        log = log_of(user=[1, 1, 1], item=["a"] * 3, time=[float("nan")] * 3, x=[None, None, 1])
        assert removed(ExactDuplicates(), log) == [1]

    def test_lists_in_a_context_column(self) -> None:
        log = log_of(user=[1, 1, 1], item=["a"] * 3, time=[1.0] * 3, tags=[["x"], ["x"], ["y"]])
        assert removed(ExactDuplicates(), log) == [1]

    def test_is_compared_with_kept_rows_only(self) -> None:
        log = log_of(user=[1, 1, 1], item=["a"] * 3, time=[1.0, 1.0, 2.0])
        _, report = clean(log, [ConsecutiveRepeats(), ExactDuplicates()])
        assert [removal.rows for removal in report.removals] == [2, 0]

    def test_a_removed_row_is_nobodys_first(self) -> None:
        table = pl.DataFrame({"user": [1] * 3, "item": ["a"] * 3, "row": [0, 1, 2]})
        frame = nw.from_native(table.with_columns(_removed_by=pl.Series([4, 0, 0])).lazy())
        marked = ExactDuplicates().mark(frame, "position").collect()
        assert marked["_marked"].to_list()[1:] == [False, True]


CLEAN = {"user": ["a", "b", "c", "d"], "item": ["x", "y", "z"], "time": [1.0, 2.0, 3.0]}


class TestRareUsersAndItems:
    @given(rows_of(CLEAN), st.integers(1, 4), st.integers(1, 4))
    def test_agrees_with_a_loop(self, table: pl.DataFrame, user: int, item: int) -> None:
        core = core_rows(table.select("user", "item").iter_rows(), user, item)
        gone = removed(RareUsersAndItems(user=user, item=item), Interactions.of(table))
        assert gone == sorted(set(range(table.height)) - set(core))

    def test_a_long_chain_falls_one_after_the_other(self) -> None:
        links = 60
        users = [i // 2 for i in range(2 * links)]
        items = [(i + 1) // 2 for i in range(2 * links)]
        ring = pl.DataFrame(
            {"user": [900, 900, 901, 901], "item": [900, 901] * 2, "time": [1.0] * 4}
        )
        chain = pl.DataFrame({"user": users, "item": items, "time": [1.0] * 2 * links})
        log = Interactions.of(pl.concat([chain, ring]))
        assert removed(RareUsersAndItems(user=2, item=2), log) == list(range(2 * links))

    def test_counts_what_earlier_rules_kept(self) -> None:
        log = log_of(user=[1, 1, 1], item=["a", "a", "a"], quantity=[1, 1, 0])
        kept, _ = clean(log, [RareUsersAndItems(user=3, item=3)])
        assert kept.collect().height == 3
        marked = mark_rows(log, [NonPositiveQuantity(), RareUsersAndItems(user=3, item=3)])
        table = marked.collect("polars").to_native().sort("row")
        assert table[REMOVED_BY].to_list() == [2, 2, 1]

    def test_a_row_without_user_counts_for_nobody(self) -> None:
        log = log_of(user=[1, 1, None], item=["a", "a", "a"])
        assert removed(RareUsersAndItems(user=2, item=2), log) == []
        assert removed(RareUsersAndItems(user=2, item=3), log) == [0, 1]

    def test_the_report_warns_of_the_future(self) -> None:
        log = log_of(user=[1, 1], item=["a", "a"])
        kept, report = clean(log, [RareUsersAndItems(user=2, item=2)])
        assert "future" in report.notes[0]
        assert kept.notes == report.notes
        assert f"Note: {report.notes[0]}" in str(report)

    def test_an_empty_log(self) -> None:
        empty = Interactions.of(pl.DataFrame(schema={"user": str, "item": str, "time": float}))
        assert removed(RareUsersAndItems(), empty) == []

    @pytest.mark.parametrize("least", [0, -1, 2.0, True, "5", None])
    def test_refuses_thresholds_that_mean_nothing(self, least: Any) -> None:
        with pytest.raises(ConfigurationError, match=r"rows per item is .* 1 or more"):
            RareUsersAndItems(item=least)


class TestBursts:
    @given(
        rows_of({**CLEAN, "time": [0.0, 30.0, 59.0, 60.0, 3599.0, 3600.0, -1.0]}),
        st.sampled_from([None, 1, 2, 3]),
        st.sampled_from([1, 2, 4]),
    )
    def test_agrees_with_a_loop(
        self, table: pl.DataFrame, per_minute: int | None, per_hour: int
    ) -> None:
        busy = set()
        for seconds, limit in ((60, per_minute), (3600, per_hour)):
            slots = Counter((r["user"], r["time"] // seconds) for r in table.iter_rows(named=True))
            busy |= {user for (user, _), rows in slots.items() if limit and rows > limit}
        expected = [row for row, user in enumerate(table["user"]) if user in busy]
        rule = Bursts(per_minute=per_minute, per_hour=per_hour)
        assert removed(rule, Interactions.of(table)) == expected

    def test_limits_by_hand(self) -> None:
        # Busiest hours 1, 2, 2, 4, 512: on the scale of log2 the median is 1, the deviation 1.
        sizes = (1, 2, 2, 4, 512)
        users = [user for user, size in enumerate(sizes) for _ in range(size)]
        times = [60.0 * n for size in sizes for n in range(size)]
        times[-512:] = [n / 10 for n in range(512)]
        log = Interactions.of(pl.DataFrame({"user": users, "item": ["a"] * 521, "time": times}))
        rule = Bursts.learn(log, deviations=3)
        # 1.4826 times a deviation of 1 is the spread; busiest minutes hold 1, 1, 1, 1, 512.
        assert rule == Bursts(per_minute=2**3, per_hour=int(2 ** (1 + 3 * 1.4826)))
        assert removed(rule, log) == list(range(9, 521))

    @given(rows_of(CLEAN), st.integers(1, 9))
    def test_the_test_part_changes_nothing(self, table: pl.DataFrame, more: int) -> None:
        log = Interactions.of(table)
        later = table.with_columns(pl.col("time") + 100.0)
        longer = Interactions.of(pl.concat([table, *[later] * more]))
        assert Bursts.learn(longer, until=100.0) == Bursts.learn(log)

    def test_nobody_to_learn_from(self) -> None:
        with pytest.raises(TooLittleDataError, match="no user with a time before that moment"):
            Bursts.learn(log_of(user=[1]), until=0.0)
        with pytest.raises(NeedsClockError, match="limits of bursts needs the time"):
            Bursts.learn(log_of(position=[0]))
        for deviations in (0.0, -1.0, float("inf"), float("nan")):
            with pytest.raises(ConfigurationError, match="must be a positive number"):
                Bursts.learn(log_of(user=[1]), deviations=deviations)

    @pytest.mark.parametrize("limit", [0, -1, 2.5, True, "5"])
    def test_refuses_limits_that_mean_nothing(self, limit: Any) -> None:
        with pytest.raises(ConfigurationError, match="per_hour of bursts is"):
            Bursts(per_hour=limit)
        with pytest.raises(ConfigurationError, match="needs a limit"):
            Bursts()

    def test_the_report_says_that_it_saw_everything(self) -> None:
        _, report = clean(log_of(user=[1, 2]), [Bursts(per_hour=5)])
        assert report.notes == (Bursts.note,)


def bits(things: list[Any]) -> float:
    """Entropy of what was seen."""
    shares = [count / len(things) for count in Counter(things).values()]
    return -sum(share * math.log2(share) for share in shares)


class TestClockwork:
    @given(
        rows_of({**CLEAN, "time": [0.0, 60.0, 120.0, 150.5, 7200.0, 86_460.0, -1.0, 9e4]}),
        st.sampled_from(["hours", "gaps", "items"]),
        st.sampled_from([0.7, 0.95, 1.2, 1.55]),
    )
    def test_agrees_with_a_loop(self, table: pl.DataFrame, name: str, limit: float) -> None:
        machines = set()
        for user in set(table["user"]):
            rows = table.filter(pl.col("user") == user)
            times = sorted(rows["time"].to_list())
            things = {
                "hours": [time // 3600 % 24 for time in times],
                "gaps": [(b - a) // 1 for a, b in itertools.pairwise(times)],
                "items": rows["item"].to_list(),
            }[name]
            if rows.height >= 4:
                beyond = bits(things) > limit if name == "hours" else bits(things) < limit
                machines |= {user} if beyond else set()
        expected = [row for row, user in enumerate(table["user"]) if user in machines]
        assert removed(Clockwork(rows=4, **{name: limit}), Interactions.of(table)) == expected

    @staticmethod
    def crowd() -> pl.DataFrame:
        """People who are up for 12 hours at odd intervals, and a robot that never sleeps."""
        random = np.random.default_rng(5)
        parts = [
            pl.DataFrame({
                "user": person,
                "item": random.integers(0, 50, 200),
                "time": random.integers(0, 60, 200) * 86_400.0 + random.integers(0, 43_200, 200),
            })
            for person in range(1, 20)
        ]  # fmt: skip
        robot = pl.DataFrame({"user": 0, "item": 7, "time": [600.0 * n for n in range(720)]})
        return pl.concat([robot.select(pl.all().cast(pl.Float64)).cast(parts[0].schema), *parts])

    def test_learns_to_find_the_robot(self) -> None:
        log = Interactions.of(self.crowd())
        rule = Clockwork.learn(log)
        assert rule.hours is not None
        assert math.log2(12) < rule.hours < math.log2(24)
        for name in ("hours", "gaps", "items"):
            alone = Clockwork(rows=100, **{name: getattr(rule, name)})
            assert removed(alone, log) == list(range(720))
        assert removed(rule, log) == list(range(720))

    def test_the_test_part_changes_nothing(self) -> None:
        table = self.crowd()
        later = table.with_columns(pl.col("time") + 1e9, item=pl.lit(1, pl.Int64))
        longer = Interactions.of(pl.concat([table, later, later]))
        assert Clockwork.learn(longer, until=1e9) == Clockwork.learn(Interactions.of(table))

    def test_refuses_to_learn(self) -> None:
        log = Interactions.of(self.crowd())
        with pytest.raises(TooLittleDataError, match=r"no user with 5000 rows .* lower rows"):
            Clockwork.learn(log, rows=5000)
        with pytest.raises(TooLittleDataError, match="differ so much that nobody could be"):
            Clockwork.learn(log, deviations=900.0)
        with pytest.raises(NeedsClockError, match="limits of clockwork needs the time"):
            Clockwork.learn(log_of(position=[0]))
        with pytest.raises(ConfigurationError, match="deviations=-1 must be a positive number"):
            Clockwork.learn(log, deviations=-1)

    @pytest.mark.parametrize("limit", [-1, float("nan"), float("inf"), True, "5"])
    def test_refuses_limits_that_mean_nothing(self, limit: Any) -> None:
        with pytest.raises(ConfigurationError, match="limit gaps of clockwork is"):
            Clockwork(gaps=limit)
        with pytest.raises(ConfigurationError, match="needs a limit"):
            Clockwork()

    @pytest.mark.parametrize("rows", [2, 5.0, True, None])
    def test_refuses_to_judge_by_a_row_or_two(self, rows: Any) -> None:
        with pytest.raises(ConfigurationError, match="whole number of 3 or more"):
            Clockwork(rows=rows, hours=4.0)


class TestValueRange:
    def test_ends_are_inside_and_unknown_stays(self) -> None:
        log = log_of(value=[1.0, 5.0, 5.5, 0.5])
        assert removed(ValueRange(least=1, most=5), log) == [2, 3]
        assert removed(ValueRange(most=5), log) == [2]
        assert removed(ValueRange(least=1), log) == [3]
        unknown = log_of(value=[None, float("nan"), float("inf"), float("-inf")])
        assert removed(ValueRange(least=1, most=5), unknown) == [2, 3]

    def test_of_any_column_of_numbers(self) -> None:
        rule = ValueRange(column="stars", least=1)
        assert removed(rule, log_of(stars=[0, 1, None])) == [0]
        assert not rule.applies(log_of(value=[0]))
        with pytest.raises(ColumnError, match="'value-range' needs the column stars, which"):
            removed(rule, log_of(value=[0]))
        with pytest.raises(ColumnError, match="compares numbers, but column 'stars' holds String"):
            removed(rule, log_of(stars=["good"]))

    @pytest.mark.parametrize(
        ("ends", "said"),
        [
            ({}, "needs an end: give least, most or both"),
            ({"least": 2, "most": 1}, "lies below the least, 2; swap them"),
            ({"least": "1"}, "least of value-range is '1'"),
            ({"most": float("nan")}, "most of value-range is nan"),
            ({"most": True}, "most of value-range is True"),
        ],
    )
    def test_refuses_ends_that_make_no_sense(self, ends: dict[str, Any], said: str) -> None:
        with pytest.raises(ConfigurationError, match=said):
            ValueRange(**ends)


class TestNearDuplicates:
    @given(rows_of({**CLEAN, "time": [0.0, 4.0, 10.0, 11.0, 30.0]}), st.sampled_from([0, 4, 6.5]))
    def test_agrees_with_a_loop(self, table: pl.DataFrame, seconds: float) -> None:
        last: dict[object, float] = {}
        expected = []
        rows = table.with_row_index("row").sort("time", "row").iter_rows(named=True)
        for row in rows:
            pair = (row["user"], row["item"])
            if pair in last and row["time"] - last[pair] <= seconds:
                expected.append(row["row"])
            last[pair] = row["time"]
        rule = NearDuplicates(seconds=seconds)
        assert removed(rule, Interactions.of(table)) == sorted(expected)

    def test_a_burst_is_one_event(self) -> None:
        log = log_of(user=[1] * 4, item=["a"] * 4, time=[0.0, 8.0, 16.0, 40.0])
        assert removed(NearDuplicates(seconds=10), log) == [1, 2]

    def test_what_is_missing_is_near_nothing(self) -> None:
        nobody = log_of(user=[None, None, 1], item=["a"] * 3, time=[1.0, 1.0, 1.0])
        assert removed(NearDuplicates(), nobody) == []
        endless = log_of(user=[1] * 4, item=["a"] * 4, time=[None, float("inf"), float("inf"), 1.0])
        assert removed(NearDuplicates(), endless) == []

    @pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan"), "10", None, True])
    def test_refuses_what_is_no_distance(self, seconds: Any) -> None:
        with pytest.raises(ConfigurationError, match="must be a number of seconds, such as 10"):
            NearDuplicates(seconds=seconds)


class TestConsecutiveRepeats:
    @given(rows_of(CLEAN))
    def test_agrees_with_a_loop(self, table: pl.DataFrame) -> None:
        log = Interactions.of(table)
        gone = removed(ConsecutiveRepeats(), log)
        kept = rows_without_repeats(table.with_row_index("row"))
        assert gone == sorted(set(range(table.height)) - set(kept))

    def test_rows_that_are_gone_stand_between_nothing(self) -> None:
        log = log_of(user=[1, 1, 1], item=["a", "b", "a"], time=[1.0, 2.0, 3.0], quantity=[1, 0, 1])
        _, report = clean(log, [NonPositiveQuantity(), ConsecutiveRepeats()])
        assert report.quarantine["row"].to_list() == [1, 2]

    def test_order_without_a_clock(self) -> None:
        log = log_of(user=[1, 1, 1], item=["a", "b", "a"], position=[0, 2, 1])
        assert removed(ConsecutiveRepeats(), log) == [2]

    def test_two_missing_items_are_not_the_same(self) -> None:
        log = log_of(user=[1, 1, 1], item=["a", None, None])
        assert removed(ConsecutiveRepeats(), log) == []
