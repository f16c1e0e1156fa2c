"""What a loss costs by the size of the catalogue, and so when `loss = "auto"` turns to samples.

    python benchmarks/losses.py [--most 1000000] [--rows] [--out FOLDER]

For 4,096 targets at width 64, in milliseconds: the loss forward and backward, and the step of the
optimiser over the item table. In megabytes: what the loss took at most beyond the table and its
gradient (each line is measured in a process of its own). First, what a step of the default SASRec
costs without its loss; and how far the exact loss is from torch's own. Fastest of a few tries;
compare the figures of one run only. Memory is read from Linux. The table is saved for
`docs/performance.md`; where the processor has no units for bfloat16, float32 alone is measured, and
the results lie apart (`benchmarks/units.py`).

With `--rows` instead: the exact loss by rows in a slice of scores, 0 for blocks of the catalogue;
what Regard chooses by itself is marked.
"""

import argparse
import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ml1m import surroundings
from regard.data.batches import Batch
from regard.losses import cross_entropy
from regard.losses.contract import ItemTable, Loss
from regard.losses.cross_entropy import CrossEntropy
from regard.losses.sampled_softmax import SampledSoftmax
from regard.models.contract import ModelInput
from regard.models.sasrec import SASRec, SASRecConfig
from regard.training.device import PROCESSOR, choose_precision, precision_name
from regard.training.optimiser import build_optimiser, clip_gradients
from units import units

TARGETS, WIDTH, HISTORY, SEED = 4_096, 64, 64, 7
PRODUCTS = precision_name(choose_precision("auto", PROCESSOR))
"""What a step multiplies in here."""
EITHER = (False, True) if PRODUCTS == "bfloat16" else (False,)
"""Whether factors may have few digits: both, where that is fast."""


def plain(states_TD: Tensor, table: ItemTable, targets_T: Tensor) -> Tensor:
    """Torch's own cross-entropy over all scores at once."""
    return F.cross_entropy(states_TD @ table.vectors_ND[2:].T, targets_T - 2)


LOSSES: dict[str, Callable[[int], tuple[Loss, bool]]] = {
    "torch's, all scores": lambda _: (plain, False),
    "exact": lambda _: (CrossEntropy(), False),
    "sampled, dense table": lambda items: (SampledSoftmax(popularity(items), sparse=False), False),
    "sampled, rows of table": lambda items: (SampledSoftmax(popularity(items)), True),
}
SLOW = {("torch's, all scores", 100_000), ("torch's, all scores", 1_000_000)}
"""All scores of 100,000 items and their gradients are 3.3 GB and more."""


def popularity(items: int) -> np.ndarray:
    """Counts with a long tail."""
    return (1e6 / np.arange(1, items + 1) ** 0.8).astype(np.int64) + 1


def fastest(work: Callable[[], object], seconds: float = 1.5) -> float:
    """Milliseconds of the fastest of up to 20 tries after one that is not counted."""
    work()
    taken: list[float] = []
    while not taken or (sum(taken) < seconds and len(taken) < 20):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return 1_000 * min(taken)


def line(name: str, items: int, low: bool) -> dict[str, Any]:
    """One loss on one catalogue, in this process."""
    torch.manual_seed(SEED)
    loss, sparse = LOSSES[name](items)
    table = nn.Embedding(items + 2, WIDTH, sparse=sparse)
    nn.init.normal_(table.weight, std=0.1)
    optimiser = build_optimiser(table, 0.0, sparse=[table.weight] if sparse else [])
    targets_T = 2 + torch.multinomial(torch.from_numpy(popularity(items)).double(), TARGETS, True)
    states_TD = torch.randn(TARGETS, WIDTH, requires_grad=True)

    def forward_and_backward() -> None:
        table.weight.grad = states_TD.grad = None
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            value = loss(states_TD, ItemTable(table.weight), targets_T)
        value.backward()

    def update() -> None:
        clip_gradients([table.weight], 1.0)
        optimiser.step()

    began = time.perf_counter()
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = memory("VmRSS")
    forward_and_backward()
    gradient = 0 if sparse else table.weight.nbytes / 2**20
    extra = memory("VmHWM") - before - gradient
    once = 1_000 * (time.perf_counter() - began)
    learning = once if once > 5_000 else fastest(forward_and_backward)
    moving = fastest(update, 0.5)
    return {
        "items": items,
        "loss": name,
        "precision": "bfloat16" if low else "float32",
        "loss_ms": learning,
        "table_ms": moving,
        "extra_megabytes": extra,
    }


def slices(items: int, low: bool) -> None:
    """Print the exact loss by rows in a slice."""
    torch.manual_seed(SEED)
    states_TD = torch.randn(TARGETS, WIDTH, requires_grad=True)
    vectors_ND = (torch.randn(items + 2, WIDTH) * 0.1).requires_grad_()
    targets_T = torch.randint(2, items + 2, (TARGETS,))

    def work() -> None:
        vectors_ND.grad = states_TD.grad = None
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            value = CrossEntropy()(states_TD, ItemTable(vectors_ND), targets_T)
        value.backward()

    chosen = cross_entropy._rows_at_a_time(items, 2 if low else 4)
    for rows in sorted({0, 16, 64, 128, 512, chosen}):
        with patch.object(cross_entropy, "_rows_at_a_time", lambda *_, rows=rows: rows):
            mark = "  <- chosen" if rows == chosen else ""
            print(f"{items:>9,} items {rows:>5} rows {fastest(work):>9.1f} ms{mark}", flush=True)


def memory(name: str) -> float:
    """Resident memory now (`VmRSS`) or at most (`VmHWM`), in megabytes."""
    [kilobytes] = re.findall(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(kilobytes) / 1024


def rest_of_step(low: bool) -> float:
    """Milliseconds of a SASRec forward and backward over as many targets, without any loss."""
    torch.manual_seed(SEED)
    model = SASRec(SASRecConfig(), 10_002).train()
    rows = TARGETS // HISTORY
    items = np.random.default_rng(SEED).integers(2, 10_002, (rows, HISTORY))
    read = ModelInput.of(Batch(items, np.full(rows, HISTORY)), model.catalogue_size)

    def work() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            states = model(read)
        states.float().sum().backward()

    return fastest(work)


def distance(items: int, targets: int = 256) -> float:
    """Largest difference of value and gradients between the exact loss and torch's, in float32."""
    torch.manual_seed(SEED)
    states_TD, vectors_ND = torch.randn(targets, WIDTH), torch.randn(items + 2, WIDTH)
    targets_T = torch.randint(2, items + 2, (targets,))
    found = []
    for loss in (CrossEntropy(), plain):
        leaves = [each.clone().requires_grad_() for each in (states_TD, vectors_ND)]
        value = loss(leaves[0], ItemTable(leaves[1]), targets_T)
        found.append([value.detach(), *torch.autograd.grad(value, leaves)])
    return max(float((ours - theirs).abs().max()) for ours, theirs in zip(*found, strict=True))


def told(found: dict[str, Any]) -> str:
    """One line of the table."""
    what = f"{found['loss']}, {found['precision']}"
    numbers = f"{found['loss_ms']:>9.1f}{found['table_ms']:>9.1f}{found['extra_megabytes']:>9,.0f}"
    return f"{found['items']:>9,}  {what:<33}{numbers}"


def table(most: int) -> list[dict[str, Any]]:
    """Every loss on every catalogue, each in a process of its own."""
    print(f"\n{'items':>9}  {'loss':<33}{'loss ms':>9}{'table ms':>9}{'extra MB':>9}", flush=True)
    found = []
    for items in (10_000, 30_000, 100_000, 1_000_000):
        for name in LOSSES:
            # The other losses are float32 whatever autocast says.
            for low in EITHER if name == "exact" else (False,):
                if items > most or (name, items) in SLOW:
                    continue
                with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                    found.append(process.submit(line, name, items, low).result())
                print(told(found[-1]), flush=True)
    return found


def main() -> None:
    """Print the tables and save them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=1_000_000, help="largest catalogue")
    parser.add_argument("--rows", action="store_true", help="the exact loss by rows in a slice")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    given = parser.parse_args()
    if given.rows:
        for low in EITHER:
            print("bfloat16" if low else "float32")
            for items in (3_416, 10_000, 30_000, 100_000):
                slices(items, low)
        return
    results: dict[str, Any] = {**surroundings(SEED), "threads": torch.get_num_threads()}
    results["rest_ms"] = {"bfloat16" if low else "float32": rest_of_step(low) for low in EITHER}
    print(f"rest of a step, ms: {results['rest_ms']}")
    results["distance"] = {items: distance(items) for items in (10_000, 100_000)}
    print(f"exact against torch's in float32, by items: {results['distance']}")
    results["table"] = table(given.most)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / f"losses-{units()}.json").write_text(json.dumps(results, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
