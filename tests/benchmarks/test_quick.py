"""The guard of the hot paths: pairs, ratios, what is new, and a whole run on a tiny repository."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import quick

TOY = """
import json, sys
import toy
for line in sys.stdin:
    found = toy.PATHS.get(line.strip())
    print(json.dumps({"lacks": "KeyError"} if found is None else {"seconds": found}), flush=True)
"""


class Scripted:
    """Answers from a list, and remembers in which order everybody was asked."""

    def __init__(self, name: str, answers: list[float], asked: list[str]) -> None:
        self.name = name
        self.answers = iter(answers)
        self.asked = asked

    def __call__(self, path: str) -> dict[str, Any]:
        self.asked.append(self.name)
        return {"seconds": next(self.answers)}


def test_pairs_alternate_their_order_and_stay_old_first() -> None:
    asked: list[str] = []
    old = Scripted("old", [1.0, 2.0, 3.0, 4.0], asked)
    new = Scripted("new", [10.0, 20.0, 30.0, 40.0], asked)
    assert quick.paired(old, new, 4)("any") == [(1.0, 10.0), (2.0, 20.0), (3.0, 30.0), (4.0, 40.0)]
    assert asked == ["old", "new", "new", "old"] * 2


def test_drift_of_the_machine_does_not_look_like_a_slowdown() -> None:
    # The machine gets slower by a tenth at each measurement; both versions are alike.
    clock = iter(1.1**number for number in range(100))
    found = quick.compare("any", *[lambda _: {"seconds": next(clock)}] * 2)
    assert found.ratio == pytest.approx(1.0, abs=0.01)
    assert not found.failed(1.05)


@pytest.mark.parametrize(
    ("factors", "pairs", "ratio"), [([1.0], 4, 1.0), ([1.5, 1.4], 12, 1.4), ([1.5, 0.9], 12, 0.9)]
)
def test_what_looks_slower_is_measured_again_by_fresh_processes(
    factors: list[float], pairs: int, ratio: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter(factors)

    @contextmanager
    def both(sources: object, child: object) -> Iterator[tuple[quick.Measure, quick.Measure]]:
        factor = next(left)
        yield lambda _: {"seconds": 2.0}, lambda _: {"seconds": 2.0 * factor}

    monkeypatch.setattr(quick, "both", both)
    [found] = quick.compared((Path(), Path()), ["any"])
    assert len(found.pairs) == pairs
    assert found.ratio == pytest.approx(ratio)
    assert list(left) == []


def test_ratio_and_spread_by_hand() -> None:
    found = quick.Compared("any", [(1.0, 1.0), (1.0, 9.0), (2.0, 2.4), (1.0, 1.3), (2.0, 2.2)])
    assert found.ratio == pytest.approx(1.2)
    assert found.spread == pytest.approx((1.1, 1.3))
    assert "<- slower" in str(found)
    assert found.failed(1.15)
    assert not found.failed(1.25)


def test_pairs_that_disagree_are_noise_and_no_failure() -> None:
    found = quick.Compared("any", [(1.0, 0.8), (1.0, 0.9), (1.0, 2.0), (1.0, 2.0)])
    assert found.ratio > 1.25
    assert not found.failed(1.25)
    assert str(found).endswith("noisy")


def test_a_path_that_is_new_and_one_that_broke() -> None:
    fine, lacking = (lambda _: {"seconds": 1.0}), (lambda _: {"lacks": "ImportError: none"})
    new = quick.compare("any", lacking, fine)
    assert str(new).endswith("new: ImportError: none")
    assert not new.failed(1.0)
    broken = quick.compare("any", fine, lacking)
    assert str(broken).endswith("broken: ImportError: none")
    assert broken.failed(float("inf"))


def test_paths_are_chosen_by_words() -> None:
    assert quick.paths(["loss"]) == ["exact loss, 3.4k items", "exact loss, 100k items"]
    assert len(quick.paths([])) == 13


@pytest.fixture(autouse=True)
def no_other_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git must neither climb up to this repository nor be sent to it, as it is inside a hook."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a tag; its package says of itself how fast it is."""
    root = tmp_path / "repository"
    (root / "src").mkdir(parents=True)
    (root / "child.py").write_text(TOY)
    package = root / "src" / "toy.py"
    package.write_text("PATHS = {'import': 1.0, 'explain one': 1.0}")
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "old")
    git(root, "tag", "v1")
    package.write_text(f"PATHS = {json.dumps(dict.fromkeys(quick.paths([]), 1.0))}")
    return root


def git(root: Path, *words: str) -> None:
    who = [
        "-c",
        "user.name=test",
        "-c",
        "user.email=test@example.org",
        "-c",
        "commit.gpgsign=false",
    ]
    subprocess.run(["git", "-C", str(root), *who, *words], check=True, capture_output=True)


def run(root: Path, *words: str) -> int:
    return quick.main(words, root, root / "child.py")


def test_a_whole_run(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(repository, "--fail-above", "1.25") == 0
    shown = capsys.readouterr().out
    assert "v1" in shown
    assert shown.count("1.00  [1.00, 1.00]") == 2
    assert shown.count("new: KeyError") == 11


def test_a_regression_fails(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "src" / "toy.py").write_text("PATHS = {'import': 1.5, 'explain one': 1.2}")
    assert run(repository, "--fail-above", "1.25", "--only", "import", "explain") == 1
    shown = capsys.readouterr().out
    assert shown.count("<- slower") == 2
    assert shown.splitlines()[-1] == "slower than 1.25 times, or broken: import"
    assert run(repository, "--only", "import") == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "error: There is no tag to compare with ("),
        (("--against", "v9"), "error: The version 'v9' cannot be had: "),
    ],
)
def test_nothing_to_compare_with(
    repository: Path, words: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    git(repository, "tag", "--delete", "v1")
    assert run(repository, *words) == 2
    shown = capsys.readouterr().err
    assert shown.startswith(sentence)
    assert shown.count("\n") == 1


def test_without_git_and_without_a_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path) == 2
    assert "error: There is no tag to compare with (" in capsys.readouterr().err
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(tmp_path) == 2
    assert "Git is not installed" in capsys.readouterr().err


def test_a_process_that_dies_is_named(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "src" / "toy.py").write_text("raise SystemExit")
    assert run(repository, "--only", "import") == 2
    assert "died while measuring 'import'" in capsys.readouterr().err
