"""Causal attention as products of bfloat16 matrices, for processors that multiply those natively.

Torch's fused kernel for processors is fast in float32 only: on one with AMX, six plain products
and a softmax, there and back, take less time than it does (`benchmarks/step.py`), at the price of
holding the map until the way back. So this is for histories of some hundred events;
beyond `LONGEST` the kernel, which never holds a map, is the better way.

Formula: that of `regard.attention.scaled_dot_product`; back, with the map `P`, `O = P v` and the
gradient `G` of `O`: `dv = Pᵀ G`, `dS = P ∘ (G vᵀ − rowsum(P ∘ G vᵀ))`, `dq = dS k / √K`,
`dk = dSᵀ q / √K` (Dao et al. 2022, "FlashAttention", appendix B.2).

Batches are filled up to few shapes, since the matrix library makes, and keeps, a program of its own
for each that it meets; see `regard.attention.projection`.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

LONGEST = 512
"""Longer histories are for the kernel that holds no map."""
_STEP, _WIDE_STEP = 8, 40
"""Events are filled up to a multiple of these: the second one beyond itself."""
_NEVER = -1e4
"""Added to a score in the future: bfloat16 holds it, and its softmax is zero."""


def causal_attention(projected_BL3HK: Tensor) -> Tensor:
    """Attend to the past and the present, all heads, in the type of what is given.

    Args:
        projected_BL3HK: queries, keys and values `(B, L, 3, H, K)`, bfloat16 on a processor.

    Returns:
        `(B, L, H K)`, the heads side by side.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> given = torch.randn(2, 5, 3, 2, 4)
        >>> q, k, v = given.permute(2, 0, 3, 1, 4)
        >>> exact = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        >>> ours = causal_attention(given.bfloat16()).float().view(2, 5, 2, 4).transpose(1, 2)
        >>> torch.allclose(ours, exact, atol=0.03)
        True
    """
    apply: Callable[..., Tensor] = _CausalAttention.apply
    return apply(projected_BL3HK)


class _CausalAttention(torch.autograd.Function):
    """Products, softmax, products; G: maps of all histories and heads, M: events, filled up."""

    @staticmethod
    def forward(ctx: Any, projected_BL3HK: Tensor) -> Tensor:
        B, L, _, H, K = projected_BL3HK.shape
        parts_3GMK = _filled(projected_BL3HK)
        q_GMK, k_GMK, v_GMK = parts_3GMK
        future_MM = _future(parts_3GMK.shape[2], parts_3GMK.dtype)
        map_GMM = torch.baddbmm(future_MM, q_GMK, k_GMK.transpose(1, 2), alpha=K**-0.5)
        torch.softmax(map_GMM, dim=-1, out=map_GMM)
        ctx.save_for_backward(parts_3GMK, map_GMM)
        ctx.shape = B, L, H, K
        mixed_1GMK = torch.bmm(map_GMM, v_GMK)[None]
        return _without_filling(mixed_1GMK, B, L, H).reshape(B, L, H * K)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (q_GMK, k_GMK, v_GMK), map_GMM = ctx.saved_tensors
        B, L, H, K = ctx.shape
        grad_GMK = _filled(grads[0].view(B, L, 1, H, K).to(map_GMM.dtype))[0]
        back_3GMK = grad_GMK.new_empty(3, *grad_GMK.shape)
        torch.bmm(map_GMM.transpose(1, 2), grad_GMK, out=back_3GMK[2])
        of_map_GMM = torch.bmm(grad_GMK, v_GMK.transpose(1, 2))
        kind = map_GMM.dtype
        of_scores_GMM = torch._softmax_backward_data(of_map_GMM, map_GMM, -1, kind)
        torch.bmm(of_scores_GMM, k_GMK, out=back_3GMK[0])
        torch.bmm(of_scores_GMM.transpose(1, 2), q_GMK, out=back_3GMK[1])
        back_3GMK[:2].mul_(K**-0.5)
        return _without_filling(back_3GMK, B, L, H)


def _filled(given_BLPHK: Tensor) -> Tensor:
    """`(P, G, M, K)`: maps first, zeros behind the events and behind the last history."""
    B, L, P, H, K = given_BLPHK.shape
    maps, events = _few(B * H, L)
    filled_PGMK = given_BLPHK.new_zeros(P, maps, events, K)
    _without_filling(filled_PGMK, B, L, H).copy_(given_BLPHK)
    return filled_PGMK


def _few(maps: int, events: int) -> tuple[int, int]:
    """Both filled up, so that the batches of a training have some tens of shapes in all.

    Example:
        >>> _few(40, 200), _few(44, 181), _few(301, 27)
        ((40, 200), (48, 200), (320, 32))
    """
    step = _STEP if events <= _WIDE_STEP else _WIDE_STEP
    # An eighth of the maps at the most is filling.
    share = max(_STEP, 2 ** ((maps // 8).bit_length() - 1))
    return maps + -maps % share, events + -events % step


def _without_filling(filled_PGMK: Tensor, B: int, L: int, H: int) -> Tensor:
    """`(B, L, P, H, K)`: a view of what is real."""
    P, _, _, K = filled_PGMK.shape
    return filled_PGMK[:, : B * H].view(P, B, H, -1, K)[..., :L, :].permute(1, 3, 0, 2, 4)


@lru_cache(maxsize=64)
def _future(events: int, kind: torch.dtype) -> Tensor:
    """`(M, M)`: what is added to the scores, which is much where the key comes after the query."""
    return torch.full((events, events), _NEVER, dtype=kind).triu(1)
