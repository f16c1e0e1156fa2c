"""Additive attention with a query: who asks decides what of the past counts.

Idea: the asker and the asked are each turned into a vector; where their sum lights up, by a learned
measure, the asked event counts.

Formula: `s_ij = v · σ(W₁ q_i + W₂ x_j)` and `y_i = Σ_{j≤i} s_ij x_j`. `q` is `x` itself, or what a
network asks by.

Source: Bahdanau et al. 2015, "Neural Machine Translation by Jointly Learning to Align and
Translate", appendix A.1.2, in the form of recommenders: Li et al. 2017, "Neural Attentive
Session-based Recommendation" (NARM), and Liu et al. 2018, "STAMP: Short-Term Attention/Memory
Priority Model for Session-based Recommendation". As in both, a sigmoid stands in the place of
Bahdanau's tanh, and values are not normalised.

Cost: time `O(L² D + L D²)`, memory `O(L (L + D))` and a tile of a fixed size: what is summed,
L × L × D numbers, is never held; see `regard.attention.additive_strengths`.
"""

from typing import ClassVar

from torch import Tensor, nn

from regard.attention.additive_strengths import causal_strengths
from regard.attention.contract import Promises
from regard.attention.masks import pick_newest, real_positions
from regard.attention.projection import Projection


class AdditiveQueryAttention(nn.Module):
    """Causal pooling by strengths that depend on who asks.

    Args:
        width: of the states (`D`).
        asking_width: of what is asked by, where that is not the states.
        bias: whether the sum within the sigmoid has a constant.

    Example:
        >>> import torch
        >>> attention = AdditiveQueryAttention(width=8)
        >>> states_BLD = torch.randn(1, 3, 8)
        >>> pooled_BLD, map_BHLM = attention(states_BLD, need_map=True)
        >>> torch.allclose(pooled_BLD, map_BHLM[:, 0] @ states_BLD, atol=1e-6)
        True
    """

    promises: ClassVar[Promises] = Promises(
        rows_sum_to_one=False,
        because="values are strengths, as in the papers: how much of a taste there is counts",
    )

    def __init__(self, width: int, asking_width: int | None = None, *, bias: bool = False) -> None:
        super().__init__()
        self.asking = Projection(asking_width or width, width, bias=bias)
        self.asked = Projection(width, width, bias=False)
        self.strength = nn.Linear(width, 1, bias=False)

    def forward(
        self, states_BLD: Tensor, *, need_map: bool = False, asking_BLP: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Attend; see `regard.attention.contract.Attention`. The map has one head.

        Args:
            states_BLD: float `(B, L, D)`.
            need_map: whether the map is wanted too.
            asking_BLP: `q`, what each position asks by; the states if omitted.

        Returns:
            New states `(B, L, D)` and, if asked, the map `(B, 1, L, M)`.
        """
        asking_BLD = self.asking(states_BLD if asking_BLP is None else asking_BLP)
        map_BLM = causal_strengths(asking_BLD, self.asked(states_BLD), self.strength.weight[0])
        return map_BLM.to(states_BLD.dtype) @ states_BLD, map_BLM[:, None] if need_map else None

    def newest(
        self, states_BLD: Tensor, lengths_B: Tensor, *, asking_BLP: Tensor | None = None
    ) -> Tensor:
        """One row of the map, `O(L D²)`; see `regard.attention.contract.Attention`."""
        asking_BLP = states_BLD if asking_BLP is None else asking_BLP
        asking_B1D = self.asking(pick_newest(asking_BLP, lengths_B))[:, None]
        map_BL = self.strength((asking_B1D + self.asked(states_BLD)).sigmoid()).squeeze(-1)
        map_BL = map_BL.masked_fill(~real_positions(lengths_B, states_BLD.shape[1]), 0)
        pooled_BD: Tensor = (map_BL.to(states_BLD.dtype)[:, None] @ states_BLD).squeeze(1)
        return pooled_BD
