"""Multi-head scaled dot-product self-attention.

Idea: each event asks a question of the events before it; answers are weighed by likeness.

Formula: `softmax(q kᵀ / √K + mask) v` in each of H heads of width `K = D / H`.

Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.2; as used in SASRec (Kang &
McAuley 2018, equation 2). Differs from SASRec's own code in that queries come from the same
normalised states as keys and values, and that heads are mixed by an output projection.

Cost: time `O(L² D + L D²)`, memory `O(L D)` fused, `O(H L²)` written out.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.attention.low_precision import LONGEST, causal_attention
from regard.attention.masks import causal_mask, pick_newest, real_positions
from regard.attention.projection import Projection
from regard.errors import ConfigurationError


class ScaledDotProductAttention(nn.Module):
    """Causal multi-head self-attention, fused or written out.

    Args:
        width: of the states (`D`).
        heads: number of heads (`H`); must divide `width`.
        dropout: probability of dropping an attention value while training. Above 0 the written-out
            path is taken while training, since the fused kernel for processors has no dropout.
        bias: whether the two linear layers add a constant. After a layer norm, which has one of
            its own, it costs some percent of a step and adds next to nothing.

    Raises:
        ConfigurationError: `heads` does not divide `width`.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> attention = ScaledDotProductAttention(width=8, heads=2)
        >>> states_BLD = torch.randn(1, 3, 8)
        >>> fused, _ = attention(states_BLD)
        >>> written, map_BHLM = attention(states_BLD, need_map=True)
        >>> torch.allclose(fused, written, atol=1e-6), map_BHLM.shape
        (True, torch.Size([1, 2, 3, 3]))
    """

    def __init__(
        self, width: int, heads: int = 1, dropout: float = 0.0, *, bias: bool = False
    ) -> None:
        super().__init__()
        if width % heads:
            raise ConfigurationError(f"heads={heads} must divide width={width}.")
        self.heads = heads
        self.dropout = dropout
        self.queries_keys_values = Projection(width, 3 * width, bias=bias)
        self.output = Projection(width, width, bias=bias)

    def forward(
        self, states_BLD: Tensor, *, need_map: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Attend; see `regard.attention.contract.Attention`."""
        B, L, D = states_BLD.shape
        projected = self.queries_keys_values(states_BLD).view(B, L, 3, self.heads, D // self.heads)
        if need_map or (self.training and self.dropout > 0):
            mixed_BHLK, map_BHLM = self._written_out(*_by_head(projected))
            joined_BLD = mixed_BHLK.transpose(1, 2).reshape(B, L, D)
        else:
            joined_BLD, map_BHLM = _fused(projected), None
        return self.output(joined_BLD), map_BHLM if need_map else None

    def newest(self, states_BLD: Tensor, lengths_B: Tensor) -> Tensor:
        """One query a history, `O(L D)` of attention; see `regard.attention.contract.Attention`."""
        B, L, D = states_BLD.shape
        H, K = self.heads, D // self.heads
        weight = self.queries_keys_values.weight
        bias: Tensor | None = self.queries_keys_values.bias
        newest_BD = pick_newest(states_BLD, lengths_B)
        of_query, of_rest = (None, None) if bias is None else (bias[:D], bias[D:])
        q_BH1K = F.linear(newest_BD, weight[:D], of_query).view(B, H, 1, K)
        projected = F.linear(states_BLD, weight[D:], of_rest).view(B, L, 2, H, K)
        k_BHLK, v_BHLK = projected.permute(2, 0, 3, 1, 4).unbind(0)
        real_B11L = real_positions(lengths_B, L)[:, None, None]
        mixed_BH1K = F.scaled_dot_product_attention(q_BH1K, k_BHLK, v_BHLK, attn_mask=real_B11L)
        joined_BD: Tensor = self.output(mixed_BH1K.reshape(B, D))
        return joined_BD

    def _written_out(self, q_BHLK: Tensor, k_BHLK: Tensor, v_BHLK: Tensor) -> tuple[Tensor, Tensor]:
        """The same attention with its map in the open."""
        L, K = q_BHLK.shape[-2:]
        scores_BHLM = q_BHLK @ k_BHLK.transpose(-2, -1) / K**0.5
        scores_BHLM = scores_BHLM.masked_fill(~causal_mask(L, q_BHLK.device), -torch.inf)
        map_BHLM = scores_BHLM.softmax(-1)
        dropped_BHLM = F.dropout(map_BHLM, self.dropout, self.training)
        return dropped_BHLM @ v_BHLK, map_BHLM


def _by_head(projected_BL3HK: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values `(B, H, L, K)`, out of what one product made."""
    q_BHLK, k_BHLK, v_BHLK = projected_BL3HK.permute(2, 0, 3, 1, 4).unbind(0)
    return q_BHLK, k_BHLK, v_BHLK


def _fused(projected_BL3HK: Tensor) -> Tensor:
    """Attention whose map nobody asks for, `(B, L, D)`.

    Torch's own kernel never holds a map. On processors it is slow in bfloat16, so there short
    histories take another way (`regard.attention.low_precision`) and long ones stay in float32.
    """
    B, L, _, H, K = projected_BL3HK.shape
    on_processor = projected_BL3HK.is_cpu
    if on_processor and projected_BL3HK.dtype == torch.bfloat16 and L <= LONGEST:
        return causal_attention(projected_BL3HK)
    exact = torch.promote_types(projected_BL3HK.dtype, torch.float32)
    with torch.autocast("cpu", enabled=False):
        parts = _by_head(projected_BL3HK.to(exact) if on_processor else projected_BL3HK)
        mixed_BHLK = F.scaled_dot_product_attention(*parts, is_causal=True)
    return mixed_BHLK.transpose(1, 2).reshape(B, L, H * K)
