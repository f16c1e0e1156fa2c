"""The tables of `docs/performance.md`, from what `benchmarks/peers/run.py` saved."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LEVELS = ("0.10", "0.13", "0.15", "0.17")
"""Test NDCG@10 with seen items removed; the time to reach each is reported."""
NOTHING = "–"
KINDS = {"naive": "textbook", "regard": "ours"}
"""Name of a peer -> what it is; the others are libraries."""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        title: what stands first.
        kind: `"library"`, `"textbook"` or `"ours"`.
        found: the numbers, by name of a column; None where a level was not reached, and nothing
            where nothing was measured.
    """

    title: str
    kind: str
    found: dict[str, float | None]


@dataclass(frozen=True)
class Column:
    """One number of every row.

    Attributes:
        name: heading, and key in the rows.
        form: of a number.
        best: which number is the best one; None where numbers cannot be compared.
    """

    name: str
    form: str
    best: Callable[..., float] | None = min

    def cell(self, row: Row, rows: list[Row]) -> str:
        """The number of a row, in bold where no other is better."""
        value = row.found.get(self.name)
        if value is None:
            return "not reached" if self.name in row.found else NOTHING
        shown = format(value, self.form)
        return f"**{shown}**" if value == self.champion(rows) else shown

    def champion(self, rows: list[Row]) -> float | None:
        """The best number of some rows."""
        values = [row.found.get(self.name) for row in rows]
        known = [value for value in values if value is not None]
        return self.best(known) if known and self.best else None

    def ratio(self, row: Row, others: list[Row]) -> str:
        """The number of a row as a multiple of the best of the others."""
        value, rival = row.found.get(self.name), self.champion(others)
        if value is None or self.best is None:
            return NOTHING
        return f"{value / rival:.2f}×" if rival else "only here"


COLUMNS = (
    Column("install s", ",.0f"),
    Column("MB", ",.0f"),
    Column("import s", ".1f"),
    Column("epoch s", ",.1f", None),
    Column("targets/s", ",.0f", max),
    *(Column(f"s to {level}", ",.1f") for level in LEVELS),
    Column("NDCG@10 removed", ".4f", max),
    Column("NDCG@10 kept", ".4f", max),
    Column("peak MB", ",.0f"),
    Column("lists s", ".1f"),
)


def peers(results: dict[str, Any], _words: dict[str, str]) -> list[str]:
    """Everything that stands between the marks.

    Args:
        results: of `run.py`.

    Returns:
        Lines of Markdown.
    """
    known = {name: each for name, each in results["peers"].items() if "failed" not in each}
    rows = [row for name, each in known.items() for row in rows_of(name, each)]
    lines = _table([[row.title, *(c.cell(row, rows) for c in COLUMNS)] for row in rows])
    rivals = {"library": "the best library", "textbook": "the textbook"}
    ratios = [
        [f"{row.title}: {rivals[kind]}", *(column.ratio(row, others) for column in COLUMNS)]
        for row in rows
        if row.kind == "ours"
        for kind in rivals
        if (others := [other for other in rows if other.kind == kind])
    ]
    if ratios:
        lines += [
            "",
            "Regard as a multiple of each column's best library, and of the textbook:",
            "",
        ]
        lines += _table(ratios)
    return [*lines, "", *_notes(results, known), "", _fine_print(results)]


def rows_of(name: str, found: dict[str, Any]) -> list[Row]:
    """One row of a peer; Regard has some: its network, what it ships, a narrow one, Markov."""
    environment = found["environment"]
    numbers = {
        "install s": environment["install_seconds"],
        "MB": environment["megabytes"],
        "import s": environment["import_seconds"],
        "epoch s": found["epoch_seconds"],
        "targets/s": found["targets_per_second"],
        **{f"s to {level}": seconds_to(float(level), found["curve"]) for level in LEVELS},
        **_quality(found),
        "peak MB": found["peak_megabytes"],
    }
    rows = [Row(found["settings"]["title"], KINDS.get(name, "library"), numbers)]
    if "memory" in found:
        memory = found["memory"]
        rows.append(Row(memory["settings"]["title"], "ours", _quality(memory)))
    if "narrow" in found:
        narrow = found["narrow"]
        speed = {"targets/s": narrow["targets_per_second"]}
        rows.append(Row(narrow["settings"]["title"], "ours", speed))
    if "markov" in found:
        markov = found["markov"]
        reached = markov["quality"]["removed"]["ndcg@10"]
        levels = {
            f"s to {level}": markov["seconds"] if reached >= float(level) else None
            for level in LEVELS
        }
        fit = {"epoch s": markov["seconds"], "peak MB": markov["peak_megabytes"]}
        rows.append(Row(markov["settings"]["title"], "ours", {**fit, **levels, **_quality(markov)}))
    return rows


def seconds_to(level: float, curve: list[dict[str, Any]]) -> float | None:
    """Seconds of training until quality came to a level: on a straight line between two looks.

    When it was first seen there would be later by up to the time between looks, which is another
    share of the training of one that is quick than of one that is slow.

    Args:
        level: of NDCG@10, seen items removed.
        curve: looks, in their order; before the first one quality rises from nothing.

    Returns:
        None where it never came there.

    Example:
        >>> looks = [(20.0, 0.08), (30.0, 0.12)]
        >>> curve = [{"seconds": each, "removed": {"ndcg@10": ndcg}} for each, ndcg in looks]
        >>> [seconds_to(level, curve) for level in (0.04, 0.1, 0.13)]
        [10.0, 25.0, None]
    """
    before, was = 0.0, 0.0
    for look in curve:
        now, found = look["seconds"], look["removed"]["ndcg@10"]
        if found >= level:
            return float(before + (now - before) * (level - was) / (found - was))
        before, was = now, found
    return None


def _quality(found: dict[str, Any]) -> dict[str, float | None]:
    return {
        "NDCG@10 removed": found["quality"]["removed"]["ndcg@10"],
        "NDCG@10 kept": found["quality"]["kept"]["ndcg@10"],
        "lists s": found["lists_seconds"],
    }


def _table(rows: list[list[str]]) -> list[str]:
    header = ["", *(column.name for column in COLUMNS)]
    rule = ["---", *["---:"] * len(COLUMNS)]
    return [f"| {' | '.join(row)} |" for row in (header, rule, *rows)]


def _notes(results: dict[str, Any], known: dict[str, Any]) -> list[str]:
    """How each peer was set, and which could not be measured."""
    lines = []
    for found in known.values():
        settings = found["settings"]
        heads = _counted(settings["heads"], "head")
        size = f"{settings['blocks']} blocks of width {settings['width']}, {heads}, a feed-forward "
        size += f"network of {_hidden(settings)}"
        words = [
            f"{settings['longest']} events, {size}, {settings['loss']}, {settings['optimiser']}"
        ]
        if "batch" in settings:
            words.append(f"batch {settings['batch']:,}")
        if trials := found["trials"]:
            plain, kept = (trials[word]["targets_per_second"] for word in ("plain", "kept"))
            words.append(
                f"{plain:,.0f} targets/s as it is and {kept:,.0f} with an allocator that keeps "
                f"memory, run with the better one"
            )
        words.append(
            f"{found['epochs']:.2f} epochs in {found['seconds']:.0f} s, measured every "
            f"{found['every']:g} s"
        )
        if "lists" in settings:
            words.append(settings["lists"])
        if "fewer" in found:
            words.append(
                f"the same network made to read {found['fewer']['events']} events makes all lists "
                f"in {found['fewer']['lists_seconds']:.2f} s"
            )
        if "narrow" in found:
            narrow = found["narrow"]["settings"]
            words.append(
                f"as narrow as they: {_counted(narrow['heads'], 'head')}, a feed-forward network "
                f"of {_hidden(narrow)}, {found['narrow']['seconds']:.0f} s, speed alone"
            )
        if "memory" in found:
            words.append(
                f"{found['validation_seconds']:.1f} s of validation beside the steps; "
                f"{found['memory']['settings']['memory']}, fitted in "
                f"{found['memory']['seconds']:.1f} s"
            )
        versions = ", ".join(f"{each} {number}" for each, number in found["versions"].items())
        lines.append(f"- *{settings['title']}* ({versions}): {'; '.join(words)}.")
    for name, found in results["peers"].items():
        if "failed" in found:
            lines.append(f"- *{name}* could not be measured: {found['failed']}.")
    return lines


def _hidden(settings: dict[str, Any]) -> int:
    """Width inside the feed-forward network; Regard tells it as a multiple."""
    return int(settings.get("hidden", settings.get("expansion", 1) * settings["width"]))


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _fine_print(results: dict[str, Any]) -> str:
    """What all numbers depend on."""
    size, threads = results["log"], _counted(results["threads"], "thread")
    return (
        f"MovieLens-1M, {size['users']:,} users, {size['items']:,} items, {size['events']:,} "
        f"events; {results['budget']:.0f} s of training each; seed {results['seed']}, {threads}, "
        f"Python {results['versions']['python']}, {results['processor']}, {results['cores']} "
        f"cores. Reproduce: `python benchmarks/peers/run.py --peers {' '.join(results['peers'])}`."
    )
