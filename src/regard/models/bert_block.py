"""One layer of BERT: attention and a GELU network, each added to its input, norms after the sums.

::

    states -> attention -> dropout -> (+) -> norm -> gelu network -> dropout -> (+) -> norm ->
       └──────────────────────────────┘       └────────────────────────────────┘

Source: BERT4Rec (Sun et al. 2019, section 3.3, equations 3 to 5), after Devlin et al. 2019, "BERT";
norms after the sums as in Vaswani et al. 2017, "Attention Is All You Need", section 3.1.
"""

from torch import Tensor, nn

from regard.attention.projection import Projection
from regard.models.post_norm import PostNormBlock


class BertBlock(PostNormBlock):
    """Attention and a feed-forward network of two layers with a GELU and biases, norms last.

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

    @staticmethod
    def network(width: int, hidden: int) -> nn.Module:
        """See `PostNormBlock.network`."""
        return nn.Sequential(Projection(width, hidden), nn.GELU(), Projection(hidden, width))

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
