"""Exact order statistics of numbers that come in parts and are never all in memory.

Numbers become integers of the same order (the bits of a float64, with those of negative numbers
turned around), a histogram of 65,536 equal ranges finds the range that holds the wanted rank, and
so on inside that range until few numbers are left, which are sorted::

    rank 7 of   | 3 | 0 | 5 | 9 | 1 |      counts of the ranges
                            ^              3 + 0 + 5 = 8 > 7: the rank lies in the third
"""

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from regard.shapes import Seconds

Parts = Callable[[], Iterable[Seconds]]
"""Gives all numbers, part after part, as often as it is asked."""
_RANGES: Final = 65_536
_FEW: Final = 1_000_000
_STRIDE: Final = 997  # of the sample
_SLACK: Final = 200  # places in the sample by which the rank may be off
_SIGN: Final = np.uint64(1 << 63)


def value_at_rank(parts: Parts, rank: int) -> float:
    """The number that would stand at a place if all numbers were sorted.

    Args:
        parts: finite float64 numbers, or infinite ones, but no NaN.
        rank: from 0; less than the count of all numbers.

    Returns:
        The number, exactly.

    Example:
        >>> value_at_rank(lambda: [np.array([3.0, 1.0]), np.array([-2.0])], 1)
        1.0
    """
    low, high = _bracket(parts, rank)
    while low < high:
        shift = max(0, (high - low).bit_length() - 16)
        counts, before = _histogram(parts, low, high, shift)
        ends = before + np.cumsum(counts)
        place = int(np.searchsorted(ends, rank, side="right"))
        first = low + (place << shift)
        last = min(high, first + (1 << shift) - 1)
        if counts[place] <= _FEW:
            inside = np.sort(np.concatenate([_between(part, first, last) for part in parts()]))
            return _value(int(inside[rank - int(ends[place] - counts[place])]))
        low, high = first, last
    return _value(low)


def count_below(parts: Parts, value: float) -> int:
    """How many numbers are smaller than one.

    Example:
        >>> count_below(lambda: [np.array([3.0, 1.0]), np.array([-2.0])], 3.0)
        2
    """
    return sum(int(np.count_nonzero(part < value)) for part in parts())


def _ordered(numbers: Seconds) -> NDArray[np.uint64]:
    """Integers in the order of the numbers; both zeros are one."""
    bits = (np.asarray(numbers, np.float64) + 0.0).view(np.uint64)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def _value(ordered: int) -> float:
    """The number of an integer."""
    bits = np.array([ordered], np.uint64)
    bits = np.where(bits & _SIGN, bits ^ _SIGN, ~bits)
    return float(bits.view(np.float64)[0])


def _bracket(parts: Parts, rank: int) -> tuple[int, int]:
    """A range of integers that holds the rank: a narrow one by a sample, or else that of all."""
    counts = [len(part) for part in parts()]
    sample = np.sort(np.concatenate([part[::_STRIDE] for part in parts()]))
    place = int(len(sample) * rank / max(sum(counts), 1))
    low = float(sample[max(place - _SLACK, 0)])
    high = float(sample[min(place + _SLACK, len(sample) - 1)])
    below = count_below(parts, low)
    if below <= rank < sum(counts) - sum(int(np.count_nonzero(part > high)) for part in parts()):
        return int(_ordered(np.array([low]))[0]), int(_ordered(np.array([high]))[0])
    return _edges(parts)


def _edges(parts: Parts) -> tuple[int, int]:
    """The smallest and the largest of all integers."""
    ends = [(part.min(), part.max()) for part in parts() if len(part)]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    return int(_ordered(np.array([low]))[0]), int(_ordered(np.array([high]))[0])


def _histogram(parts: Parts, low: int, high: int, shift: int) -> tuple[NDArray[np.int64], int]:
    """Counts of the ranges from `low` on, and how many numbers lie below all of them."""
    counts, before = np.zeros(_RANGES, np.int64), 0
    first = _value(low)
    for part in parts():
        before += int(np.count_nonzero(part < first))
        inside = _between(part, low, high)
        places = ((inside - np.uint64(low)) >> np.uint64(shift)).astype(np.int64)
        counts += np.bincount(places, minlength=_RANGES)
    return counts, before


def _between(part: Seconds, first: int, last: int) -> NDArray[np.uint64]:
    """The integers of a part that lie in a range, both ends included."""
    ordered = _ordered(part[(part >= _value(first)) & (part <= _value(last))])
    return ordered[(ordered >= first) & (ordered <= last)]  # between the two zeros lies a step
