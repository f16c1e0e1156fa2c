"""The tables of `docs/mechanisms.md`, from what `benchmarks/mechanisms.py` saved."""

from collections.abc import Callable, Sequence
from functools import cache
from statistics import mean, median
from typing import Any

from mechanism_names import ALONE
from mechanism_pictures import measured
from performance_tables import machine, markdown
from zoo_data import REMOVE
from zoo_tables import Row

COMMAND = "python benchmarks/mechanisms.py"
Result = dict[str, Any]


@cache
def known() -> tuple[str, ...]:
    """Every mechanism that is compared."""
    from mechanism_names import mechanisms

    return tuple(mechanisms())


def name_of(found: Result) -> str:
    """The mechanism of a result."""
    return str(found["plan"]["mechanism"])


def without_number(
    found: Sequence[Result], done: Sequence[str], width: int, *, unasked: Sequence[str] = ()
) -> list[list[str]]:
    """Rows of what was not measured, each with its reason, but for who was not asked."""
    why = {name_of(each): each for each in found if each["state"] != "done"}
    rows = []
    for name in known():
        if name not in {*done, *unasked}:
            told = why.get(name)
            said = f"{told['state']}: {told['message']}" if told else "not run yet"
            rows.append([name, said.replace("|", "/"), *[""] * (width - 2)])
    return rows


def quality(found: Sequence[Result], words: Any) -> list[str]:  # noqa: ARG001 - one language
    """MovieLens-1M, best first."""
    groups: dict[str, list[Result]] = {}
    for each in found:
        if each["state"] == "done":
            groups.setdefault(name_of(each), []).append(each)
    rows = [Row(name, "alone", runs) for name, runs in groups.items()]
    rows.sort(key=lambda row: -row.mean(REMOVE, "ndcg@10"))
    header = ["mechanism", "NDCG@10", "HR@10", "seeds", "epochs", "MB", "parameters", "targets/s"]
    lines = []
    for row in rows:
        epochs = f"{mean(run['epochs'] for run in row.runs):.1f}"
        cells = [row.cell(REMOVE, "ndcg@10"), row.cell(REMOVE, "hit_rate@10"), row.seeds(REMOVE)]
        lines.append([row.model, *cells, epochs, *row.costs()[1:]])
    lines += without_number(found, list(groups), len(header))
    return [*markdown(header, lines), *conditions(rows)]


def conditions(rows: Sequence[Row]) -> list[str]:
    """What the numbers depend on."""
    runs = [run for row in rows for run in row.runs]
    if not runs:
        return []
    budgets = sorted({run["plan"]["recipe"]["training"]["minutes"] for run in runs})
    seeds = ", ".join(map(str, sorted({run["seed"] for run in runs})))
    spent = " or ".join(f"{each:g}" for each in budgets)
    whole = sorted({row.model for row in rows if not row.runs[0]["causal"]})
    kinds = f" Read histories whole, so learn one target of each: {', '.join(whole)}." * bool(whole)
    fine = sorted({machine({**run, "seed": seeds}, COMMAND) for run in runs})
    return ["", f"{spent} minutes of training each.{kinds}", *fine]


def lengths(found: Sequence[Result], words: Any) -> list[str]:  # noqa: ARG001 - one language
    """MovieLens-1M by the most events that are read; the default is in the other table too."""
    trained = [each for each in found if each["plan"]["kind"] == "network"]
    grown = [each for each in trained if "length" in each["plan"]]
    names = dict.fromkeys(map(name_of, grown))
    if not names:
        return ["*Not run yet.*"]
    seeds = {each["seed"] for each in grown if each["state"] == "done"}
    shown = [each for each in trained if name_of(each) in names and each["seed"] in seeds]
    points = {(name_of(each), longest(each)): each for each in shown}
    columns = sorted({length for _, length in points})
    header = ["mechanism"]
    header += [f"{what}, {n:,} events" for n in columns for what in ("NDCG@10", "epochs")]
    lines = [
        [name, *(text for n in columns for text in learned(points.get((name, n))))]
        for name in names
    ]
    rows = [Row(name_of(each), "alone", [each]) for each in shown if each["state"] == "done"]
    return [*markdown(header, lines), *conditions(rows)]


def longest(found: Result) -> int:
    """The most events that a network reads."""
    from regard.models.compose import ComposeConfig

    return int(found["plan"]["recipe"]["model"].get("longest", ComposeConfig().longest))


def learned(found: Result | None) -> list[str]:
    """What a training came to, and in how many epochs."""
    if found is None:
        return ["–", ""]
    if found["state"] != "done":
        return [f"{found['state']}: {found['message']}".replace("|", "/"), ""]
    return [Row(name_of(found), "alone", [found]).cell(REMOVE, "ndcg@10"), f"{found['epochs']}"]


def step(found: Sequence[Result], words: Any) -> list[str]:  # noqa: ARG001 - one language
    """Milliseconds and MB of a step by the length of histories."""
    points = measured(list(found))
    lengths = sorted({length for at in points.values() for length in at})
    header = ["mechanism", *(f"{length:,} events" for length in lengths)]
    header = header if lengths else [*header, "a step"]
    lines = [
        [name, *(cell(at[length]) if length in at else "–" for length in lengths)]
        for name, at in points.items()
    ]
    lines += without_number(found, list(points), len(header), unasked=[ALONE])
    table = markdown(header, lines)
    runs = [each for at in points.values() for each in at.values()]
    if not runs:
        return table
    fine = sorted({machine({**run, "seed": run["seed"]}, COMMAND) for run in runs})
    alt = "small multiples on logarithmic axes, one for each mechanism"
    pictures = [
        f"![Milliseconds a step by the length of histories, {alt}](pictures/mechanisms-time.svg)",
        "",
        f"![Memory of a step by the length of histories, {alt}](pictures/mechanisms-memory.svg)",
        "",
    ]
    items = runs[0]["plan"]["items"]
    told = f"Median, and the peak of memory beyond the imports; {items:,} items. "
    return [*pictures, *table, "", told + fine[0], *fine[1:]]


def cell(found: Result) -> str:
    """A step in milliseconds and MB."""
    memory = found["peak_megabytes"] - found["base_megabytes"]
    return f"{1e3 * median(found['seconds']):,.0f} ms, {memory:,.0f} MB"


TABLES: dict[str, Callable[[Any, Any], list[str]]] = {
    "mechanisms-quality": quality,
    "mechanisms-lengths": lengths,
    "mechanisms-step": step,
}
"""Name in a page -> what makes the table."""
SOURCES = {
    "mechanisms-quality": "mechanisms/quality/*.json",
    "mechanisms-lengths": "mechanisms/*/*.json",
    "mechanisms-step": "mechanisms/step/*.json",
}
"""Name in a page -> files of results."""
