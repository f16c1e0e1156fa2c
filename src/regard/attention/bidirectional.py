"""Bidirectional attention: every event asks those before it and those after it.

Idea: an event that is missing is known by its neighbours on both sides. So each position asks the
whole history, and what it weighs is likeness alone.

Formula: `softmax(q kᵀ / √K) v` over all real events, in each of H heads of width `K = D / H`.

Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.2, without the mask; as used in
BERT4Rec (Sun et al. 2019, "BERT4Rec: Sequential Recommendation with Bidirectional Encoder
Representations from Transformer", section 3.3, equations 1 and 2).

Not causal: a position has seen what came next. So it is for networks whose questions are hidden
from them, by a mask in place of an event or by asking about the newest one; `promises` says so.

Cost: time `O(L² D + L D²)`, memory `O(L D)` fused, `O(H L²)` written out.
"""

from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional as F

from regard.attention.contract import Promises
from regard.attention.heads import (
    by_head,
    check_dropout,
    check_heads,
    joined,
    kernel,
    likeness,
)
from regard.attention.masks import pick_newest, real_positions
from regard.attention.projection import Projection


class BidirectionalAttention(nn.Module):
    """Multi-head self-attention of each event to the whole history, fused or written out.

    Args:
        width: of the states (`D`).
        heads: number of heads (`H`); must divide `width`.
        dropout: probability of dropping an attention value while training. Above 0 the written-out
            path is taken while training.
        bias: whether the two linear layers add a constant.

    Raises:
        ConfigurationError: `heads` does not divide `width`, or `dropout` is not in [0, 1).

    Example:
        >>> import torch
        >>> attention = BidirectionalAttention(width=8, heads=2)
        >>> states_BLD, lengths_B = torch.randn(1, 4, 8), torch.tensor([3])
        >>> _, map_BHLM = attention(states_BLD, lengths_B=lengths_B, need_map=True)
        >>> (map_BHLM[0, 0, 0] > 0).tolist()
        [True, True, True, False]
    """

    promises: ClassVar[Promises] = Promises(causal=False, needs=("lengths_B",))

    def __init__(
        self, width: int, heads: int = 1, dropout: float = 0.0, *, bias: bool = False
    ) -> None:
        super().__init__()
        check_heads(width, heads)
        check_dropout(dropout)
        self.heads = heads
        self.dropout = dropout
        self.queries_keys_values = Projection(width, 3 * width, bias=bias)
        self.output = Projection(width, width, bias=bias)

    def forward(
        self, states_BLD: Tensor, *, lengths_B: Tensor | None = None, need_map: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Attend from everywhere to the whole history.

        Args:
            states_BLD: float `(B, L, D)`, padding on the right.
            lengths_B: int64 real events of each history; all of them where not given.
            need_map: whether to return the map.

        Returns:
            New states and, if asked, the map; its rows sum to one over all real events.
        """
        q_BHLK, k_BHLK, v_BHLK = by_head(self.queries_keys_values(states_BLD), 3, self.heads)
        real_B11M = _real(lengths_B, states_BLD.shape[1])
        if not need_map and not (self.training and self.dropout > 0):
            return self.output(joined(kernel(q_BHLK, k_BHLK, v_BHLK, mask=real_B11M))), None
        scores_BHLM = likeness(q_BHLK, k_BHLK)
        if real_B11M is not None:
            scores_BHLM = scores_BHLM.masked_fill(~real_B11M, float("-inf"))
        map_BHLM = scores_BHLM.softmax(-1)
        mixed_BHLK = F.dropout(map_BHLM, self.dropout, self.training) @ v_BHLK
        return self.output(joined(mixed_BHLK)), map_BHLM if need_map else None

    def newest(self, states_BLD: Tensor, lengths_B: Tensor) -> Tensor:
        """One query a history; see `regard.attention.contract.Attention`."""
        B, L, D = states_BLD.shape
        weight = self.queries_keys_values.weight
        bias: Tensor | None = self.queries_keys_values.bias
        of_query, of_rest = (None, None) if bias is None else (bias[:D], bias[D:])
        newest_B1D = F.linear(pick_newest(states_BLD, lengths_B), weight[:D], of_query)[:, None]
        [q_BH1K] = by_head(newest_B1D, 1, self.heads)
        k_BHLK, v_BHLK = by_head(F.linear(states_BLD, weight[D:], of_rest), 2, self.heads)
        mixed_BH1K = kernel(q_BH1K, k_BHLK, v_BHLK, mask=_real(lengths_B, L))
        newest_BD: Tensor = self.output(mixed_BH1K.reshape(B, D))
        return newest_BD


def _real(lengths_B: Tensor | None, longest: int) -> Tensor | None:
    """Which positions may be looked at, `(B, 1, 1, M)`; None where all may."""
    return None if lengths_B is None else real_positions(lengths_B, longest)[:, None, None]
