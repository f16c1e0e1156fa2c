"""Pictures of what `benchmarks/growth.py` saved.

    python benchmarks/growth_pictures.py

Small multiples on logarithmic axes, as SVG with text as text: the same results give the same bytes.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

HERE = Path(__file__).resolve().parent
# Okabe & Ito, "Color Universal Design": they stay apart for colour-blind eyes.
BLUE, ORANGE, GREEN, RED = "#0072b2", "#e69f00", "#009e73", "#d55e00"
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "regard",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "text.color": "#374151",
    "axes.labelcolor": "#374151",
    "axes.edgecolor": "#8a8f98",
    "axes.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "grid.color": "#e2e5ea",
    "xtick.color": "#374151",
    "ytick.color": "#374151",
    "figure.facecolor": "white",
    "legend.frameon": False,
    "lines.marker": "o",
    "lines.markersize": 4,
}
TIME = "time"
"""The word that a panel of durations has in its title."""
Line: TypeAlias = tuple[str, str, dict[str, Any], Callable[[dict[str, Any]], float]]
"""Name, colour, series, and what of a point is drawn."""


def usual(stage: str) -> Callable[[dict[str, Any]], float]:
    """Seconds of a stage: the median of its tries."""
    return lambda point: float(median(point["seconds"][stage]))


def megabytes(what: str) -> Callable[[dict[str, Any]], float]:
    """Peak memory."""
    return lambda point: float(point["megabytes"][what])


def steps(lines: list[tuple[str, str, dict[str, Any]]]) -> dict[str, list[Line]]:
    """Seconds and memory of a training step: title of a panel -> its lines."""
    return {
        f"{TIME} of a step": [(*line, usual("step")) for line in lines],
        "peak memory, MB": [(*line, megabytes("all")) for line in lines],
    }


def users(found: dict[str, Any]) -> dict[str, list[Line]]:
    """Seconds and memory of every stage: title of a panel -> its lines."""
    return {
        f"{TIME} of a stage": [
            ("read and split", BLUE, found, usual("read and split")),
            ("plan of an epoch", ORANGE, found, usual("plan")),
            ("200 batches", GREEN, found, usual("batches")),
            ("one step", RED, found, usual("step")),
        ],
        "peak memory, MB": [
            ("process", BLUE, found, megabytes("all")),
            ("plan of an epoch", ORANGE, found, megabytes("plan")),
            ("200 batches", GREEN, found, megabytes("batches")),
        ],
    }


def pictures(results: dict[str, Any]) -> dict[str, tuple[str, dict[str, list[Line]]]]:
    """Name of a picture -> what grows, and its panels."""
    found = {(each["axis"], each["loss"]): each for each in results["series"] if each["points"]}
    drawn = {}
    if ("items", "shipped") in found:
        lines = [("as shipped", BLUE, found["items", "shipped"])]
        if ("items", "cross-entropy") in found:
            # Below, so that the shipped line stays in sight where the two are one.
            lines.insert(0, ("exact cross-entropy", ORANGE, found["items", "cross-entropy"]))
        drawn["growth-items"] = ("items in the catalogue", steps(lines))
    if ("lengths", "shipped") in found:
        lines = [("as shipped", BLUE, found["lengths", "shipped"])]
        drawn["growth-lengths"] = ("events of a history", steps(lines))
    if ("users", "shipped") in found:
        drawn["growth-users"] = ("users in the log", users(found["users", "shipped"]))
    return drawn


def digest(results: dict[str, Any]) -> str:
    """What a picture carries, so that a test can tell whether it is of these results."""
    return hashlib.sha256(json.dumps(results, sort_keys=True).encode()).hexdigest()[:16]


def draw(results: dict[str, Any], folder: Path) -> list[Path]:
    """Draw all pictures of some results.

    Args:
        results: what `growth.py` saves.
        folder: where to; made where needed.

    Returns:
        The files.
    """
    import matplotlib as mpl

    mpl.use("svg")
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with mpl.rc_context(STYLE):
        for name, (what, panels) in pictures(results).items():
            path = folder / f"{name}.svg"
            _picture(path, what, panels, digest(results))
            paths.append(path)
    return paths


def _picture(path: Path, what: str, panels: dict[str, list[Line]], mark: str) -> None:
    """One picture: its panels side by side."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(panels), figsize=(9, 3.2), layout="constrained")
    for ax, (title, lines) in zip(axes, panels.items(), strict=True):
        for name, colour, found, of in lines:
            xs = [point["x"] for point in found["points"]]
            ax.plot(xs, [of(point) for point in found["points"]], color=colour, label=name)
        ax.set(xscale="log", yscale="log", title=title, xlabel=what)
        _axes(ax, timed=TIME in title)
        if len(lines) > 1:
            ax.legend(fontsize=9)
    keep(figure, path, mark)


def keep(figure: Any, path: Path, mark: str) -> None:
    """Write a figure as SVG that is the same bytes each time, with the mark of its results."""
    import matplotlib.pyplot as plt

    metadata = {"Date": None, "Creator": None, "Description": f"results {mark}"}
    figure.savefig(path, format="svg", metadata=metadata)
    plt.close(figure)
    # Matplotlib ends some lines with a space, which Git dislikes.
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n", "utf-8")


def _axes(ax: Any, *, timed: bool) -> None:
    """Ticks that read as one speaks, and values in whole powers of ten, so that slopes compare."""
    import numpy as np
    from matplotlib.ticker import EngFormatter, NullFormatter

    low, high = np.log10(ax.dataLim.intervaly)
    ax.set_ylim(10 ** np.floor(low), 10 ** np.ceil(high + 1e-9))
    ax.xaxis.set_major_formatter(EngFormatter(sep=""))
    ax.yaxis.set_major_formatter(EngFormatter(unit="s") if timed else "{x:,g}")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_minor_formatter(NullFormatter())


def main() -> None:
    """Draw the saved results once more."""
    results = json.loads((HERE / "results" / "growth.json").read_text("utf-8"))
    for path in draw(results, HERE.parent / "docs" / "pictures"):
        print(path)


if __name__ == "__main__":
    main()
