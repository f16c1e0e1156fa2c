"""The demo's own contest on Online Retail, kept as numbers.

    python benchmarks/online_retail.py [--out FOLDER]

Runs `regard demo` (SASRec with its defaults against popularity, recent popularity and Markov, under
both protocols) and saves what it found with the surroundings that a number depends on.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ml1m import surroundings


def contest(found: dict[str, Any]) -> dict[str, Any]:
    """The numbers of one protocol: every recommender, and the paired differences."""
    comparison = found["comparison"]
    return {
        "protocol": comparison["reports"][0]["protocol"],
        "fingerprint": comparison["reports"][0]["fingerprint"],
        "users": comparison["reports"][0]["users"],
        "catalogue": comparison["reports"][0]["catalogue"],
        "metrics": {each["name"]: each["metrics"] for each in comparison["reports"]},
        "differences": comparison["differences"],
        "verdict": comparison["verdict"],
        "epochs": len(found["training"]["epochs"]),
        "seconds": found["training"]["seconds"],
        "targets_per_second": found["training"]["targets_per_second"],
    }


def main() -> None:
    """Run the demo, keep its numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "demo"
        began = time.perf_counter()
        words = [sys.executable, "-m", "regard", "demo", "--out", str(folder)]
        done = subprocess.run(words, check=False)
        if done.returncode:
            sys.exit(done.returncode)  # the demo has said why
        minutes = (time.perf_counter() - began) / 60
        found = json.loads((folder / "results.json").read_text("utf-8"))
    seed = found["contests"]["global-time"]["recipe"]["seed"]
    results = {
        **surroundings(seed),
        "minutes": minutes,
        "rows_in": found["cleaning"]["rows_in"],
        "rows_kept": found["cleaning"]["rows_kept"],
        "contests": {name: contest(each) for name, each in found["contests"].items()},
    }
    given.out.mkdir(parents=True, exist_ok=True)
    path = given.out / f"online-retail-seed{seed}.json"
    path.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    print(f"saved in {path}")


if __name__ == "__main__":
    main()
