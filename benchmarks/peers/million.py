"""The libraries on the log of a million items that Regard learns in `benchmarks/large.py`.

    python benchmarks/peers/million.py [--peers replay rectools naive] [--seconds 30]

The same generated log, as many blocks of the same width and the scripts of `run.py`. Each peer is
given most of the machine's memory and half a minute of steps; what is told is its speed and its
largest memory, or the words with which it gave up.
"""

import argparse
import json
import os
import resource
import sys
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from environments import HERE, PEERS, Peer, PeerError, environment_of
from run import SEED, say, trained

sys.path.append(str(HERE.parent))
from large import generate
from ml1m import surroundings

SHARE = 0.85
"""Of the machine's memory that a peer may take; without a limit it would take other programs'."""


def prepare(folder: Path, items: int, interactions: int) -> Path:
    """The generated log as the neutral file, made in a process of its own."""
    generated, path = folder / "large.parquet", folder / f"large-{items}-{interactions}.npz"
    if path.exists():
        return path
    process = get_context("spawn").Process(target=generate, args=(generated, items, interactions))
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(process.exitcode)
    table = pl.read_parquet(generated).sort("user", "timestamp", maintain_order=True)
    codes = table.select(pl.col("user", "item").rank("dense").cast(pl.Int32) - 1)
    np.savez(path, user=codes["user"].to_numpy(), item=codes["item"].to_numpy())
    generated.unlink()
    return path


def limit_memory() -> int:
    """Hold this process and those that it starts to a share of the memory; returns the bytes."""
    most = int(SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    return most


def one(peer: Peer, log: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Speed and memory of a peer, or why there are none."""
    folder = given.work / peer.name
    folder.mkdir(parents=True, exist_ok=True)
    say(f"{peer.name}: {given.budget:.0f} s of training")
    out = folder / "large.json"
    try:
        python, _ = environment_of(peer, folder)
        found = trained(peer, python, log, out, given, kept=False, speed=True)
    except PeerError as reason:
        say(f"{peer.name}: {reason}")
        return {"failed": str(reason).split("; see ")[0]}
    return {name: found[name] for name in ("targets_per_second", "peak_megabytes", "settings")}


def main() -> None:
    """Measure each of the peers; save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    libraries = [name for name in PEERS if name != "regard"]
    parser.add_argument(
        "--peers", nargs="+", choices=libraries, default=["replay", "rectools", "naive"]
    )
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--interactions", type=int, default=10_000_000)
    parser.add_argument("--seconds", type=float, default=30.0, dest="budget", help="of training")
    parser.add_argument("--work", type=Path, default=Path.home() / ".cache" / "regard-peers")
    parser.add_argument("--out", type=Path, default=HERE.parent / "results" / "large-peers.json")
    given = parser.parse_args()
    around = surroundings(SEED)
    given.every, given.threads = given.budget, around["cores"]
    given.work = given.work.resolve()
    given.work.mkdir(parents=True, exist_ok=True)
    log = prepare(given.work, given.items, given.interactions)
    results = {
        **around,
        "items": given.items,
        "interactions": given.interactions,
        "seconds": given.budget,
        "memory_megabytes": limit_memory() / 2**20,
        "peers": {name: one(PEERS[name], log, given) for name in given.peers},
    }
    given.out.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    say(f"saved in {given.out}")


if __name__ == "__main__":
    main()
