"""One layer of LiGR: attention, then SwiGLU, each let in by a gate that reads the state.

::

    states -> norm -> attention -> dropout -> (×) -> (+) -> norm -> SwiGLU -> dropout -> (×) -> (+)
       ├───── gate ────────────────────────────┘      │ ├─── gate ─────────────────────────┘     │
       └──────────────────────────────────────────────┘ └────────────────────────────────────────┘

Formula: `x ← x + σ(G₁ x + g₁) ∘ attention(norm(x))`, then `x ← x + σ(G₂ x + g₂) ∘ swiglu(norm(x))`.

Source: Borisyuk et al. 2025, "From Features to Transformers: Redefining Ranking for Scalable
Impact" (LiGR); with a norm before each branch, as in Tikhonovich et al. 2025, "eSASRec: Enhancing
Transformer-based Recommendations in a Modular Fashion".
"""

from torch import Tensor, nn

from regard.attention.contract import Attention
from regard.attention.masks import pick_newest
from regard.attention.projection import Projection
from regard.models.dropout import ByteDropout
from regard.models.swiglu import SwiGLU


class GatedBlock(nn.Module):
    """Attention and SwiGLU with gated residual connections, norms first.

    Args:
        attention: any mechanism of `regard.attention`, as a module.
        width: of the states (`D`).
        hidden: width inside the feed-forward network.
        dropout: probability for both branches.

    Example:
        >>> import torch
        >>> from regard.attention.scaled_dot_product import ScaledDotProductAttention
        >>> block = GatedBlock(ScaledDotProductAttention(8, heads=2), width=8, hidden=32)
        >>> block(torch.randn(2, 3, 8))[0].shape
        torch.Size([2, 3, 8])
    """

    def __init__(self, attention: Attention, width: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.attention = attention
        self.attention_norm = nn.LayerNorm(width)
        self.attention_gate = Projection(width, width)
        self.feed_forward = SwiGLU(width, hidden)
        self.forward_norm = nn.LayerNorm(width)
        self.forward_gate = Projection(width, width)
        self.dropout = ByteDropout(dropout)

    def forward(
        self, states_BLD: Tensor, *, need_map: bool = False, **given: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Look back, then think; see `regard.models.block.PreNormBlock.forward`."""
        normed_BLD = self.attention_norm(states_BLD)
        attended_BLD, map_BHLM = self.attention(normed_BLD, need_map=need_map, **given)
        return self._fed_forward(states_BLD, attended_BLD), map_BHLM

    def newest(self, states_BLD: Tensor, lengths_B: Tensor, /, **given: Tensor | None) -> Tensor:
        """New states `(B, D)` of the newest events; see `regard.models.block.PreNormBlock`."""
        given.pop("lengths_B", None)
        normed_BLD = self.attention_norm(states_BLD)
        attended_BD = self.attention.newest(normed_BLD, lengths_B, **given)
        return self._fed_forward(pick_newest(states_BLD, lengths_B), attended_BD)

    def _fed_forward(self, states: Tensor, attended: Tensor) -> Tensor:
        states = states + self.attention_gate(states).sigmoid() * self.dropout(attended)
        thought = self.dropout(self.feed_forward(self.forward_norm(states)))
        added: Tensor = states + self.forward_gate(states).sigmoid() * thought
        return added
