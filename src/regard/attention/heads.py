"""What mechanisms with heads share: queries, keys and values, and which rows of the map are asked.

Such a mechanism says how queries, keys and values become a map and a mixture; that is its file.
Training and a picture ask for the rows of all positions, an answer for the newest row only. A row
knows how far back each position lies; what is negative lies in its future::

    M    0   1   2                  the newest of a history of two
    L0   0  -1  -2                       M    0   1   2
    L1   1   0  -1                            1   0  -1
    L2   2   1   0
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.attention.contract import Promises
from regard.attention.projection import Projection
from regard.errors import ConfigurationError


class HeadedAttention(nn.Module, ABC):
    """The frame of a causal mechanism with H heads of width `K = D / H`.

    Args:
        width: of the states (`D`).
        heads: number of heads (`H`); must divide `width`.
        bias: whether the two linear layers add a constant; see `ScaledDotProductAttention`.

    Raises:
        ConfigurationError: `heads` does not divide `width`.

    Example:
        >>> class Plain(HeadedAttention):
        ...     def attend(self, q_BHQK, k_BHMK, v_BHMK, distances_BQM):
        ...         map_BHQM = causal_softmax(likeness(q_BHQK, k_BHMK), distances_BQM)
        ...         return map_BHQM @ v_BHMK, map_BHQM
        >>> Plain(width=8, heads=2)(torch.randn(1, 3, 8), need_map=True)[1].shape
        torch.Size([1, 2, 3, 3])
    """

    promises: ClassVar[Promises] = Promises()

    def __init__(self, width: int, heads: int = 1, *, bias: bool = False) -> None:
        super().__init__()
        check_heads(width, heads)
        self.heads = heads
        self.queries_keys_values = Projection(width, 3 * width, bias=bias)
        self.output = Projection(width, width, bias=bias)

    @abstractmethod
    def attend(
        self, q_BHQK: Tensor, k_BHMK: Tensor, v_BHMK: Tensor, distances_BQM: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Rows of the map, and what they mix.

        Args:
            q_BHQK: the queries whose rows are asked.
            k_BHMK: keys of all positions.
            v_BHMK: values of all positions.
            distances_BQM: int64, or with a first dimension of 1: how far back each position lies.

        Returns:
            The mixture `(B, H, Q, K)` and the map `(B, H, Q, M)`.
        """

    def fused(self, q_BHLK: Tensor, k_BHLK: Tensor, v_BHLK: Tensor) -> Tensor:
        """The mixture of all rows where nobody asks for the map; `attend`, unless overridden."""
        return self.attend(q_BHLK, k_BHLK, v_BHLK, distances_between(q_BHLK))[0]

    def forward(
        self, states_BLD: Tensor, *, need_map: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Attend; see `regard.attention.contract.Attention`."""
        q_BHLK, k_BHLK, v_BHLK = self.project(states_BLD)
        if not need_map:
            return self.output(joined(self.fused(q_BHLK, k_BHLK, v_BHLK))), None
        distances_1LM = distances_between(q_BHLK)
        mixed_BHLK, map_BHLM = self.attend(q_BHLK, k_BHLK, v_BHLK, distances_1LM)
        return self.output(joined(mixed_BHLK)), map_BHLM

    def newest(self, states_BLD: Tensor, lengths_B: Tensor) -> Tensor:
        """One row of the map a history; see `regard.attention.contract.Attention`."""
        q_BHLK, k_BHLK, v_BHLK = self.project(states_BLD)
        distances_B1M = distances_to_newest(lengths_B, states_BLD.shape[1])
        q_BH1K = newest_query(q_BHLK, lengths_B)
        mixed_BH1K, _ = self.attend(q_BH1K, k_BHLK, v_BHLK, distances_B1M)
        newest_BD: Tensor = self.output(joined(mixed_BH1K)).squeeze(1)
        return newest_BD

    def project(self, states_BLD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each `(B, H, L, K)`."""
        q_BHLK, k_BHLK, v_BHLK = by_head(self.queries_keys_values(states_BLD), 3, self.heads)
        return q_BHLK, k_BHLK, v_BHLK


def check_heads(width: int, heads: int) -> None:
    """Refuse a number of heads that does not fit.

    Raises:
        ConfigurationError: `heads` does not divide `width`.
    """
    if heads < 1 or width % heads:
        raise ConfigurationError(f"heads={heads} must divide width={width}.")


def check_dropout(dropout: float) -> None:
    """Refuse what is no probability of dropping a value.

    Raises:
        ConfigurationError: `dropout` is not in [0, 1).
    """
    if not 0.0 <= dropout < 1.0:
        raise ConfigurationError(f"dropout={dropout} must be at least 0 and below 1.")


def by_head(projected_BLP: Tensor, parts: int, heads: int) -> tuple[Tensor, ...]:
    """Cut what one product made into parts of H heads.

    Args:
        projected_BLP: `(B, L, parts D)`.
        parts: how many.
        heads: H.

    Returns:
        That many `(B, H, L, K)`.

    Example:
        >>> [each.shape for each in by_head(torch.ones(1, 3, 16), parts=2, heads=4)]
        [torch.Size([1, 4, 3, 2]), torch.Size([1, 4, 3, 2])]
    """
    B, L, P = projected_BLP.shape
    # Cut where the parts lie side by side: the way back is then one copy.
    cut = projected_BLP.view(B, L, parts, heads, P // (parts * heads)).unbind(2)
    return tuple(part_BLHK.transpose(1, 2) for part_BLHK in cut)


def joined(mixed_BHQK: Tensor) -> Tensor:
    """The heads side by side, `(B, Q, H K)`.

    Example:
        >>> joined(torch.ones(1, 4, 3, 2)).shape
        torch.Size([1, 3, 8])
    """
    return mixed_BHQK.transpose(1, 2).flatten(2)


def likeness(q_BHQK: Tensor, k_BHMK: Tensor, scale: float | None = None) -> Tensor:
    """`q kᵀ / √K`, `(B, H, Q, M)`; another factor if `scale` is given.

    Example:
        >>> likeness(torch.ones(1, 1, 1, 4), torch.ones(1, 1, 2, 4)).tolist()
        [[[[2.0, 2.0]]]]
    """
    factor: float = q_BHQK.shape[-1] ** -0.5 if scale is None else scale
    return q_BHQK @ k_BHMK.transpose(-2, -1) * factor


def causal_softmax(scores_BHQM: Tensor, distances_BQM: Tensor) -> Tensor:
    """Shares of the present and the past; nothing of the future.

    Example:
        >>> causal_softmax(torch.zeros(1, 1, 1, 3), torch.tensor([[[1, 0, -1]]])).tolist()
        [[[[0.5, 0.5, 0.0]]]]
    """
    return scores_BHQM.masked_fill((distances_BQM < 0)[:, None], -torch.inf).softmax(-1)


def distances_between(states_BHLK: Tensor) -> Tensor:
    """How far back each position lies from each, int64 `(1, L, M)`.

    Example:
        >>> distances_between(torch.ones(1, 1, 2, 4)).tolist()
        [[[0, -1], [1, 0]]]
    """
    places_L = torch.arange(states_BHLK.shape[2], device=states_BHLK.device)
    return (places_L[:, None] - places_L)[None]


def distances_to_newest(lengths_B: Tensor, longest: int) -> Tensor:
    """How far back each position lies from the newest event, int64 `(B, 1, M)`.

    Example:
        >>> distances_to_newest(torch.tensor([2, 1]), 3).tolist()
        [[[1, 0, -1]], [[0, -1, -2]]]
    """
    places_M = torch.arange(longest, device=lengths_B.device)
    return (lengths_B[:, None] - 1 - places_M)[:, None]


def newest_query(q_BHLK: Tensor, lengths_B: Tensor) -> Tensor:
    """The query of the newest event of each history, `(B, H, 1, K)`.

    Example:
        >>> q_BHLK = torch.tensor([[[[1.0], [2.0], [3.0]]]])
        >>> newest_query(q_BHLK, torch.tensor([2])).tolist()
        [[[[2.0]]]]
    """
    rows = torch.arange(len(lengths_B), device=lengths_B.device)
    return q_BHLK[rows, :, lengths_B - 1][:, :, None]


def kernel(
    q_BHQK: Tensor,
    k_BHMK: Tensor,
    v_BHMK: Tensor,
    *,
    mask: Tensor | None = None,
    causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """Torch's fused kernel, which on processors is fast, and exact, in float32 only.

    Args:
        q_BHQK: queries.
        k_BHMK: keys; a divisor of H as heads, each for as many queries' heads in a row.
        v_BHMK: values, likewise.
        mask: Boolean (True: may look) or float (added to the scores), broadcast to the map.
        causal: whether the map is that of all positions, and the future is not looked at.
        scale: instead of `1 / √K`.

    Returns:
        The mixture `(B, H, Q, K)`.

    Example:
        >>> q, v = torch.ones(1, 1, 2, 1), torch.tensor([[[[1.0], [3.0]]]])
        >>> kernel(q, q, v, causal=True).flatten()
        tensor([1., 2.])
    """
    grouped = q_BHQK.shape[1] != k_BHMK.shape[1]
    parts = q_BHQK, k_BHMK, v_BHMK
    if q_BHQK.is_cpu:
        exact = torch.promote_types(q_BHQK.dtype, torch.float32)
        parts = q_BHQK.to(exact), k_BHMK.to(exact), v_BHMK.to(exact)
    if mask is not None and mask.is_floating_point():
        mask = mask.to(parts[0].dtype)
    with torch.autocast("cpu", enabled=False):
        return F.scaled_dot_product_attention(
            *parts, attn_mask=mask, is_causal=causal, scale=scale, enable_gqa=grouped
        )
