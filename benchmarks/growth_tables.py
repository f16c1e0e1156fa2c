"""The tables of `docs/growth.md`, from what `benchmarks/growth.py` saved."""

from collections.abc import Callable
from statistics import median
from typing import Any, TypeAlias

Column: TypeAlias = tuple[str, dict[str, Any], str | None, Callable[[dict[str, Any]], str]]
"""Heading, series, the stage whose exponent stands below, and the cell of a point."""


def seconds(value: float) -> str:
    """Seconds in three digits that count, in the unit that suits them."""
    for least, unit, scale in ((1.0, "s", 1.0), (1e-3, "ms", 1e3), (0.0, "µs", 1e6)):
        if value >= least:
            return f"{_three(value * scale)} {unit}"
    raise ValueError(f"{value} seconds is no duration.")


def _three(value: float) -> str:
    """A number with three digits that count, never in powers of ten."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def timed(title: str, found: dict[str, Any], stage: str) -> Column:
    """Median of a stage, its least in brackets."""

    def cell(point: dict[str, Any]) -> str:
        taken = point["seconds"][stage]
        return f"{seconds(median(taken))} ({seconds(min(taken))})"

    return title, found, stage, cell


def sized(title: str, found: dict[str, Any], what: str, stage: str | None = None) -> Column:
    """Peak memory in MB."""
    return title, found, stage, lambda point: f"{_three(point['megabytes'][what])} MB"


def table(first: str, columns: list[Column]) -> list[str]:
    """One row for each size, the exponents as the last one."""
    sizes = sorted({point["x"] for _, found, _, _ in columns for point in found["points"]})
    rows = [[first, *(title for title, *_ in columns)], ["---:"] * (1 + len(columns))]
    for size in sizes:
        cells = []
        for _, found, _, cell in columns:
            at = {point["x"]: point for point in found["points"]}
            cells.append(cell(at[size]) if size in at else "–")
        rows.append([f"{size:,}", *cells])
    fitted = [found["exponents"].get(stage) for _, found, stage, _ in columns]
    rows.append(["exponent", *("" if each is None else f"{each:.2f}" for each in fitted)])
    return [f"| {' | '.join(row)} |" for row in rows]


def left_out(series: list[dict[str, Any]]) -> list[str]:
    """Which sizes were not measured, and why."""
    lines = [
        f"- {each['x']:,} ({found['loss']}): {each['reason']}"
        for found in series
        for each in found["skipped"]
    ]
    return ["Left out:", "", *lines, ""] if lines else []


def fine_print(results: dict[str, Any], found: dict[str, Any]) -> str:
    """What a number depends on."""
    versions, limits = results["versions"], f"{results['steps']} --longest {results['longest']:g}"
    return (
        f"Median of the tries, the least in brackets. Seed {results['seed']}, regard "
        f"{versions['regard']}, torch {versions['torch']} (threads: "
        f"{found['points'][0]['threads']}), Polars {versions['polars']}, Python "
        f"{versions['python']}, {results['processor']}, {results['cores']} cores. Reproduce: "
        f"`python benchmarks/growth.py --steps {limits}`."
    )


def page(
    results: dict[str, Any], axis: str, first: str, columns: list[Column], alt: str
) -> list[str]:
    """Picture, table, what is missing, and what it depends on."""
    shown = [each for each in results["series"] if each["axis"] == axis]
    return [
        f"![{alt}](pictures/growth-{axis}.svg)",
        "",
        *table(first, columns),
        "",
        *left_out(shown),
        fine_print(results, shown[-1]),
    ]


def _series(results: dict[str, Any], axis: str, loss: str) -> dict[str, Any]:
    return next(x for x in results["series"] if (x["axis"], x["loss"]) == (axis, loss))


def items(results: dict[str, Any], words: dict[str, str]) -> list[str]:  # noqa: ARG001 - one language
    """A step against the catalogue."""
    exact, shipped = (_series(results, "items", loss) for loss in ("cross-entropy", "shipped"))
    columns = [
        timed("exact: a step", exact, "step"),
        sized("exact: peak", exact, "all", "memory"),
        timed("as shipped: a step", shipped, "step"),
        sized("as shipped: peak", shipped, "all", "memory"),
    ]
    alt = "Seconds a step and peak memory against items, both axes logarithmic"
    return page(results, "items", "items", columns, alt)


def lengths(results: dict[str, Any], words: dict[str, str]) -> list[str]:  # noqa: ARG001 - one language
    """A step against the length of histories."""
    found = _series(results, "lengths", "shipped")
    columns = [timed("a step", found, "step"), sized("peak", found, "all", "memory")]
    alt = "Seconds a step and peak memory against events, both axes logarithmic"
    return page(results, "lengths", "events", columns, alt)


def users(results: dict[str, Any], words: dict[str, str]) -> list[str]:  # noqa: ARG001 - one language
    """The way from a log to a step against its users."""
    found = _series(results, "users", "shipped")
    columns = [
        timed("read and split", found, "read and split"),
        timed("plan of an epoch", found, "plan"),
        sized("plan takes", found, "plan"),
        timed("200 batches", found, "batches"),
        sized("batches take", found, "batches"),
        timed("a step", found, "step"),
        sized("peak", found, "all", "memory"),
    ]
    alt = "Seconds and peak memory of each stage against users, both axes logarithmic"
    return page(results, "users", "users", columns, alt)


TABLES = {"growth-items": items, "growth-lengths": lengths, "growth-users": users}
"""Name in a page -> what makes the table of `results/growth.json`."""
