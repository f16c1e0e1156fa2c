"""What only real processes show: kills, signals, pipes, full disks, and what gets imported."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from shop_logs import TINY, names_in, write_log

EPOCHS = 25
SETTINGS = (*TINY, "--set", f"training.epochs={EPOCHS}", "--set", f"training.patience={EPOCHS}")
POSIX = pytest.mark.skipif(os.name == "nt", reason="signals and limits of POSIX")
# One thread: these models are so small that threads only wait for each other.
SURROUNDINGS = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
SURROUNDINGS.pop("REGARD_DEBUG", None)


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "regard", *map(str, words)]


def run(*words: object, **how: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return]  # options pass through
        command(*words), capture_output=True, text=True, env=SURROUNDINGS, timeout=120, **how
    )


def start_and_wait_for(path: Path, *words: object) -> subprocess.Popen[str]:
    """A process that runs until a file appears; it is still running then."""
    process = subprocess.Popen(
        command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=SURROUNDINGS
    )
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, f"ended too early: {process.communicate()[1]}"
        assert time.monotonic() < deadline, "no checkpoint within a minute"
        time.sleep(0.002)
    return process


@POSIX
def test_a_killed_fit_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.csv", users=150)
    whole = run("fit", log, "--out", tmp_path / "whole", *SETTINGS)
    assert whole.returncode == 0, whole.stderr
    words = ["fit", log, "--out", tmp_path / "killed", *SETTINGS]
    checkpoint = tmp_path / ".killed.training" / "checkpoint.pt"
    process = start_and_wait_for(checkpoint, *words)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert "killed" not in names_in(tmp_path)
    other = run(*words, "--seed", 3)
    assert other.returncode == 2
    assert "--restart" in other.stderr
    resumed = run(*words, "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert "going on where it stopped" in resumed.stderr
    assert len(json.loads(resumed.stdout)["training"]["epochs"]) == EPOCHS
    weights = [tmp_path / each / "weights.safetensors" for each in ("whole", "killed")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    bundles = {
        f"{name}{end}" for name in ("whole", "killed") for end in ("", ".quarantine.parquet")
    }
    assert names_in(tmp_path) == {"log.csv", *bundles}


@POSIX
def test_ctrl_c_stops_with_a_sentence_and_restart_begins_anew(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.csv", users=150)
    words = ["fit", log, "--out", tmp_path / "m", *SETTINGS]
    checkpoint = tmp_path / ".m.training" / "checkpoint.pt"
    process = start_and_wait_for(checkpoint, *words)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert told.rstrip().endswith("stopped; run the same command to go on")
    assert "Traceback" not in told
    assert checkpoint.exists()
    anew = run(*words, "--restart", "--set", "training.epochs=1")
    assert anew.returncode == 0, anew.stderr
    assert "going on" not in anew.stderr
    assert names_in(tmp_path) == {"log.csv", "m", "m.quarantine.parquet"}


@POSIX
def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    write_log(log, users=4000)

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    refused = run("clean", log, "--out", tmp_path / "c.parquet", preexec_fn=little_room)
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: ")
    assert "nothing half-written" in refused.stderr
    assert names_in(tmp_path) == {"log.csv"}


@POSIX
def test_a_pipe_that_nobody_reads_is_quiet(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.csv")
    reading, writing = os.pipe()
    os.close(reading)
    left = subprocess.run(
        command("inspect", log), stdout=writing, stderr=subprocess.PIPE, text=True, env=SURROUNDINGS
    )
    os.close(writing)
    assert (left.returncode, left.stderr) == (141, "")


def test_a_terminal_without_a_sign_for_a_letter_shows_a_question_mark(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.csv").rename(tmp_path / "tea-☕.csv")
    latin = {**SURROUNDINGS, "PYTHONIOENCODING": "latin-1"}
    left = subprocess.run(command("inspect", log), capture_output=True, env=latin)
    assert left.returncode == 0, left.stderr
    assert b"tea-?.csv" in left.stdout


@pytest.mark.parametrize("words", [("--help",), ("inspect", "log.csv"), ("clean", "log.csv")])
def test_what_needs_no_network_loads_no_torch(tmp_path: Path, words: tuple[str, ...]) -> None:
    write_log(tmp_path / "log.csv")
    program = (
        "import sys\n"
        "from regard.cli import main\n"
        f"sys.argv = ['regard', *{words!r}]\n"
        "try:\n    main()\n"
        "except SystemExit as left:\n"
        "    heavy = {'torch', 'plotly', 'scipy'} & set(sys.modules)\n"
        "    sys.exit(f'{left.code} {heavy}' if left.code or heavy else 0)\n"
    )
    if words[0] == "clean":
        program = program.replace("'log.csv')", "'log.csv', '--out', 'c.parquet')")
    left = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert left.returncode == 0, left.stderr


def test_the_command_is_installed(tmp_path: Path) -> None:
    regard = Path(sys.executable).with_name("regard")
    if not regard.exists():
        pytest.skip("the package is not installed beside this Python")
    told = subprocess.run([regard, "--help"], capture_output=True, text=True, check=True).stdout
    assert "demo" in told
