"""One layer of a transformer: attention, then a feed-forward network, each added to its input.

::

    states -> norm -> attention    -> dropout -> (+) -> norm -> feed-forward -> dropout -> (+) ->
       └────────────────────────────────────────┘ └──────────────────────────────────────┘

Source: pre-norm form of Xiong et al. 2020, "On Layer Normalization in the Transformer
Architecture", figure 1(b).
"""

from torch import Tensor, nn

from regard.attention.contract import Attention
from regard.attention.masks import pick_newest
from regard.models.dropout import ByteDropout
from regard.models.feed_forward import FeedForward


class PreNormBlock(nn.Module):
    """Attention and feed-forward with residual connections, norms first.

    Args:
        attention: any mechanism of `regard.attention`, as a module.
        width: of the states (`D`).
        hidden: width inside the feed-forward network.
        dropout: probability for both branches.

    Example:
        >>> import torch
        >>> from regard.attention.scaled_dot_product import ScaledDotProductAttention
        >>> block = PreNormBlock(ScaledDotProductAttention(8, heads=2), width=8, hidden=32)
        >>> block(torch.randn(2, 3, 8))[0].shape
        torch.Size([2, 3, 8])
    """

    def __init__(self, attention: Attention, width: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.attention = attention
        self.attention_norm = nn.LayerNorm(width)
        self.forward_norm = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, hidden)
        self.dropout = ByteDropout(dropout)

    def forward(
        self, states_BLD: Tensor, *, need_map: bool = False, **given: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Look back, then think.

        Args:
            states_BLD: float `(B, L, D)`.
            need_map: whether the attention map is wanted too.
            given: what else the mechanism needs; see `regard.models.contract.given_to`.

        Returns:
            New states `(B, L, D)` and, if asked, the attention map `(B, H, L, M)`.
        """
        normed_BLD = self.attention_norm(states_BLD)
        attended_BLD, map_BHLM = self.attention(normed_BLD, need_map=need_map, **given)
        return self._fed_forward(states_BLD + self.dropout(attended_BLD)), map_BHLM

    def newest(self, states_BLD: Tensor, lengths_B: Tensor, /, **given: Tensor | None) -> Tensor:
        """New states `(B, D)` at the newest event of each history, the others left out.

        Args:
            states_BLD: float `(B, L, D)`.
            lengths_B: int64 real events of each history.
            given: what else the mechanism needs, as in `forward`.
        """
        given.pop("lengths_B", None)
        normed_BLD = self.attention_norm(states_BLD)
        attended_BD = self.attention.newest(normed_BLD, lengths_B, **given)
        return self._fed_forward(pick_newest(states_BLD, lengths_B) + self.dropout(attended_BD))

    def _fed_forward(self, states: Tensor) -> Tensor:
        added: Tensor = states + self.dropout(self.feed_forward(self.forward_norm(states)))
        return added
