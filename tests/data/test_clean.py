"""Cleaning as a whole: what goes in comes out or is explained, once, and for good."""

import json
import time
from collections import Counter
from datetime import UTC, datetime
from typing import ClassVar

import narwhals as nw
import polars as pl
import pytest
from dirty_logs import EARLIEST, LATEST, VALUES, bracketed, dirty_log, expected_reasons, rows_of
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from regard.data.clean import clean, default_rules, mark_rows
from regard.data.datasets import online_retail
from regard.data.interactions import Interactions
from regard.data.report import CleaningReport, Removal
from regard.data.rules.bursts import Bursts
from regard.data.rules.cancellations import Cancellations
from regard.data.rules.clockwork import Clockwork
from regard.data.rules.contract import MARKED, REMOVED_BY, SCRATCH, Frame, Rule
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
from regard.errors import ColumnError, NeedsClockError, TooLittleDataError

DEFAULTS: tuple[Rule, ...] = (
    MissingUser(),
    MissingItem(),
    MissingTime(),
    ExactDuplicates(),
    Cancellations(),
    NonPositiveQuantity(),
    NonPositivePrice(),
    ImplausibleTimes(earliest=EARLIEST, latest=LATEST),
)
RARE = RareUsersAndItems(user=2, item=2)
EXCLUDED = ExcludedItems(pattern="POST|M")
RANGE = ValueRange(column="quantity", least=0, most=9)
EACH: tuple[Rule, ...] = (
    *DEFAULTS,
    RARE,
    EXCLUDED,
    RANGE,
    Clockwork(rows=4, hours=2.0, gaps=0.9, items=0.5),
    Bursts(per_minute=2, per_hour=3),
    NearDuplicates(),
    TakenBack(),
    ConsecutiveRepeats(),
)
BRACKETS: tuple[Rule, ...] = (*DEFAULTS[:4], TakenBack(), *DEFAULTS[4:])
SETS: list[tuple[Rule, ...]] = [
    DEFAULTS,
    BRACKETS,
    (*DEFAULTS, EXCLUDED, RARE),
    *((rule,) for rule in EACH),
]
rule_sets = st.sampled_from(SETS)
every_order = st.permutations(EACH)


def try_clean(log: Interactions, rules: tuple[Rule, ...]) -> tuple[Interactions, CleaningReport]:
    """Clean a log that keeps at least one row: a last one that no rule objects to is added."""
    fine = {"user": "zoe", "item": "rice", "time": 1.1e9, "row": 10_000}
    schema = log.collect().schema
    more = pl.DataFrame(
        [{**dict.fromkeys(schema), **fine, "quantity": n, "price": 1.0} for n in (1, 2)], schema
    )
    rows = pl.concat([log.collect(), more.with_columns(pl.col("row") + pl.Series([0, 1]))])
    return clean(Interactions.of(rows), rules)


class TestProperties:
    @settings(max_examples=40)
    @given(rows_of(), every_order)
    def test_nothing_is_lost_and_nothing_changed(
        self, table: pl.DataFrame, rules: list[Rule]
    ) -> None:
        log = Interactions.of(table)
        try:
            kept, report = clean(log, rules)
        except TooLittleDataError:
            return
        assert report.rows_in == table.height == report.rows_kept + report.rows_removed
        assert report.quarantine.height == report.rows_removed
        whole = pl.concat([kept.collect(), report.quarantine.drop("rule", "reason")]).sort("row")
        assert_frame_equal(whole, log.collect())
        counted = Counter(report.quarantine["rule"].to_list())
        assert counted == {each.rule: each.rows for each in report.removals if each.rows}

    @given(rows_of())
    def test_reasons_are_those_of_a_loop(self, table: pl.DataFrame) -> None:
        names = [None, *(rule.name for rule in DEFAULTS)]
        marked = mark_rows(Interactions.of(table), DEFAULTS).collect("polars").to_native()
        numbers = marked.sort("row")["_removed_by"]
        assert [names[number] for number in numbers] == expected_reasons(table)

    @given(rows_of(), rule_sets)
    def test_cleaning_twice_changes_nothing(
        self, table: pl.DataFrame, rules: tuple[Rule, ...]
    ) -> None:
        once, _ = try_clean(Interactions.of(table), rules)
        twice, report = clean(once, rules)
        assert report.rows_removed == 0
        assert_frame_equal(twice.collect(), once.collect())

    @given(rows_of(), rule_sets.filter(lambda rules: rules != (EACH[-1],)), st.randoms())
    def test_order_of_the_file_does_not_matter(
        self, table: pl.DataFrame, rules: tuple[Rule, ...], random: object
    ) -> None:
        shuffle = list(range(table.height))
        random.shuffle(shuffle)  # type: ignore[attr-defined] # st.randoms gives random.Random
        kept = [
            Counter(map(repr, cleaned.collect().select("user", "item", "time").iter_rows()))
            for cleaned, _ in (
                try_clean(Interactions.of(each), rules) for each in (table, table[shuffle])
            )
        ]
        assert kept[0] == kept[1]


class TestRulesOfALog:
    def test_columns_decide(self) -> None:
        names = [rule.name for rule in default_rules(Interactions.of(dirty_log(20, 0)))]
        assert names == [rule.name for rule in DEFAULTS]
        bare = pl.DataFrame({"user": [1], "item": [1], "position": [0]})
        assert default_rules(Interactions.of(bare)) == DEFAULTS[:4]

    def test_now_is_recorded_so_that_a_rerun_agrees(self) -> None:
        future = datetime.now(UTC).timestamp() + 3600
        log = Interactions.of(pl.DataFrame({"user": [1, 1], "item": [1, 2], "time": [1e9, future]}))
        _, report = clean(log)
        assert report.removals[-1].rows == 1
        again = ImplausibleTimes(**report.removals[-1].parameters)
        assert clean(log, [*default_rules(log)[:-1], again])[1] == report

    def test_lacking_columns_are_named(self) -> None:
        log = Interactions.of(pl.DataFrame({"user": [1], "item": [1], "position": [0]}), "x.csv")
        with pytest.raises(
            ColumnError, match=r"'cancellations' needs the column session, .* x\.csv"
        ):
            clean(log, [Cancellations()])
        with pytest.raises(NeedsClockError, match=r"'implausible-times' needs the time"):
            clean(log, [ImplausibleTimes()])

    @pytest.mark.parametrize("name", [REMOVED_BY, MARKED, SCRATCH])
    def test_working_names_are_not_for_the_log(self, name: str) -> None:
        log = Interactions.of(dirty_log(10, 1).with_columns(pl.lit(0).alias(name)))
        with pytest.raises(ColumnError, match=f"has a column '{name}', .* rename or drop it"):
            clean(log)

    def test_no_rules_keep_everything(self) -> None:
        log = Interactions.of(dirty_log(30, 1))
        kept, report = clean(log, [])
        assert report.rows_kept == report.rows_in
        assert_frame_equal(kept.collect(), log.collect())

    def test_a_kept_log_stays_what_it_was(self) -> None:
        log = Interactions.of(dirty_log(50, 2), source="plays.csv")
        kept, _ = clean(log)
        assert (kept.source, kept.clock, kept.roles) == (log.source, log.clock, log.roles)
        assert kept.frame.collect_schema() == log.frame.collect_schema()


class Careless(Rule):
    """Doubles the log instead of marking rows."""

    name: ClassVar[str] = "careless"
    reason: ClassVar[str] = "None."

    def mark(self, frame: Frame, ordering: str) -> Frame:
        return nw.concat([frame, frame]).with_columns(nw.lit(value=False).alias(MARKED))


class OwnRule(Rule):
    """Marks with nulls, as a careless expression does."""

    name: ClassVar[str] = "own"
    reason: ClassVar[str] = "The country is not the UK."

    def mark(self, frame: Frame, ordering: str) -> Frame:
        return frame.with_columns((nw.col("country") != "UK").alias(MARKED))


class TestFaults:
    def test_a_rule_that_adds_rows_is_found_out(self) -> None:
        with pytest.raises(RuntimeError, match=r"does not add up; a rule among careless"):
            clean(Interactions.of(dirty_log(10, 3)), [Careless()])

    def test_a_rule_of_ones_own(self) -> None:
        table = dirty_log(200, 4)
        _, report = clean(Interactions.of(table), [OwnRule()])
        assert report.removals[0].rows == table.filter(pl.col("country") == "Éire").height > 0

    def test_nothing_left_says_what_did_it(self) -> None:
        log = Interactions.of(
            pl.DataFrame({"user": ["x", None, None], "item": ["a"] * 3, "position": [None, 1, 2]}),
            source="x.csv",
        )
        said = (
            r"none of the 3 rows of x\.csv: rule 'missing-user' removed most, 2 \(the first is "
            r"row 1\)\. The user is missing\. Check which column"
        )
        with pytest.raises(TooLittleDataError, match=said):
            clean(log)

    def test_an_empty_log(self) -> None:
        empty = Interactions.of(pl.DataFrame(schema={"user": str, "item": str, "time": float}))
        with pytest.raises(TooLittleDataError, match="holds no rows"):
            clean(empty)


class TestReport:
    def test_is_for_people_and_for_machines(self) -> None:
        columns = dirty_log(400, 5).with_columns(
            day=pl.datetime(2020, 1, 2), tags=pl.lit([1, 2]), raw=pl.struct("quantity")
        )
        _, report = clean(Interactions.of(columns, source="shop.csv"))
        lines = str(report).splitlines()
        assert lines[0].startswith(f"Cleaning shop.csv: {columns.height} rows in, ")
        assert (
            len({line.index(w) for line, w in zip(lines[1:3], ("reason", "The"), strict=True)}) == 1
        )
        told = json.loads(json.dumps(report.to_dict(), allow_nan=False))
        assert told["rows_in"] == told["rows_kept"] + sum(r["rows"] for r in told["removals"])
        sample = told["removals"][0]["samples"][0]
        assert sample["day"] == "2020-01-02T00:00:00"
        assert (sample["tags"], list(sample["raw"])) == ([1, 2], ["quantity"])
        assert told["removals"][-1]["parameters"]["earliest"] == "1990-01-01"

    def test_samples_are_the_first_rows(self) -> None:
        _, report = clean(Interactions.of(dirty_log(400, 6)))
        for removal in report.removals:
            rows = report.quarantine.filter(pl.col("rule") == removal.rule)["row"].to_list()
            assert [sample["row"] for sample in removal.samples] == sorted(rows)[:3]
            assert removal.rows == len(rows)
            assert removal.share == pytest.approx(len(rows) / report.rows_in)

    def test_numbers_that_json_lacks_become_words(self) -> None:
        samples = ({"time": float("nan"), "price": float("-inf"), "blob": b"x"},)
        removal = Removal(
            rule="r", reason="R.", rows=1, share=0.1, samples=samples, parameters={}
        ).to_dict()
        assert removal["samples"] == [{"time": "nan", "price": "-inf", "blob": "b'x'"}]

    def test_the_same_rule_twice_counts_apart(self) -> None:
        log = Interactions.of(
            pl.DataFrame({"user": [1] * 3, "item": ["a", "b", "c"], "time": [1e9] * 3})
        )
        _, report = clean(log, [ExcludedItems(pattern="a"), ExcludedItems(pattern="b")])
        assert [(each.rows, each.parameters["pattern"]) for each in report.removals] == [
            (1, "a"),
            (1, "b"),
        ]

    def test_values_of_the_generator_meet_every_rule(self) -> None:
        assert set(VALUES) <= set(dirty_log(10, 0).columns)
        rules = [*DEFAULTS, EXCLUDED, ConsecutiveRepeats(), RareUsersAndItems(user=2, item=12)]
        _, report = clean(Interactions.of(dirty_log(2_000, 7)), rules)
        assert all(removal.rows for removal in report.removals)


@pytest.fixture(scope="module")
def retail() -> Interactions:
    """Online Retail under the names of the schema."""
    names = {
        "CustomerID": "user",
        "StockCode": "item",
        "InvoiceDate": "time",
        "InvoiceNo": "session",
        "Quantity": "quantity",
        "UnitPrice": "price",
        "Description": "title",
    }
    table = pl.read_parquet(online_retail()).rename(names)
    return Interactions.of(table.with_columns(pl.col("time").dt.epoch("s")), "online-retail")


class TestOnlineRetail:
    """Counts known from the description of the data, not from this code."""

    @pytest.mark.parametrize(
        ("rule", "rows"),
        [
            (MissingUser(), 135_080),
            (Cancellations(), 9_288),
            (NonPositiveQuantity(), 10_624),
            (NonPositivePrice(), 2_517),
            (ExactDuplicates(), 5_268),
            (Cancellations(prefix="A"), 3),
            (ExcludedItems(pattern="POST"), 1_256),
        ],
    )
    def test_one_rule_alone(self, retail: Interactions, rule: Rule, rows: int) -> None:
        assert clean(retail, [rule])[1].removals[0].rows == rows

    def test_the_usual_cleaning(self, retail: Interactions) -> None:
        kept, report = clean(retail, [MissingUser(), Cancellations(), NonPositiveQuantity()])
        assert report.rows_in == 541_909
        assert report.rows_kept == 397_924
        table = kept.collect()
        assert (table["user"].n_unique(), table["item"].n_unique()) == (4_339, 3_665)

    def test_what_was_taken_back(self, retail: Interactions) -> None:
        """Each cancellation of a customer is paired or left over; a loop finds the same pairs."""
        _, report = clean(retail, [MissingUser(), TakenBack(), Cancellations()])
        pairs, left = (removal.rows for removal in report.removals[1:])
        lines = retail.collect().filter(pl.col("user").is_not_null())
        back = lines.filter(pl.col("session").str.contains("^C[0-9]+$"))
        assert pairs % 2 == 0
        assert pairs // 2 + left == back.height == 8_905
        table = report.quarantine.filter(pl.col("rule") == "taken-back")
        assert table["quantity"].sum() == 0
        assert table.filter(pl.col("quantity") > 0).height == pairs // 2
        some = pl.col("user") % 8 == 0
        columns = lines.select("row", "user", "item", "time", "session", "quantity")
        assert table.filter(some)["row"].to_list() == bracketed(columns.filter(some))

    def test_is_fast(self, retail: Interactions) -> None:
        def seconds() -> float:
            began = time.perf_counter()
            str(clean(retail)[1])
            return time.perf_counter() - began

        assert min(seconds() for _ in range(3)) < 2
