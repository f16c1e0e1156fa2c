"""Linear attention: sums over the past in place of a map.

Idea: if likeness is a product of features, `φ(q)ᵀ φ(k)`, then what all earlier events have to say
is a sum that a query merely multiplies; nothing is compared pair by pair.

Formula: `hᵢ = φ(qᵢ)ᵀ Σⱼ≤ᵢ φ(kⱼ) vⱼᵀ / φ(qᵢ)ᵀ Σⱼ≤ᵢ φ(kⱼ)` with `φ(x) = elu(x) + 1`.

Source: Katharopoulos et al. 2020, "Transformers are RNNs: Fast Autoregressive Transformers with
Linear Attention", sections 3.2.1 and 3.3. Differs from the paper in how the sums run: by chunks of
C positions, within a chunk by a small map, between chunks by one cumulative sum, instead of
position by position.

Cost: time `O(L C D + L D K + L D²)`, memory `O(L (D + C H) + (L / C) D K)`; `O(H L²)` written out.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from regard.attention.heads import HeadedAttention
from regard.attention.masks import causal_mask

_CHUNK = 64
"""Positions of a chunk: a map of this size costs about as much as a sum of K by K numbers."""


class LinearAttention(HeadedAttention):
    """Causal multi-head attention without a softmax, linear in the length of the history.

    Args:
        width: of the states (`D`).
        heads: number of heads (`H`); must divide `width`.
        bias: whether the two linear layers add a constant.

    Raises:
        ConfigurationError: `heads` does not divide `width`.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> attention, states_BLD = LinearAttention(width=8, heads=2), torch.randn(1, 100, 8)
        >>> by_sums, _ = attention(states_BLD)
        >>> by_map, map_BHLM = attention(states_BLD, need_map=True)
        >>> torch.allclose(by_sums, by_map, atol=1e-6)
        True
    """

    def attend(
        self, q_BHQK: Tensor, k_BHMK: Tensor, v_BHMK: Tensor, distances_BQM: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `HeadedAttention.attend`."""
        values_BHQM = _features(q_BHQK) @ _features(k_BHMK).transpose(-2, -1)
        values_BHQM = values_BHQM.masked_fill((distances_BQM < 0)[:, None], 0)
        total_BHQ1 = values_BHQM.sum(-1, keepdim=True)
        map_BHQM = values_BHQM / total_BHQ1.clamp_min(_smallest(total_BHQ1.dtype))
        return map_BHQM @ v_BHMK, map_BHQM

    def fused(self, q_BHLK: Tensor, k_BHLK: Tensor, v_BHLK: Tensor) -> Tensor:
        """Running sums, in at least float32."""
        exact = torch.promote_types(q_BHLK.dtype, torch.float32)
        with torch.autocast(q_BHLK.device.type, enabled=False):
            q, k = _features(q_BHLK.to(exact)), _features(k_BHLK.to(exact))
            # One more column of ones, whose sum is the denominator.
            both_BHLV = running_sums(q, k, F.pad(v_BHLK.to(exact), (0, 1), value=1.0))
        return both_BHLV[..., :-1] / both_BHLV[..., -1:].clamp_min(_smallest(exact))


def running_sums(q_BHLK: Tensor, k_BHLK: Tensor, v_BHLV: Tensor) -> Tensor:
    """`Σⱼ≤ᵢ (qᵢ·kⱼ) vⱼ` in N chunks of C positions, without a map of all.

    Args:
        q_BHLK: features of queries.
        k_BHLK: features of keys.
        v_BHLV: values, of any width.

    Returns:
        `(B, H, L, V)`.

    Example:
        >>> ones = torch.ones(1, 1, 3, 2)
        >>> running_sums(ones, ones, torch.tensor([[[[1.0], [10.0], [100.0]]]])).flatten().tolist()
        [2.0, 22.0, 222.0]
    """
    q_BHNCK, k_BHNCK, v_BHNCV = _chunks(q_BHLK), _chunks(k_BHLK), _chunks(v_BHLV)
    inside = causal_mask(_CHUNK, q_BHLK.device).to(q_BHLK.dtype)
    near_BHNCV = (q_BHNCK @ k_BHNCK.transpose(-2, -1) * inside) @ v_BHNCV
    sums_BHNKV = (k_BHNCK.transpose(-2, -1) @ v_BHNCV).cumsum(2)
    # Moved on by one chunk: taking a chunk's own sum off again would not be exact.
    before_BHNKV = F.pad(sums_BHNKV[:, :, :-1], (0, 0, 0, 0, 1, 0))
    both_BHLV = (near_BHNCV + q_BHNCK @ before_BHNKV).flatten(2, 3)
    return both_BHLV[:, :, : q_BHLK.shape[2]]


def _features(part_BHLK: Tensor) -> Tensor:
    """φ: positive, and nearly straight."""
    return F.elu(part_BHLK) + 1


def _chunks(part_BHLK: Tensor) -> Tensor:
    """`(B, H, N, C, K)`, filled up with zeros, which say nothing."""
    B, H, L, K = part_BHLK.shape
    return F.pad(part_BHLK, (0, 0, 0, -L % _CHUNK)).view(B, H, -1, _CHUNK, K)


def _smallest(kind: torch.dtype) -> float:
    """What a denominator may not fall below: with features as small as they can be it is zero."""
    return torch.finfo(kind).tiny
