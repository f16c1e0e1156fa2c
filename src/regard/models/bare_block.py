"""A mechanism and nothing else: a norm before it, its input added after it.

::

    states -> norm -> attention -> dropout -> (+) ->
       └──────────────────────────────────────┘

For a mechanism that has a gate or a layer of its own, such as gated aggregation, and for asking
what a mechanism is worth without the feed-forward network, which holds two thirds of the parameters
of a usual block.

Source: the layer of HSTU (Zhai et al. 2024, section 3.2), which has no feed-forward network
either.
"""

from torch import Tensor, nn

from regard.attention.contract import Attention
from regard.attention.masks import pick_newest
from regard.models.dropout import ByteDropout


class BareBlock(nn.Module):
    """A norm, a mechanism, and the residual connection around both.

    Args:
        attention: any mechanism of `regard.attention`, as a module.
        width: of the states (`D`).
        dropout: probability on what the mechanism says.

    Example:
        >>> import torch
        >>> from regard.attention.linear import LinearAttention
        >>> BareBlock(LinearAttention(8), width=8)(torch.randn(2, 3, 8))[0].shape
        torch.Size([2, 3, 8])
    """

    def __init__(self, attention: Attention, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.attention = attention
        self.attention_norm = nn.LayerNorm(width)
        self.dropout = ByteDropout(dropout)

    def forward(
        self, states_BLD: Tensor, *, need_map: bool = False, **given: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Look back; see `regard.models.block.PreNormBlock.forward`."""
        normed_BLD = self.attention_norm(states_BLD)
        attended_BLD, map_BHLM = self.attention(normed_BLD, need_map=need_map, **given)
        return states_BLD + self.dropout(attended_BLD), map_BHLM

    def newest(self, states_BLD: Tensor, lengths_B: Tensor, /, **given: Tensor | None) -> Tensor:
        """New states `(B, D)` of the newest events; see `PreNormBlock.newest`."""
        given.pop("lengths_B", None)
        normed_BLD = self.attention_norm(states_BLD)
        attended_BD: Tensor = self.attention.newest(normed_BLD, lengths_B, **given)
        added_BD: Tensor = pick_newest(states_BLD, lengths_B) + self.dropout(attended_BD)
        return added_BD
