"""A feed-forward network that computes two things, one of which decides how much the other counts.

Formula: `(silu(x W₁ᵀ) ∘ x W₂ᵀ) W₃ᵀ` with `silu(z) = z σ(z)`, without biases.

Source: Shazeer 2020, "GLU Variants Improve Transformer", equation 6, SwiGLU with β = 1. Differs in
that `hidden` is what the caller says, where the paper takes two thirds of the usual width so that
three matrices hold as many numbers as two.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from regard.attention.projection import Projection


class SwiGLU(nn.Module):
    """Two linear layers side by side, one through a gate, then a third.

    Args:
        width: of the states (`D`).
        hidden: width inside.

    Example:
        >>> import torch
        >>> SwiGLU(width=8, hidden=16)(torch.randn(2, 3, 8)).shape
        torch.Size([2, 3, 8])
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.expand = Projection(width, 2 * hidden, bias=False)
        self.contract = Projection(hidden, width, bias=False)

    def forward(self, states: Tensor) -> Tensor:
        """Float of any shape `(..., D)` to the same shape."""
        gates, values = self.expand(states).chunk(2, dim=-1)
        contracted: Tensor = self.contract(F.silu(gates) * values)
        return contracted
