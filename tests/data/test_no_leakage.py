"""What is learned does not change when the test part does, and no question sees beyond itself."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from coded_logs import quick
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from regard.data.encoders import ENCODERS
from regard.data.encoders.fitted import Encoders, training_part
from regard.data.interactions import Interactions
from regard.data.rules import Bursts, Clockwork
from regard.data.split import (
    Split,
    SplitProtocol,
    Targets,
    split_by_time,
    split_leave_last_out,
)
from regard.data.split import _split as split_as  # the same cut, though events have gone
from regard.errors import TooLittleDataError

few = settings(quick, max_examples=15)
"""For properties that hold for many encoders or rules."""
SETTINGS = {
    "categories": {"column": "country"},
    "one-hot": {"column": "country", "min_count": 2},
    "hashes": {"column": "country", "count": 8},
    "words": {"column": "title", "most": 5},
    "vectors": {
        "column": "country",
        "table": pl.DataFrame({"word": ["UK", "FR"], "vector": [[1.0], [2.0]]}),
    },
    "hour": {"column": "time"},
    "weekday": {"column": "time"},
    "month": {"column": "time"},
    "recency": {"column": "time"},
    "standard": {"column": "price"},
    "robust": {"column": "price"},
    "quantile": {"column": "price", "count": 4},
    "log1p": {"column": "gap"},
    "buckets": {"column": "price", "count": 3},
}
COUNTRIES, WORDS = ("UK", "FR", "IS", "AT"), ("tea", "red cup", "tea pot", "milk")


@dataclass(frozen=True)
class Tampered:
    """A split, and that of the same log with another test part, under the same protocol."""

    log: Interactions
    split: Split
    other_log: Interactions
    other: Split


def log_of(rows):
    """A log with context; the row numbers are kept where rows go."""
    names = ["user", "item", "time", "country", "title", "price", "row"]
    table = pl.DataFrame(rows, schema=names, orient="row")
    return Interactions.of(table.with_columns(pl.col("row").cast(pl.Int64)), "the log")


row = st.tuples(
    st.integers(1, 4),
    st.integers(100, 105),
    st.integers(0, 40).map(lambda moment: moment * 1e6),
    st.sampled_from(COUNTRIES[:2]),
    st.sampled_from(WORDS[:2]),
    st.integers(0, 9).map(float),
)
logs = st.lists(row, min_size=6, max_size=50).map(
    lambda rows: [(*each, number) for number, each in enumerate(rows)]
)
FATES = ("kept", "gone", "another user", "another item", "later", "another context")


def fate_of(each, fate):
    """One row of the test part after something happened to it; None where it is gone."""
    user, item, time, country, title, price, number = each
    return {
        "kept": each,
        "gone": None,
        "another user": (user + 50, item, time, country, title, price, number),
        "another item": (user, item + 900, time, country, title, price, number),
        "later": (user, item, time + 1e8, country, title, price, number),
        "another context": (user, item, time, COUNTRIES[3], WORDS[3], price + 1e6, number),
    }[fate]


@st.composite
def tampered_by_time(draw) -> Tampered:
    """Whatever is not learned from is changed, moved, given away or deleted; moments stay."""
    rows = draw(logs)
    log = log_of(rows)
    try:
        split = split_by_time(log, test_share=0.3, validation_share=0.2)
        past = [each for each in rows if each[2] < split.protocol.validation_from]
        future = [each for each in rows if each[2] >= split.protocol.validation_from]
        fates = draw(st.lists(st.sampled_from(FATES), min_size=len(future), max_size=len(future)))
        changed = [fate_of(each, fate) for each, fate in zip(future, fates, strict=True)]
        there = draw(st.permutations([each for each in changed if each is not None]))
        other_log = log_of([*past, *there])
        return Tampered(log, split, other_log, split_as(other_log, split.protocol))
    except TooLittleDataError:
        assume(False)
        raise


@st.composite
def tampered_last(draw) -> Tampered:
    """Leave-last-out: the last two items of everybody who is asked become others."""
    rows = draw(logs)
    log = log_of(rows)
    try:
        split = split_leave_last_out(log)
    except TooLittleDataError:
        assume(False)
        raise
    held_out = set(split.events.rows.tolist()) - set(training_part(log, split)["row"].to_list())
    changed = [
        fate_of(each, draw(st.sampled_from(("kept", "another item", "another context"))))
        if each[-1] in held_out
        else each
        for each in rows
    ]
    other_log = log_of(changed)
    return Tampered(log, split, other_log, split_leave_last_out(other_log))


tampered = st.one_of(tampered_by_time(), tampered_last())


@given(tampered)
@quick
def test_the_vocabulary_stays(both):
    mine, theirs = both.split.vocabulary, both.other.vocabulary
    assert mine.ids.equals(theirs.ids)
    assert mine.counts.tolist() == theirs.counts.tolist()


@given(tampered)
@quick
def test_the_training_part_stays(both):
    mine = training_part(both.log, both.split)
    assert_frame_equal(mine, training_part(both.other_log, both.other))
    assert set(mine["row"]) == set(both.split.sequences.rows[both.split.training.mask])


def test_no_encoder_is_forgotten():
    assert SETTINGS.keys() == ENCODERS.keys()


@pytest.mark.parametrize("name", sorted(ENCODERS))
@given(both=tampered)
@few
def test_encoders_stay(name, both):
    settings = dict(SETTINGS[name])
    columns = {settings.pop("column"): {"name": name, **settings}}

    def fitted(log, split):
        try:
            return Encoders.fit(training_part(log, split), columns)
        except TooLittleDataError as refused:
            return str(refused)

    assert fitted(both.log, both.split) == fitted(both.other_log, both.other)


@pytest.mark.parametrize("kind", [Bursts, Clockwork])
@given(both=tampered_by_time())
@few
def test_learned_limits_of_rules_stay(kind, both):
    how = {"rows": 3} if kind is Clockwork else {}

    def learned(log):
        try:
            return kind.learn(log, until=both.split.protocol.validation_from, **how)
        except TooLittleDataError as refused:
            return str(refused)

    assert learned(both.log) == learned(both.other_log)


@given(logs, st.sampled_from(["leave-last-out", *Targets]))
@quick
def test_no_question_is_older_than_its_history(rows, how):
    log = log_of(rows)
    try:
        split = (
            split_leave_last_out(log)
            if how == "leave-last-out"
            else split_by_time(log, test_share=0.3, validation_share=0.2, targets=how)
        )
    except TooLittleDataError:
        assume(False)
        raise
    for asked in (split.validation, split.test):
        query, position = asked.history_events()
        assert (asked.sequences.times[position] <= asked.times[query]).all()
        if how != "leave-last-out":
            trained = split.sequences.times[split.training.mask]
            assert (trained.max(initial=-np.inf) < asked.times).all()


@given(logs)
@quick
def test_no_target_lies_in_its_own_history(rows):
    log = log_of(rows)
    try:
        split = split_by_time(log, test_share=0.3, validation_share=0.2)
    except TooLittleDataError:
        assume(False)
        raise
    table = log.collect().sort("user", "time", "row")
    for number in range(len(split.test)):
        user = split.sequences.users[int(split.test.users[number])]
        own = table.filter(pl.col("user") == user)["row"].to_list()
        start, end = split.test.starts[number], split.test.ends[number]
        history = split.sequences.rows[start:end].tolist()
        assert own[-1] not in history  # the last event is the target
        assert history == [each for each in own[:-1] if each in history]


def test_a_protocol_of_moments_cuts_the_same_log_alike():
    rows = [(1, 100 + n % 2, n * 1.0, "UK", "tea", 1.0, n) for n in range(10)]
    split = split_by_time(log_of(rows))
    assert isinstance(split.protocol, SplitProtocol)
    again = split_as(log_of(rows), split.protocol)
    assert again.test.targets.tolist() == split.test.targets.tolist()
