"""The tables of `docs/cleaning.md`, from what `benchmarks/cleaning.py` saved."""

from collections.abc import Iterator
from typing import Any

TITLES = {"online-retail": "Online Retail", "ml-1m": "MovieLens-1M"}
METRICS = ("ndcg@10", "hit_rate@10")
WHO = {"alone": "network alone", "shipped": "as shipped"}
HISTORIES = {"as-logged": "as logged", "clean": "clean"}
ADDED = ("insertion", "duplicate", "near-duplicate")
HARMED = ("swapped", "missing")


def markdown(header: list[str], rows: list[list[str]], words: int) -> list[str]:
    """A table whose first columns are words and whose others are numbers."""
    rule = [*["---"] * words, *["---:"] * (len(header) - words)]
    return [f"| {' | '.join(row)} |" for row in (header, rule, *rows)]


def interval(found: dict[str, Any], sign: str = "") -> str:
    """A mean with its interval."""
    return f"{found['mean']:{sign}.4f} [{found['low']:{sign}.4f}, {found['high']:{sign}.4f}]"


def percent(share: float | None) -> str:
    """A share, or a dash where there is none."""
    return "–" if share is None else f"{100 * share:.1f} %"


def answers(dataset: dict[str, Any]) -> list[str]:
    """How good the answers are, cleaning off and on, and the difference."""
    rows = []
    for level, cell in dataset["levels"].items():
        for histories, title in HISTORIES.items():
            first = [f"{float(level):.0%}", title]
            for name, arm in cell["arms"].items():
                found = arm["metrics"][histories]
                cells = [interval(found[who][metric]) for who in WHO for metric in METRICS]
                rows.append([*first, name, *cells])
            apart = cell["on_minus_off"][histories]
            gaps = [each for who in WHO for each in (interval(apart[who], "+"), "")]
            rows.append([*first, "on minus off, paired", *gaps])
    header = [f"{who}: {metric}" for who in WHO.values() for metric in ("NDCG@10", "HR@10")]
    return markdown(["noise", "histories", "cleaning", *header], rows, 3)


def rules(dataset: dict[str, Any]) -> list[str]:
    """What each rule removed, and how much of that was noise."""
    rows = []
    for level, cell in dataset["levels"].items():
        arm = cell["arms"]["on"]
        for rule in arm["rules"]:
            if rule["removed"]:
                added = sum(rule["of_kind"][kind] for kind in ADDED)
                harmed = sum(rule["of_kind"][kind] for kind in HARMED)
                counts = [rule["removed"], added, harmed, rule["of_kind"]["original"]]
                shares = [percent(rule["precision"]), percent(rule["recall"])]
                name = "all together" if rule["rule"] == "all" else rule["rule"]
                rows.append([f"{float(level):.0%}", name, *(f"{n:,}" for n in counts), *shares])
    header = ["noise", "rule", "rows removed", "put in", "damaged", "untouched"]
    return markdown([*header, "precision", "recall"], rows, 2)


def caught(dataset: dict[str, Any]) -> list[str]:
    """How much of each kind of noise is gone afterwards."""
    kinds = (*ADDED, *HARMED)
    rows = []
    for level, cell in dataset["levels"].items():
        removed = cell["arms"]["on"]["rules"][-1]["of_kind"]
        if any(cell["of_kind"][kind] for kind in kinds):
            shares = [
                f"{removed[kind]:,} of {there:,}" if (there := cell["of_kind"][kind]) else "–"
                for kind in kinds
            ]
            rows.append([f"{float(level):.0%}", *shares])
    return markdown(["rows removed of kind", *kinds], rows, 1) if rows else []


def verdicts(dataset: dict[str, Any]) -> Iterator[str]:
    """Where cleaning helps, where it hurts, and where nobody can tell."""
    found: dict[str, list[str]] = {"helps": [], "hurts": [], "is not shown to matter": []}
    for level, cell in dataset["levels"].items():
        for histories, title in HISTORIES.items():
            for who, whom in WHO.items():
                apart = cell["on_minus_off"][histories][who]
                word = "helps" if apart["low"] > 0 else "is not shown to matter"
                word = "hurts" if apart["high"] < 0 else word
                found[word].append(f"{float(level):.0%} ({whom}, histories {title})")
    for word, places in found.items():
        if places:
            yield f"- Cleaning {word} at noise of {', '.join(places)}."


def about(dataset: dict[str, Any]) -> str:
    """What was measured."""
    cells = dataset["levels"].values()
    users = next(iter(cells))["users"]
    arms = [arm for cell in cells for arm in cell["arms"].values()]
    items = sorted(arm["items"] for arm in arms)
    catalogue = f"{items[0]:,}" if items[0] == items[-1] else f"{items[0]:,} to {items[-1]:,}"
    on = next(iter(cells))["arms"]["on"]["rules"][:-1]
    listed = ", ".join(f"`{rule['rule']}`" for rule in on)
    return (
        f"Protocol {dataset['protocol']}, seen items: {dataset['seen']}; at most "
        f"{dataset['epochs']} epochs; {users:,} users asked, {catalogue} items. Cleaning on: "
        f"{listed}."
    )


def cleaning(results: dict[str, Any], words: dict[str, str]) -> list[str]:  # noqa: ARG001 - one language
    """Everything that was measured of cleaning on and off."""
    lines: list[str] = []
    for name, dataset in results["datasets"].items():
        if dataset["levels"]:
            lines += [f"**{TITLES[name]}**", "", about(dataset), "", *answers(dataset), ""]
            lines += [*verdicts(dataset), "", *rules(dataset), ""]
            lines += [*table, ""] if (table := caught(dataset)) else []
    return [*lines, fine_print(results)]


def fine_print(results: dict[str, Any]) -> str:
    """What the numbers depend on."""
    versions, settings = results["versions"], results["settings"]
    few = f" Only {settings['users']:,} users: not for numbers." if settings["users"] else ""
    return (
        f"Seed {results['seed']}, regard {versions['regard']}, torch {versions['torch']}, Python "
        f"{versions['python']}, {results['processor']}, {results['cores']} cores; 95 % bootstrap "
        f"intervals over users. Reproduce: `python benchmarks/cleaning.py`.{few}"
    )


TABLES = {"cleaning": cleaning}
"""Name in a page -> what makes the tables of `results/cleaning.json`."""
