"""Pictures of what `benchmarks/mechanisms.py` saved of training steps.

Small multiples: each mechanism in blue over scaled dot products in grey, on logarithmic axes.
"""

import math
from pathlib import Path
from statistics import median
from typing import Any

from growth_pictures import BLUE, STYLE, digest, keep

GREY = "#8a8f98"
MEASURE = "scaled-dot-product"
COLUMNS = 4
WHAT = {
    "mechanisms-time": ("ms a step", lambda found: 1e3 * median(found["seconds"])),
    "mechanisms-memory": (
        "MB beyond the imports",
        lambda found: max(found["peak_megabytes"] - found["base_megabytes"], 1.0),
    ),
}
"""Name of a picture -> its axis, and what is drawn of a point."""


def measured(found: list[dict[str, Any]]) -> dict[str, dict[int, dict[str, Any]]]:
    """Mechanism -> length -> its result, of those that could be measured."""
    by_name: dict[str, dict[int, dict[str, Any]]] = {}
    for each in found:
        if each["state"] == "done":
            name = each["plan"]["mechanism"]
            by_name.setdefault(name, {})[each["plan"]["length"]] = each
    return by_name


def mark(found: list[dict[str, Any]]) -> str:
    """What a picture carries of its results, so that a test can tell whether it is of them."""
    drawn = {
        f"{name} {length}": [each["seconds"], each["peak_megabytes"], each["base_megabytes"]]
        for name, at in measured(found).items()
        for length, each in at.items()
    }
    return digest(drawn)


def draw(found: list[dict[str, Any]], folder: Path) -> list[Path]:
    """Draw the pictures of some results; none where there is none.

    Args:
        found: results of steps.
        folder: where to; made where needed.

    Returns:
        The files.
    """
    points = measured(found)
    if not points:
        return []
    import matplotlib as mpl

    mpl.use("svg")
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with mpl.rc_context({**STYLE, "font.size": 8, "axes.titlesize": 8, "lines.markersize": 2.5}):
        for name in WHAT:
            paths.append(folder / f"{name}.svg")
            _picture(paths[-1], name, points, mark(found))
    return paths


def _picture(path: Path, name: str, points: dict[str, Any], results: str) -> None:
    import matplotlib.pyplot as plt

    axis, value = WHAT[name]
    rows = math.ceil(len(points) / COLUMNS)
    figure, axes = plt.subplots(
        rows,
        COLUMNS,
        figsize=(9, 1.7 * rows),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for ax in axes.flat[len(points) :]:
        ax.set_visible(False)
    for ax, (title, at) in zip(axes.flat, points.items(), strict=False):
        for line, colour in ((points.get(MEASURE, {}), GREY), (at, BLUE)):
            lengths = sorted(line)
            ax.plot(lengths, [value(line[length]) for length in lengths], color=colour)
        ax.set(xscale="log", yscale="log", title=title)
        _plain(ax, sorted(at))
    # Columns do not end alike, and each needs its numbers below.
    for ax in axes.flat[max(len(points) - COLUMNS, 0) : len(points)]:
        ax.tick_params(labelbottom=True)
    drawn = [value(each) for at in points.values() for each in at.values()]
    low, high = (math.log10(each(drawn)) for each in (min, max))
    axes.flat[0].set_ylim(10 ** math.floor(low), 10 ** math.ceil(high + 1e-9))
    figure.supxlabel("events of a history")
    figure.supylabel(axis)
    keep(figure, path, results)


def _plain(ax: Any, lengths: list[int]) -> None:
    """Ticks where something was measured, as numbers that one reads."""
    from matplotlib.ticker import NullFormatter

    ax.set_xticks(lengths, [f"{length:,}" for length in lengths])
    ax.yaxis.set_major_formatter("{x:,g}")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_minor_formatter(NullFormatter())
