"""How time and memory grow with the catalogue, the histories and the users.

    python benchmarks/growth.py [--quick] [--out FOLDER] [--pictures FOLDER]

A training step of SASRec with its defaults (forward, backward, update and the batch itself, as
training does them) against items and against the length of histories; reading, splitting and
batching against users. Generated data, each point in a process of its own. A point that would take
too long or too much memory, by what the smaller ones took, is left out and says so. Saves
`growth.json` and draws it; `python benchmarks/tables.py` then brings the page up to date.
"""

import argparse
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from fresh_process import point_of
from growth_law import expected, exponent
from growth_pictures import draw
from ml1m import surroundings

HERE = Path(__file__).resolve().parent
EXACT = "cross-entropy"
GRID = {
    "items": (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000),
    "lengths": (50, 100, 200, 400, 800, 1_600, 3_200, 4_096),
    "users": (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000),
}
QUICK = {"items": (1_000, 3_000, 10_000), "lengths": (50, 200, 800), "users": (3_000, 10_000)}
SERIES = (("items", EXACT), ("items", None), ("lengths", None), ("users", None))
"""What grows, and the loss: one by name, or what is shipped."""


def stages(point: dict[str, Any]) -> dict[str, float]:
    """What a point is judged by: the median of each stage, and memory beyond the imports."""
    found = {name: median(each) for name, each in point["seconds"].items()}
    return found | {"memory": point["megabytes"]["all"] - point["base_megabytes"]}


def exponents(points: list[dict[str, Any]]) -> dict[str, float | None]:
    """Stage -> exponent over the upper half of the points."""
    xs = [point["x"] for point in points]
    judged = [stages(point) for point in points]
    names = judged[0] if judged else {}
    return {name: exponent(xs, [each[name] for each in judged]) for name in names}


def free_megabytes() -> float:
    """Memory that can be had now; all that is built in, where the system does not say."""
    listed = Path("/proc/meminfo")
    if listed.exists():
        for line in listed.read_text("utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) / 2**10
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20


def why_not(
    points: list[dict[str, Any]], x: int, *, longest: float, memory: Callable[[], float]
) -> str | None:
    """Why a point is not to be measured, by what the smaller ones took.

    Args:
        points: measured so far, ascending.
        x: the size to come.
        longest: seconds that a single try of a stage may take.
        memory: says how many megabytes are free.

    Returns:
        A reason, or None.
    """
    xs = [point["x"] for point in points]
    peak = expected(xs, [point["megabytes"]["all"] for point in points], x)
    if peak > (free := memory()):
        return f"would take about {peak / 1024:.1f} GB of memory; {free / 1024:.1f} GB were free"
    for name in points[0]["seconds"] if points else ():
        if (seconds := expected(xs, [stages(each)[name] for each in points], x)) > longest:
            return f"{name} would take about {seconds:,.0f} s; the limit is {longest:,.0f} s"
    return None


def point(axis: str, x: int, loss: str | None, given: argparse.Namespace) -> dict[str, Any] | str:
    """One point in a fresh process, or why there is none."""
    words = [axis, str(x), "--steps", str(given.steps), "--seed", str(given.seed)]
    return point_of(HERE / "growth_point.py", words + (["--loss", loss] if loss else []))


def told(x: int, found: dict[str, Any]) -> str:
    """A point as one line."""
    parts = [
        f"{name} {median(each):.4g} s (least {min(each):.4g})"
        for name, each in found["seconds"].items()
    ]
    return f"  {x:>12,}  {', '.join(parts)}, peak {found['megabytes']['all']:,.0f} MB"


def series(axis: str, loss: str | None, given: argparse.Namespace) -> dict[str, Any]:
    """All points of one line, smallest first; nothing is tried beyond one that fell."""
    print(f"{axis}, {loss or 'as shipped'}", flush=True)
    points: list[dict[str, Any]] = []
    skipped: list[dict[str, Any]] = []
    for x in (QUICK if given.quick else GRID)[axis]:
        reason = why_not(points, x, longest=given.longest, memory=free_megabytes)
        found = reason or point(axis, x, loss, given)
        if isinstance(found, str):
            skipped.append({"x": x, "reason": found})
            print(f"  {x:>12,}  left out: {found}", flush=True)
        else:
            points.append(found)
            print(told(x, found), flush=True)
    fitted = exponents(points)
    listed = ", ".join(f"{name} {each:.2f}" for name, each in fitted.items() if each is not None)
    print(f"  exponents over the upper half: {listed}", flush=True)
    return {
        "axis": axis,
        "loss": loss or "shipped",
        "points": points,
        "skipped": skipped,
        "exponents": fitted,
    }


def measured(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Every series asked for."""
    for axis, loss in SERIES:
        if axis in given.only:
            yield series(axis, loss, given)


def main() -> None:
    """Measure, print, save, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, into build/growth-quick")
    parser.add_argument("--only", nargs="+", choices=tuple(GRID), default=tuple(GRID))
    parser.add_argument("--steps", type=int, default=7, help="timed for each point, at the most")
    parser.add_argument("--longest", type=float, default=300.0, help="seconds of a single try")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, help="folder of growth.json")
    parser.add_argument("--pictures", type=Path, help="folder of the pictures")
    given = parser.parse_args()
    scratch = HERE.parent / "build" / "growth-quick"
    # Part of a grid must not take the place of a whole one.
    whole = not given.quick and set(given.only) == set(GRID)
    out = given.out or (HERE / "results" if whole else scratch)
    pictures = given.pictures or (HERE.parent / "docs" / "pictures" if whole else scratch)
    limits = {"steps": given.steps, "longest": given.longest}
    results = {**surroundings(given.seed), **limits, "series": list(measured(given))}
    out.mkdir(parents=True, exist_ok=True)
    path = out / "growth.json"
    path.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    print("\n".join(["saved", str(path), *map(str, draw(results, pictures))]))


if __name__ == "__main__":
    main()
