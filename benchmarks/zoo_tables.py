"""The tables of `docs/zoo.md`, from what `benchmarks/zoo.py` saved and what others published."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from performance_tables import machine, markdown
from zoo_data import LOGS, REMOVE

HERE = Path(__file__).resolve().parent
METRICS = {"ndcg@10": "NDCG@10", "hit_rate@10": "HR@10", "mrr": "MRR"}
Result = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """What the seeds of one model came to, alone or with memory.

    Attributes:
        model: name of the model.
        way: "alone" or "with memory".
        runs: a result for each seed.
    """

    model: str
    way: str
    runs: Sequence[Result]

    @property
    def network(self) -> bool:
        """Whether it is one."""
        return bool(self.runs[0]["kind"] == "network")

    @property
    def title(self) -> str:
        """For the first column."""
        return f"{self.model} + memory" if self.way == "with memory" else self.model

    def mean(self, seen: str, metric: str, what: str = "mean") -> float:
        """Over the seeds."""
        return mean(run["results"][self.way][seen][metric][what] for run in self.runs)

    def cell(self, seen: str, metric: str) -> str:
        """Mean over the seeds, with its interval over users."""
        low, high = self.mean(seen, metric, "low"), self.mean(seen, metric, "high")
        return f"{self.mean(seen, metric):.4f} [{low:.4f}, {high:.4f}]"

    def seeds(self, seen: str) -> str:
        """How many seeds, and how far NDCG@10 spreads over them."""
        found = [run["results"][self.way][seen]["ndcg@10"]["mean"] for run in self.runs]
        return f"{len(found)} (± {stdev(found):.4f})" if len(found) > 1 else f"{len(found)}"

    def costs(self) -> list[str]:
        """Minutes, MB, parameters and targets a second; of a network alone, where they belong."""
        if self.way == "with memory":
            return [""] * 4
        peak = f"{max(run['peak_megabytes'] for run in self.runs):,.0f}"
        minutes = f"{mean(run['minutes'] for run in self.runs):.1f}"
        if not self.network:
            return [minutes, peak, "", ""]
        speed = mean(run["targets_per_second"] for run in self.runs)
        return [minutes, peak, f"{self.runs[0]['parameters']:,}", f"{speed:,.0f}"]


@cache
def published() -> tuple[dict[str, Any], ...]:
    """The numbers of others, best first."""
    found = tomllib.loads((HERE / "published.toml").read_text("utf-8"))["number"]
    return tuple(sorted(found, key=lambda each: -each["ndcg"]))


@cache
def registered() -> dict[str, Any]:
    """Every model that the zoo knows."""
    from zoo import models

    return models()


def asked(log: str) -> list[str]:
    """The models that belong into the tables of a log."""
    from zoo import asked_of

    return [model.name for model in asked_of(log, registered())]


def rows_of(results: Sequence[Result]) -> list[Row]:
    """A row for each model, and one more where it wears the memory of transitions."""
    found: dict[tuple[str, str], list[Result]] = {}
    for run in results:
        ways = run["results"] if run["state"] == "done" else {}
        for way in ways:
            found.setdefault((run["recipe"]["model"]["name"], way), []).append(run)
    return [Row(model, way, runs) for (model, way), runs in found.items()]


def not_measured(log: str, results: Sequence[Result]) -> dict[str, str]:
    """Model that belongs into a table -> why it has no number."""
    done = {row.model for row in rows_of(results)}
    why = {
        run["plan"]["recipe"]["model"]["name"]: f"{run['state']}: {run['message']}"
        for run in results
        if run["state"] != "done"
    }
    return {name: why.get(name, "not run yet") for name in asked(log) if name not in done}


def beside(model: str, log: str, protocol: str, row: Row | None = None) -> list[str]:
    """The published numbers of a model, and how far a row is from each in percent of NDCG@10."""
    numbers, gaps = [], []
    for each in of_table(log, protocol):
        if each["model"] != model:
            continue
        numbers.append(f"{each['ndcg']:.4f} {mark(each)}")
        if row is not None and "differs" not in each:
            gap = row.mean(each["seen"], "ndcg@10") / each["ndcg"] - 1
            gaps.append(f"{100 * gap:+.1f} % {mark(each)}")
    return ["<br>".join(numbers), "<br>".join(gaps)]


def of_table(log: str, protocol: str) -> list[dict[str, Any]]:
    """The published numbers that belong to a table."""
    return [each for each in published() if (each["log"], each["protocol"]) == (log, protocol)]


def mark(number: Mapping[str, Any]) -> str:
    """The number of its note below the table."""
    return f"({of_table(number['log'], number['protocol']).index(dict(number)) + 1})"


def sources(log: str, protocol: str) -> list[str]:
    """Where the published numbers stand, and which of them are another measure."""
    lines = []
    for each in of_table(log, protocol):
        known = "" if each["model"] in asked(log) else " Without a row here."
        differs = f" Not to be compared: {each['differs']}." if "differs" in each else ""
        numbers = f"NDCG@10 {each['ndcg']:.4f}, HR@10 {each['hit_rate']:.4f}"
        lines.append(f"{mark(each)} {each['name']}, {numbers}: {each['source']}.{differs}{known}  ")
    return ["", "Published:", "", *lines] if lines else []


def conditions(results: Sequence[Result]) -> list[str]:
    """What the numbers depend on; more than one machine or cap of minutes is told."""
    done = [run for run in results if run["state"] == "done"]
    if not done:
        return []
    first = done[0]
    seeds = ", ".join(str(seed) for seed in sorted({run["seed"] for run in done}))
    users = next(iter(next(iter(first["results"].values())).values()))["users"]
    facts = f"{users:,} users asked, {first['catalogue']:,} items, {first['events']:,} events, "
    facts += f"{first['protocol']}; data fingerprint {first['fingerprint']}."
    prints = {run["fingerprint"] for run in done}
    if len(prints) > 1:
        raise SystemExit(f"error: results of different data in one table: {', '.join(prints)}")
    limit = cut_off(done)
    clocked = sorted({
        run["recipe"]["model"]["name"] for run in done if "minutes_of" in run["plan"]
    })  # fmt: skip
    shared = (
        f" Given the minutes of SASRec instead of epochs: {', '.join(clocked)}." if clocked else ""
    )
    machines = sorted({machine({**run, "seed": seeds}, "python benchmarks/zoo.py") for run in done})
    return ["", facts + limit + shared, *machines]


def cut_off(done: Sequence[Result]) -> str:
    """Which trainings had a cap of minutes."""
    names: dict[float, set[str]] = {}
    trained = [run for run in done if run["kind"] == "network"]
    for run in trained:
        cap = run["plan"]["recipe"]["training"]["minutes"]
        names.setdefault(cap, set()).add(run["recipe"]["model"]["name"])
    told = [
        f" Training was cut off after {cap:g} minutes"
        + (f": {', '.join(sorted(models))}." if len(names) > 1 else ".")
        for cap, models in sorted(names.items())
        if cap
    ]
    return "".join(told)


def table(log: str, protocol: str, results: Sequence[Result], words: Any) -> list[str]:  # noqa: ARG001 - one language
    """One log under one protocol, best first."""
    seens = LOGS[log].seen
    rows = sorted(rows_of(results), key=lambda row: -row.mean(seens[0], "ndcg@10"))
    compared = bool(of_table(log, protocol))
    header = ["model"]
    for seen in seens:
        said = "removed" if seen == REMOVE else "kept"
        header += [f"{metric}, {said}" for metric in METRICS.values()]
    header += ["seeds", "minutes", "MB", "parameters", "targets/s"]
    header += ["published NDCG@10", "difference"] if compared else []
    lines = []
    for row in rows:
        cells = [row.cell(seen, metric) for seen in seens for metric in METRICS]
        cells = [row.title, *cells, row.seeds(seens[0]), *row.costs()]
        alone = row.way == "alone"
        ends = beside(row.model, log, protocol, row) if alone else ["", ""]
        lines.append([*cells, *(ends if compared else [])])
    for name, why in not_measured(log, results).items():
        ends = beside(name, log, protocol) if compared else []
        blank = [""] * (len(header) - 2 - len(ends))
        lines.append([name, why.replace("|", "/"), *blank, *ends])
    return [*markdown(header, lines), *sources(log, protocol), *conditions(results)]


CELLS = [(log, protocol) for log, each in LOGS.items() for protocol in each.protocols]
TABLES: dict[str, Callable[[Any, Any], list[str]]] = {
    f"zoo-{log}-{protocol}": partial(table, log, protocol) for log, protocol in CELLS
}
"""Name in a page -> what makes the table."""
SOURCES = {f"zoo-{log}-{protocol}": f"zoo/{log}/{protocol}/*.json" for log, protocol in CELLS}
"""Name in a page -> files of results."""
