"""Additive attention pooling: one score per event, softmax over the history so far.

Idea: some events say more about what comes next than others; a single learned vector tells which.

Formula: `aᵢⱼ = exp(w·xⱼ) / Σₘ≤ᵢ exp(w·xₘ)` and `hᵢ = Σⱼ≤ᵢ aᵢⱼ xⱼ`.

Source: the score without a query of Bahdanau et al. 2015, "Neural Machine Translation by Jointly
Learning to Align and Translate", appendix A.1.2, as pooled in Yang et al. 2016, "Hierarchical
Attention Networks", equations 5 to 7, less their hidden layer.

Cost: time `O(L² D)`, memory `O(L²)`: all L prefixes of a history are pooled by one matrix product.
A running sum would take `O(L D)`, but exponentials of scores far apart underflow in it: a loud
event would silence the ones before it.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from regard.attention.contract import Promises
from regard.attention.masks import causal_mask, real_positions


class AdditiveAttention(nn.Module):
    """Causal pooling by one learned score per event.

    Args:
        width: of the states (`D`).

    Example:
        >>> _ = torch.manual_seed(0)
        >>> attention = AdditiveAttention(width=4)
        >>> states_BLD = torch.randn(1, 3, 4)
        >>> pooled_BLD, map_BHLM = attention(states_BLD, need_map=True)
        >>> torch.allclose(pooled_BLD, map_BHLM[:, 0] @ states_BLD, atol=1e-6)
        True
    """

    promises: ClassVar[Promises] = Promises()

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Linear(width, 1, bias=False)

    def forward(
        self, states_BLD: Tensor, *, need_map: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Attend; see `regard.attention.contract.Attention`. The map has one head."""
        B, L, _ = states_BLD.shape
        scores_BLM = self.score(states_BLD).transpose(1, 2).expand(B, L, L)
        allowed_LM = causal_mask(L, states_BLD.device)
        map_BLM = scores_BLM.masked_fill(~allowed_LM, -torch.inf).softmax(-1)
        return map_BLM @ states_BLD, map_BLM[:, None] if need_map else None

    def newest(self, states_BLD: Tensor, lengths_B: Tensor) -> Tensor:
        """One row of the map, `O(L D)`; see `regard.attention.contract.Attention`."""
        scores_BL = self.score(states_BLD).squeeze(-1)
        real_BL = real_positions(lengths_B, states_BLD.shape[1])
        map_BL = scores_BL.masked_fill(~real_BL, -torch.inf).softmax(-1)
        pooled_BD: Tensor = (map_BL[:, None] @ states_BLD).squeeze(1)
        return pooled_BD
