"""How many rows of scores at a time: the exact cross-entropy against catalogues of several sizes.

    python benchmarks/cross_entropy.py

Milliseconds for forward and backward of 4,096 targets at width 64, by rows in a slice; the row that
Regard chooses by itself is marked. Compare the figures of one run only.
"""

import time
from unittest.mock import patch

import torch

from regard.losses import cross_entropy
from regard.losses.contract import ItemTable

TARGETS, WIDTH, SEED = 4_096, 64, 7


def milliseconds(items: int, rows: int, repeats: int = 3) -> float:
    """The fastest of a few tries, after one that is not counted."""
    torch.manual_seed(SEED)
    states_TD = torch.randn(TARGETS, WIDTH, requires_grad=True)
    vectors_ND = (torch.randn(items + 2, WIDTH) * 0.1).requires_grad_()
    targets_T = torch.randint(2, items + 2, (TARGETS,))
    taken = []
    with patch.object(cross_entropy, "_rows_at_a_time", lambda *_: rows):
        for _ in range(repeats + 1):
            began = time.perf_counter()
            cross_entropy.CrossEntropy()(states_TD, ItemTable(vectors_ND), targets_T).backward()
            taken.append(time.perf_counter() - began)
    return 1_000 * min(taken[1:])


def main() -> None:
    """Print one line for each catalogue and number of rows."""
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, seed {SEED}")
    for items in (3_416, 10_000, 100_000):
        chosen = cross_entropy._rows_at_a_time(items, 4)
        for rows in sorted({10, 64, 128, 512, chosen}):
            mark = "  <- chosen" if rows == chosen else ""
            print(f"{items:>8,} items {rows:>5} rows {milliseconds(items, rows):>8.1f} ms{mark}")


if __name__ == "__main__":
    main()
