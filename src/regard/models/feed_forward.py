"""What a block does to each state by itself: wider, cut at zero, and back.

Formula: `relu(x W₁ᵀ) W₂ᵀ`, without biases.

Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.3, equation 2. Differs in that
the constants are left out: the layer norm before it has one of its own.

In bfloat16 on a processor both products share their filled-up rows, so that nothing as wide as the
hidden states is copied between them; see `regard.attention.projection`.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from regard.attention.projection import Projection, filled_up, low_precision


class FeedForward(nn.Module):
    """Two linear layers with a ReLU between them.

    Args:
        width: of the states (`D`).
        hidden: width inside.

    Example:
        >>> FeedForward(width=8, hidden=16)(torch.randn(2, 3, 8)).shape
        torch.Size([2, 3, 8])
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.expand = Projection(width, hidden, bias=False)
        self.contract = Projection(hidden, width, bias=False)

    def forward(self, states: Tensor) -> Tensor:
        """Float of any shape `(..., D)` to the same shape."""
        low = low_precision(states)
        if low is None:
            contracted: Tensor = self.contract(nn.functional.relu(self.expand(states)))
            return contracted
        apply: Callable[..., Tensor] = _LowFeedForward.apply
        with torch.autocast("cpu", enabled=False):
            rows = states.reshape(-1, states.shape[-1])
            return apply(rows, self.expand.weight, self.contract.weight, low).view(states.shape)


class _LowFeedForward(torch.autograd.Function):
    """Both products, with rows that are filled up once."""

    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, expand: Tensor, contract: Tensor, low: torch.dtype
    ) -> Tensor:
        filled, expand_low, contract_low = filled_up(rows, low), expand.to(low), contract.to(low)
        hidden = torch.mm(filled, expand_low.T).relu_()
        ctx.save_for_backward(filled, hidden, expand_low, contract_low)
        ctx.kinds = rows.dtype, expand.dtype
        return torch.mm(hidden, contract_low.T)[: len(rows)]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        filled, hidden, expand_low, contract_low = ctx.saved_tensors
        of_rows, of_weights = ctx.kinds
        grad = filled_up(grads[0], hidden.dtype)
        of_hidden = torch.mm(grad, contract_low)
        torch.ops.aten.threshold_backward.grad_input(of_hidden, hidden, 0, grad_input=of_hidden)
        return (
            torch.mm(of_hidden, expand_low)[: len(grads[0])].to(of_rows),
            torch.mm(of_hidden.T, filled).to(of_weights),
            torch.mm(grad.T, hidden).to(of_weights),
            None,
        )
