"""What the matrix library keeps for each number of rows that it meets, in bfloat16 on a processor.

    python benchmarks/shapes.py [--products 400]

Multiplies matrices of ever other numbers of rows, as they are and filled up to a multiple of 64, in
bfloat16 and in float32, and prints by how much the resident memory grew.
"""

import argparse
import random
import subprocess
import sys
from pathlib import Path

import torch

ITEMS, WIDTH = 3_416, 64


def resident_megabytes() -> float:
    """Memory of this process now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * 4_096 / 2**20


def growth(kind: torch.dtype, multiple: int, products: int) -> float:
    """Megabytes that some products leave behind."""
    rng = random.Random(0)
    items_ID = torch.randn(ITEMS, WIDTH).to(kind)
    scores_TI = torch.empty(640, ITEMS, dtype=kind)
    before = 0.0
    for number in range(products + 10):
        if number == 10:
            before = resident_megabytes()
        rows = -(-rng.randint(1, 576) // multiple) * multiple
        torch.mm(torch.ones(rows, WIDTH, dtype=kind), items_ID.T, out=scores_TI[:rows])
        torch.mm(scores_TI[:rows], items_ID)
    return resident_megabytes() - before


def main() -> None:
    """Measure each case in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, default=400)
    parser.add_argument("--case", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case:
        kind, multiple = given.case
        print(f"{growth(getattr(torch, kind), int(multiple), given.products):.0f} MB")
        return
    for kind in ("bfloat16", "float32"):
        for multiple in ("1", "64"):
            words = [sys.executable, __file__, "--products", str(given.products)]
            print(f"{kind}, rows a multiple of {multiple}: ", end="", flush=True)
            subprocess.run([*words, "--case", kind, multiple], check=True)


if __name__ == "__main__":
    main()
