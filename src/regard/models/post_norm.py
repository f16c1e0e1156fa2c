"""One layer of a transformer in its first form: norms after the sums, not before the branches.

::

    states -> attention    -> dropout -> (+) -> norm -> feed-forward -> dropout -> (+) -> norm ->
       └─────────────────────────────────┘         └──────────────────────────────┘

Every sum is normalised, so no branch grows louder from block to block; the price is that no path
leads from the last state to the first one untouched.

Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.1 and figure 1; also the form of
BERT4Rec (Sun et al. 2019, equation 5).
"""

from typing import ClassVar

from torch import Tensor, nn

from regard.attention.contract import Attention
from regard.attention.masks import pick_newest
from regard.models.dropout import ByteDropout
from regard.models.feed_forward import FeedForward


class PostNormBlock(nn.Module):
    """Attention and feed-forward with residual connections, norms last.

    Args:
        attention: any mechanism of `regard.attention`, as a module.
        width: of the states (`D`).
        hidden: width inside the feed-forward network.
        dropout: probability for both branches.

    Example:
        >>> import torch
        >>> from regard.attention.linear import LinearAttention
        >>> block = PostNormBlock(LinearAttention(8), width=8, hidden=32)
        >>> states_BLD, _ = block(torch.randn(2, 3, 8))
        >>> torch.allclose(states_BLD.mean(-1), torch.zeros(2, 3), atol=1e-6)
        True
    """

    ends_normed: ClassVar[bool] = True
    """A norm behind it would be the second in a row."""

    def __init__(self, attention: Attention, width: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.attention = attention
        self.attention_norm = nn.LayerNorm(width)
        self.forward_norm = nn.LayerNorm(width)
        self.feed_forward = self.network(width, hidden)
        self.dropout = ByteDropout(dropout)

    @staticmethod
    def network(width: int, hidden: int) -> nn.Module:
        """What thinks about each state: float `(..., D)` to the same shape."""
        return FeedForward(width, hidden)

    def forward(
        self, states_BLD: Tensor, *, need_map: bool = False, **given: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Look back, then think; see `regard.models.block.PreNormBlock.forward`."""
        attended_BLD, map_BHLM = self.attention(states_BLD, need_map=need_map, **given)
        return self._fed_forward(states_BLD, attended_BLD), map_BHLM

    def newest(self, states_BLD: Tensor, lengths_B: Tensor, /, **given: Tensor | None) -> Tensor:
        """New states `(B, D)` of the newest events; see `PreNormBlock.newest`."""
        given.pop("lengths_B", None)
        attended_BD = self.attention.newest(states_BLD, lengths_B, **given)
        return self._fed_forward(pick_newest(states_BLD, lengths_B), attended_BD)

    def _fed_forward(self, states: Tensor, attended: Tensor) -> Tensor:
        states = self.attention_norm(states + self.dropout(attended))
        thought: Tensor = self.forward_norm(states + self.dropout(self.feed_forward(states)))
        return thought
