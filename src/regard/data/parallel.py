"""Work on the parts of a log by a few threads at a time, its outcomes in the order of the parts."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

WORKERS: Final = max(1, min(4, os.cpu_count() or 1))
"""Threads: Polars and NumPy let others run while they compute. Each holds a part of its own."""
Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


def each(work: Callable[[Item], Outcome], items: Iterable[Item]) -> Iterator[Outcome]:
    """Do something with each item; never more than `WORKERS` items are under way or waiting.

    Args:
        work: may run in any thread.
        items: drawn as they are needed.

    Yields:
        What came of each item, in their order.

    Example:
        >>> list(each(lambda number: number * 2, [3, 1]))
        [6, 2]
    """
    with ThreadPoolExecutor(WORKERS) as pool:
        waiting: deque[Future[Outcome]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
