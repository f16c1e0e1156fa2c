"""One layer of BERT: attention and a GELU network, each added to its input, norms after the sums.

::

    states -> attention -> dropout -> (+) -> norm -> gelu network -> dropout -> (+) -> norm ->
       └──────────────────────────────┘       └────────────────────────────────┘

Source: BERT4Rec (Sun et al. 2019, section 3.3, equations 3 to 5), after Devlin et al. 2019, "BERT";
norms after the sums as in Vaswani et al. 2017, "Attention Is All You Need", section 3.1.
"""

from torch import Tensor, nn

from regard.attention.contract import Attention
from regard.attention.masks import pick_newest
from regard.attention.projection import Projection
from regard.models.dropout import ByteDropout


class BertBlock(nn.Module):
    """Attention and feed-forward with residual connections, norms last.

    Args:
        attention: any mechanism of `regard.attention`, as a module.
        width: of the states (`D`).
        hidden: width inside the feed-forward network.
        dropout: probability for both branches.

    Example:
        >>> import torch
        >>> from regard.attention.bidirectional import BidirectionalAttention
        >>> block = BertBlock(BidirectionalAttention(8, heads=2), width=8, hidden=32)
        >>> block(torch.randn(2, 3, 8))[0].shape
        torch.Size([2, 3, 8])
    """

    def __init__(self, attention: Attention, width: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.attention = attention
        self.attention_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            Projection(width, hidden), nn.GELU(), Projection(hidden, width)
        )
        self.forward_norm = nn.LayerNorm(width)
        self.dropout = ByteDropout(dropout)

    def forward(
        self, states_BLD: Tensor, *, need_map: bool = False, **given: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Look around, then think; see `regard.models.block.PreNormBlock.forward`."""
        attended_BLD, map_BHLM = self.attention(states_BLD, need_map=need_map, **given)
        return self._fed_forward(states_BLD, attended_BLD), map_BHLM

    def at(self, states_BLD: Tensor, places_T: Tensor, **given: Tensor | None) -> Tensor:
        """New states `(T, D)` at some positions, the thinking at the others left out.

        Args:
            states_BLD: float `(B, L, D)`.
            places_T: int64 positions in the batch, counted row by row.
            given: what else the mechanism needs, as in `forward`.
        """
        attended_BLD, _ = self.attention(states_BLD, need_map=False, **given)
        asked_TD = states_BLD.flatten(0, 1).index_select(0, places_T)
        return self._fed_forward(asked_TD, attended_BLD.flatten(0, 1).index_select(0, places_T))

    def newest(self, states_BLD: Tensor, lengths_B: Tensor, **given: Tensor | None) -> Tensor:
        """New states `(B, D)` of the newest events; see `regard.models.block.PreNormBlock`."""
        given.pop("lengths_B", None)
        attended_BD = self.attention.newest(states_BLD, lengths_B, **given)
        return self._fed_forward(pick_newest(states_BLD, lengths_B), attended_BD)

    def _fed_forward(self, states: Tensor, attended: Tensor) -> Tensor:
        states = self.attention_norm(states + self.dropout(attended))
        thought: Tensor = self.forward_norm(states + self.dropout(self.feed_forward(states)))
        return thought
