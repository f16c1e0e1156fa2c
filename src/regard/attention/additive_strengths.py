"""Strengths of all pairs, as a sum within a sigmoid, without holding what is summed.

Formula: `s_ij = v · σ(q_i + k_j)` for j up to i, and 0 after it.

Written out, the sums are L × L × D numbers a history: ten megabytes at 200 events and a width of
64, held until the way back. Here they are made tile by tile, some positions of some histories by
all that lies before them, and made once more on the way back. What is held is the map and one tile.

Cost: time `O(L² D)`, about half of it saved by leaving out the future; memory `O(L (L + D))` and a
tile of a fixed size.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_ASKING = 32
"""Positions of a tile: the fewer, the less of the future is computed for nothing."""
_NUMBERS = {"cpu": 2**18}
"""Numbers of a tile: on a processor as many as its cache holds."""
_NUMBERS_ELSEWHERE = 2**25
"""The same where thousands of cores wait for work."""


def causal_strengths(asking_BLD: Tensor, asked_BLD: Tensor, vector_D: Tensor) -> Tensor:
    """How strongly each position answers each; float32 at least, under autocast too.

    Args:
        asking_BLD: `q`, what each position asks by.
        asked_BLD: `k`, what each position is asked by.
        vector_D: `v`, what the sigmoids are weighed by.

    Returns:
        `(B, L, M)`, zero where M lies in the future of L.

    Example:
        >>> asking, asked = torch.zeros(1, 2, 3), torch.tensor([[[0.0] * 3, [50.0] * 3]])
        >>> causal_strengths(asking, asked, torch.ones(3)).tolist()
        [[[1.5, 0.0], [1.5, 3.0]]]
    """
    kind = torch.promote_types(asking_BLD.dtype, torch.float32)
    apply: Callable[..., Tensor] = _CausalStrengths.apply
    return apply(asking_BLD.to(kind), asked_BLD.to(kind), vector_D.to(kind))


class _CausalStrengths(torch.autograd.Function):
    """Tile by tile, there and back."""

    @staticmethod
    def forward(ctx: Any, asking_BLD: Tensor, asked_BLD: Tensor, vector_D: Tensor) -> Tensor:
        ctx.save_for_backward(asking_BLD, asked_BLD, vector_D)
        B, L, _ = asking_BLD.shape
        strengths_BLM = asking_BLD.new_zeros(B, L, L)
        with torch.autocast(asking_BLD.device.type, enabled=False):
            for rows, first, last in _tiles(asking_BLD):
                lit_BQMD = _lit(asking_BLD[rows, first:last], asked_BLD[rows, :last])
                strengths_BQM = (lit_BQMD @ vector_D).tril_(first)
                strengths_BLM[rows, first:last, :last] = strengths_BQM
        return strengths_BLM

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, ...]:
        asking_BLD, asked_BLD, vector_D = ctx.saved_tensors
        of_asking, of_asked = torch.zeros_like(asking_BLD), torch.zeros_like(asked_BLD)
        of_vector = torch.zeros_like(vector_D)
        with torch.autocast(asking_BLD.device.type, enabled=False):
            for rows, first, last in _tiles(asking_BLD):
                lit_BQMD = _lit(asking_BLD[rows, first:last], asked_BLD[rows, :last])
                grad_BQM = grads[0][rows, first:last, :last].tril(first)
                of_vector += grad_BQM.flatten() @ lit_BQMD.flatten(0, 2)
                # The slope of the sigmoid, written over it: a second tile would leave the cache.
                slope_BQMD = lit_BQMD.addcmul_(lit_BQMD, lit_BQMD, value=-1)
                slope_BQMD *= grad_BQM[..., None]
                of_asking[rows, first:last] = slope_BQMD.sum(2)
                of_asked[rows, :last] += slope_BQMD.sum(1)
        return of_asking * vector_D, of_asked * vector_D, of_vector


def _lit(asking_BQD: Tensor, asked_BMD: Tensor) -> Tensor:
    """The sigmoid of each sum, `(B, Q, M, D)`."""
    return (asking_BQD[:, :, None] + asked_BMD[:, None]).sigmoid_()


def _tiles(asking_BLD: Tensor) -> Iterator[tuple[slice, int, int]]:
    """Histories, and the first and last position that asks: what is in work at a time."""
    B, L, D = asking_BLD.shape
    numbers = _NUMBERS.get(asking_BLD.device.type, _NUMBERS_ELSEWHERE)
    for first in range(0, L, _ASKING):
        last = min(first + _ASKING, L)
        rows = max(1, numbers // ((last - first) * last * D))
        for start in range(0, B, rows):
            yield slice(start, start + rows), first, last
