"""The doctor: each check finds its defect, with numbers worked out by hand; else it is silent."""

import json
import os
import time
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from coded_logs import log_of as log_of_rows
from coded_logs import quick, rows
from hypothesis import assume, given
from hypothesis import strategies as st

import regard
from regard.data.clean import clean
from regard.data.encoders.fitted import Encoders, training_part
from regard.data.ingest.read import read
from regard.data.interactions import Interactions
from regard.data.leakage import LEAKS, CoarseTimes, FutureTimes, SameEventTwice
from regard.data.leakage.case import Case
from regard.data.leakage.contract import Severity
from regard.data.leakage.diagnose import diagnose
from regard.data.leakage.telling_columns import agreement
from regard.data.rules import Bursts, ExactDuplicates, RareUsersAndItems
from regard.data.split import assemble, split_by_time, split_leave_last_out
from regard.data.vocabulary import Vocabulary
from regard.errors import DataError, TooLittleDataError
from regard.recommender.recipe import SplitSettings
from regard.settings import data_folder

DAY = 86_400.0


def log_of(**columns):
    return Interactions.of(pl.DataFrame(columns), "the log")


def one_user(items, times):
    return log_of(user=[1] * len(items), item=list(items), time=[float(each) for each in times])


def found_by(name, subject, **how):
    """What one check says, in plain values."""
    diagnosis = diagnose(subject, checks=[LEAKS[name]()], **how)
    assert diagnosis.checked == (name,)
    assert all(each.name == name for each in diagnosis.findings)
    return [each.to_dict() for each in diagnosis.findings]


def rows_of(finding):
    return [sample["row"] for sample in finding["samples"]]


TEN = one_user("ababababab", range(10))
CUT = {"test_share": 0.2, "validation_share": 0.2}  # training 0-5, validation asks 7, test asks 9


def test_every_check_is_named_as_it_names_itself():
    assert {name: kind.name for name, kind in LEAKS.items()} == {name: name for name in LEAKS}
    assert all(kind.question.endswith("?") for kind in LEAKS.values())


class TestFutureInHistory:
    def test_found(self):
        split = split_by_time(TEN, **CUT)
        early = replace(split, test=replace(split.test, times=np.array([5.0])))
        (found,) = found_by("future-in-history", early)
        assert found["severity"] == "leak"
        assert found["evidence"] == {"part": "test", "share_of_questions": 1.0, "events": 3}
        assert rows_of(found) == [6, 7, 8]

    def test_silent(self):
        assert found_by("future-in-history", split_by_time(TEN, **CUT)) == []


class TestTrainedOnTargets:
    def test_found(self):
        split = split_by_time(TEN, **CUT)
        greedy = replace(split, training=replace(split.training, ends=split.sequences.offsets[1:]))
        validation, test = found_by("trained-on-targets", greedy)
        assert (validation["evidence"]["part"], test["evidence"]["part"]) == ("validation", "test")
        assert test["severity"] == "leak"
        assert test["evidence"]["questions"] == 1
        assert (rows_of(validation), rows_of(test)) == ([7], [9])

    def test_silent(self):
        assert found_by("trained-on-targets", split_by_time(TEN, **CUT)) == []
        assert found_by("trained-on-targets", split_leave_last_out(TEN)) == []


class TestTrainingAfterTargets:
    LOG = log_of(
        user=[1] * 4 + [2] * 4,
        item=list("abababab"),
        time=[0.0, 1.0, 2.0, 3.0, 10.0, 11.0, 12.0, 13.0],
    )

    def test_found(self):
        (found,) = found_by("training-after-targets", split_leave_last_out(self.LOG))
        assert found["severity"] == "risk"
        assert found["evidence"] == {  # training 0, 1, 10, 11; asked at 3 and at 13
            "later_than_earliest_target": 0.5,
            "later_than_median_target": 0.5,
            "yet_to_come_at_average_question": 0.25,
            "earliest_target": 3.0,
            "median_target": 8.0,
        }
        assert rows_of(found) == [4, 5]
        assert "global time" in found["advice"]

    def test_a_little_is_a_note(self):
        users = [1] * 4 + [2] * 201
        times = [9_000.0, 9_001.0, 9_002.0, 9_003.0, *np.arange(201.0)]
        log = log_of(user=users, item=["ab"[n % 2] for n in range(205)], time=times)
        (found,) = found_by("training-after-targets", split_leave_last_out(log))
        # Of 201 training events two are later than the target at 200, none than the one at 9003.
        assert found["evidence"]["yet_to_come_at_average_question"] == pytest.approx(1 / 201)
        assert found["severity"] == "note"

    def test_silent(self):
        assert found_by("training-after-targets", split_by_time(TEN, **CUT)) == []


class TestSameEventTwice:
    @pytest.mark.parametrize(
        ("last", "severity"), [(30, "leak"), (35, "risk"), (40, "risk"), (41, None)]
    )
    def test_by_distance(self, last, severity):
        split = split_leave_last_out(one_user("abcaa", [0, 10, 20, 30, last]))
        found = found_by("same-event-twice", split)
        assert [each["severity"] for each in found] == ([severity] if severity else [])
        for each in found:
            assert each["evidence"]["share_of_targets"] == 1.0
            assert rows_of(each) == [3, 4]

    def test_between_other_events_and_among_many_users(self):
        log = log_of(
            user=[1] * 5 + [2] * 4,
            item=list("axabaabab"),
            time=[0.0, 1.0, 50.0, 52.0, 55.0, 0.0, 40.0, 80.0, 120.0],
        )
        (found,) = found_by("same-event-twice", split_leave_last_out(log))
        assert found["evidence"] == {"targets": 1, "share_of_targets": 0.5, "seconds": 10.0}
        assert rows_of(found) == [2, 4]

    def test_two_targets_are_not_two_sides(self):
        log = one_user("abacbb", [0, 100, 200, 300, 900, 905])
        assert found_by("same-event-twice", split_by_time(log, test_share=0.3, targets="all")) == []
        (found,) = found_by("same-event-twice", split_by_time(log, test_share=0.3))
        assert (found["severity"], rows_of(found)) == ("risk", [4, 5])

    def test_unknown_items_are_not_taken_for_each_other(self):
        split = split_leave_last_out(one_user("abcxy", [0, 10, 20, 30, 30]))
        assert found_by("same-event-twice", split) == []

    def test_its_distance_can_be_set(self):
        split = split_leave_last_out(one_user("abcaa", [0, 10, 20, 30, 35]))
        assert diagnose(split, checks=[SameEventTwice(seconds=4)]).findings == ()


class TestForeignVocabulary:
    LOG = one_user("abacd", range(5))

    def test_found(self):
        split = split_leave_last_out(self.LOG)
        everything = Vocabulary.fit(self.LOG.collect()["item"])
        coded = replace(split.events, items=everything.encode(self.LOG.collect()["item"]))
        peeking = assemble(coded, everything, split.protocol, split.fingerprint)
        (found,) = found_by("foreign-vocabulary", peeking)
        assert found["severity"] == "leak"
        assert found["evidence"] == {"items": 2, "never_in_training": 2, "events_too_many": 2}
        assert rows_of(found) == [3, 4]
        assert [sample["item"] for sample in found["samples"]] == ["c", "d"]

    @pytest.mark.parametrize("min_count", [1, 2])
    def test_silent(self, min_count):
        split = split_leave_last_out(self.LOG, min_count=min_count)
        assert found_by("foreign-vocabulary", split) == []

    def test_one_that_counted_less_has_not_peeked(self):
        split = split_leave_last_out(self.LOG)
        older = Vocabulary(split.vocabulary.ids, split.vocabulary.counts - 1)
        split = replace(split, training=replace(split.training, vocabulary=older))
        assert found_by("foreign-vocabulary", split) == []


class TestRulesAhead:
    def test_found(self):
        cleaned, report = clean(TEN, [RareUsersAndItems(user=1, item=1), Bursts(per_minute=99)])
        (found,) = found_by("rules-ahead", cleaned)
        assert found["severity"] == "risk"
        assert found["evidence"]["rules"] == ["bursts", "rare-users-and-items"]
        split = split_by_time(cleaned)
        assert found_by("rules-ahead", split, log=cleaned) == [found]
        assert found_by("rules-ahead", split, notes=report.notes) == [found]

    def test_silent(self):
        assert found_by("rules-ahead", clean(TEN, [ExactDuplicates()])[0]) == []


class TestEncodersAhead:
    LOG = log_of(
        user=[1] * 10,
        item=list("ababababab"),
        time=[float(each) for each in range(10)],
        price=[float(each) for each in range(10)],
    )

    def encoders(self, part):
        return Encoders.fit(part, {"price": "standard", "item": "categories"})

    def found(self, encoders, split=None):
        split = split_by_time(self.LOG, **CUT) if split is None else split
        return found_by("encoders-ahead", split, log=self.LOG, encoders=encoders)

    def test_fitted_on_everything(self):
        (found,) = self.found(self.encoders(self.LOG))
        assert found["severity"] == "leak"
        assert found["evidence"] == {
            "rows": 10,
            "rows_of_training": 6,
            "latest": 9.0,
            "latest_of_training": 5.0,
        }
        assert rows_of(found) == [6, 7, 8]
        assert "later" in found["sentence"]

    def test_fitted_on_everything_of_leave_last_out(self):
        (found,) = self.found(self.encoders(self.LOG), split_leave_last_out(self.LOG))
        assert found["severity"] == "leak"

    def test_fitted_on_something_else(self):
        (found,) = self.found(self.encoders(self.LOG.collect().head(5)))
        assert (found["severity"], found["samples"]) == ("risk", [])

    def test_written_by_an_older_version(self):
        stored = self.encoders(self.LOG).to_dict() | {"version": 1}
        old = Encoders.from_dict({key: stored[key] for key in ("version", "encoders")}, self.tables)
        (found,) = self.found(old)
        assert (found["severity"], found["evidence"]["columns"]) == ("note", ["price", "item"])

    @property
    def tables(self):
        return self.encoders(self.LOG).tables()

    def test_silent(self):
        split = split_by_time(self.LOG, **CUT)
        rightful = self.encoders(training_part(self.LOG, split))
        assert self.found(rightful) == []
        assert self.found([rightful, rightful]) == []

    def test_left_out_without_encoders_or_log(self):
        split = split_by_time(self.LOG, **CUT)
        without = diagnose(split, log=self.LOG).left_out
        assert without["encoders-ahead"] == "no encoders were given"
        assert "give the log" in diagnose(split).left_out["encoders-ahead"]


def drawn_log(seed=0, users=40, length=30, items=12):
    """Random steps, and columns of every innocent kind."""
    random = np.random.default_rng(seed)
    count = users * length
    table = pl.DataFrame({
        "user": np.repeat(np.arange(users), length),
        "item": random.integers(items, size=count),
        "time": np.tile(np.arange(length) * 3_600.0 * 7, users) + random.random(count) * 60,
        "noise": random.integers(3, size=count),
        "number": np.arange(count),
        "dwell": random.random(count),
        "value": random.integers(1, 6, size=count),
        "constant": ["x"] * count,
    })  # fmt: skip
    return table.with_columns(
        category=pl.col("item") % 4,
        country=pl.col("user") % 3,
        session=pl.col("user") * 1_000 + pl.int_range(pl.len()) // 5,
        hour=(pl.col("time") // 3_600) % 24,
    )


class TestTellingColumns:
    def found(self, table, split=split_by_time):
        log = Interactions.of(table, "the log")
        return found_by("telling-columns", split(log), log=log)

    def test_agreement_by_hand(self):
        groups, values = pl.Series(list("aaaabbc")), pl.Series([1, 1, 1, 2, 5, 5, 9])
        # a: each 1 agrees with two of three others, 2 with none: 3 * 2/3 = 2; b: both agree: 2.
        share, rows = agreement(groups, values)
        assert (share, rows) == (pytest.approx(4 / 6), 6)
        assert agreement(pl.Series([1, 2]), pl.Series([1, 1])) == (0.0, 0)

    @pytest.mark.parametrize("shifted", ["item", "category"])
    @pytest.mark.parametrize("split", [split_by_time, split_leave_last_out])
    def test_a_shifted_column(self, shifted, split):
        table = drawn_log().with_columns(peek=pl.col(shifted).shift(-1).over("user"))
        leak, note = self.found(table, split)
        assert (leak["severity"], leak["evidence"]["column"]) == ("leak", "peek")
        assert leak["evidence"]["agreement_by_next_item"] == 1.0
        assert leak["evidence"]["agreement_by_item"] < 0.5
        assert "shift it back" in leak["advice"]
        assert leak["samples"][0]["peek"] == table[shifted][1]
        assert (note["severity"], list(note["evidence"]["agreement_by_column"])) == (
            "note",
            ["category"],
        )

    def test_a_column_that_knows_more_than_the_next_item(self):
        following = pl.col("item").shift(-1).over("user").cast(pl.String)
        table = drawn_log().with_columns(peek=following + "|" + pl.col("noise").cast(pl.String))
        leak = self.found(table)[0]
        assert (leak["severity"], leak["evidence"]["column"]) == ("leak", "peek")
        assert leak["evidence"]["agreement_by_next_item"] < 0.5  # the noise hides this direction
        assert leak["evidence"]["next_item_agreement_by_value"] == 1.0

    def test_a_shift_the_other_way_is_history(self):
        table = drawn_log().with_columns(before=pl.col("item").shift(1).over("user"))
        assert [each["severity"] for each in self.found(table)] == ["note"]

    def test_another_name_of_the_item(self):
        named = pl.col("item").cast(pl.String) + "|" + pl.col("noise").cast(pl.String)
        risk, _ = self.found(drawn_log().with_columns(url=named))
        assert (risk["severity"], risk["evidence"]["column"]) == ("risk", "url")
        assert risk["evidence"]["item_agreement_by_value"] == 1.0

    @pytest.mark.parametrize("seed", range(8))
    def test_innocent_columns(self, seed):
        table = drawn_log(seed)
        (note,) = self.found(table)
        assert note["severity"] == "note"
        assert note["evidence"]["agreement_by_column"] == {"category": 1.0}
        assert self.found(table.drop("category")) == []

    def test_a_ring_in_which_each_item_has_one_successor(self):
        table = drawn_log().with_columns(item=(pl.int_range(pl.len()) + pl.col("user")) % 12)
        table = table.with_columns(category=pl.col("item") % 4)
        assert [each["severity"] for each in self.found(table)] == ["note"]

    def test_only_training_is_looked_at(self):
        table = drawn_log().with_columns(peek=pl.col("item").shift(-1).over("user"))
        cut = split_by_time(Interactions.of(table)).protocol.validation_from
        late = pl.when(pl.col("time") >= cut).then("noise").otherwise("peek")
        (leak, _) = self.found(table.with_columns(peek=late))
        assert leak["evidence"]["agreement_by_next_item"] == 1.0  # noise after the cut is not seen
        late = pl.when(pl.col("time") >= cut).then("peek").otherwise("noise")
        assert [each["severity"] for each in self.found(table.with_columns(peek=late))] == ["note"]

    def test_too_little_is_no_evidence(self):
        table = drawn_log(users=3, length=8).with_columns(
            peek=pl.col("item").shift(-1).over("user")
        )
        assert self.found(table) == []

    def test_nested_and_empty_columns_are_left_alone(self):
        table = drawn_log().drop("category")
        table = table.with_columns(tags=pl.concat_list("noise"), nothing=pl.lit(None))
        assert self.found(table) == []


class TestTiedTargets:
    LOG = log_of(user=[1] * 4 + [2] * 4, item=list("abababab"), time=[0.0, 1, 2, 2, 0, 1, 2, 3])

    def test_found(self):
        (found,) = found_by("tied-targets", split_leave_last_out(self.LOG))
        assert found["severity"] == "risk"
        assert found["evidence"] == {"targets": 1, "share_of_targets": 0.5}
        assert rows_of(found) == [2, 3]

    def test_a_first_target_may_be_tied_with_what_follows(self):
        log = one_user("ababababab", [0, 1, 2, 3, 4, 5, 6, 8, 8, 9])
        split = split_by_time(log, test_share=0.3, validation_share=0.2, targets="first")
        (found,) = found_by("tied-targets", split)
        assert rows_of(found) == [7, 8]

    def test_a_few_are_a_note(self):
        users = np.repeat(np.arange(25), 4)
        times = np.tile([0.0, 1.0, 2.0, 3.0], 25)
        times[2] = 3.0
        log = log_of(user=users, item=["a", "b"] * 50, time=times)
        (found,) = found_by("tied-targets", split_leave_last_out(log))
        assert (found["severity"], found["evidence"]["share_of_targets"]) == ("note", 1 / 25)

    def test_whole_periods_have_no_ties_to_decide(self):
        log = one_user("ababababab", [0, 1, 2, 3, 4, 5, 6, 8, 8, 8])
        assert found_by("tied-targets", split_by_time(log, targets="all", **CUT)) == []

    def test_silent(self):
        assert found_by("tied-targets", split_by_time(TEN, **CUT)) == []


class TestCoarseTimes:
    def log(self, days, offset=0.0):
        times = np.repeat(np.asarray(days, float), 2) * DAY + offset
        return one_user("ab" * len(days), times)

    def test_midnights(self):
        (found,) = found_by("coarse-times", split_leave_last_out(self.log(range(6))))
        assert found["severity"] == "risk"
        assert found["evidence"] == {
            "grain": "day",
            "different_times": 6,
            "tied_neighbours": 6 / 11,
        }
        assert rows_of(found) == [0, 1]

    def test_midnights_of_a_place_that_changes_its_clocks(self):
        summer = np.repeat([0.0, 0.0, 0.0, 3_600.0, 3_600.0, 3_600.0], 2)
        (found,) = found_by("coarse-times", split_leave_last_out(self.log(range(6), -summer)))
        assert found["evidence"]["grain"] == "day"

    def test_full_hours(self):
        hours = np.repeat(np.arange(6) * 5 * 3_600.0, 2)
        (found,) = found_by("coarse-times", split_leave_last_out(self.log(range(6), hours)))
        assert (found["severity"], found["evidence"]["grain"]) == ("note", "hour")

    def test_silent(self):
        minutes = np.repeat([0.0, 60, 5_000, 7_000, 20_000, 30_000], 2)
        fine = self.log(range(6), minutes)
        assert found_by("coarse-times", split_leave_last_out(fine)) == []
        few = split_leave_last_out(self.log(range(4)))
        assert found_by("coarse-times", few) == []
        assert diagnose(few, checks=[CoarseTimes(days=4)]).findings != ()
        untied = one_user("abababab", np.arange(8) * DAY)
        assert found_by("coarse-times", split_leave_last_out(untied)) == []


class TestRowOrder:
    def test_newest_first(self):
        (found,) = found_by(
            "row-order", split_leave_last_out(one_user("abababa", [6, 5, 4, 3, 2, 1, 0]))
        )
        assert (found["severity"], found["evidence"]["wrong_way_round"]) == ("note", 1.0)
        assert rows_of(found) == [6, 5]

    def test_with_ties_it_is_a_risk(self):
        log = one_user("abababa", [5, 5, 4, 3, 2, 1, 0])
        (found,) = found_by("row-order", split_leave_last_out(log))
        assert found["severity"] == "risk"
        assert found["evidence"] == {"wrong_way_round": 1.0, "tied_neighbours": 1 / 6}

    def test_silent(self):
        assert found_by("row-order", TEN) == []
        users_together = TestTrainingAfterTargets.LOG
        assert found_by("row-order", split_leave_last_out(users_together)) == []


class TestFutureTimes:
    def test_found(self):
        split = split_by_time(TEN, **CUT)
        diagnosis = diagnose(split, checks=[FutureTimes(now=7.5)])
        (found,) = diagnosis.risks
        assert found.evidence == {"events": 2, "targets": 1, "share_of_targets": 1.0, "limit": 7.5}
        assert [sample["row"] for sample in found.samples] == [8, 9]

    def test_later_than_the_file(self, tmp_path):
        path = tmp_path / "log.csv"
        TEN.collect().with_columns(pl.col("time") + 1e9).write_csv(path)
        os.utime(path, (1e9 + 8.5, 1e9 + 8.5))
        (found,) = found_by("future-times", read(path))
        assert (found["evidence"]["events"], found["evidence"]["limit"]) == (1, 1e9 + 8.5)
        assert "the file they come from" in found["sentence"]

    def test_silent(self):
        assert found_by("future-times", TEN) == []
        tomorrow = one_user("ababababab", time.time() + 3_600 * np.arange(-8, 2))
        (found,) = found_by("future-times", tomorrow)
        assert found["evidence"]["events"] == 1


class TestUnaskedUsers:
    def test_leave_last_out(self):
        log = log_of(user=[1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4], item=list("abababababa"),
                     time=[float(n) for n in range(11)])  # fmt: skip
        (found,) = found_by("unasked-users", split_leave_last_out(log))
        assert found["severity"] == "note"
        assert found["evidence"] == {
            "users": 4,
            "unasked": 1,
            "share_unasked": 0.25,
            "asked_without_training_events": 0,
        }
        assert rows_of(found) == [9]

    def test_by_time(self):
        # The test period (8 to 9) has users 1 and 2; 2 has no event before its own, 3 had left.
        users, times = [1] * 8 + [2, 3], [*range(1, 9), 9, 0]
        log = log_of(user=users, item=list("ababababab"), time=[float(each) for each in times])
        (found,) = found_by("unasked-users", split_by_time(log, **CUT))
        assert (found["severity"], found["evidence"]["share_unasked"]) == ("risk", 0.5)
        assert found["evidence"]["users"] == 2
        assert rows_of(found) == [8]

    def test_silent(self):
        assert found_by("unasked-users", split_by_time(TEN, **CUT)) == []


class TestTargets:
    def test_all_cold(self):
        (found,) = found_by("cold-targets", split_leave_last_out(one_user("abax", range(4))))
        assert (found["severity"], found["evidence"]) == (
            "risk",
            {"share_of_targets": 1.0, "targets": 1},
        )
        assert found["samples"] == [{"row": 3, "user": 1, "item": None, "time": 3.0}]

    def test_some_cold_targets_of_a_period(self):
        log = one_user("ababababxa", range(10))
        (found,) = found_by("cold-targets", split_by_time(log, targets="all", **CUT), log=log)
        assert found["evidence"] == {"share_of_targets": 0.5, "targets": 1}
        assert found["samples"][0]["item"] == "x"

    def test_repeats(self):
        split = split_leave_last_out(one_user("abaa", range(0, 400, 100)))
        (found,) = found_by("repeated-targets", split)
        assert (found["severity"], found["evidence"]["share_of_questions"]) == ("risk", 1.0)
        assert rows_of(found) == [2]

    def test_silent(self):
        for name in ("cold-targets", "repeated-targets"):
            assert found_by(name, split_by_time(TEN, **CUT)) == []

    def test_two_unknown_items_are_no_repeat(self):
        split = split_leave_last_out(one_user("abxy", range(4)))
        assert found_by("repeated-targets", split) == []


class TestDiagnosis:
    def test_a_log_is_split_as_auto_does(self):
        timed = Interactions.of(drawn_log())
        ordered = Interactions.of(drawn_log().drop("time").with_columns(position="number"))
        for log in (timed, ordered):
            assert diagnose(log).protocol == str(SplitSettings().apply(log).protocol)
            assert diagnose(log) == diagnose(SplitSettings().apply(log), log=log)

    def test_incomplete_rows_are_left_out(self):
        rows = TEN.collect()
        dirty = pl.concat([
            rows,
            rows.head(1).with_columns(user=None),
            rows.head(1).with_columns(item=None),
            rows.head(1).with_columns(time=float("nan")),
        ])  # fmt: skip
        dirty = dirty.drop("row")
        assert diagnose(Interactions.of(dirty, "the log")) == diagnose(TEN)

    def test_without_a_clock(self):
        log = log_of(user=[1] * 4, item=list("abab"), position=range(4))
        diagnosis = diagnose(log)
        assert diagnosis.findings == ()
        assert diagnosis.left_out["tied-targets"] == "the log carries only an order"
        assert "not looked at: future-in-history, training-after-targets, " in str(diagnosis)

    def test_too_small(self):
        with pytest.raises(TooLittleDataError):
            diagnose(TEN.with_frame(TEN.frame.head(1)))

    def test_another_log_beside_the_split(self):
        split = split_by_time(TestEncodersAhead.LOG)
        other = TestEncodersAhead.LOG
        with pytest.raises(DataError, match="is another one"):
            diagnose(split, log=other.with_frame(other.frame.head(3)))

    def test_a_vocabulary_that_knows_nothing_of_the_log(self):
        split = split_leave_last_out(TEN)
        foreign = Vocabulary.fit(pl.Series(["z"]))
        unknown = replace(split.events, items=foreign.encode(TEN.collect()["item"]))
        diagnosis = diagnose(assemble(unknown, foreign, split.protocol, split.fingerprint))
        assert [each.name for each in diagnosis.findings] == ["foreign-vocabulary", "cold-targets"]

    def test_checks_refuse_what_they_need_and_lack(self):
        ordered = log_of(user=[1] * 4, item=list("abab"), position=range(4))
        case = Case(split_leave_last_out(ordered))
        for name, said in (("tied-targets", "needs times"), ("telling-columns", "needs the log")):
            with pytest.raises(DataError, match=said):
                list(LEAKS[name]().look(case))
        assert list(LEAKS["encoders-ahead"]().look(case)) == []

    def test_rows_without_a_clock_or_a_log(self):
        ordered = log_of(user=["u"] * 4, item=list("abab"), position=range(4))
        case = Case(split_leave_last_out(ordered))
        assert case.rows([0]) == ({"row": 0, "user": "u", "item": "a"},)

    def test_it_can_be_read_and_stored(self):
        table = drawn_log().with_columns(peek=pl.col("item").shift(-1).over("user"))
        diagnosis = regard.diagnose(Interactions.of(table, "plays.csv"))
        order = [each.severity for each in diagnosis.findings]
        assert order == sorted(order, key=list(Severity).index)
        assert json.loads(json.dumps(diagnosis.to_dict(), allow_nan=False))["source"] == "plays.csv"
        told = str(diagnosis)
        assert told.startswith("Does anything see the future? plays.csv, global time: validation")
        assert "  leak  telling-columns" in told
        lines = diagnosis.warnings()
        assert lines[0].startswith("leak  telling-columns: Column 'peek' tells the next item")
        assert lines[-1] == "What these mean and what to do: docs/leakage.md"
        assert not any(line.startswith("note") for line in lines)

    def test_nothing_to_warn_of(self):
        assert diagnose(split_by_time(TEN, **CUT), checks=[]).warnings() == ()


@given(
    rows(users=4, moments=40).map(lambda given: sorted(set(given))),
    st.sampled_from(["last", "first", "all"]),
    st.randoms(use_true_random=False),
)
@quick
def test_a_clean_split_by_time_is_never_called_a_leak(given, targets, random):
    random.shuffle(given)
    log = log_of_rows(given)
    try:
        split = split_by_time(log, test_share=0.3, validation_share=0.3, targets=targets)
    except TooLittleDataError:
        assume(False)
    assert diagnose(split, log=log).leaks == ()
    assert diagnose(split).leaks == ()


@given(rows(users=4, moments=12))
@quick
def test_ties_of_targets_agree_with_looking_at_each(given):
    log = log_of_rows(given)
    try:
        split = split_leave_last_out(log)
    except TooLittleDataError:
        assume(False)
    case = Case(split, log)
    by_user = case.table.sort("user", "time", "row").partition_by("user")
    times = [each["time"].to_list() for each in by_user if each.height >= 3]
    tied = sum(each[-1] == each[-2] for each in times)
    found = found_by("tied-targets", split)
    assert (found[0]["evidence"]["targets"] if found else 0) == tied


@pytest.mark.skipif(data_folder() is None, reason="REGARD_DATA names no folder of real data")
def test_half_a_million_ratings_take_a_blink():
    log = read(data_folder() / "ml-1m-timed.parquet")
    split = split_leave_last_out(log)
    begin = time.perf_counter()
    diagnosis = diagnose(split, log=log)
    assert time.perf_counter() - begin < 5  # a fraction of a second on an idle machine
    assert [each.name for each in diagnosis.risks] == ["training-after-targets", "tied-targets"]
