"""A linear layer that is as fast in bfloat16 as a processor can be, without hoarding memory.

In float32, and on a GPU, it is `torch.nn.Linear`. Under `torch.autocast` on a processor it does
what that would do, but rows are filled up to a multiple of some number. For each new number of rows
the matrix library makes, and keeps, a program of its own for each of the three products, which over
batches of many sizes comes to hundreds of megabytes (`benchmarks/shapes.py`).
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

ROWS = 256
"""Rows are filled up to a multiple of this."""


class Projection(nn.Linear):
    """`y = x Wᵀ + b` over the last dimension; see `torch.nn.Linear` for its arguments.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> layer, states_BLD = Projection(4, 6), torch.randn(2, 3, 4)
        >>> exact = layer(states_BLD)
        >>> with torch.autocast("cpu", torch.bfloat16):
        ...     low = layer(states_BLD)
        >>> low.dtype, low.shape, torch.allclose(low.float(), exact, atol=0.02)
        (torch.bfloat16, torch.Size([2, 3, 6]), True)
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's own name for it
        """Project; float of any shape `(..., in)` to `(..., out)`."""
        low = low_precision(input)
        if low is None:
            return super().forward(input)
        apply: Callable[..., Tensor] = _LowProjection.apply
        with torch.autocast("cpu", enabled=False):
            rows = apply(input.reshape(-1, self.in_features), self.weight, self.bias, low)
        return rows.view(*input.shape[:-1], self.out_features)


class _LowProjection(torch.autograd.Function):
    """The three products with filled-up rows."""

    @staticmethod
    def forward(
        ctx: Any,
        rows: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        low: torch.dtype,
    ) -> Tensor:
        filled, narrow = filled_up(rows, low), weight.to(low)
        ctx.save_for_backward(filled, narrow)
        ctx.kinds = rows.dtype, weight.dtype, None if bias is None else bias.dtype
        product = torch.mm(filled, narrow.T)
        if bias is not None:
            product += bias.to(low)
        return product[: len(rows)]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        filled, narrow = ctx.saved_tensors
        of_rows, of_weight, of_bias = ctx.kinds
        grad = filled_up(grads[0], narrow.dtype)
        return (
            torch.mm(grad, narrow)[: len(grads[0])].to(of_rows),
            torch.mm(grad.T, filled).to(of_weight),
            # As a product, which a processor sums up several times faster than a sum.
            None if of_bias is None else torch.mm(grad.new_ones(1, len(grad)), grad)[0].to(of_bias),
            None,
        )


def low_precision(states: Tensor) -> torch.dtype | None:
    """The type that autocast wants products in on this processor, or None where it wants none.

    Example:
        >>> with torch.autocast("cpu", torch.bfloat16):
        ...     low_precision(torch.ones(1))
        torch.bfloat16
    """
    wanted = states.is_cpu and torch.is_autocast_enabled("cpu")
    return torch.get_autocast_dtype("cpu") if wanted else None


def filled_up(rows: Tensor, kind: torch.dtype) -> Tensor:
    """Rows `(R, D)` in another type, with zeros below them up to a multiple of `ROWS`.

    Example:
        >>> filled_up(torch.ones(3, 2), torch.bfloat16).shape
        torch.Size([256, 2])
    """
    missing = -len(rows) % ROWS
    if not missing:
        return rows.to(kind)
    filled = rows.new_empty((len(rows) + missing, rows.shape[1]), dtype=kind)
    filled[: len(rows)] = rows
    filled[len(rows) :] = 0
    return filled
