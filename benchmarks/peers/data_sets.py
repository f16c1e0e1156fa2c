"""Building a data set: RecBole's and Regard's, from one atomic file of MovieLens-1M.

    REGARD_DATA=... python benchmarks/peers/data_sets.py --work build/data --out found.json

RecBole runs in an environment of its own (`environments.py`); where that cannot be had, or the log
is not there, what is written says so. What is timed is everything from the file to what training
reads: RecBole's `create_dataset` and `data_preparation` with the defaults of its SASRec, Regard's
read, clean, split, and the plan of an epoch. Imports are not. The median of several tries counts.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from environments import HERE, PEERS, PeerError, environment_of, last_words, surrounding

NAME = "ml"


def atomic_file(folder: Path) -> Path:
    """MovieLens-1M as RecBole writes it: a folder and a file of one name."""
    import regard

    sys.path.append(str(HERE.parent))
    from ml1m import find_log

    table = regard.read(find_log(), order="position").collect()
    place = folder / NAME
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{NAME}.inter"
    table.select("user", "item", "position").rename(
        {"user": "user_id:token", "item": "item_id:token", "position": "timestamp:float"}
    ).write_csv(path, separator="\t")
    return path


def with_recbole(path: Path) -> dict[str, Any]:
    """RecBole's way; runs in its environment."""
    import os

    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import init_seed

    settings = {
        "data_path": str(path.parent.parent),
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
        "use_gpu": False,
        "seed": 7,
        "show_progress": False,
        "train_neg_sample_args": None,
        "loss_type": "CE",
    }
    os.chdir(path.parent.parent)  # RecBole leaves logs wherever it is run
    config = Config(model="SASRec", dataset=NAME, config_dict=settings)
    init_seed(7, reproducibility=True)
    began = time.perf_counter()
    data_preparation(config, create_dataset(config))
    return {"seconds": time.perf_counter() - began}


def with_regard(path: Path) -> dict[str, Any]:
    """Regard's way."""
    import regard
    from regard.data.batches import TrainingBatches

    # Importing is not timed, as RecBole's is not.
    read, clean, cut = regard.read, regard.clean, regard.split_leave_last_out
    began = time.perf_counter()
    log, _ = clean(read(path, order="timestamp"))
    split = cut(log)
    TrainingBatches(split.training, longest=50, tokens=4096, seed=7).count(0)
    return {"seconds": time.perf_counter() - began}


def tried(python: Path, who: str, path: Path, tries: int) -> list[float]:
    """Seconds of each try, each in a process of its own.

    Raises:
        PeerError: it failed; says how.
    """
    taken = []
    for _ in range(tries):
        words = [str(python), str(HERE / "data_sets.py"), "--who", who, "--file", str(path)]
        kept = {} if who == "recbole" else {"PYTHONPATH": str(HERE.parent.parent / "src")}
        done = subprocess.run(
            words, env=surrounding(kept), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise PeerError(f"{who}: {last_words(done.stderr)}")
        taken.append(json.loads(done.stdout.splitlines()[-1])["seconds"])
    return taken


def both(work: Path, tries: int) -> dict[str, Any]:
    """Seconds of each, or the reason why there are none."""
    try:
        path = atomic_file(work / "ml-1m")
    except SystemExit as missing:
        return {"reason": f"MovieLens-1M is not there: {missing}"}
    try:
        python, _ = environment_of(PEERS["recbole"], work / "recbole")
        seconds = {
            "recbole": tried(python, "recbole", path, tries),
            "regard": tried(Path(sys.executable), "regard", path, tries),
        }
    except PeerError as amiss:
        return {"reason": f"RecBole could not be had: {amiss}"}
    ratio = median(seconds["recbole"]) / median(seconds["regard"])
    print(f"  MovieLens-1M: RecBole {seconds['recbole']}, Regard {seconds['regard']}, {ratio:.0f}x")
    return {"seconds": seconds}


def main() -> None:
    """Measure both, or be one of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, help="folder of environments and files")
    parser.add_argument("--out", type=Path, help="where to write what was found")
    parser.add_argument("--tries", type=int, default=5)
    parser.add_argument("--who", choices=("recbole", "regard"), help="be one of them")
    parser.add_argument("--file", type=Path)
    given = parser.parse_args()
    if given.who:
        way = with_recbole if given.who == "recbole" else with_regard
        print(json.dumps(way(given.file.resolve())))
        return
    found = both(given.work.resolve(), given.tries)
    given.out.write_text(json.dumps(found), "utf-8")
    if "reason" in found:
        print(f"  MovieLens-1M left out: {found['reason']}", file=sys.stderr)


if __name__ == "__main__":
    main()
