"""Does bfloat16 cost quality? MovieLens-100K with several seeds, in both precisions.

    REGARD_DATA=... python benchmarks/precision.py [--seeds 7 8 9] [--out FOLDER]

Leave-last-out, full catalogue, seen items removed, `regard fit` with its defaults but for the
precision, and for steps as large as on a large log; the network alone, whose memory of transitions
would hide a difference.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import mean
from typing import Any

from ml1m import regard, surroundings
from regard.errors import RegardError, SourceError
from regard.settings import data_folder

PRECISIONS = ("float32", "bfloat16")
CUT = ["--protocol", "leave-last-out", "--seen", "remove", "--set", "memory=off"]
CUT += ["--set", "training.least_steps=1"]


def measured(log: Path, seed: int, precision: str) -> dict[str, Any]:
    """Fit once and say how good it is."""
    with tempfile.TemporaryDirectory() as place:
        words = ["--seed", str(seed), "--out", f"{place}/bundle", *CUT]
        found = regard("fit", str(log), *words, "--set", f"training.precision={precision}")
    metrics = {name: found["test"]["metrics"][name] for name in ("ndcg@10", "hit_rate@10")}
    speed = found["training"]["targets_per_second"]
    return {"seed": seed, "precision": precision, "targets_per_second": speed, **metrics}


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 8, 9])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    given = parser.parse_args()
    folder = data_folder()
    try:
        if folder is None or not (folder / "ml-100k.parquet").is_file():
            raise SourceError("This benchmark needs ml-100k.parquet in the folder REGARD_DATA.")
    except RegardError as missing:
        sys.exit(f"error: {missing}")
    runs = []
    for seed in given.seeds:
        for precision in PRECISIONS:
            runs.append(measured(folder / "ml-100k.parquet", seed, precision))
            print(runs[-1], flush=True)
    for precision in PRECISIONS:
        values = [run["ndcg@10"]["mean"] for run in runs if run["precision"] == precision]
        print(f"{precision}: NDCG@10 {mean(values):.4f}")
    results = {**surroundings(given.seeds[0]), "seeds": given.seeds, "runs": runs}
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "precision.json").write_text(json.dumps(results, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
