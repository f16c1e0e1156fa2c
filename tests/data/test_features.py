"""Features of events: learned on the training part, looking back only, gathered where asked for."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from coded_logs import histories, log_of, quick, rows, sequences_of
from hypothesis import given
from hypothesis import strategies as st

from regard.data.batches import TrainingBatches, query_batch
from regard.data.encoders.events import check_features, encode_split, features_of, layout_of
from regard.data.encoders.fitted import Encoders, training_part
from regard.data.encoders.gaps import with_gaps
from regard.data.encoders.provenance import Provenance
from regard.data.features import FARTHEST, FeatureLayout, Features
from regard.data.interactions import Interactions
from regard.data.leakage.diagnose import diagnose
from regard.data.queries import Queries
from regard.data.sequences import Sequences
from regard.data.split import Split, split_by_time, split_leave_last_out
from regard.errors import (
    ColumnError,
    ConfigurationError,
    DataError,
    ModelInputError,
    NeedsClockError,
    RegardError,
    TooLittleDataError,
)

COLUMNS: dict[str, Any] = {
    "price": "buckets",
    "weight": "standard",
    "country": "categories",
    "title": {"name": "words", "length": 2},
    "browser": {"name": "hashes", "count": 8},
    "event": "one-hot",
    "time": ["hour", "recency"],
    "gap": {"name": "buckets", "strategy": "log", "count": 4},
}


def a_log(events: int = 40) -> Interactions:
    random = np.random.default_rng(3)
    return Interactions.of(
        pl.DataFrame({
            "user": random.integers(4, size=events),
            "item": random.integers(6, size=events),
            "time": 1e9 + np.sort(random.integers(10**6, size=events)).astype(float),
            "price": random.normal(size=events),
            "weight": random.normal(size=events),
            "country": random.choice(["UK", "FR", "IS"], events),
            "title": random.choice(["red tea", "cup", "tea pot of tin"], events),
            "browser": random.choice(["a", "b", "c"], events),
            "event": random.choice(["view", "buy"], events),
        }),
        "the log",
    )  # fmt: skip


def numbered(sequences: Sequences) -> Sequences:
    """Features that say which event they belong to, none of them 0 as padding is."""
    flat = 1 + np.arange(len(sequences.items))
    features = Features(flat.astype(np.int32)[:, None], np.stack([flat, -flat], 1).astype("f4"))
    return dataclasses.replace(sequences, features=features)


def equal(ours: Features | None, theirs: Features | None) -> bool:
    assert ours is not None
    assert theirs is not None
    return np.array_equal(ours.codes, theirs.codes) and np.array_equal(ours.numbers, theirs.numbers)


class TestLeakage:
    @quick
    @given(given=rows(users=4, most=40), random=st.randoms(use_true_random=False))
    def test_what_is_not_training_changes_no_encoder(
        self, given: list[tuple[int, int, int]], random: Any
    ) -> None:
        log = log_of(given)
        try:
            split = split_leave_last_out(log, min_count=random.choice([1, 2]))
        except RegardError:
            return
        training = set(split.sequences.rows[split.training.mask].tolist())
        prices = [random.uniform(0, 9) for _ in given]
        others = [p if row in training else random.uniform(-99, 99) for row, p in enumerate(prices)]
        wanted = {"price": "standard"}
        [(_, ours), (_, theirs)] = [
            encode_split(Interactions.of(log.collect().with_columns(price=pl.Series(each))), split,
                         wanted)
            for each in (prices, others)
        ]  # fmt: skip
        assert ours == theirs
        if training:
            prices[min(training)] += 1.0
            moved = Interactions.of(log.collect().with_columns(price=pl.Series(prices)))
            assert encode_split(moved, split, wanted)[1] != ours

    @quick
    @given(given=rows(users=3, most=30), cut=st.integers(0, 30))
    def test_later_rows_change_no_earlier_feature(
        self, given: list[tuple[int, int, int]], cut: int
    ) -> None:
        table = log_of(given).sorted()
        encoders = Encoders.fit(table.with_columns(gap=pl.lit(7.0)), {"gap": "log1p"})
        whole = features_of(encoders, with_gaps(table.sort("time", "row")))
        early = features_of(encoders, with_gaps(table.sort("time", "row").head(cut)))
        assert np.array_equal(whole.numbers[:cut], early.numbers)


class TestEncoding:
    def test_every_event_has_its_own(self) -> None:
        log = a_log()
        split, encoders = encode_split(log, split_by_time(log), COLUMNS)
        features = split.events.features
        assert features is not None
        layout = layout_of(encoders)
        assert layout.misfit(features) == ""
        assert (features.codes.dtype, features.numbers.dtype) == (np.int32, np.float32)
        assert features.codes.shape == (40, len(layout.sizes)) == (40, 6)
        assert layout.missing_codes == (0,) * 6
        assert features.numbers.shape == (40, len(layout.missing_numbers))
        known = dict(encoders.fitted)["country"]
        by_row = known.transform(log.collect()["country"]).to_series().to_numpy()
        assert np.array_equal(features.codes[:, 1], by_row[split.events.rows])

    def test_histories_and_questions_carry_them(self) -> None:
        log = a_log()
        plain = split_by_time(log, min_count=4)
        assert (plain.events.items == 1).any()
        split, _ = encode_split(log, plain, COLUMNS)
        events = split.events
        at = np.flatnonzero(events.items != 1)
        for sequences in (split.sequences, split.validation.sequences, split.test.sequences):
            assert equal(sequences.features, events.features.take(at))  # type: ignore[union-attr] # there are some
        assert split.test.targets.tolist() == plain.test.targets.tolist()
        assert np.array_equal(split.training.ends, plain.training.ends)

    def test_a_gap_looks_back_over_all_events_of_the_user(self) -> None:
        table = pl.DataFrame({
            "user": [1] * 6, "item": list("abxaba"), "time": [0.0, 10.0, 20.0, 50.0, 60.0, 70.0],
        })  # fmt: skip
        log = Interactions.of(table)
        split = split_leave_last_out(log, min_count=2)
        wanted = {"gap": {"name": "standard", "missing": False}}
        first = Interactions.of(table.head(3))
        with pytest.raises(TooLittleDataError, match="Column 'gap' holds 1 rows and not one value"):
            encode_split(first, split_leave_last_out(first), wanted)
        split, encoders = encode_split(log, split_leave_last_out(log), wanted)
        [(_, encoder)] = encoders.fitted
        expected = encoder.transform(pl.Series("gap", [None, 10.0, 10.0, 30.0, 10.0, 10.0]))
        assert split.events.features is not None
        assert np.allclose(split.events.features.numbers[:, 0], expected["gap"].to_numpy())

    def test_a_wild_number_is_cut_off(self) -> None:
        encoders = Encoders.fit(pl.DataFrame({"price": [1.0, 2.0]}), {"price": "standard"})
        wild = features_of(encoders, pl.DataFrame({"price": [1e300, -1e300]}))
        assert wild.numbers[:, 0].tolist() == [FARTHEST, -FARTHEST]


class TestSequences:
    @given(given=histories(empty=True))
    @quick
    def test_choosing_and_storing_keeps_them_beside_their_events(
        self, given: list[list[int]], tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        sequences = numbered(sequences_of(given))
        known, _ = sequences.known()
        assert known.features is not None
        assert np.array_equal(known.features.codes[:, 0], known.rows + 1)
        chosen = sequences.select(np.arange(len(given))[::-1])
        assert chosen.features is not None
        assert np.array_equal(chosen.features.numbers[:, 1], -chosen.rows - 1)
        folder: Path = tmp_path_factory.mktemp("sequences")
        sequences.save(folder)
        assert equal(Sequences.open(folder).features, sequences.features)

    def test_of_other_events_are_refused(self) -> None:
        sequences = sequences_of([[2, 3], [4]])
        features = Features(np.zeros((2, 1), np.int32), np.zeros((2, 0), np.float32))
        with pytest.raises(DataError, match="3 events have features of 2"):
            dataclasses.replace(sequences, features=features)
        with pytest.raises(DataError, match="both must be of the same events"):
            Features(np.zeros((2, 1), np.int32), np.zeros((3, 1), np.float32))

    def test_digests_tell_values_and_columns_apart(self) -> None:
        one = Features(np.array([[1], [2]], np.int32), np.zeros((2, 0), np.float32))
        names = {
            one.digest(),
            Features(np.array([[1], [3]], np.int32), one.numbers).digest(),
            Features(one.codes, np.zeros((2, 1), np.float32)).digest(),
        }
        assert len(names) == 3
        assert one.take(np.arange(2)).digest() == one.digest()


class TestBatches:
    def test_of_training_only_where_asked_and_never_of_the_target(self) -> None:
        split = split_leave_last_out(log_of([(1, 100 + n, n) for n in range(6)]))
        training = dataclasses.replace(split.training, sequences=numbered(split.sequences))
        how: dict[str, Any] = {"longest": 8, "tokens": 64, "seed": 0}
        [plain] = TrainingBatches(training, **how).epoch(0)
        assert plain.features is None
        [batch] = TrainingBatches(training, **how, with_features=True).epoch(0)
        assert batch.features is not None
        assert batch.features.codes[0, :, 0].tolist() == [1, 2, 3]
        assert np.array_equal(batch.items, plain.items)
        timed = TrainingBatches(training, **how, with_features=True, with_times=True)
        [batch] = timed.epoch(0)
        assert batch.times is not None
        assert batch.features is not None
        with pytest.raises(ModelInputError, match="encode the split first"):
            TrainingBatches(split.training, **how, with_features=True)

    @pytest.mark.parametrize("clock", [True, False])
    def test_of_questions_only_what_came_before(self, clock: bool) -> None:
        sequences = numbered(sequences_of([[2, 3, 4, 5], [6, 7]], clock=clock))
        asked = Queries.next_event(sequences, np.array([0, 1]), np.array([3, 5]))
        assert query_batch(asked, 2).features is None
        batch = query_batch(asked, 2, with_features=True)
        assert batch.features is not None
        assert batch.features.codes[..., 0].tolist() == [[2, 3], [5, 0]]
        assert batch.features.numbers[..., 1].tolist() == [[-2, -3], [-5, 0]]
        bare = Queries.requests(sequences_of([[2]]), np.array([0]))
        assert query_batch(bare, 2, with_features=True).features is None


class TestRefusals:
    @pytest.mark.parametrize(
        ("columns", "kind", "said"),
        [
            ({"prize": "buckets"}, ColumnError, r"log has no column 'prize' .* mean 'price'"),
            ({"zzz": "buckets"}, ColumnError, "no column 'zzz' to make a feature of; it has user,"),
            ({"country": "standard"}, ColumnError, "'country' holds String"),
            ({"price": ["standard", "robust"]}, ColumnError, "Two encoders write"),
        ],
    )
    def test_what_the_log_does_not_have(
        self, columns: dict[str, Any], kind: type[RegardError], said: str
    ) -> None:
        log = a_log()
        with pytest.raises(kind, match=said):
            encode_split(log, split_by_time(log), columns)

    @pytest.mark.parametrize("column", ["gap", "time"])
    def test_the_clock_of_a_log_without_one(self, column: str) -> None:
        log = Interactions.of(pl.DataFrame({"user": [1] * 4, "item": [1, 2] * 2,
                                            "position": range(4)}))  # fmt: skip
        with pytest.raises(NeedsClockError, match=f"The feature '{column}' needs the time"):
            encode_split(log, split_leave_last_out(log), {column: "buckets"})

    def test_a_split_of_another_log(self) -> None:
        log = a_log()
        split: Split = split_by_time(log)
        other = log.with_frame(log.frame.tail(20))
        with pytest.raises(DataError, match="not made of the rows of the log; split it again"):
            encode_split(other, split, {"price": "buckets"})

    @pytest.mark.parametrize(
        ("columns", "said"),
        [
            ({"price": "bucket"}, "'bucket' of column 'price' is not known"),
            ({"price": 7}, "features.price=7 must name an encoder, such as 'buckets'"),
            ({"price": []}, r"features.price=\[\] must name an encoder"),
            ({"price": ["buckets", 3]}, "must name an encoder"),
            ({"item": {"name": "vectors"}}, "features.item: the encoder 'vectors' needs a table"),
        ],
    )
    def test_what_no_log_could_have(self, columns: dict[str, Any], said: str) -> None:
        with pytest.raises(ConfigurationError, match=said):
            check_features(columns)

    def test_misfits_are_told(self) -> None:
        layout = FeatureLayout((3, 4), (0, 0), (0.0,))
        codes, numbers = np.zeros((2, 2), np.int32), np.zeros((2, 1), np.float32)
        assert layout.misfit(Features(codes, numbers)) == ""
        assert layout.misfit(Features(codes[:0], numbers[:0])) == ""
        told = layout.misfit(Features(codes[:, :1], numbers))
        assert told == "(1, 1) columns of codes and numbers where (2, 1) are expected"
        assert "runs from -1 to -1" in layout.misfit(Features(codes - 1, numbers))
        assert "not finite" in layout.misfit(Features(codes, numbers + np.float32(np.nan)))


def test_encoders_of_a_log_in_any_order_come_from_the_training_part() -> None:
    rng = np.random.default_rng(0)
    table = pl.DataFrame({
        "user": rng.integers(0, 20, 400), "item": rng.integers(0, 10, 400),
        "time": np.sort(rng.uniform(1e9, 1.1e9, 400)), "price": rng.uniform(1, 5, 400),
    })  # fmt: skip
    for log in (Interactions.of(table), Interactions.of(table.sort("user", "time"))):
        split, encoders = encode_split(log, split_by_time(log), {"price": "buckets"})
        found = diagnose(split, log=log, encoders=[encoders])
        assert not [each for each in found.findings if each.name == "encoders-ahead"]
        assert encoders.learned_from == Provenance.of(training_part(log, split))
