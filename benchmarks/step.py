"""A training step of SASRec: its speed, its share of the peak, and what each choice pays.

    python benchmarks/step.py [--passes 9] [--batches 12] [--compile] [--out FOLDER]

Histories are generated, as long and as many as those of MovieLens-1M, so nobody needs data. All
ways of taking a step take turns on the same batches, and the best of some passes counts for each:
what else the machine does disturbs them alike. Useful operations are counted on paper (real
positions, causal attention, backward twice the forward), so padding earns nothing.

The first way is the one that ships: products in bfloat16 where the processor has units for them, in
float32 elsewhere. The others change one thing of it, so which there are hangs on the processor, and
the results lie apart (`benchmarks/units.py`).
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ml1m import surroundings
from regard.attention import scaled_dot_product
from regard.data.batches import Batch, TrainingBatches
from regard.data.sequences import Sequences
from regard.data.split import TrainingPart
from regard.data.vocabulary import Vocabulary
from regard.losses import cross_entropy
from regard.losses.contract import ItemTable
from regard.losses.cross_entropy import CrossEntropy
from regard.models import feed_forward
from regard.models.contract import ModelInput
from regard.models.dropout import ByteDropout
from regard.models.sasrec import SASRec, SASRecConfig
from regard.schema import FIRST_CODE
from regard.training.config import TrainingConfig
from regard.training.device import PROCESSOR, choose_precision, precision_name
from regard.training.objectives import NextItem
from regard.training.optimiser import build_optimiser, clip_gradients
from units import units

ITEMS, USERS = 3_416, 6_040
"""Of MovieLens-1M after a 5-core."""
SEED = 7
Loss = Callable[[Tensor, ItemTable, Tensor], Tensor]


def histories() -> TrainingPart:
    """As many users as MovieLens-1M has, with lengths like theirs."""
    rng = np.random.default_rng(SEED)
    lengths = np.clip(rng.lognormal(4.55, 0.93, USERS), 18, 2_300).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    codes = FIRST_CODE + (ITEMS * rng.random(offsets[-1]) ** 2).astype(np.int32)
    rows = np.arange(offsets[-1], dtype=np.int64)
    sequences = Sequences(pl.Series("user", np.arange(USERS)), offsets, codes, None, rows)
    counts = np.maximum(np.bincount(codes - FIRST_CODE, minlength=ITEMS), 1)
    return TrainingPart(sequences, offsets[1:], Vocabulary(pl.Series(np.arange(ITEMS)), counts))


def plain_cross_entropy(states_TD: Tensor, table: ItemTable, targets_T: Tensor) -> Tensor:
    """All scores at once, as one writes it first."""
    scores_TN = states_TD @ table.vectors_ND[FIRST_CODE:].T
    return F.cross_entropy(scores_TN, targets_T - FIRST_CODE)


def in_float32(loss: Loss) -> Loss:
    """A loss that autocast does not reach."""

    def exact(states_TD: Tensor, table: ItemTable, targets_T: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            return loss(states_TD.float(), table, targets_T)

    return exact


@contextmanager
def instead(owner: Any, name: str, other: Any) -> Iterator[None]:
    """Put something else in a place for a while."""
    kept = getattr(owner, name)
    setattr(owner, name, other)
    try:
        yield
    finally:
        setattr(owner, name, kept)


def torch_dropout() -> AbstractContextManager[None]:
    """Torch's own dropout."""

    def forward(self: ByteDropout, values: Tensor) -> Tensor:
        return F.dropout(values, self.threshold / 256, self.training)

    return instead(ByteDropout, "forward", forward)


@contextmanager
def low_kernel() -> Iterator[None]:
    """Torch's fused attention in bfloat16 on a processor."""

    def fused(self: Any, *parts: Tensor) -> Tensor:  # noqa: ARG001 - a method
        return F.scaled_dot_product_attention(*parts, is_causal=True)

    kind = scaled_dot_product.ScaledDotProductAttention
    with exact_kernel(), instead(kind, "_fused", fused):
        yield


def exact_kernel() -> AbstractContextManager[None]:
    """Torch's fused attention in float32, however short the histories are."""
    return instead(scaled_dot_product, "LONGEST", 0)


def written_out() -> AbstractContextManager[None]:
    """Attention without the fused kernel."""
    kind = scaled_dot_product.ScaledDotProductAttention

    def forward(self: Any, states_BLD: Tensor, *, need_map: bool = False) -> Any:  # noqa: ARG001
        return kept(self, states_BLD, need_map=True)

    kept = kind.forward
    return instead(kind, "forward", forward)


def as_products() -> AbstractContextManager[None]:
    """Attention as plain products and a softmax, as in bfloat16, instead of the fused kernel."""
    kind = scaled_dot_product.ScaledDotProductAttention
    return instead(kind, "_suits_products", lambda *_: True)


def gelu() -> AbstractContextManager[None]:
    """Another activation in the feed-forward network."""
    return instead(feed_forward.nn.functional, "relu", F.gelu)


def by_softmax() -> AbstractContextManager[None]:
    """Probabilities by three passes over the scores."""
    return instead(cross_entropy._Slice, "_by_exponentials", lambda *_: None)


@dataclass(frozen=True)
class Way:
    """How to take a step.

    Attributes:
        low: whether products are in bfloat16.
        loss: to be made small.
        change: what else is done otherwise, as a context.
        batches: which ones.
        compiled: whether `torch.compile` works on the blocks.
    """

    low: bool = True
    loss: Loss = CrossEntropy()  # noqa: RUF009 - it has no state
    change: Callable[[], AbstractContextManager[None]] = nullcontext
    batches: str = "buckets"
    compiled: bool = False


EXACT = Way(low=False)
EITHER = {
    "float32, all scores at once": replace(EXACT, loss=plain_cross_entropy),
    "float32, all scores at once, padded to 200": replace(
        EXACT, loss=plain_cross_entropy, batches="padded"
    ),
    "float32, padded to 200": replace(EXACT, batches="padded"),
    "float32, torch's dropout": replace(EXACT, change=torch_dropout),
    "float32, attention written out": replace(EXACT, change=written_out),
    "float32, GELU for ReLU": replace(EXACT, change=gelu),
}
WAYS = {
    "bfloat16": {
        "as shipped: bfloat16": Way(),
        "as shipped elsewhere: float32": EXACT,
        **EITHER,
        "bfloat16 in the loss only": Way(low=False, loss=CrossEntropy(), batches="low loss"),
        "bfloat16 in the network only": Way(loss=in_float32(CrossEntropy())),
        "bfloat16, torch's attention kernel in float32": Way(change=exact_kernel),
        "bfloat16, torch's attention kernel in bfloat16": Way(change=low_kernel),
    },
    "float32": {
        "as shipped: float32": EXACT,
        "bfloat16 all the same": Way(),
        **EITHER,
        "float32, attention as plain products": replace(EXACT, change=as_products),
        "float32, softmax in three passes": replace(EXACT, change=by_softmax),
    },
}
"""What a step is multiplied in as shipped -> name -> way; the first one ships."""


class Bench:
    """A network, its optimiser and the batches that all ways share."""

    def __init__(self, batches: int, tokens: int) -> None:
        torch.manual_seed(SEED)
        self.model = SASRec(SASRecConfig(), ITEMS + FIRST_CODE).train()
        self.optimiser = build_optimiser(self.model, 0.01, [self.model.item_table().vectors_ND])
        longest = self.model.longest
        drawn = TrainingBatches(histories(), longest=longest, tokens=tokens, seed=SEED).epoch(0)
        found = [batch for _, batch in zip(range(batches), drawn, strict=False)]
        self.inputs = {
            "buckets": [self._read(batch) for batch in found],
            "padded": [self._read(_padded(batch, longest)) for batch in found],
        }
        self.inputs["low loss"] = self.inputs["buckets"]

    def _read(self, batch: Batch) -> ModelInput:
        return ModelInput.of(batch, self.model.catalogue_size)

    def seconds(self, way: Way, number: int) -> float:
        """Take one step.

        Args:
            way: how.
            number: of the batch.
        """
        batch = self.inputs[way.batches][number]
        began = time.perf_counter()
        with way.change():
            with torch.autocast("cpu", torch.bfloat16, enabled=way.low):
                states_TD, targets_T = NextItem()(self.model, batch)
            low_loss = way.low or way.batches == "low loss"
            with torch.autocast("cpu", torch.bfloat16, enabled=low_loss):
                loss = way.loss(states_TD, self.model.item_table(), targets_T)
            self.optimiser.zero_grad()
            loss.backward()
        clip_gradients(self.model.parameters(), TrainingConfig().clip)
        self.optimiser.rate = 1e-4
        self.optimiser.step()
        return time.perf_counter() - began

    def targets(self) -> int:
        """Real next items in all batches."""
        return sum(int((batch.targets_BL > 0).sum()) for batch in self.inputs["buckets"])

    def operations(self) -> float:
        """Useful floating-point operations of one pass over the batches, on paper."""
        config, D = self.model.config, self.model.config.width
        lengths = np.concatenate([batch.lengths_B.numpy() for batch in self.inputs["buckets"]])
        linear = 12 * D * D * config.blocks * lengths.sum()
        attention = D * config.blocks * (lengths * (lengths + 1)).sum()
        return float(6 * (linear + attention + self.targets() * ITEMS * D))


def _padded(batch: Batch, longest: int) -> Batch:
    """The same rows, as long as the longest that there can be."""

    def wide(codes: Any) -> Any:
        return np.pad(codes, ((0, 0), (0, longest - codes.shape[1])))

    assert batch.targets is not None  # training batches have targets
    return Batch(wide(batch.items), batch.lengths, wide(batch.targets))


def peaks() -> dict[str, float]:
    """The best rate of a matrix product seen here, in operations per second."""
    found = {}
    for name, kind in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        best = float("inf")
        one, two = (torch.randn(2_048, 2_048).to(kind) for _ in range(2))
        for _ in range(15):
            began = time.perf_counter()
            torch.mm(one, two)
            best = min(best, time.perf_counter() - began)
        found[name] = 2 * 2_048**3 / best
    return found


def race(bench: Bench, ways: dict[str, Way], passes: int) -> dict[str, float]:
    """Seconds of a pass over the batches for each way: the sum of the best time of each batch."""
    count = len(bench.inputs["buckets"])
    best = {name: np.full(count, np.inf) for name in ways}
    for _ in range(passes):
        for number in range(count):
            for name, way in ways.items():
                best[name][number] = min(best[name][number], bench.seconds(way, number))
    return {name: float(each.sum()) for name, each in best.items()}


KINDS = {
    "products of the loss": ("mm", "addmm", "addmm_"),
    "softmax of the loss": ("_softmax", "exp_"),
    "products of linear layers": ("mm", "addmm", "linear"),
    "attention": ("scaled_dot_product", "flash", "bmm", "baddbmm", "_softmax_backward_data"),
    "normalisation": ("layer_norm",),
    "copies and casts": ("copy_", "to", "_to_copy", "contiguous", "clone", "cat"),
    "random numbers and masks": ("random_", "ge", "bernoulli"),
    "update": ("adamw", "norm", "foreach"),
}


def profile(bench: Bench, way: Way) -> dict[str, float]:
    """Shares of a step, by kind of work."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as watch

    with watch(activities=[ProfilerActivity.CPU], record_shapes=True) as found:
        for number in range(len(bench.inputs["buckets"])):
            bench.seconds(way, number)
    shares: dict[str, float] = {}
    for event in found.key_averages(group_by_input_shape=True):
        kind = _kind(event.key.removeprefix("aten::"), str(event.input_shapes))
        shares[kind] = shares.get(kind, 0.0) + event.self_cpu_time_total
    total = sum(shares.values())
    return {kind: each / total for kind, each in sorted(shares.items(), key=lambda one: -one[1])}


def _kind(name: str, shapes: str) -> str:
    if name in KINDS["products of the loss"]:
        of_loss = str(ITEMS) in shapes
        return "products of the loss" if of_loss else "products of linear layers"
    if name == "_softmax" and str(ITEMS) not in shapes:
        return "attention"
    if name == "sum" and str(ITEMS) in shapes:
        return "softmax of the loss"
    for kind, names in KINDS.items():
        if any(name == each or (len(each) > 5 and each in name) for each in names):
            return kind
    return "all else (sums, products by element, gathers, Python)"


def compiled(bench: Bench, shipped: Way) -> tuple[Way, float]:
    """The same way with compiled blocks; seconds that compiling took."""
    began = time.perf_counter()
    plain = bench.model.blocks
    fast = nn.ModuleList(torch.compile(block, dynamic=True) for block in plain)

    def change() -> AbstractContextManager[None]:
        return instead(bench.model, "blocks", fast)

    way = replace(shipped, change=change)
    for number in range(len(bench.inputs["buckets"])):
        bench.seconds(way, number)
    return way, time.perf_counter() - began


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--passes", type=int, default=9)
    parser.add_argument("--batches", type=int, default=12)
    parser.add_argument(
        "--compile", action="store_true", help="torch.compile too (needs a C++ compiler)"
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as fresh:
        # What an earlier run has compiled would make this one look quick.
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = fresh
        run(given)


def run(given: argparse.Namespace) -> None:
    """Measure as the command line says."""
    products = precision_name(choose_precision("auto", PROCESSOR))
    bench, ways = Bench(given.batches, TrainingConfig().tokens), dict(WAYS[products])
    shipped = next(iter(ways.values()))
    results: dict[str, Any] = {**surroundings(SEED), "threads": torch.get_num_threads()}
    if given.compile:
        name = f"{products}, blocks by torch.compile"
        ways[name], results["compile_seconds"] = compiled(bench, shipped)
    seconds = race(bench, ways, given.passes)
    highest, operations, targets = peaks(), bench.operations(), bench.targets()
    results["peaks"], results["targets"], results["operations"] = highest, targets, operations
    results["ways"] = {
        name: {"seconds": each, "targets_per_second": targets / each, "rate": operations / each}
        for name, each in seconds.items()
    }
    results["tokens"] = {}
    for tokens in (1_024, 2_048, 4_096, 8_192, 16_384):
        other = Bench(max(2, given.batches * 4_096 // tokens), tokens)
        taken = race(other, {"": shipped}, max(2, given.passes // 2))[""]
        results["tokens"][tokens] = other.targets() / taken
    results["profile"] = profile(bench, shipped)
    given.out.mkdir(parents=True, exist_ok=True)
    path = given.out / f"step-{units()}.json"
    path.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    for name, each in results["ways"].items():
        share = each["rate"] / highest["float32"]
        print(
            f"{name:50s} {each['targets_per_second']:>10,.0f} targets/s  {share:5.1%} of fp32 peak"
        )
    for kind, share in results["profile"].items():
        print(f"{kind:50s} {share:6.1%}")
    print({name: f"{each / 1e9:.0f} GFLOP/s" for name, each in highest.items()}, results["tokens"])


if __name__ == "__main__":
    main()
