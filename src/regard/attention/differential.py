"""Differential attention: the difference of two maps, in which what both see by mistake is gone.

Idea: a softmax gives a little to everything. Two maps make the same little mistakes; subtracting
one from the other, as an amplifier subtracts noise, leaves what matters.

Formula: `(softmax(q₁k₁ᵀ/√J) − λ softmax(q₂k₂ᵀ/√J)) v` with `J = K/2`, then a norm of each head
times `1 − λ₀`; `λ = exp(a₁·b₁) − exp(a₂·b₂) + λ₀`, `λ₀ = 0.8 − 0.6 exp(−0.3 (l − 1))` in layer l.

Source: Ye et al. 2024, "Differential Transformer", equations 1 to 3. Differs from the paper in that
positions are left to the model (the paper turns queries and keys by rotary positions).

Cost: time `O(L² D + L D²)`, memory `O(L D)` fused, `O(H L²)` written out.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from regard.attention.contract import Promises
from regard.attention.heads import HeadedAttention, causal_softmax, kernel, likeness
from regard.errors import ConfigurationError


class DifferentialAttention(HeadedAttention):
    """Causal multi-head attention by the difference of two maps.

    Args:
        width: of the states (`D`).
        heads: number of heads (`H`); twice as many must divide `width`.
        layer: number of the layer that it stands in, from 1; later ones start with more taken off.
        bias: whether the two linear layers add a constant.

    Raises:
        ConfigurationError: `2 heads` does not divide `width`, or `layer` is below 1.

    Example:
        >>> attention = DifferentialAttention(width=8, heads=2)
        >>> states, map_BHLM = attention(torch.randn(1, 3, 8), need_map=True)
        >>> torch.allclose(map_BHLM.sum(-1), 1 - attention.taken_off(), atol=1e-6)
        True
    """

    promises: ClassVar[Promises] = Promises(
        rows_sum_to_one=False,
        because="a row is a difference of two rows, of sum 1 − λ, and may hold negative values",
    )

    def __init__(self, width: int, heads: int = 1, layer: int = 1, *, bias: bool = False) -> None:
        super().__init__(width, heads, bias=bias)
        if width % (2 * heads):
            raise ConfigurationError(
                f"heads={heads} halves each head, so twice as many must divide width={width}."
            )
        if layer < 1:
            raise ConfigurationError(f"layer={layer} must be 1 or more.")
        self.start = 0.8 - 0.6 * math.exp(-0.3 * (layer - 1))
        J = width // heads // 2
        self.queries_2J, self.keys_2J = (nn.Parameter(torch.empty(2, J)) for _ in range(2))
        nn.init.normal_(self.queries_2J, std=0.1)
        nn.init.normal_(self.keys_2J, std=0.1)
        self.norm = nn.RMSNorm(2 * J, eps=1e-5)

    def taken_off(self) -> Tensor:
        """λ, how much of the second map is taken off; one number."""
        first, second = (self.queries_2J * self.keys_2J).sum(-1).exp()
        taken_off: Tensor = first - second + self.start
        return taken_off

    def attend(
        self, q_BHQK: Tensor, k_BHMK: Tensor, v_BHMK: Tensor, distances_BQM: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `HeadedAttention.attend`."""
        first, second = (
            causal_softmax(likeness(q, k), distances_BQM)
            for q, k in zip(q_BHQK.chunk(2, dim=-1), k_BHMK.chunk(2, dim=-1), strict=True)
        )
        map_BHQM = first - self.taken_off() * second
        return self._normed(map_BHQM.to(v_BHMK.dtype) @ v_BHMK), map_BHQM

    def fused(self, q_BHLK: Tensor, k_BHLK: Tensor, v_BHLK: Tensor) -> Tensor:
        """Two runs of the kernel, one after the other."""
        first, second = (
            kernel(q, k, v_BHLK, causal=True)
            for q, k in zip(q_BHLK.chunk(2, dim=-1), k_BHLK.chunk(2, dim=-1), strict=True)
        )
        return self._normed(first - self.taken_off() * second)

    def _normed(self, mixed_BHQK: Tensor) -> Tensor:
        exact_BHQK = mixed_BHQK.to(self.norm.weight.dtype)
        normed_BHQK: Tensor = self.norm(exact_BHQK) * (1 - self.start)
        return normed_BHQK
