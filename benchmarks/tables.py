"""Write the tables of figures into the pages, from the results that the benchmarks saved.

    python benchmarks/tables.py [--check]

A page says where a table belongs and in which language; what stands between the marks is replaced,
so that no figure is ever typed by hand::

    <!-- figures ml1m en -->
    ...
    <!-- end of figures -->
"""

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cleaning_tables
import data_tables
import growth_tables
import mechanism_tables
import performance_tables
import smallest_tables
import zoo_tables
from peers.table import peers

ROOT = Path(__file__).resolve().parent.parent
PAGES = (
    "README.md",
    "README.zh-CN.md",
    "docs/cleaning.md",
    "docs/growth.md",
    "docs/mechanisms.md",
    "docs/performance.md",
    "docs/scale.md",
    "docs/smallest.md",
    "docs/zoo.md",
)
MARKS = re.compile(r"(<!-- figures (\S+) (en|zh) -->\n).*?(<!-- end of figures -->)", re.DOTALL)

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "model": "model",
        "removed": "seen removed",
        "kept": "seen kept",
        "minutes": "minutes",
        "fine": "Seed {seed}, regard {regard}, torch {torch}, Python {python}, {processor}, "
        "{cores} cores; data fingerprint {fingerprint}; 95 % bootstrap intervals over "
        "{users:,} users. Reproduce: `{command}`.",
        "difference": "{candidate} minus it, paired",
        "speed": "SASRec: {epochs} epochs, {speed:,.0f} targets a second, peak memory "
        "{memory:,.0f} MB.",
        "rows": "{rows_in:,} raw rows, {rows_kept:,} kept.",
    },
    "zh": {
        "model": "模型",
        "removed": "去除已看",
        "kept": "保留已看",
        "minutes": "分钟",
        "fine": "随机种子 {seed}，regard {regard}，torch {torch}，Python {python}，{processor}，"
        "{cores} 核；数据指纹 {fingerprint}；对 {users:,} 位用户作 95 % 自助法区间。"
        "复现：`{command}`。",
        "difference": "{candidate} 减去它，配对差",
        "speed": "SASRec：{epochs} 轮，每秒 {speed:,.0f} 个目标，内存峰值 {memory:,.0f} MB。",
        "rows": "原始 {rows_in:,} 行，保留 {rows_kept:,} 行。",
    },
}


def interval(found: dict[str, Any], sign: str = "") -> str:
    """A mean with its interval."""
    return f"{found['mean']:{sign}.4f} [{found['low']:{sign}.4f}, {found['high']:{sign}.4f}]"


def markdown(header: list[str], rows: list[list[str]]) -> list[str]:
    """A table."""
    return [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)]


def fine_print(results: dict[str, Any], found: dict[str, Any], command: str, words: Any) -> str:
    """What a number depends on."""
    versions = results["versions"]
    return str(
        words["fine"].format(
            seed=results["seed"],
            regard=versions["regard"],
            torch=versions["torch"],
            python=versions["python"],
            processor=results["processor"],
            cores=results["cores"],
            fingerprint=found["fingerprint"],
            users=found["users"],
            command=command,
        )
    )


def ml1m(results: dict[str, Any], words: dict[str, str]) -> list[str]:
    """MovieLens-1M: one row for each model."""
    header = [words["model"]]
    header += [f"{m}, {words[seen]}" for seen in ("removed", "kept") for m in ("NDCG@10", "HR@10")]
    rows = []
    for name, found in results["models"].items():
        for prefix, title in (("", name), ("alone_", f"{name} alone")):
            is_network = found["targets_per_second"] is not None
            if prefix and not is_network:
                continue
            cells = [
                interval(found[f"{prefix}seen_{seen}"][metric])
                for seen in ("removed", "kept")
                for metric in ("ndcg@10", "hit_rate@10")
            ]
            minutes = "" if prefix else f"{found['minutes']:.1f}"
            rows.append(
                [f"{title} + memory" if is_network and not prefix else title, *cells, minutes]
            )
    sasrec = results["models"]["sasrec"]
    speed = words["speed"].format(
        epochs=sasrec["epochs"],
        speed=sasrec["targets_per_second"],
        memory=sasrec["peak_megabytes"],
    )
    table = markdown([*header, words["minutes"]], rows)
    return [*table, "", speed, fine_print(results, sasrec, "make bench", words)]


def online_retail(results: dict[str, Any], words: dict[str, str]) -> list[str]:
    """Online Retail: one table for each protocol."""
    lines = [words["rows"].format(**results), ""]
    for found in results["contests"].values():
        difference = {each["baseline"]: each for each in found["differences"]}
        candidate = next(iter(difference.values()))["candidate"]
        gap = words["difference"].format(candidate=candidate)
        rows = [
            [
                name,
                interval(metrics["ndcg@10"]),
                interval(metrics["hit_rate@10"]),
                interval(difference[name], "+") if name in difference else "",
            ]
            for name, metrics in sorted(
                found["metrics"].items(), key=lambda each: -each[1]["ndcg@10"]["mean"]
            )
        ]
        split = found["protocol"]["split"]
        lines += [f"*{split}; seen: {found['protocol']['seen']}*", ""]
        lines += [*markdown([words["model"], "NDCG@10", "HR@10", gap], rows), ""]
        lines += [fine_print(results, found, "python benchmarks/online_retail.py", words), ""]
    return lines[:-1]


TABLES: dict[str, Callable[[dict[str, Any], dict[str, str]], list[str]]] = {
    "ml1m": ml1m,
    "online-retail": online_retail,
    "peers-bfloat16-matrices": peers,
    "peers-bfloat16-vectors": peers,
    "peers-float32": peers,
    **cleaning_tables.TABLES,
    **data_tables.TABLES,
    **growth_tables.TABLES,
    **mechanism_tables.TABLES,
    **performance_tables.TABLES,
    **smallest_tables.TABLES,
    **zoo_tables.TABLES,
}
"""Name in a page -> what makes the table of its results."""
SOURCES = {
    "ml1m": "ml1m-bfloat16-matrices-seed7.json",
    "peers-bfloat16-matrices": "peers-bfloat16-matrices.json",
    "peers-bfloat16-vectors": "peers-bfloat16-vectors.json",
    "peers-float32": "peers-float32.json",
    "data": "data.json",
    **dict.fromkeys(cleaning_tables.TABLES, "cleaning.json"),
    **dict.fromkeys(growth_tables.TABLES, "growth.json"),
    **performance_tables.SOURCES,
    **mechanism_tables.SOURCES,
    **smallest_tables.SOURCES,
    **zoo_tables.SOURCES,
}
"""Name in a page -> file of results, where it is not `NAME-seed7.json`; a pattern for several."""
EVEN_EMPTY = frozenset({*mechanism_tables.TABLES, *smallest_tables.TABLES, *zoo_tables.TABLES})
"""Tables that are made without any result too: they say what is missing."""
RESULTS = ROOT / "benchmarks" / "results"


def saved(pattern: str) -> Any:
    """What a benchmark saved: a list where the pattern is of several, else one object or None."""
    paths = sorted(RESULTS.glob(pattern))
    found = [json.loads(path.read_text("utf-8")) for path in paths]
    return found if "*" in pattern else (found[0] if found else None)


def filled(page: str) -> str:
    """A page with its tables made anew."""

    def table(match: re.Match[str]) -> str:
        opening, name, language, end = match.groups()
        pattern = SOURCES.get(name, f"{name}-seed7.json")
        if (results := saved(pattern)) or name in EVEN_EMPTY:
            lines = TABLES[name](results, WORDS[language])
        else:
            lines = [f"*Not measured yet: there is no `benchmarks/results/{pattern}`.*"]
        return "\n".join([opening.rstrip(), *lines, end])

    return MARKS.sub(table, page)


def main() -> None:
    """Write or check all pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say which pages are stale")
    given = parser.parse_args()
    stale = []
    for name in PAGES:
        path = ROOT / name
        page = path.read_text("utf-8")
        if (new := filled(page)) != page:
            stale.append(name)
            if not given.check:
                path.write_text(new, "utf-8")
    if stale:
        print(f"{'stale' if given.check else 'written'}: {', '.join(stale)}")
    sys.exit(1 if stale and given.check else 0)


if __name__ == "__main__":
    main()
