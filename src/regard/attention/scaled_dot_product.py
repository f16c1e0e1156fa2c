"""Multi-head scaled dot-product self-attention.

Idea: each event asks a question of the events before it; answers are weighed by likeness.

Formula: `softmax(q kᵀ / √K + mask) v` in each of H heads of width `K = D / H`.

Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.2; as used in SASRec (Kang &
McAuley 2018, equation 2). Differs from SASRec's own code in that queries come from the same
normalised states as keys and values, and that heads are mixed by an output projection.

Options: `scale=1.0` is the dot product without a scale (Luong et al. 2015, "Effective Approaches to
Attention-based Neural Machine Translation", section 3.1). `key_heads=1` shares one head of keys and
values among all queries (Shazeer 2019, "Fast Transformer Decoding"), a number between one and H
gives each group of queries its own (Ainslie et al. 2023, "GQA", section 2.2): fewer parameters, and
less to keep where keys are kept. `positions` makes likeness depend on distance: see
`regard.attention.rotary` and `regard.attention.linear_bias`.

Cost: time `O(L² D + L D²)`, memory `O(L D)` fused, `O(H L²)` written out.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.attention.contract import Promises
from regard.attention.heads import (
    causal_softmax,
    check_dropout,
    check_heads,
    distances_between,
    distances_to_newest,
    joined,
    kernel,
    likeness,
)
from regard.attention.low_precision import LONGEST, causal_attention
from regard.attention.masks import pick_newest
from regard.attention.positions import Distances
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
        key_heads: heads of keys and of values (`G`); must divide `heads`. As many as `heads` where
            none is given.
        scale: factor of the scores; `1 / √K` where none is given.
        positions: what makes scores depend on distance; nothing where none is given.

    Raises:
        ConfigurationError: `heads` does not divide `width`, or `key_heads` not `heads`, or
            `dropout` is not in [0, 1).

    Example:
        >>> _ = torch.manual_seed(0)
        >>> attention = ScaledDotProductAttention(width=8, heads=2)
        >>> states_BLD = torch.randn(1, 3, 8)
        >>> fused, _ = attention(states_BLD)
        >>> written, map_BHLM = attention(states_BLD, need_map=True)
        >>> torch.allclose(fused, written, atol=1e-6), map_BHLM.shape
        (True, torch.Size([1, 2, 3, 3]))
    """

    promises: ClassVar[Promises] = Promises()

    def __init__(
        self,
        width: int,
        heads: int = 1,
        dropout: float = 0.0,
        *,
        bias: bool = False,
        key_heads: int | None = None,
        scale: float | None = None,
        positions: Distances | None = None,
    ) -> None:
        super().__init__()
        check_heads(width, heads)
        check_dropout(dropout)
        self.heads = heads
        self.key_heads = heads if key_heads is None else key_heads
        if self.key_heads < 1 or heads % self.key_heads:
            raise ConfigurationError(f"key_heads={key_heads} must divide heads={heads}.")
        self.dropout = dropout
        self.scale = scale
        self.positions = positions
        parts = heads + 2 * self.key_heads
        self.queries_keys_values = Projection(width, width // heads * parts, bias=bias)
        self.output = Projection(width, width, bias=bias)

    def forward(
        self, states_BLD: Tensor, *, need_map: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Attend; see `regard.attention.contract.Attention`."""
        B, L, D = states_BLD.shape
        projected_BLPK = self.queries_keys_values(states_BLD).view(B, L, -1, D // self.heads)
        map_BHLM = None
        if need_map or (self.training and self.dropout > 0):
            mixed_BHLK, map_BHLM = self._written_out(*self._by_head(projected_BLPK))
            joined_BLD = joined(mixed_BHLK)
        elif self._suits_products(projected_BLPK):
            joined_BLD = causal_attention(projected_BLPK.view(B, L, 3, self.heads, -1))
        else:
            joined_BLD = joined(self._fused(*self._by_head(projected_BLPK)))
        return self.output(joined_BLD), map_BHLM if need_map else None

    def newest(self, states_BLD: Tensor, lengths_B: Tensor) -> Tensor:
        """One query a history, `O(L D)` of attention; see `regard.attention.contract.Attention`."""
        B, L, D = states_BLD.shape
        H, G, K = self.heads, self.key_heads, D // self.heads
        weight = self.queries_keys_values.weight
        bias: Tensor | None = self.queries_keys_values.bias
        newest_BD = pick_newest(states_BLD, lengths_B)
        of_query, of_rest = (None, None) if bias is None else (bias[:D], bias[D:])
        q_BH1K = F.linear(newest_BD, weight[:D], of_query).view(B, H, 1, K)
        projected = F.linear(states_BLD, weight[D:], of_rest).view(B, L, 2, G, K)
        k_BGLK, v_BGLK = projected.permute(2, 0, 3, 1, 4).unbind(0)
        distances_B1M = distances_to_newest(lengths_B, L)
        q_BH1K, k_BGLK = self._placed(q_BH1K, k_BGLK, (lengths_B - 1)[:, None])
        mask = self._mask(distances_B1M)
        mixed_BH1K = kernel(q_BH1K, k_BGLK, v_BGLK, mask=mask, scale=self.scale)
        joined_BD: Tensor = self.output(mixed_BH1K.reshape(B, D))
        return joined_BD

    def _by_head(self, projected_BLPK: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries `(B, H, L, K)`, keys and values `(B, G, L, K)`, out of what one product made."""
        # One cut, whose way back is one copy.
        cut = torch.split(projected_BLPK, [self.heads, self.key_heads, self.key_heads], dim=2)
        q_BHLK, k_BGLK, v_BGLK = (part_BLHK.transpose(1, 2) for part_BLHK in cut)
        places_1L = torch.arange(q_BHLK.shape[2], device=q_BHLK.device)[None]
        return *self._placed(q_BHLK, k_BGLK, places_1L), v_BGLK

    def _placed(self, q_BHQK: Tensor, k_BGLK: Tensor, places_BQ: Tensor) -> tuple[Tensor, Tensor]:
        """Queries and keys as the scheme of positions turns them."""
        if self.positions is None:
            return q_BHQK, k_BGLK
        places_1L = torch.arange(k_BGLK.shape[2], device=k_BGLK.device)[None]
        return self.positions.turn(q_BHQK, places_BQ), self.positions.turn(k_BGLK, places_1L)

    def _written_out(self, q_BHLK: Tensor, k_BGLK: Tensor, v_BGLK: Tensor) -> tuple[Tensor, Tensor]:
        """The same attention with its map in the open."""
        group = self.heads // self.key_heads
        if group > 1:
            k_BGLK, v_BGLK = (part.repeat_interleave(group, dim=1) for part in (k_BGLK, v_BGLK))
        distances_1LM = distances_between(q_BHLK)
        scores_BHLM = likeness(q_BHLK, k_BGLK, self.scale)
        added = None if self.positions is None else self.positions.added(distances_1LM)
        if added is not None:
            scores_BHLM = scores_BHLM + added.to(scores_BHLM.dtype)
        map_BHLM = causal_softmax(scores_BHLM, distances_1LM)
        dropped_BHLM = F.dropout(map_BHLM, self.dropout, self.training)
        return dropped_BHLM @ v_BGLK, map_BHLM

    def _suits_products(self, projected_BLPK: Tensor) -> bool:
        """Whether bfloat16 products do the same, and faster: `regard.attention.low_precision`."""
        low = projected_BLPK.is_cpu and projected_BLPK.dtype == torch.bfloat16
        plain = self.key_heads == self.heads and self.positions is None and self.scale is None
        return low and plain and projected_BLPK.shape[1] <= LONGEST

    def _fused(self, q_BHLK: Tensor, k_BGLK: Tensor, v_BGLK: Tensor) -> Tensor:
        """Attention whose map nobody asks for: torch's own kernel never holds one."""
        mask = None if self.positions is None else self._mask(distances_between(q_BHLK))
        if mask is None or mask.dtype == torch.bool:
            return kernel(q_BHLK, k_BGLK, v_BGLK, causal=True, scale=self.scale)
        return kernel(q_BHLK, k_BGLK, v_BGLK, mask=mask, scale=self.scale)

    def _mask(self, distances_BQM: Tensor) -> Tensor:
        """What the kernel takes: who may look, or what is added, minus infinity in the future."""
        allowed_B1QM = (distances_BQM >= 0)[:, None]
        added = None if self.positions is None else self.positions.added(distances_BQM)
        return allowed_B1QM if added is None else added.masked_fill(~allowed_B1QM, -torch.inf)
