"""Attention beside a convolution, mixed by a gate at each position.

Idea: what just happened is a matter of order, which a convolution over the last few events sees;
the rest is a matter of likeness, which attention sees. Each position decides how much it wants of
both.

Formula: `g = σ(w·x + b)`, `y = W ((1 − g) norm(attention(x)) + g norm(gelu(Σₘ Cₘ xᵢ₋ₘ + c)))` with
m = 0 ... n − 1. With `by_history`, the gate sees the mean of all states so far instead of x.

Source: Jiang et al. 2023, "AdaMCT: Adaptive Mixture of CNN-Transformer for Sequential
Recommendation". Differs from the paper in that the convolution looks back only, where the paper's
looks both ways; that the gate is of the position, or of the mean so far, where the paper's is of
the mean of the whole history; and that its two squeeze-excitation units, tables over a fixed number
of positions, are left out: all three would let a position see its future. At the newest event the
paper's convolution has nothing to look at on its other side, and its mean is the mean so far.

Cost: time `O(L² D + L n D²)`, memory `O(L n D)` fused, `O(H L²)` more with the map.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.attention.contract import Promises
from regard.attention.masks import pick_newest
from regard.attention.projection import Projection
from regard.attention.scaled_dot_product import ScaledDotProductAttention
from regard.errors import ConfigurationError


class ConvolutionMix(nn.Module):
    """Causal attention and causal convolution, side by side. The map is that of the attention.

    Args:
        width: of the states (`D`).
        heads: number of heads (`H`); must divide `width`.
        events: how many events the convolution sees, the position's own included (`n`).
        by_history: whether the gate is of the mean of the history so far, of the position else.

    Raises:
        ConfigurationError: `heads` does not divide `width`, or `events` is below 1.

    Example:
        >>> ConvolutionMix(width=8, heads=2, events=3)(torch.randn(1, 5, 8))[0].shape
        torch.Size([1, 5, 8])
    """

    promises: ClassVar[Promises] = Promises(
        whole_map=False, because="the map is the attention's, and the convolution has none"
    )

    def __init__(
        self, width: int, heads: int = 1, events: int = 3, *, by_history: bool = False
    ) -> None:
        super().__init__()
        if events < 1:
            raise ConfigurationError(f"events={events} must be 1 or more.")
        self.events, self.by_history = events, by_history
        self.attention = ScaledDotProductAttention(width, heads)
        self.attention_norm = nn.LayerNorm(width)
        self.convolution = Projection(events * width, width)
        self.convolution_norm = nn.LayerNorm(width)
        self.gate = nn.Linear(width, 1)
        self.output = Projection(width, width)

    def forward(
        self, states_BLD: Tensor, *, need_map: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Attend and convolve; see `regard.attention.contract.Attention`."""
        attended_BLD, map_BHLM = self.attention(states_BLD, need_map=need_map)
        windows_BLP = self._windows(states_BLD)
        asked_BLD = _means(states_BLD) if self.by_history else states_BLD
        return self._mixed(asked_BLD, attended_BLD, windows_BLP), map_BHLM

    def newest(self, states_BLD: Tensor, lengths_B: Tensor) -> Tensor:
        """One row of the map and one window; see `regard.attention.contract.Attention`."""
        attended_BD = self.attention.newest(states_BLD, lengths_B)
        windows_BP = pick_newest(self._windows(states_BLD), lengths_B)
        asked_BLD = _means(states_BLD) if self.by_history else states_BLD
        return self._mixed(pick_newest(asked_BLD, lengths_B), attended_BD, windows_BP)

    def _windows(self, states_BLD: Tensor) -> Tensor:
        """The last n states at each position, column by column, `(B, L, D n)`."""
        before = F.pad(states_BLD, (0, 0, self.events - 1, 0))
        return before.unfold(1, self.events, 1).flatten(2)

    def _mixed(self, asked: Tensor, attended: Tensor, windows: Tensor) -> Tensor:
        gate = self.gate(asked).sigmoid()
        far = self.attention_norm(attended)
        near = self.convolution_norm(F.gelu(self.convolution(windows)))
        mixed: Tensor = self.output(torch.lerp(far, near, gate.to(far.dtype)))
        return mixed


def _means(states_BLD: Tensor) -> Tensor:
    """The mean of each position and those before it, `(B, L, D)`."""
    exact = torch.promote_types(states_BLD.dtype, torch.float32)
    sizes_L1 = torch.arange(1, states_BLD.shape[1] + 1, device=states_BLD.device)[:, None]
    return states_BLD.to(exact).cumsum(1) / sizes_L1
