"""L2-normalised linear attention (LinRec): lengths in place of a softmax.

Idea: what a softmax does for a map, that no row runs away and that what is more alike counts more,
lengths can do: those of each question, and of each feature of the keys over the history. Nothing is
compared pair by pair, and likeness may be negative.

Formula: `hᵢ = Σⱼ≤ᵢ (aᵢ·bⱼ) vⱼ / √K` with `bⱼ = elu(kⱼ)` and `aᵢ = elu(qᵢ) / (‖elu(qᵢ)‖ nᵢ)`, where
each feature of the keys has its own length so far, `nᵢ = √(Σⱼ≤ᵢ bⱼ²)`.

Source: Liu et al. 2023, "LinRec: Linear Attention Mechanism for Long-term Sequential Recommender
Systems" (SIGIR), the mechanism `ρ₁(elu(Q)) (ρ₂(elu(K))ᵀ V)`; √K as in the authors' code. Differs
from the paper in that the length of a column is that of the history so far, where the paper's is of
the whole history, from which a position in the middle would learn its future; at the newest event
both are the same. It only scales features, so it is the question that carries it. The authors' code
divides each key by its own length instead.

Cost: time `O(L C D + L D K + L D²)` in chunks of C, memory `O(L (D + C H) + (L / C) D K)`;
`O(H L²)` written out.
"""

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from regard.attention.contract import Promises
from regard.attention.heads import HeadedAttention
from regard.attention.linear import running_sums

_LEAST = 1e-12
"""What a squared length may not fall below; that of padding may be zero."""


class NormalisedLinearAttention(HeadedAttention):
    """Causal multi-head attention normalised by lengths, linear in the length of the history.

    Args:
        width: of the states (`D`).
        heads: number of heads (`H`); must divide `width`.
        bias: whether the two linear layers add a constant.

    Raises:
        ConfigurationError: `heads` does not divide `width`.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> attention = NormalisedLinearAttention(width=8, heads=2)
        >>> states_BLD = torch.randn(1, 100, 8)
        >>> by_sums, _ = attention(states_BLD)
        >>> by_map, map_BHLM = attention(states_BLD, need_map=True)
        >>> torch.allclose(by_sums, by_map, atol=1e-5), bool((map_BHLM < 0).any())
        (True, True)
    """

    promises: ClassVar[Promises] = Promises(
        rows_sum_to_one=False,
        because="values are products of normalised features, of any sum, and may be negative",
    )

    def attend(
        self, q_BHQK: Tensor, k_BHMK: Tensor, v_BHMK: Tensor, distances_BQM: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `HeadedAttention.attend`."""
        keys_BHMK, past_B1QM = F.elu(k_BHMK), (distances_BQM >= 0)[:, None]
        exact = torch.promote_types(k_BHMK.dtype, torch.float32)
        with torch.autocast(k_BHMK.device.type, enabled=False):
            squares_BHQK = past_B1QM.to(exact) @ keys_BHMK.to(exact).square()
            asked_BHQK = _asked(q_BHQK.to(exact), squares_BHQK)
        map_BHQM = asked_BHQK.to(keys_BHMK.dtype) @ keys_BHMK.transpose(-2, -1)
        map_BHQM = map_BHQM.masked_fill(~past_B1QM, 0)
        return map_BHQM @ v_BHMK, map_BHQM

    def fused(self, q_BHLK: Tensor, k_BHLK: Tensor, v_BHLK: Tensor) -> Tensor:
        """Running sums, in at least float32."""
        exact = torch.promote_types(q_BHLK.dtype, torch.float32)
        with torch.autocast(q_BHLK.device.type, enabled=False):
            keys_BHLK = F.elu(k_BHLK.to(exact))
            asked_BHLK = _asked(q_BHLK.to(exact), keys_BHLK.square().cumsum(2))
            return running_sums(asked_BHLK, keys_BHLK, v_BHLK.to(exact))


def _asked(q_BHQK: Tensor, squares_BHQK: Tensor) -> Tensor:
    """Features of queries, of length one, each divided by the length of its column and √K."""
    features_BHQK: Tensor = F.normalize(F.elu(q_BHQK), dim=-1)
    scale: float = q_BHQK.shape[-1] ** -0.5
    return features_BHQK * squares_BHQK.clamp_min(_LEAST).rsqrt() * scale
