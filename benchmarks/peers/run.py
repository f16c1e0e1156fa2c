"""Regard beside libraries that one can install, and beside a textbook SASRec, on MovieLens-1M.

    REGARD_DATA=... python benchmarks/peers/run.py [--peers recbole rectools replay naive regard]

Every peer gets an environment of its own, the same log, as many blocks of the same width, the same
clock and the same evaluator (`protocol.py`), and runs alone, with a thread for each core.
Peers that compute all scores at once are first tried for half a minute, with and without an
allocator that keeps its memory; the full run takes the better of the two. What was finished is kept
in the work folder and not run again, unless `--again` is said or something that it depends on has
changed. Results lie apart by the units that Regard multiplies with (`benchmarks/units.py`).
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from environments import HERE, PEERS, Peer, PeerError, digest_of, environment_of, last_words
from environments import surrounding as variables_of

import regard
from regard.data.rules import RareUsersAndItems
from regard.errors import RegardError
from regard.schema import FIRST_CODE

sys.path.append(str(HERE.parent))
from ml1m import find_log, surroundings
from units import units

ALLOCATOR = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(16 * 2**30),
    "MALLOC_TOP_PAD_": str(256 * 2**20),
}
"""glibc keeps what is freed; a matrix of all scores otherwise goes back to the kernel each step."""
TRIAL_SECONDS = 30.0
SEED = 7


def prepare(work: Path) -> tuple[Path, dict[str, int]]:
    """The log as a neutral file for the peers, and as a clean log for Regard.

    Args:
        work: folder to write to.

    Returns:
        The neutral file, and its size in numbers.

    Raises:
        PeerError: an item occurs only in what is held out, and the peers would disagree about it.
    """
    log = regard.read(find_log(), order="position")
    log, _ = regard.clean(log, [*regard.default_rules(log), RareUsersAndItems(user=5, item=5)])
    split = regard.split_leave_last_out(log)
    events = split.events
    if len(split.test) != len(events) or events.items.min() < FIRST_CODE:
        raise PeerError("Some user cannot be asked, or some item is not in the training part.")
    users = np.repeat(np.arange(len(events)), events.lengths)
    path = work / "ml-1m.npz"
    np.savez(
        path,
        user=users.astype(np.int32),
        item=(events.items - FIRST_CODE).astype(np.int32),
        position=(np.arange(len(users)) - events.offsets[users]).astype(np.int32),
    )
    log.sorted().select("user", "item", "position").write_parquet(path.with_suffix(".parquet"))
    items = split.vocabulary.size - FIRST_CODE
    return path, {"users": len(events), "items": items, "events": len(users)}


def trained(
    peer: Peer, python: Path, log: Path, out: Path, given: argparse.Namespace, *, kept: bool,
    speed: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Run a peer's script to its end.

    Args:
        peer: what to run.
        python: of its environment.
        log: the neutral file.
        out: the report it writes.
        given: of this program.
        kept: whether the allocator shall keep its memory.
        speed: whether to measure speed only, and shortly.

    Returns:
        Its report.

    Raises:
        PeerError: it failed, or took far too long.
    """
    budget = min(TRIAL_SECONDS, given.budget) if speed else given.budget
    words = [str(python), str(HERE / peer.script), str(log), str(out), "--budget", str(budget)]
    words += ["--every", str(given.every / peer.looks), "--threads", str(given.threads)]
    threads = str(given.threads)
    variables = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "REGARD_THREADS": threads}
    variables |= ALLOCATOR if kept else {}
    notes = out.with_suffix(".log")
    with notes.open("w", encoding="utf-8") as sink:
        try:
            done = subprocess.run(
                words + ["--speed"] * speed,
                env=variables_of(variables),
                stdout=sink,
                stderr=subprocess.STDOUT,
                timeout=10 * budget + 1_200,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            raise PeerError(f"{peer.script} did not end within {late.timeout:,.0f} s") from late
    if done.returncode:
        raise PeerError(f"{peer.script}: {last_words(notes.read_text('utf-8'))}; see {notes}")
    found: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return found


def measured(peer: Peer, log: Path, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Everything about one peer.

    Raises:
        PeerError: it cannot be installed or does not run.
    """
    say(f"{peer.name}: environment")
    python, environment = environment_of(peer, folder)
    kept, trials = False, {}
    if peer.allocator:
        for word in ("plain", "kept"):
            say(f"{peer.name}: trial of speed, memory {word}")
            out = folder / f"trial-{word}.json"
            trial = trained(peer, python, log, out, given, kept=word == "kept", speed=True)
            trials[word] = {name: trial[name] for name in ("targets_per_second", "peak_megabytes")}
        kept = trials["kept"]["targets_per_second"] > trials["plain"]["targets_per_second"]
    say(f"{peer.name}: {given.budget:.0f} s of training")
    report = trained(peer, python, log, folder / "run.json", given, kept=kept)
    return {
        "environment": environment,
        "trials": trials,
        "allocator": "kept" if kept else "plain",
        **report,
    }


def one(peer: Peer, log: Path, given: argparse.Namespace) -> dict[str, Any]:
    """What is known of a peer, or what is measured now; why not, where it cannot be."""
    folder = given.work / peer.name
    folder.mkdir(parents=True, exist_ok=True)
    files = [log, HERE / peer.script, HERE / "protocol.py"]
    digest = digest_of(files, peer.digest(), given.budget, given.every / peer.looks, given.threads)
    path = folder / "finished.json"
    if path.exists() and not given.again:
        known: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if known["digest"] == digest:
            say(f"{peer.name}: known")
            return known
    try:
        found = {"digest": digest, **measured(peer, log, folder, given)}
    except PeerError as reason:
        say(f"{peer.name}: {reason}")
        return {"failed": str(reason)}
    path.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    return found


def results_here() -> Path:
    """Where results of this kind of processor lie."""
    return HERE.parent / "results" / f"peers-{units()}.json"


def say(line: str) -> None:
    """Tell what is going on."""
    print(line, flush=True)


def arguments() -> argparse.Namespace:
    """What was typed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--budget", type=float, default=300.0, help="seconds of training")
    parser.add_argument("--every", type=float, default=15.0, help="seconds between evaluations")
    parser.add_argument("--threads", type=int, help="as many as there are cores if omitted")
    parser.add_argument("--work", type=Path, default=Path.home() / ".cache" / "regard-peers")
    parser.add_argument("--out", type=Path, default=results_here())
    parser.add_argument("--again", action="store_true", help="measure what was finished again")
    return parser.parse_args()


def main() -> None:
    """Measure all peers, one after the other; save."""
    given = arguments()
    around = surroundings(SEED)
    given.threads = given.threads or around["cores"]
    given.work = given.work.resolve()
    given.work.mkdir(parents=True, exist_ok=True)
    try:
        log, size = prepare(given.work)
    except (RegardError, PeerError) as reason:
        sys.exit(f"error: {reason}")
    results = {
        **around,
        "budget": given.budget,
        "every": given.every,
        "threads": given.threads,
        "allocator": ALLOCATOR,
        "log": size,
        "peers": {
            name: one(PEERS[name], log, given) | {"every": given.every / PEERS[name].looks}
            for name in given.peers
        },
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    say(f"saved in {given.out}")
    if failed := [name for name, found in results["peers"].items() if "failed" in found]:
        sys.exit(f"could not be measured: {', '.join(failed)}")


if __name__ == "__main__":
    main()
