"""The table of `docs/scale.md`, from what `benchmarks/data.py` saved."""

from statistics import median
from typing import Any

TITLES = {
    "shards": "Regard, in shards",
    "memory": "Regard, in memory",
    "polars": "bare Polars",
    "pandas": "pandas",
    "least": "read, one sort, write: nothing else",
}


def data(results: dict[str, Any], words: dict[str, str]) -> list[str]:  # noqa: ARG001 - one language
    """One row for each way and size, what was left out, RecBole, and what it all depends on."""
    header = ["rows", "way", "read", "clean", "build", "in all", "rows/s", "peak", "times faster"]
    rows = [header, ["---:", "---", *["---:"] * 7]]
    for point in sorted(results["points"], key=lambda each: (each["rows"], _place(each["way"]))):
        seconds, total = point["seconds"], sum(point["seconds"].values())
        stages = [seconds.get(stage) for stage in ("read", "clean", "build")]
        cells = ["–" if each is None else f"{each:,.1f} s" for each in stages]
        slow = _slowest(results["points"], point["rows"])
        faster = f"{slow / total:,.1f}" if slow else "–"
        peak = f"{point['megabytes'] / 1024:,.1f} GB"
        if point["megabytes"] <= point["base_megabytes"]:  # it never needed more than at its start
            peak = f"at most {peak}"
        rate = f"{point['rows'] / total:,.0f}"
        name = TITLES[point["way"]]
        rows.append([f"{point['rows']:,}", name, *cells, f"{total:,.1f} s", rate, peak, faster])
    table = [f"| {' | '.join(row)} |" for row in rows]
    return [*table, "", *_left_out(results), *_movielens(results), fine_print(results)]


def _place(way: str) -> int:
    return list(TITLES).index(way)


def _slowest(points: list[dict[str, Any]], rows: int) -> float | None:
    """Seconds of pandas at a size."""
    found = [each for each in points if (each["rows"], each["way"]) == (rows, "pandas")]
    return sum(found[0]["seconds"].values()) if found else None


def _left_out(results: dict[str, Any]) -> list[str]:
    lines = [
        f"- {each['rows']:,} rows, {TITLES[each['way']]}: {each['reason']}"
        for each in results["skipped"]
    ]
    return ["Left out:", "", *lines, ""] if lines else []


def _movielens(results: dict[str, Any]) -> list[str]:
    found = results.get("movielens", {"reason": "not measured"})
    if "reason" in found:
        return [f"MovieLens-1M beside RecBole: {found['reason']}.", ""]
    theirs, ours = (median(found["seconds"][who]) for who in ("recbole", "regard"))
    return [
        (
            f"MovieLens-1M from one atomic file to what training reads: RecBole {theirs:,.1f} s, "
            f"Regard {ours:.2f} s, {theirs / ours:,.0f} times as fast (medians of "
            f"{len(found['seconds']['regard'])})."
        ),
        "",
    ]


def fine_print(results: dict[str, Any]) -> str:
    """What a number depends on."""
    versions = results["versions"]
    threads = results["points"][0]["threads"] if results["points"] else "?"
    return (
        f"*Times faster* is against pandas at the same size. Seed {results['seed']}, regard "
        f"{versions['regard']}, Polars {versions['polars']} (threads: {threads}), Python "
        f"{versions['python']}, {results['processor']}, {results['cores']} cores. Reproduce: "
        "`python benchmarks/data.py`."
    )


TABLES = {"data": data}
"""Name in a page -> what makes the table of `results/data.json`."""
