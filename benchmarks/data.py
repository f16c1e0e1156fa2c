"""How fast a log becomes histories: Regard in memory and in shards, bare Polars, pandas, RecBole.

    python benchmarks/data.py [--rows 1000000,10000000,100000000] [--resume] [--out FILE]

Generated interactions (`data_log.py`) from Parquet to sorted histories of item codes on disk, each
way and size in a process of its own (`data_point.py`); beside them the least that no way can do
without: read, sort once, write. A size that would take too much memory, by what the smaller ones
took, is left out and says so. On MovieLens-1M, where `REGARD_DATA` has it, RecBole builds its data
set in an environment of its own, and Regard does so from the same file. Saved after each point;
`--resume` keeps the points that are there. `python benchmarks/tables.py` then brings the page up to
date.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data_log import CHUNK, SEED, generated
from fresh_process import point_of
from growth import free_megabytes
from growth_law import expected
from ml1m import surroundings

HERE = Path(__file__).resolve().parent
ROWS = (1_000_000, 10_000_000, 100_000_000)
WAYS = ("shards", "memory", "polars", "pandas", "least")
BUILD = HERE.parent / "build" / "data"


def why_not(points: list[dict[str, Any]], rows: int, *, free: float, longest: float) -> str | None:
    """Why a point is not to be measured, by what the smaller ones of its way took.

    Args:
        points: of one way, ascending.
        rows: the size to come.
        free: megabytes that can be had.
        longest: seconds that a point may take.

    Returns:
        A reason, or None.
    """
    xs = [point["rows"] for point in points]
    peak = expected(xs, [point["megabytes"] for point in points], rows)
    if peak > free:
        return f"needs more memory than there is: about {peak / 1024:,.0f} GB, by smaller sizes"
    seconds = expected(xs, [sum(point["seconds"].values()) for point in points], rows)
    if seconds > longest:
        return f"would take about {seconds:,.0f} s; the limit is {longest:,.0f} s"
    return None


def point(way: str, log: Path, work: Path) -> dict[str, Any] | str:
    """One point in a fresh process, or why there is none."""
    return point_of(HERE / "data_point.py", [way, str(log), "--work", str(work)])


def told(rows: int, found: dict[str, Any]) -> str:
    """A point as one line."""
    seconds = ", ".join(f"{name} {each:.2f} s" for name, each in found["seconds"].items())
    rate = rows / sum(found["seconds"].values())
    return (
        f"  {rows:>12,}  {found['way']:<7} {seconds}: {rate:,.0f} rows/s, "
        f"peak {found['megabytes']:,.0f} MB"
    )


def require_agreement(points: list[dict[str, Any]]) -> None:
    """Stop where two ways come to different histories."""
    sizes: dict[int, dict[str, tuple[int, ...]]] = {}
    for each in [point for point in points if "kept" in point]:
        outcome = tuple(each[name] for name in ("kept", "users", "items"))
        sizes.setdefault(each["rows"], {})[each["way"]] = outcome
    for rows, outcomes in sizes.items():
        if len(set(outcomes.values())) > 1:
            sys.exit(f"The ways disagree on {rows:,} rows (kept, users, items): {outcomes}")


def measured(
    points: list[dict[str, Any]], given: argparse.Namespace
) -> Iterator[tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """All points so far and all that were left out, after each new one."""
    skipped: list[dict[str, Any]] = []
    for rows in given.rows:
        log = generated(rows, given.cache)
        for way in given.ways:
            mine = [each for each in points if each["way"] == way]
            if any(each["rows"] == rows for each in mine):
                continue
            reason = why_not(mine, rows, free=free_megabytes(), longest=given.longest)
            found = reason or point(way, log, given.cache / "work")
            if isinstance(found, str):
                skipped.append({"way": way, "rows": rows, "reason": found})
                print(f"  {rows:>12,}  {way:<7} left out: {found}", flush=True)
            else:
                points.append({"rows": rows, **found})
                print(told(rows, found), flush=True)
            require_agreement(points)
            yield points, skipped


def movielens(given: argparse.Namespace) -> dict[str, Any]:
    """RecBole and Regard on one file of MovieLens-1M, or why not."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, str(HERE / "peers" / "data_sets.py"), "--work", str(given.cache)]
        out = Path(folder) / "found.json"
        done = subprocess.run([*words, "--out", str(out)], text=True, check=False)
        if done.returncode:
            return {"reason": f"peers/data_sets.py ended with status {done.returncode}"}
        found: dict[str, Any] = json.loads(out.read_text("utf-8"))
        return found


def kept_points(path: Path, surrounding: dict[str, Any]) -> list[dict[str, Any]]:
    """The points of an earlier run in the same surroundings."""
    if not path.exists():
        return []
    saved = json.loads(path.read_text("utf-8"))
    same = all(saved.get(name) == value for name, value in surrounding.items())
    return list(saved["points"]) if same else []


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = ",".join(map(str, ROWS))
    parser.add_argument("--rows", default=sizes, help="sizes, ascending, with commas between")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--resume", action="store_true", help="keep the points that are there")
    parser.add_argument("--longest", type=float, default=1_200.0, help="seconds of a point")
    parser.add_argument("--no-recbole", action="store_true", help="leave MovieLens-1M out")
    parser.add_argument("--cache", type=Path, default=BUILD, help="folder of generated logs")
    parser.add_argument("--out", type=Path, help="where to save")
    given = parser.parse_args()
    given.rows = sorted(int(each.replace("_", "")) for each in given.rows.split(","))
    # Part of a grid must not take the place of a whole one.
    whole = tuple(given.rows) == ROWS and tuple(given.ways) == WAYS and not given.no_recbole
    out = given.out or (HERE / "results" if whole else BUILD) / "data.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    facts = {**surroundings(SEED), "chunk": CHUNK}
    points = kept_points(out, facts) if given.resume else []
    results: dict[str, Any] = {**facts, "points": points, "skipped": []}
    for found, skipped in measured(points, given):
        results |= {"points": found, "skipped": skipped}
        out.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    results["movielens"] = {"reason": "left out"} if given.no_recbole else movielens(given)
    out.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    print(f"saved {out}")


if __name__ == "__main__":
    main()
