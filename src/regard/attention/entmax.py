"""Sparse attention whose sparsity each head learns.

Idea: softmax gives every event a share, however small; entmax gives most of them exactly nothing.
Between the two lies a number α that each head learns, beside how sharply it looks.

Formula: `α-entmax(z) = [(α − 1) z − τ]₊^(1/(α−1))` with the τ that makes the sum one; softmax is
its limit at α = 1, sparsemax is α = 2. Here `z = q kᵀ / (√K θₕ)` and `αₕ = 1 + σ(aₕ)`.

Source: Correia et al. 2019, "Adaptively Sparse Transformers", section 3; the bisection that finds
τ, and its gradient with respect to α, are those of the authors' package `entmax`, an extra of
Regard. The temperature θ per head is not in the paper.

Cost: time `O(L² D + L² s)` with s steps of bisection, memory `O(H L²)`.
"""

import torch
from torch import Tensor, nn

from regard.attention.heads import HeadedAttention, likeness
from regard.optional import require

_STEPS = {torch.float32: 25, torch.float64: 54}
"""Of bisection: the error is below one at first and each halves it, down to the last bit."""


class EntmaxAttention(HeadedAttention):
    """Causal attention by α-entmax with a learned α and temperature per head.

    Attending needs the package `entmax`; without it the first call says how to get it.

    Args:
        width: of the states (`D`).
        heads: number of heads (`H`); must divide `width`.
        bias: whether the two linear layers add a constant.

    Raises:
        ConfigurationError: `heads` does not divide `width`.

    Example:
        >>> EntmaxAttention(width=8, heads=2).alphas().tolist()
        [1.5, 1.5]
    """

    def __init__(self, width: int, heads: int = 1, *, bias: bool = False) -> None:
        super().__init__(width, heads, bias=bias)
        self.sparsity_H = nn.Parameter(torch.zeros(heads))
        self.log_temperature_H = nn.Parameter(torch.zeros(heads))

    def alphas(self) -> Tensor:
        """α of each head, `(H,)`, above 1 (softmax) and below 2 (sparsemax)."""
        return 1 + self.sparsity_H.sigmoid()

    def attend(
        self, q_BHQK: Tensor, k_BHMK: Tensor, v_BHMK: Tensor, distances_BQM: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `HeadedAttention.attend`.

        Raises:
            MissingDependencyError: the package `entmax` is not installed.
        """
        entmax = require("entmax", extra="entmax", purpose="Attention by entmax")
        exact = torch.promote_types(q_BHQK.dtype, torch.float32)
        scores_BHQM = likeness(q_BHQK, k_BHMK).to(exact)
        scores_BHQM = scores_BHQM * (-self.log_temperature_H).exp()[:, None, None]
        scores_BHQM = scores_BHQM.masked_fill((distances_BQM < 0)[:, None], -torch.inf)
        alphas_BHQ1 = self.alphas()[:, None, None].expand(*scores_BHQM.shape[:-1], 1)
        steps = _STEPS[scores_BHQM.dtype]
        map_BHQM: Tensor = entmax.entmax_bisect(scores_BHQM, alphas_BHQ1, dim=-1, n_iter=steps)
        return map_BHQM.to(v_BHMK.dtype) @ v_BHMK, map_BHQM
