"""Peers: one evaluator and clock for all, environments made once, results kept, the tables."""

import doctest
import json
import re
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "peers"))

import environments
import naive
import protocol
import run
from environments import Peer, PeerError

import tables
from peers import table
from regard.data.interactions import Interactions
from regard.data.split import Split, split_leave_last_out
from regard.evaluation.metrics import measure
from regard.evaluation.protocol import Seen
from regard.evaluation.ranking import rank_targets
from regard.schema import FIRST_CODE

PEERS = Path(run.__file__).parent
USERS, ITEMS = 60, 40


def made_up_log() -> pl.DataFrame:
    """A log in which everybody goes on to one of the next three items, and repeats some."""
    rng = np.random.default_rng(7)
    steps = rng.integers(1, 4, (USERS, 20))
    lengths = rng.integers(8, 21, USERS)
    rows = [
        (user, f"i{item % ITEMS}", position)
        for user in range(USERS)
        for position, item in enumerate(np.cumsum(steps[user])[: lengths[user]] + user)
    ]
    return pl.DataFrame(rows, ["user_id", "item_id", "position"], orient="row")


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The neutral file of a small log."""
    made_up_log().write_parquet(tmp_path / "raw.parquet")
    monkeypatch.setattr(run, "find_log", lambda: tmp_path / "raw.parquet")
    path, size = run.prepare(tmp_path)
    assert size["users"] == USERS
    assert size["items"] == ITEMS
    return path


def split_of(path: Path) -> Split:
    """The same log as Regard cuts it."""
    return split_leave_last_out(Interactions.of(pl.read_parquet(path.with_suffix(".parquet"))))


def test_examples_of_the_protocol_run() -> None:
    assert doctest.testmod(protocol).attempted > 4
    assert doctest.testmod(protocol).failed == 0
    assert doctest.testmod(table).attempted > 2
    assert doctest.testmod(table).failed == 0


def test_the_neutral_log_is_cut_as_regard_cuts_it(prepared: Path) -> None:
    log, split = protocol.Log.read(prepared), split_of(prepared)
    assert len(log) == USERS
    assert log.catalogue == ITEMS
    assert np.array_equal(log.targets, split.test.targets - FIRST_CODE)
    trained = np.concatenate(log.training)
    assert np.array_equal(trained, split.training.items() - FIRST_CODE)
    _, events = split.test.history_events()
    read = np.concatenate(log.histories)
    assert np.array_equal(read, split.test.sequences.items[events] - FIRST_CODE)
    user, item, position = log.table(held_out=1)
    assert np.array_equal(item, read)
    assert np.array_equal(np.bincount(user), [len(each) for each in log.histories])
    assert position[user == 3].tolist() == list(range(len(log.histories[3])))


@pytest.mark.parametrize("distinct", [3, 1_000_000])
def test_the_evaluator_agrees_with_that_of_regard(prepared: Path, distinct: int) -> None:
    log, split = protocol.Log.read(prepared), split_of(prepared)
    scores = np.random.default_rng(distinct).integers(0, distinct, (USERS, ITEMS + FIRST_CODE))

    class Fixed:
        def score(self, queries: Any) -> Any:
            return scores[queries.users].astype(np.float32)

    found = protocol.measure(lambda users: scores[users, FIRST_CODE:].astype(np.float32), log)
    for word, seen in (("removed", Seen.REMOVE), ("kept", Seen.KEEP)):
        ranks = rank_targets(Fixed(), split.test, catalogue_size=ITEMS + FIRST_CODE, seen=seen)
        for name in ("ndcg@10", "hit_rate@10", "mrr"):
            assert found[word][name] == pytest.approx(measure(name, ranks).mean(), abs=1e-12)
    assert found["removed"] != found["kept"]


def test_a_score_that_is_no_number_is_refused(prepared: Path) -> None:
    log = protocol.Log.read(prepared)
    with pytest.raises(ValueError, match="training diverged"):
        protocol.measure(lambda users: np.full((len(users), ITEMS), np.nan, np.float32), log)


def test_lists_hold_the_best_unseen_items(prepared: Path) -> None:
    log = protocol.Log.read(prepared)
    ascending = np.arange(ITEMS, dtype=np.float32)
    lists = protocol.top_lists(lambda users: np.tile(ascending, (len(users), 1)), log)
    for user, items in enumerate(lists):
        unseen = sorted(set(range(ITEMS)) - set(log.histories[user]), reverse=True)
        assert items.tolist() == unseen[:10]


class Clock:
    """Time that passes only when told."""

    now = 100.0

    def perf_counter(self) -> float:
        return self.now


def test_the_clock_stands_still_while_quality_is_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock, reached = Clock(), iter([0.05, 0.12, 0.16])
    monkeypatch.setattr(protocol, "time", clock)

    def slow(_score: object, _log: object) -> dict[str, dict[str, float]]:
        clock.now += 50
        return {"removed": {"ndcg@10": next(reached)}, "kept": {"ndcg@10": 0.01}}

    monkeypatch.setattr(protocol, "measure", slow)
    given = Namespace(budget=25.0, every=10.0, speed=False, out=tmp_path / "out.json")
    meter = protocol.Meter(given, None, None)  # type: ignore[arg-type]  # nobody looks at them
    clock.now += 1_000
    meter.begin()
    steps = 0
    stopped = False
    while not stopped:
        clock.now += 1
        steps += 1
        stopped = meter.stepped(targets=100, epochs=0.1)
    clock.now += 1_000
    report = meter.report({}, ())
    assert steps == 25
    assert report["setup_seconds"] == 1_000
    assert report["seconds"] == 25
    assert report["targets_per_second"] == 100
    assert report["epoch_seconds"] == pytest.approx(10)
    assert [point["seconds"] for point in report["curve"]] == [10, 20, 25]


def test_a_trial_of_speed_measures_no_quality(tmp_path: Path) -> None:
    given = Namespace(budget=0.0, every=0.0, speed=True, out=tmp_path / "out.json")
    meter = protocol.Meter(given, None, None)  # type: ignore[arg-type]  # nobody looks at them
    meter.begin()
    assert meter.stepped(targets=5, epochs=0.5)
    meter.finish({}, (), lambda: pytest.fail("no lists are wanted"))
    found = json.loads(given.out.read_text())
    assert found["targets"] == 5
    assert not {"curve", "quality", "lists_seconds"} & found.keys()


def test_the_textbook_reads_no_later_item_and_learns_from_real_ones_only() -> None:
    torch.manual_seed(0)
    model = naive.SASRec(catalogue=9).eval()
    rows = torch.zeros(2, naive.LONGEST + 1, dtype=torch.int64)
    rows[0, :4] = torch.tensor([1, 2, 3, 4])
    rows[1, :3] = torch.tensor([5, 6, 7])
    changed = rows.clone()
    changed[0, 3] = 8
    with torch.no_grad():
        loss, targets = naive.loss_of(model, rows)
        states, others = model(rows[:, :-1]), model(changed[:, :-1])
    assert targets == 5
    asked = [(0, 0, 2), (0, 1, 3), (0, 2, 4), (1, 0, 6), (1, 1, 7)]
    with torch.no_grad():
        by_hand = [-model.scores(states[b, t]).log_softmax(0)[code] for b, t, code in asked]
    assert float(loss) == pytest.approx(float(sum(by_hand)) / 5, rel=1e-5)
    assert torch.allclose(others[0, :3], states[0, :3], atol=1e-6)
    assert not torch.allclose(others[0, 3], states[0, 3], atol=1e-3)


def trained_here(name: str, log: Path, folder: Path) -> dict[str, Any]:
    """A peer's report, by this very Python."""
    given = Namespace(budget=0.3, every=0.2, threads=1)
    peer, out = environments.PEERS[name], folder / f"{name}.json"
    return run.trained(peer, Path(sys.executable), log, out, given, kept=False)


@pytest.fixture
def environment() -> dict[str, Any]:
    return {"install_seconds": 9.6, "import_seconds": 1.0, "megabytes": 900.0}


@pytest.mark.slow
def test_regard_and_the_textbook_run_and_stand_in_the_tables(
    prepared: Path, tmp_path: Path, environment: dict[str, Any]
) -> None:
    found = {name: trained_here(name, prepared, tmp_path) for name in ("naive", "regard")}
    for each in found.values():
        assert each["lists_agree"] == 1.0
        assert each["curve"][-1]["targets"] == each["targets"] > 0
        each.update(environment=environment, trials={}, every=0.2)
    assert found["regard"]["memory"]["quality"]["removed"]["ndcg@10"] > 0.2
    assert found["regard"]["markov"]["lists_agree"] > 0.9
    assert found["regard"]["narrow"]["settings"]["expansion"] == 1
    assert found["regard"]["narrow"]["targets_per_second"] > 0
    lines = table.peers({**AROUND, "peers": found}, {})
    assert [line.split(" | ")[0] for line in lines if line.startswith(("| t", "| R"))] == [
        "| textbook SASRec", "| Regard, network alone", "| Regard, as it ships",
        "| Regard, as narrow as they", "| Regard, Markov chain",
        "| Regard, network alone: the textbook", "| Regard, as it ships: the textbook",
        "| Regard, as narrow as they: the textbook", "| Regard, Markov chain: the textbook",
    ]  # fmt: skip
    [products] = re.findall(r"products in (\w+)", "\n".join(lines))
    assert (
        run.results_here().name
        in {
            "float32": ["peers-float32.json"],
            "bfloat16": ["peers-bfloat16-matrices.json", "peers-bfloat16-vectors.json"],
        }[products]
    )


def test_a_script_that_fails_is_told_with_its_own_words(prepared: Path, tmp_path: Path) -> None:
    prepared.write_bytes(b"no log")
    with pytest.raises(PeerError, match=r"naive\.py: .*; see .*naive\.log"):
        trained_here("naive", prepared, tmp_path)


AROUND: dict[str, Any] = {
    "seed": 7, "versions": {"python": "3.11"}, "processor": "One", "cores": 2, "threads": 2,
    "budget": 300.0, "every": 10.0, "log": {"users": 6_040, "items": 3_416, "events": 999_611},
}  # fmt: skip


def look(seconds: float, ndcg: float) -> dict[str, Any]:
    """Quality at a moment of training."""
    return {"seconds": seconds, "removed": {"ndcg@10": ndcg}}


def report(title: str, ndcg: float, **others: Any) -> dict[str, Any]:
    """What a peer might have come to."""
    return {
        "environment": {"install_seconds": 20.0, "import_seconds": 2.0, "megabytes": 1_000.0},
        "settings": {
            "title": title, "longest": 200, "blocks": 2, "width": 64, "heads": 1, "loss": "exact",
            "optimiser": "Adam",
        },
        "versions": {"torch": "2"}, "trials": {}, "epochs": 1.5, "seconds": 300.0, "every": 10.0,
        "epoch_seconds": 200.0, "targets_per_second": 1_000.0, "peak_megabytes": 2_000.0,
        "curve": [look(50.0, 0.05), look(150.0, 0.11)],
        "quality": {"removed": {"ndcg@10": ndcg}, "kept": {"ndcg@10": ndcg / 2}},
        "lists_seconds": 4.0, **others,
    }  # fmt: skip


def rows_of(lines: list[str]) -> list[dict[str, str]]:
    """The rows of all tables, by the heading of a column."""
    names = ["title", *(column.name for column in table.COLUMNS)]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line]
    return [dict(zip(names, row, strict=True)) for row in cells if row[0] not in ("", "---")]


def test_the_best_is_bold_and_regard_is_a_multiple_of_the_best_other() -> None:
    markov = {
        "settings": {"title": "chain"}, "seconds": 0.2, "lists_seconds": 0.5,
        "quality": {"removed": {"ndcg@10": 0.12}, "kept": {"ndcg@10": 0.1}},
        "peak_megabytes": 500.0,
    }  # fmt: skip
    memory = {**markov, "settings": {"title": "ships", "memory": "pays"}, "seconds": 3.0}
    ours = report(
        "ours", 0.15, targets_per_second=4_000.0, lists_seconds=8.0, markov=markov, memory=memory,
        validation_seconds=9.0, curve=[look(30.0, 0.12), look(40.0, 0.12), look(290.0, 0.15)],
    )  # fmt: skip
    trials = {word: {"targets_per_second": 500.0} for word in ("plain", "kept")}
    other = report("other", 0.1, trials=trials)
    plain = report("plain", 0.11, targets_per_second=2_000.0)
    found = {"other": other, "broken": {"failed": "pip said no"}, "naive": plain, "regard": ours}
    lines = table.peers({**AROUND, "peers": found}, {})
    first, _, second, shipped, chain, ratio, to_textbook, shipped_ratio, *_ = rows_of(lines)
    assert first["title"] == "other"
    assert first["targets/s"] == "1,000"
    assert second["targets/s"] == "**4,000**"
    assert first["MB"] == second["MB"] == "**1,000**"
    assert first["epoch s"] == "200.0"
    assert chain["s to 0.10"] == "**0.2**"
    assert chain["s to 0.13"] == first["s to 0.13"] == "not reached"
    assert chain["targets/s"] == shipped["s to 0.10"] == "–"
    assert second["s to 0.15"] == "**290.0**"
    assert second["NDCG@10 removed"] == "**0.1500**"
    assert ratio["title"] == "ours: the best library"
    assert to_textbook["title"] == "ours: the textbook"
    assert ratio["targets/s"] == "4.00×"
    assert to_textbook["targets/s"] == "2.00×"
    # 50 and five sixths of the hundred seconds after; of ours, five sixths of 30.
    assert (first["s to 0.10"], second["s to 0.10"]) == ("133.3", "25.0")
    assert ratio["s to 0.10"] == "0.19×"
    assert ratio["s to 0.13"] == "only here"
    assert ratio["s to 0.17"] == ratio["epoch s"] == shipped_ratio["targets/s"] == "–"
    assert ratio["lists s"] == "2.00×"
    text = "\n".join(lines)
    assert "*broken* could not be measured: pip said no." in text
    assert "500 targets/s as it is and 500 with an allocator" in text
    assert "300 s of training each" in text
    assert "run.py --peers other broken naive regard`" in text
    assert "width 64, 1 head, a feed-forward network of 64, exact" in text


def test_a_page_without_results_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tables, "RESULTS", tmp_path / "benchmarks" / "results")
    page = "<!-- figures peers-float32 en -->\n<!-- end of figures -->"
    said = "*Not measured yet: there is no `benchmarks/results/peers-float32.json`.*"
    assert tables.filled(page).split("\n")[1] == said
    results = tmp_path / "benchmarks" / "results" / "peers-float32.json"
    results.parent.mkdir(parents=True)
    results.write_text(json.dumps({**AROUND, "peers": {"other": report("other", 0.1)}}))
    assert "**0.1000**" in tables.filled(tables.filled(page))


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What would have been run to make an environment."""
    called: list[list[str]] = []

    def call(words: list[str]) -> float:
        called.append(words)
        return 1.0

    monkeypatch.setattr(environments, "call", call)
    monkeypatch.setattr(environments, "import_seconds", lambda *_: 0.5)
    return called


def test_an_environment_is_made_once_and_again_when_its_parts_change(
    pip: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = environments.PEERS["rectools"]
    python, found = environments.environment_of(peer, tmp_path)
    assert python == tmp_path / "venv" / "bin" / "python"
    assert [words[1:3] for words in pip] == [["-m", "venv"], ["-m", "pip"], ["-m", "pip"]]
    assert pip[1][-1] == environments.TORCH
    assert Path(pip[2][-1]).read_text() == "rectools[torch]==0.19.0\n"
    assert environments.environment_of(peer, tmp_path)[1] == found
    assert len(pip) == 3
    monkeypatch.setattr(environments, "TORCH", "torch==2.14.0")
    environments.environment_of(peer, tmp_path)
    assert len(pip) == 6


def test_a_command_that_fails_says_why() -> None:
    with pytest.raises(PeerError, match="no such thing"):
        environments.call([sys.executable, "-c", "raise SystemExit('no such thing')"])
    with pytest.raises(PeerError, match="No module named 'no_such_peer'"):
        environments.import_seconds(Path(sys.executable), "import no_such_peer")
    assert 0 <= environments.import_seconds(Path(sys.executable), "import json") < 5


def test_every_peer_has_its_files_and_a_requirement_that_is_pinned() -> None:
    for peer in environments.PEERS.values():
        assert (PEERS / peer.script).is_file()
        wanted = re.sub(r"#.*", "", peer.requirements.read_text()).split()
        assert wanted
        if peer.name in ("recbole", "rectools", "replay"):
            assert re.fullmatch(r"[\w\-\[\]]+==[\d.]+", wanted[0])


def test_what_was_finished_is_known_and_what_fails_stops_nobody(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def measured(peer: Peer, *_: object) -> dict[str, Any]:
        asked.append(peer.name)
        if peer.name == "replay":
            raise PeerError("pip said no")
        return {"seconds": 1.0}

    monkeypatch.setattr(run, "measured", measured)
    given = Namespace(work=tmp_path, budget=300.0, every=10.0, threads=1, again=False)

    def go(name: str, **changed: Any) -> dict[str, Any]:
        return run.one(environments.PEERS[name], prepared, Namespace(**{**vars(given), **changed}))

    assert go("rectools") == go("rectools")
    assert asked == ["rectools"]
    go("rectools", budget=60.0)
    go("rectools", budget=60.0, again=True)
    assert asked == ["rectools"] * 3
    assert go("replay") == go("replay") == {"failed": "pip said no"}
    assert asked[3:] == ["replay"] * 2


def test_the_full_run_takes_the_better_allocator(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    runs: list[tuple[str, bool, bool]] = []

    def trained(peer: Peer, *_: object, kept: bool, speed: bool = False) -> dict[str, Any]:
        runs.append((peer.name, kept, speed))
        return {"targets_per_second": 200.0 if kept else 100.0, "peak_megabytes": 1.0}

    monkeypatch.setattr(run, "trained", trained)
    monkeypatch.setattr(run, "environment_of", lambda *_: (Path("python"), {}))
    given = Namespace(budget=300.0)
    log = tmp_path / "log.npz"
    assert run.measured(environments.PEERS["replay"], log, tmp_path, given)["allocator"] == "kept"
    assert run.measured(environments.PEERS["regard"], log, tmp_path, given)["allocator"] == "plain"
    assert runs == [
        ("replay", False, True), ("replay", True, True), ("replay", True, False),
        ("regard", False, False),
    ]  # fmt: skip
