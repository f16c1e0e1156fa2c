"""The table of `docs/smallest.md`, from what `benchmarks/smallest.py` saved."""

from collections.abc import Callable, Sequence
from typing import Any

from performance_tables import machine, markdown
from zoo_data import REMOVE
from zoo_tables import rows_of

COMMAND = "python benchmarks/smallest.py"


def smallest(found: Sequence[dict[str, Any]], words: Any) -> list[str]:  # noqa: ARG001 - one language
    """One row for each model, simplest first: the order is the story."""
    from smallest import STEPS, compared

    rows = {row.model: row for row in rows_of(found)}
    failed = {
        each["plan"]["recipe"]["model"]["name"]: f"{each['state']}: {each['message']}"
        for each in found
        if each["state"] != "done"
    }
    header = ["model", "what it makes of a history", "NDCG@10", "HR@10", "seeds"]
    header += ["minutes", "MB", "parameters", "targets/s"]
    lines = []
    for name in compared():
        if name not in rows:
            said = failed.get(name, "not run yet").replace("|", "/")
            lines.append([name, STEPS[name], said, *[""] * (len(header) - 3)])
            continue
        row = rows[name]
        numbers = [row.cell(REMOVE, metric) for metric in ("ndcg@10", "hit_rate@10")]
        lines.append([name, STEPS[name], *numbers, row.seeds(REMOVE), *row.costs()])
    return [*markdown(header, lines), *conditions(found)]


def conditions(found: Sequence[dict[str, Any]]) -> list[str]:
    """What the numbers depend on."""
    done = [each for each in found if each["state"] == "done"]
    if not done:
        return []
    seeds = ", ".join(map(str, sorted({each["seed"] for each in done})))
    first = done[0]
    users = first["results"]["alone"][REMOVE]["users"]
    facts = f"{users:,} users asked, {first['catalogue']:,} items; data fingerprint "
    caps = sorted({each["plan"]["recipe"]["training"]["minutes"] for each in done} - {0.0})
    spent = " or ".join(f"{cap:g}" for cap in caps)
    cut = f" Training was cut off after {spent} minutes." if caps else ""
    fine = sorted({machine({**each, "seed": seeds}, COMMAND) for each in done})
    return ["", f"{facts}{first['fingerprint']}.{cut}", *fine]


TABLES: dict[str, Callable[[Any, Any], list[str]]] = {"smallest": smallest}
"""Name in a page -> what makes the table."""
SOURCES = {"smallest": "smallest/*.json"}
"""Name in a page -> files of results."""
