"""What is prepared in shards is what memory would have given, to the last row."""

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regard
from regard.data.catalogue import Catalogue
from regard.data.clean import default_rules
from regard.data.interactions import Interactions
from regard.data.large import prepare as preparing
from regard.data.large.cutting import Cut
from regard.data.large.prepare import prepare
from regard.data.large.prepared import Prepared, is_prepared
from regard.data.large.workplace import Workplace
from regard.data.report import CleaningReport
from regard.data.rules import (
    RULES,
    Bursts,
    Clockwork,
    ConsecutiveRepeats,
    ExcludedItems,
    NearDuplicates,
    RareUsersAndItems,
    Rule,
    Scope,
    TakenBack,
)
from regard.data.rules.contract import MARKED, Frame
from regard.data.split import Split
from regard.errors import (
    ConfigurationError,
    DataError,
    NeedsClockError,
    StorageError,
    TooLittleDataError,
)

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from dirty_logs import VALUES, dirty_log, rows_of

FIXED = {"latest": "2020-12-31"}


def fixed_rules(log: Interactions) -> list[Rule]:
    """The default rules, with a latest time that is the same at each call."""
    rules = default_rules(log, settle=False)
    return [type(r)(**(r.parameters() | FIXED)) if "latest" in r.parameters() else r for r in rules]


def in_memory(
    log: Interactions, rules: list[Rule], cut: Cut
) -> tuple[Split, CleaningReport, Catalogue]:
    kept, report = regard.clean(log, rules)
    clocked = cut.protocol == "global-time"
    split = (
        regard.split_by_time(
            kept,
            test_share=cut.test_share,
            validation_share=cut.validation_share,
            targets=cut.targets,
            min_count=cut.min_count,
        )
        if clocked
        else regard.split_leave_last_out(kept, min_count=cut.min_count)
    )
    return split, report, Catalogue.of(kept)


def same_arrays(one: object, other: object, *names: str) -> None:
    for name in names:
        a, b = getattr(one, name), getattr(other, name)
        if isinstance(a, pl.Series):
            assert a.equals(b, check_dtypes=True), name
        elif a is None or b is None:
            assert a is b, name
        else:
            assert a.dtype == b.dtype, name
            assert np.array_equal(a, b), name


def require_equal(made: Prepared, log: Interactions, rules: list[Rule], cut: Cut) -> None:
    split, report, catalogue = in_memory(log, rules, cut)
    found = made.split()
    for one, other in ((found.events, split.events), (found.sequences, split.sequences)):
        same_arrays(one, other, "users", "offsets", "items", "times", "rows")
    same_arrays(found.training, split.training, "ends")
    for part in ("validation", "test"):
        same_arrays(
            getattr(found, part),
            getattr(split, part),
            *("users", "ends", "targets", "target_offsets", "times"),
        )
    same_arrays(found.vocabulary, split.vocabulary, "ids", "counts")
    assert found.protocol == split.protocol
    assert found.fingerprint == split.fingerprint
    assert made.report().to_dict()["removals"] == report.to_dict()["removals"]
    assert (made.rows_in, made.rows_kept) == (report.rows_in, report.rows_kept)
    assert made.report().quarantine.equals(report.quarantine)
    assert made.catalogue.to_frame().equals(catalogue.to_frame())


@pytest.mark.parametrize("protocol", ["global-time", "leave-last-out"])
@pytest.mark.parametrize("targets", ["last", "first", "all"])
def test_dirty_logs_come_out_as_in_memory(tmp_path: Path, protocol: str, targets: str) -> None:
    table = dirty_log(800, seed=3)
    users = np.random.default_rng(0).integers(0, 40, len(table))
    many = [f"{user}{n}" if user in ("ann", "bob") else user
            for user, n in zip(table["user"], users, strict=True)]  # fmt: skip
    later = pl.Series(users).cast(pl.Float64) * 7
    times = pl.when(pl.col("time") == 1e9).then(1e9 + later).otherwise("time")
    table = table.with_columns(pl.Series("user", many, pl.String), times.alias("time"))
    log = Interactions.of(table)
    cut = Cut(protocol=protocol, targets=targets, test_share=0.3, validation_share=0.3)
    rules = fixed_rules(log)
    made = prepare(log, tmp_path / "made", rules=rules, cut=cut, shards=7)
    require_equal(made, log, rules, cut)


@settings(max_examples=25)
@given(table=rows_of(), shards=st.integers(1, 4))
def test_every_kind_of_dirt(
    tmp_path_factory: pytest.TempPathFactory, table: pl.DataFrame, shards: int
) -> None:
    log = Interactions.of(table)
    rules, cut = fixed_rules(log), Cut(protocol="leave-last-out")
    folder = tmp_path_factory.mktemp("every")
    try:
        in_memory(log, rules, cut)
    except (TooLittleDataError, DataError) as refused:
        with pytest.raises(type(refused)):
            prepare(log, folder / "made", rules=rules, cut=cut, shards=shards).split()
    else:
        made = prepare(log, folder / "made", rules=rules, cut=cut, shards=shards)
        require_equal(made, log, rules, cut)
    shutil.rmtree(folder)


def busy_log(rows: int = 600, seed: int = 1, clock: bool = True) -> pl.DataFrame:
    """Integer ids, ties, repeats, bursts, titles; in no order."""
    rng = np.random.default_rng(seed)
    item = rng.integers(0, 30, rows)
    order = {"time": 1e9 + rng.integers(0, 400, rows) * 10.0}
    quantity = rng.choice([1, 2, -1, -2], rows, p=[0.4, 0.2, 0.2, 0.2])
    return pl.DataFrame({
        "user": rng.integers(-5, 40, rows),
        "item": item,
        **(order if clock else {"position": rng.integers(0, 50, rows)}),
        "title": [f"Tea {i}" if rng.random() < 0.8 else rng.choice(["", "Cup"]) for i in item],
        "session": [f"C{i}" if q < 0 else f"{i}" for i, q in enumerate(quantity)],
        "quantity": quantity,
    })  # fmt: skip


@pytest.mark.parametrize(
    "rules",
    [
        [RareUsersAndItems(user=9, item=14)],
        [ConsecutiveRepeats(), RareUsersAndItems(user=9, item=12), NearDuplicates(seconds=30)],
        [RareUsersAndItems(user=10, item=1), RareUsersAndItems(user=1, item=17)],
        [Bursts(per_minute=3, per_hour=9), Clockwork(rows=3, hours=3.2, gaps=1.0, items=2.5)],
        [TakenBack(), ExcludedItems(pattern="1.")],
        [],
    ],
    ids=lambda rules: "+".join(rule.name for rule in rules) or "none",
)
def test_rules_that_compare_rows(tmp_path: Path, rules: list[Rule]) -> None:
    log = Interactions.of(busy_log())
    cut = Cut(protocol="global-time", min_count=3)
    made = prepare(log, tmp_path / "made", rules=rules, cut=cut, shards=5)
    assert rules == [] or made.rows_kept < made.rows_in
    require_equal(made, log, rules, cut)


def test_a_log_without_a_clock(tmp_path: Path) -> None:
    log = Interactions.of(busy_log(clock=False))
    rules, cut = fixed_rules(log), Cut(protocol="leave-last-out")
    made = prepare(log, tmp_path / "made", cut=Cut(), shards=4)
    assert made.split().events.times is None
    require_equal(made, log, rules, cut)
    with pytest.raises(NeedsClockError):
        prepare(log, tmp_path / "other", cut=Cut(protocol="global-time"))


def test_every_rule_says_how_far_it_looks(tmp_path: Path) -> None:
    scopes = {name: rule.scope for name, rule in RULES.items()}
    assert [name for name, scope in scopes.items() if scope is Scope.LOG] == [
        "robots",
        "rare-users-and-items",
    ]
    assert scopes["missing-user"] is Scope.ROW
    assert scopes["exact-duplicates"] is Scope.USER


class Everybody(Rule):
    """A rule of one's own that has not said how far it looks."""

    name = "everybody"
    reason = "Because."

    def mark(self, frame: Frame, ordering: str) -> Frame:
        raise AssertionError("It must be refused before it is asked.")


def test_a_rule_across_users_that_cannot_be_spread_is_refused_by_name(tmp_path: Path) -> None:
    log = Interactions.of(busy_log())
    with pytest.raises(ConfigurationError, match="'everybody' compares rows of different users"):
        prepare(log, tmp_path / "made", rules=[Everybody()], shards=2)
    assert not (tmp_path / "made").exists()


class Lossy(Rule):
    """A defective rule: rows vanish."""

    name = "lossy"
    reason = "None."
    scope = Scope.ROW

    def mark(self, frame: Frame, ordering: str) -> Frame:
        import narwhals as nw

        return frame.filter(nw.col("user") > 3).with_columns(nw.lit(value=False).alias(MARKED))


def test_a_rule_that_loses_rows_is_found_out(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="adds or loses rows"):
        prepare(Interactions.of(busy_log()), tmp_path / "made", rules=[Lossy()], shards=2)


def test_what_is_missing_is_refused_where_no_rule_removes_it(tmp_path: Path) -> None:
    table = busy_log().with_columns(
        pl.when(pl.col("user") == 3).then(None).otherwise("item").alias("item")
    )
    log = Interactions.of(table)
    first = table["item"].is_null().arg_true()[0]
    missing = table["item"].null_count()
    message = f"{missing:,} interactions of a frame have no item \\(first: row {first}\\)"
    with pytest.raises(DataError, match=message):
        prepare(log, tmp_path / "made", rules=[], shards=3)


def test_nothing_left_and_nothing_there(tmp_path: Path) -> None:
    log = Interactions.of(busy_log())
    with pytest.raises(TooLittleDataError, match="'excluded-items' removed most"):
        prepare(log, tmp_path / "made", rules=[ExcludedItems(pattern=".*")], shards=2)
    empty = Interactions.of(busy_log().clear())
    with pytest.raises(TooLittleDataError, match="holds no rows"):
        prepare(empty, tmp_path / "made")
    with pytest.raises(ConfigurationError, match="shards are not possible"):
        prepare(log, tmp_path / "made", shards=0)
    one_moment = Interactions.of(busy_log().with_columns(time=pl.lit(1e9)))
    with pytest.raises(TooLittleDataError, match="share one moment"):
        prepare(one_moment, tmp_path / "made", rules=[], cut=Cut(protocol="global-time"))


def stop_at(stage: str, done: int):
    """A listener that stops a preparation."""

    def listen(name: str, so_far: int, total: int) -> None:
        if (name, so_far) == (stage, done):
            raise KeyboardInterrupt

    return listen


@pytest.mark.parametrize("stage", ["scatter", "clean", "write", "fingerprint"])
def test_a_stopped_preparation_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    log = Interactions.of(busy_log())
    rules, cut = fixed_rules(log), Cut(protocol="global-time")
    done = {"scatter": 600, "clean": 3, "write": 2, "fingerprint": 600}[stage]
    target = tmp_path / "made"
    with pytest.raises(KeyboardInterrupt):
        prepare(log, target, rules=rules, cut=cut, shards=5, progress=stop_at(stage, done))
    assert not target.exists()
    assert {each.name for each in tmp_path.iterdir()} == {".made.shards"}
    cleaned: list[int] = []
    whole = preparing.clean_shards.__globals__["_clean_one"]
    monkeypatch.setitem(
        preparing.clean_shards.__globals__,
        "_clean_one",
        lambda head, rules, place, shard: (cleaned.append(shard), whole(head, rules, place, shard)),
    )
    made = prepare(log, target, rules=rules, cut=cut, shards=5)
    # Shards under way may finish after the one that was heard of.
    expected = {"scatter": {5}, "clean": {0, 1, 2}, "write": {0}, "fingerprint": {0}}[stage]
    assert len(cleaned) in expected
    require_equal(made, log, rules, cut)
    assert {each.name for each in tmp_path.iterdir()} == {"made"}


@pytest.mark.parametrize(
    ("stage", "points"),
    [
        ("scatter", (150, 450, 600)),
        ("clean", range(1, 9)),
        ("write", (1, 5, 8)),
        ("fingerprint", (150, 600)),
    ],
)
@pytest.mark.parametrize(
    "rules",
    [
        [RareUsersAndItems(user=9, item=14)],
        [ConsecutiveRepeats(), RareUsersAndItems(user=9), RareUsersAndItems(user=1, item=12)],
    ],
    ids=["one", "two-after-another"],
)
def test_a_rule_that_looks_at_all_shards_does_so_when_a_preparation_goes_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
    points: Sequence[int],
    rules: list[Rule],
) -> None:
    monkeypatch.setattr(preparing, "_FEWEST", 150)
    log = Interactions.of(busy_log())
    whole = prepare(log, tmp_path / "whole", rules=rules, memory=1, shards=8)
    for point in points:
        target, listen = tmp_path / f"{point}", stop_at(stage, point)
        with pytest.raises(KeyboardInterrupt):
            prepare(log, target, rules=rules, memory=1, shards=8, progress=listen)
        made = prepare(log, target, rules=rules, memory=1, shards=8)
        assert made.rows_kept == whole.rows_kept < 600
        assert made.fingerprint == whole.fingerprint
        assert made.removals == whole.removals
        assert made.report().quarantine.equals(whole.report().quarantine)
        assert not Workplace.beside(target).folder.exists()


def test_rows_as_they_came_stay_no_longer_than_cleaning_needs_them(tmp_path: Path) -> None:
    log = Interactions.of(busy_log())
    for rules, there in (([ConsecutiveRepeats()], 2), ([RareUsersAndItems(user=9)], 4)):
        target = tmp_path / rules[0].name
        raw = Workplace.beside(target).folder / "raw"
        with pytest.raises(KeyboardInterrupt):
            prepare(log, target, rules=rules, shards=4, progress=stop_at("clean", 2))
        assert len(list(raw.iterdir())) == there
        with pytest.raises(KeyboardInterrupt):
            prepare(log, target, rules=rules, shards=4, progress=stop_at("write", 1))
        assert {each.name for each in raw.parent.iterdir()} == {
            "run.json", "bounds.parquet", "clean",
        }  # fmt: skip


def test_a_torn_shard_is_cleaned_again_and_another_log_starts_over(tmp_path: Path) -> None:
    log = Interactions.of(busy_log())
    rules, target = fixed_rules(log), tmp_path / "made"
    with pytest.raises(KeyboardInterrupt):
        prepare(log, target, rules=rules, shards=4, progress=stop_at("write", 1))
    place = Workplace.beside(target)
    (place.clean(2) / "rows.npy").write_bytes(b"torn")
    # Its raw rows are gone, so that the whole run has to start over.
    made = prepare(log, target, rules=rules, shards=4)
    require_equal(made, log, rules, Cut(protocol="global-time"))
    with pytest.raises(KeyboardInterrupt):
        prepare(log, tmp_path / "next", rules=rules, shards=4, progress=stop_at("clean", 2))
    other = Interactions.of(busy_log(seed=2))
    made = prepare(other, tmp_path / "next", rules=rules, shards=4)
    require_equal(made, other, rules, Cut(protocol="global-time"))


def test_the_same_preparation_is_not_made_twice(tmp_path: Path) -> None:
    log = Interactions.of(busy_log())
    target = tmp_path / "made"
    first = prepare(log, target, shards=3)
    heard: list[str] = []
    again = prepare(log, target, shards=3, progress=lambda stage, *_: heard.append(stage))
    assert again == first
    assert heard == []
    with pytest.raises(StorageError, match="not empty"):
        prepare(log, target, cut=Cut(min_count=2))
    other = prepare(log, target, cut=Cut(min_count=2), overwrite=True)
    assert other.protocol.min_count == 2


def test_what_is_no_prepared_log_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "prepared.json").write_text('{"dinner": "soup"}')
    with pytest.raises(StorageError, match="is no prepared log, so it will not be replaced"):
        prepare(Interactions.of(busy_log()), tmp_path / "mine", overwrite=True)
    assert [each.name for each in (tmp_path / "mine").iterdir()] == ["prepared.json"]


def test_a_disk_that_is_too_small_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=10_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(StorageError, match=r"takes up to 0\.0 GB of disk"):
        prepare(Interactions.of(busy_log()), tmp_path / "made")
    assert list(tmp_path.iterdir()) == []


def test_a_rule_that_looks_at_the_whole_log_takes_a_third_copy_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Interactions.of(busy_log())
    typed = log.collect().estimated_size() + 8 * 600
    free = int((2 * typed + 28 * 600) * 1.1) + 1
    usage = shutil.disk_usage(tmp_path)._replace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    prepare(log, tmp_path / "two", rules=[ConsecutiveRepeats()], shards=2)
    with pytest.raises(StorageError, match="Free some space"):
        prepare(log, tmp_path / "three", rules=[RareUsersAndItems()], shards=2)


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
def test_a_disk_that_fills_up_is_one_sentence(tmp_path: Path) -> None:
    code = (
        "import resource, sys, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "import polars as pl; from pathlib import Path\n"
        "from regard.data.interactions import Interactions\n"
        "from regard.data.large.prepare import prepare\n"
        "from regard.errors import StorageError\n"
        "n = 50_000\n"
        "log = Interactions.of(pl.DataFrame({'user': range(n), 'item': range(n),"
        " 'position': range(n)}))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try: prepare(log, Path(sys.argv[1]) / 'made', shards=1)\n"
        "except StorageError as told: print(told)\n"
    )
    words = [sys.executable, "-c", code, str(tmp_path)]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "could not be written (File too large)" in told
    assert not (tmp_path / "made").exists()


def test_brackets_in_a_name_are_no_pattern(tmp_path: Path) -> None:
    rules, cut = [RareUsersAndItems(user=9, item=14)], Cut(protocol="leave-last-out")
    logs = {"run[1]": Interactions.of(busy_log()), "run1": Interactions.of(busy_log(seed=2))}
    for name, log in logs.items():
        prepare(log, tmp_path / name / "made", rules=rules, cut=cut, shards=3)
    for name, log in logs.items():
        require_equal(Prepared.open(tmp_path / name / "made"), log, rules, cut)


def test_what_is_no_prepared_log(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no prepared log"):
        Prepared.open(tmp_path)
    made = prepare(Interactions.of(busy_log()), tmp_path / "made", shards=2)
    facts = json.loads((made.folder / "prepared.json").read_text())
    (made.folder / "prepared.json").write_text(json.dumps(facts | {"format": 99}))
    with pytest.raises(DataError, match="format 99"):
        Prepared.open(made.folder)


def test_a_folder_is_prepared_by_what_its_facts_say(tmp_path: Path) -> None:
    made = prepare(Interactions.of(busy_log()), tmp_path / "made", shards=2).folder
    assert is_prepared(made)
    facts = json.loads((made / "prepared.json").read_text())
    (made / "prepared.json").write_text(json.dumps(facts | {"format": 99}))
    assert is_prepared(str(made))
    for other in ("", "[]", '"made_of"', "{}", '{"made_of": "oak"}', "{", "\0"):
        (made / "prepared.json").write_text(other)
        assert not is_prepared(made)
    (made / "prepared.json").unlink()
    (made / "prepared.json").mkdir()
    assert not is_prepared(made)


@pytest.mark.parametrize(
    "failure", [PermissionError(errno.EACCES, "denied"), OSError(errno.ENAMETOOLONG, "too long")]
)
def test_a_folder_that_cannot_be_read_is_not_prepared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: OSError
) -> None:
    assert not is_prepared("a" * 5_000)
    assert not is_prepared("a\0b")

    def refuse(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(Path, "read_text", refuse)
    monkeypatch.setattr(Path, "stat", refuse)
    assert not is_prepared(tmp_path)


def test_a_log_in_another_engine_is_refused(tmp_path: Path) -> None:
    import duckdb
    import narwhals as nw

    busy = busy_log()  # noqa: F841 - DuckDB finds it by name
    frame = nw.from_native(duckdb.sql("select *, 1 as row from busy"))
    log = Interactions.of(busy_log()).with_frame(frame)
    with pytest.raises(DataError, match="another engine"):
        prepare(log, tmp_path / "made")


def test_str_says_what_it_is(tmp_path: Path) -> None:
    made = prepare(Interactions.of(busy_log()), tmp_path / "made", shards=2)
    assert "600 rows in" in str(made)
    assert str(made.folder) in str(made)


assert VALUES  # what `rows_of` draws from
