"""MovieLens-1M under the protocol of the literature, through the command line's own path.

    REGARD_DATA=... python benchmarks/ml1m.py [--seed 7] [--out FOLDER] [--set KEY=VALUE]

5-core, leave-last-out, full catalogue, `regard fit` with its defaults; measured with seen items
removed (as published numbers are) and kept, the Markov chain beside the network. MovieLens may not
be redistributed, so the file must be there already: `ml-1m.parquet` with columns user_id, item_id
and position (the order of each user's ratings), in the folder that REGARD_DATA names. Results lie
apart by the units that this processor multiplies with (`benchmarks/units.py`), and by what was set.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from regard.errors import RegardError, SourceError
from regard.settings import data_folder

CORE = ["--min-user", "5", "--min-item", "5"]
CUT = ["--order", "position", "--protocol", "leave-last-out", "--seen", "remove"]
PACKAGES = ("regard", "torch", "numpy", "polars")


def regard(*words: str) -> dict[str, Any]:
    """Run one command as a user would, and read the JSON that it prints."""
    command = [sys.executable, "-m", "regard", *words, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)  # the command has said why on stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def numbers(report: dict[str, Any]) -> dict[str, Any]:
    """What the field reports, each with its interval."""
    return {name: report["metrics"][name] for name in ("hit_rate@10", "ndcg@10")}


def measure(log: Path, model: str, seed: int, settings: list[str], folder: Path) -> dict[str, Any]:
    """Fit one model and measure it with seen items removed and kept."""
    bundle = str(folder / model)
    began = time.perf_counter()
    words = ["--model", model, "--seed", str(seed), "--out", bundle, *CORE, *CUT]
    fitted = regard("fit", str(log), *words, *settings)
    minutes = (time.perf_counter() - began) / 60
    training = fitted["training"] or {}
    return {
        "minutes": minutes,
        "targets_per_second": training.get("targets_per_second"),
        "peak_megabytes": training.get("peak_megabytes"),
        "epochs": len(training.get("epochs", ())),
        "best_epoch": training.get("best_epoch"),
        "precision": training.get("precision"),
        "fingerprint": fitted["test"]["fingerprint"],
        "users": fitted["test"]["users"],
        "catalogue": fitted["test"]["catalogue"],
        "seen_removed": numbers(fitted["test"]),
        "seen_kept": numbers(regard("evaluate", bundle, "--seen", "keep")),
        # The network without its memory of transitions: what published numbers compare with.
        "alone_seen_removed": numbers(regard("evaluate", bundle, "--no-memory")),
        "alone_seen_kept": numbers(regard("evaluate", bundle, "--no-memory", "--seen", "keep")),
        "recipe": {name: each for name, each in fitted["recipe"].items() if name != "source"},
    }


def processor() -> str:
    """The processor as the system names it."""
    listed = Path("/proc/cpuinfo")
    if listed.exists():
        for line in listed.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Package -> version, of those that are installed: classical methods do without torch."""
    return {package: version(package) for package in PACKAGES if find_spec(package)}


def surroundings(seed: int) -> dict[str, Any]:
    """What a number depends on besides code and data."""
    return {
        "seed": seed,
        "versions": {"python": platform.python_version(), **versions()},
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "system": platform.platform(),
    }


def table(models: dict[str, Any]) -> str:
    """One row for each model and treatment of seen items."""
    rows = (
        ("markov", "markov", ""),
        ("sasrec, as it answers", "sasrec", ""),
        ("sasrec without memory", "sasrec", "alone_"),
    )
    lines = [f"{'model':<21}  {'seen':<7}  {'NDCG@10':<23}  {'HR@10':<23}"]
    for title, name, prefix in rows:
        for seen in ("removed", "kept"):
            found = models[name][f"{prefix}seen_{seen}"]
            ndcg, hits = (
                f"{each['mean']:.4f} [{each['low']:.4f}, {each['high']:.4f}]"
                for each in (found["ndcg@10"], found["hit_rate@10"])
            )
            lines.append(f"{title:<21}  {seen:<7}  {ndcg}  {hits}")
    return "\n".join(lines)


def find_log() -> Path:
    """The file of the benchmark."""
    folder = data_folder()
    if folder is None or not (folder / "ml-1m.parquet").is_file():
        where = "REGARD_DATA is not set" if folder is None else f"it is not in {folder}"
        raise SourceError(
            f"This benchmark needs ml-1m.parquet, and {where}. Point REGARD_DATA at its folder."
        )
    return folder / "ml-1m.parquet"


def main() -> None:
    """Measure, print, save."""
    from units import units  # torch, which other benchmarks that import this module do without

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings")
    given = parser.parse_args()
    try:
        log = find_log()
    except RegardError as missing:
        sys.exit(f"error: {missing}")
    overrides = [word for each in given.settings for word in ("--set", each)]
    with tempfile.TemporaryDirectory() as place:
        models = {
            name: measure(log, name, given.seed, options, Path(place))
            for name, options in (("markov", []), ("sasrec", overrides))
        }
    results = {**surroundings(given.seed), "settings": given.settings, "models": models}
    given.out.mkdir(parents=True, exist_ok=True)
    sasrec = models["sasrec"]
    changed = "".join(f"-{each.partition('=')[2]}" for each in given.settings)
    path = given.out / f"ml1m-{units()}{changed}-seed{given.seed}.json"
    path.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    print(table(models))
    print(
        f"{sasrec['minutes']:.1f} minutes, {sasrec['epochs']} epochs, "
        f"{sasrec['targets_per_second']:,.0f} targets/s, peak memory "
        f"{sasrec['peak_megabytes']:,.0f} MB; fingerprint {sasrec['fingerprint']}, "
        f"{results['processor']} ({results['cores']} cores)"
    )
    print(f"saved in {path}")


if __name__ == "__main__":
    main()
