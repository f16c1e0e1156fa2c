"""Tables of `docs/performance.md` other than the peers': the step, losses, large logs, seeds."""

from collections.abc import Callable
from statistics import mean, stdev
from typing import Any

from scipy import stats

Lines = list[str]
Words = dict[str, str]


def markdown(header: list[str], rows: list[list[str]]) -> Lines:
    """A table whose first column is words and whose others are numbers."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return [f"| {' | '.join(row)} |" for row in (header, rule, *rows)]


def machine(results: dict[str, Any], command: str) -> str:
    """What a number depends on."""
    versions = results["versions"]
    return (
        f"Seed {results['seed']}, regard {versions['regard']}, torch {versions['torch']}, Python "
        f"{versions['python']}, {results['processor']}, {results['cores']} cores. Reproduce: "
        f"`{command}`."
    )


def step(results: dict[str, Any], words: Words) -> Lines:  # noqa: ARG001 - one language
    """Ways of taking a step, against the way that is shipped."""
    peak = results["peaks"]["float32"]
    shipped = next(iter(results["ways"].values()))["targets_per_second"]
    rows = [
        [
            name,
            f"{found['targets_per_second']:,.0f}",
            f"{found['targets_per_second'] / shipped:.2f}",
            f"{found['rate'] / 1e9:,.0f}",
            f"{found['rate'] / peak:.0%}",
        ]
        for name, found in results["ways"].items()
    ]
    header = ["a step", "targets/s", "times shipped", "useful GFLOP/s", "share of float32 peak"]
    peaks = ", ".join(f"{name} {each / 1e9:,.0f}" for name, each in results["peaks"].items())
    compiling = results.get("compile_seconds")
    compiled = f" Compiling took {compiling:.0f} s, not counted." if compiling else ""
    tokens = ", ".join(f"{int(n):,}: {each:,.0f}" for n, each in results["tokens"].items())
    told = (
        f"Peaks of a matrix product here, GFLOP/s: {peaks}.{compiled} Targets a second by "
        f"positions in a step, as shipped: {tokens}."
    )
    command = "python benchmarks/step.py --compile"
    return [*markdown(header, rows), "", told, machine(results, command)]


def profile(results: dict[str, Any], words: Words) -> Lines:  # noqa: ARG001 - one language
    """Where the time of a step goes."""
    rows = [[kind, f"{share:.0%}"] for kind, share in results["profile"].items()]
    return markdown(["kind of work", "share of a step as shipped"], rows)


def _interval(values: list[float]) -> str:
    """Mean and 95 % t interval over seeds."""
    if len(values) < 2:
        return f"{values[0]:.4f}"
    half = stats.t.ppf(0.975, len(values) - 1) * stdev(values) / len(values) ** 0.5
    return f"{mean(values):.4f} ± {half:.4f}"


def seeds(runs: list[dict[str, Any]], words: Words) -> Lines:  # noqa: ARG001 - one language
    """MovieLens-1M with several seeds, in both precisions."""
    rows = []
    kinds: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for run in runs:
        set_to = [each.partition("=")[2] for each in run["settings"]]
        how = ", ".join([run["models"]["sasrec"]["precision"], *set_to])
        kinds.setdefault((how, run["processor"].removesuffix(" Processor")), []).append(run)
    for (how, processor), same in kinds.items():
        for prefix, title in (("", "with memory"), ("alone_", "network alone")):
            found = [run["models"]["sasrec"] for run in same]
            cells = [
                _interval([each[f"{prefix}seen_{seen}"][metric]["mean"] for each in found])
                for seen in ("removed", "kept")
                for metric in ("ndcg@10", "hit_rate@10")
            ]
            speeds = [each["targets_per_second"] for each in found]
            extra = [
                f"{mean(each['minutes'] for each in found):.1f}",
                f"{mean(speeds):,.0f}",
                f"{max(each['peak_megabytes'] for each in found):,.0f}",
            ]
            first = [f"{how}, {title}", processor, ", ".join(str(run["seed"]) for run in same)]
            rows.append([*first, *cells, *(["", "", ""] if prefix else extra)])
    header = ["", "processor", "seeds"]
    header += [f"{name}@10, {seen}" for seen in ("removed", "kept") for name in ("NDCG", "HR")]
    stopped = {run["models"]["sasrec"]["epochs"] for run in runs}
    epochs = ", ".join(map(str, sorted(stopped)))
    told = (
        "Mean over the seeds and 95 % t interval of that mean; minutes are of the whole "
        f"`regard fit`, cleaning, validation and test included; epochs run: {epochs}. Each "
        "precision on processors that it ships on, so minutes and speeds are of different machines."
    )
    settings = sorted({f"`--set {each}`" for run in runs for each in run["settings"]})
    if settings:
        told += f" Rows that name more than a precision: with {', '.join(settings)} as well."
    said = {"seed": "as said", "processor": "processors as said"}
    fine = machine({**runs[0], **said}, "python benchmarks/ml1m.py --seed 7")
    return [*markdown([*header, "minutes", "targets/s", "peak MB"], rows), "", told, fine]


def precision(results: dict[str, Any], words: Words) -> Lines:  # noqa: ARG001 - one language
    """Both precisions with the same seeds."""
    rows = []
    for kind in ("float32", "bfloat16"):
        runs = [run for run in results["runs"] if run["precision"] == kind]
        by_seed = [f"{run['ndcg@10']['mean']:.4f}" for run in runs]
        speed = f"{mean(run['targets_per_second'] for run in runs):,.0f}"
        rows.append([kind, *by_seed, _interval([run["ndcg@10"]["mean"] for run in runs]), speed])
    titles = [f"NDCG@10, seed {seed}" for seed in results["seeds"]]
    gaps = [
        low["ndcg@10"]["mean"] - exact["ndcg@10"]["mean"]
        for exact, low in zip(results["runs"][::2], results["runs"][1::2], strict=True)
    ]
    told = f"bfloat16 minus float32, by seed: {', '.join(f'{gap:+.4f}' for gap in gaps)}."
    fine = machine({**results, "seed": "as said"}, "python benchmarks/precision.py")
    table = markdown(["products in", *titles, "mean and 95 % t interval", "targets/s"], rows)
    return [*table, "", told, fine]


def losses(results: dict[str, Any], words: Words) -> Lines:  # noqa: ARG001 - one language
    """Each loss by the size of the catalogue."""
    rows = [
        [
            f"{found['loss']}, {found['precision']}",
            f"{found['items']:,}",
            f"{found['loss_ms']:,.1f}",
            f"{found['table_ms']:,.1f}",
            f"{found['extra_megabytes']:,.0f}",
        ]
        for found in sorted(results["table"], key=lambda each: each["items"])
    ]
    rest = ", ".join(f"{name} {each:.1f}" for name, each in results["rest_ms"].items())
    apart = ", ".join(f"{int(n):,}: {each:.1e}" for n, each in results["distance"].items())
    told = (
        f"4,096 targets, width 64. Rest of a step of SASRec, ms: {rest}. Largest difference "
        f"between the exact loss and torch's in float32, value and gradients, by items: {apart}."
    )
    header = ["loss", "items", "loss and gradient, ms", "update of the table, ms", "extra MB"]
    return [*markdown(header, rows), "", told, machine(results, "python benchmarks/losses.py")]


def large(results: dict[str, Any], words: Words) -> Lines:  # noqa: ARG001 - one language
    """A log of a million items."""
    rows = [
        [each["stage"], f"{each['seconds']:,.1f}", f"{each['peak_megabytes']:,.0f}"]
        for each in results["stages"]
    ]
    size, training = results["size"], results["training"]
    scores = "; ".join(f"{name} {interval(each)}" for name, each in results["ndcg@10"].items())
    told = (
        f"{size['interactions']:,} interactions, {size['items']:,} items, {size['users']:,} users, "
        f"generated; {training['seconds'] / 60:.1f} minutes of steps, "
        f"{training['targets_per_second']:,.0f} targets/s, loss: {training['loss']}. NDCG@10 of "
        f"{results['asked']:,} users: {scores}."
    )
    table = markdown(["stage", "seconds", "largest memory so far, MB"], rows)
    minutes, asked = results["minutes"], results["asked"]
    command = f"python benchmarks/large.py --minutes {minutes:g} --asked {asked}"
    return [*table, "", told, machine(results, command)]


def large_peers(results: dict[str, Any], words: Words) -> Lines:  # noqa: ARG001 - one language
    """What others come to on the same log."""
    rows = []
    for name, found in results["peers"].items():
        if "failed" in found:
            # Of a traceback the last line tells; those before it are the peer's own code.
            reason = found["failed"].rsplit(" / ", 1)[-1].replace("|", "/")
            rows.append([name, "–", "–", f"failed: {reason}"])
            continue
        numbers = [f"{found['targets_per_second']:,.0f}", f"{found['peak_megabytes']:,.0f}"]
        rows.append([name, *numbers, found["settings"]["loss"]])
    told = (
        f"{results['seconds']:g} s of steps on {results['interactions']:,} interactions with "
        f"{results['items']:,} items, no more than {results['memory_megabytes']:,.0f} MB."
    )
    table = markdown(["peer", "targets/s", "peak MB", "loss, or why it failed"], rows)
    return [*table, "", told, machine(results, "python benchmarks/peers/million.py")]


def top_items(results: dict[str, Any], words: Words) -> Lines:  # noqa: ARG001 - one language
    """Lists by the size of the catalogue."""
    rows = []
    for each in results["table"]:
        cells = [f"{each['items']:,}"]
        for way in ("blocks", "plain"):
            found = each["ways"].get(way)
            cells += (
                [f"{found['seconds']:.3f}", f"{found['megabytes']:,.0f}"]
                if found
                else ["does not fit", ""]
            )
        rows.append(cells)
    header = ["items", "blocks, s", "blocks, MB", "all scores at once, s", "all scores at once, MB"]
    told = f"The best ten of {results['users']:,} users from states of width 64, float32."
    return [*markdown(header, rows), "", told, machine(results, "python benchmarks/top_items.py")]


def interval(found: dict[str, Any]) -> str:
    """A mean with its interval."""
    return f"{found['mean']:.4f} [{found['low']:.4f}, {found['high']:.4f}]"


KINDS = ("bfloat16-matrices", "bfloat16-vectors", "float32")
"""What processors multiply with: `benchmarks/units.py`."""
TABLES: dict[str, Callable[[Any, Words], Lines]] = {
    **{f"step-{kind}": step for kind in KINDS},
    **{f"step-{kind}-profile": profile for kind in KINDS},
    **{f"losses-{kind}": losses for kind in KINDS},
    "seeds": seeds,
    "precision": precision,
    "large": large,
    "large-peers": large_peers,
    "top-items": top_items,
}
"""Name in a page -> what makes the table."""
SOURCES = {
    **{f"step-{kind}": f"step-{kind}.json" for kind in KINDS},
    **{f"step-{kind}-profile": f"step-{kind}.json" for kind in KINDS},
    **{f"losses-{kind}": f"losses-{kind}.json" for kind in KINDS},
    "seeds": "ml1m-*-seed*.json",
    "precision": "precision.json",
    "large": "large.json",
    "large-peers": "large-peers.json",
    "top-items": "top-items.json",
}
"""Name in a page -> file of results; of several files where it is a pattern."""
