"""Heads that talk to each other, over queries, keys and values that may pass gates.

Idea: heads do not weigh alone. Their scores are mixed before the softmax, and the shares that come
out are mixed once more; a gate decides, number by number, what of a query, key or value is let in.

Formula: with scores `Sₕ = qₕ kₕᵀ / √K`: `Aᵍ = softmax(Σₕ Pₕᵍ Sₕ)`, `Mᵍ = Σₕ Rₕᵍ Aʰ`, then `Mᵍ vᵍ`.
With gates, q, k and v are each `(W x) ∘ σ(V x + b)`.

Source: Shazeer et al. 2020, "Talking-Heads Attention", section 3; the gate is the gated linear unit
of Dauphin et al. 2017, "Language Modeling with Gated Convolutional Networks", equation 1. Differs
from the paper in that all three numbers of heads are the same, and that both mixtures start as the
identity, so that training starts from plain attention.

Cost: time `O(L² (D + H²) + L D²)`, memory `O(H L²)`: heads cannot be mixed without their maps.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from regard.attention.contract import Promises
from regard.attention.heads import HeadedAttention, by_head, causal_softmax, likeness
from regard.attention.projection import Projection


class TalkingHeadsAttention(HeadedAttention):
    """Causal attention whose heads are mixed before and after the softmax.

    Args:
        width: of the states (`D`).
        heads: number of heads (`H`); must divide `width`.
        gated: whether queries, keys and values pass gates.
        bias: whether the linear layers of queries, keys, values and output add a constant.

    Raises:
        ConfigurationError: `heads` does not divide `width`.

    Example:
        >>> attention = TalkingHeadsAttention(width=8, heads=2, gated=True)
        >>> attention(torch.randn(1, 3, 8), need_map=True)[1].shape
        torch.Size([1, 2, 3, 3])
    """

    promises: ClassVar[Promises] = Promises(
        rows_sum_to_one=False,
        because="a head's row is a learned mixture of the rows of all heads, of any sum",
    )

    def __init__(
        self, width: int, heads: int = 2, *, gated: bool = False, bias: bool = False
    ) -> None:
        super().__init__(width, heads, bias=bias)
        self.before_HG = nn.Parameter(torch.eye(heads))
        self.after_HG = nn.Parameter(torch.eye(heads))
        self.gates = Projection(width, 3 * width) if gated else None

    def project(self, states_BLD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See `HeadedAttention.project`."""
        projected_BLP = self.queries_keys_values(states_BLD)
        if self.gates is not None:
            projected_BLP = projected_BLP * self.gates(states_BLD).sigmoid()
        q_BHLK, k_BHLK, v_BHLK = by_head(projected_BLP, 3, self.heads)
        return q_BHLK, k_BHLK, v_BHLK

    def attend(
        self, q_BHQK: Tensor, k_BHMK: Tensor, v_BHMK: Tensor, distances_BQM: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `HeadedAttention.attend`."""
        scores_BGQM = torch.einsum("bhqm,hg->bgqm", likeness(q_BHQK, k_BHMK), self.before_HG)
        shares_BHQM = causal_softmax(scores_BGQM, distances_BQM)
        map_BGQM = torch.einsum("bhqm,hg->bgqm", shares_BHQM, self.after_HG)
        return map_BGQM @ v_BHMK, map_BGQM
