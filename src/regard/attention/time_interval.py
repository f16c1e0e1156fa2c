"""Attention that knows how much time lies between two events.

Idea: two clicks a minute apart belong together, two a month apart may not. Each length of time has
a vector that joins the key and another that joins the value.

Formula: `eᵢⱼ = qᵢ·(kⱼ + rᴷ(bᵢⱼ)) / √K`, `zᵢ = Σⱼ softmax(eᵢ)ⱼ (vⱼ + rⱽ(bᵢⱼ))`, where the bucket
`bᵢⱼ = min(⌊(tᵢ − tⱼ) / uᵢ⌋, B)` counts the time between in units of the shortest pause so far,
`uᵢ`.

Source: Li et al. 2020, "Time Interval Aware Self-Attention for Sequential Recommendation"
(TiSASRec), equations 5 to 9. Differs from the paper in three ways. Its unit is the shortest pause
of the whole history, which a position in the middle could not know; here it is the shortest one
until then. The vectors of positions, which it adds in the same way, are left to the model. And
neither vectors nor their products are held for each pair of events: a query meets each bucket once,
and shares are summed by bucket before they meet the vectors.

Cost: time `O(L² (D + H) + L (B + D) D)`, memory `O(H L (L + B))`, B buckets; the paper holds
`O(L² D)` a history.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from regard.attention.contract import Promises
from regard.attention.heads import (
    by_head,
    causal_softmax,
    check_heads,
    distances_between,
    distances_to_newest,
    joined,
    newest_query,
)
from regard.attention.projection import Projection
from regard.errors import ConfigurationError, NeedsClockError


class TimeIntervalAttention(nn.Module):
    """Causal multi-head attention with vectors for the time between events.

    Args:
        width: of the states (`D`).
        heads: number of heads (`H`); must divide `width`.
        buckets: longest time that is told apart, in units of the shortest pause (`B`).
        bias: whether the two linear layers add a constant.

    Raises:
        ConfigurationError: `heads` does not divide `width`, or `buckets` is below 1.

    Example:
        >>> attention = TimeIntervalAttention(width=8, heads=2, buckets=10)
        >>> times_BL = torch.tensor([[0.0, 60.0, 86400.0]], dtype=torch.float64)
        >>> attention(torch.randn(1, 3, 8), times_BL=times_BL)[0].shape
        torch.Size([1, 3, 8])
    """

    promises: ClassVar[Promises] = Promises(needs=("times_BL",), needs_clock=True)

    def __init__(
        self, width: int, heads: int = 1, buckets: int = 256, *, bias: bool = False
    ) -> None:
        super().__init__()
        check_heads(width, heads)
        if buckets < 1:
            raise ConfigurationError(f"buckets={buckets} must be 1 or more.")
        self.heads, self.buckets = heads, buckets
        self.queries_keys_values = Projection(width, 3 * width, bias=bias)
        self.output = Projection(width, width, bias=bias)
        self.keys_TD = nn.Parameter(torch.empty(buckets + 1, width))
        self.values_TD = nn.Parameter(torch.empty(buckets + 1, width))
        nn.init.normal_(self.keys_TD, std=0.02)
        nn.init.normal_(self.values_TD, std=0.02)

    def forward(
        self, states_BLD: Tensor, *, need_map: bool = False, times_BL: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Attend; see `regard.attention.contract.TimedAttention`.

        Raises:
            NeedsClockError: no times were given.
        """
        q_BHLK, k_BHLK, v_BHLK = by_head(self.queries_keys_values(states_BLD), 3, self.heads)
        times_BL = _given(times_BL)
        buckets_BLM = self._buckets(times_BL, _units(times_BL), times_BL)
        distances_1LM = distances_between(q_BHLK)
        mixed_BHLK, map_BHLM = self._attend(q_BHLK, k_BHLK, v_BHLK, distances_1LM, buckets_BLM)
        return self.output(joined(mixed_BHLK)), map_BHLM if need_map else None

    def newest(
        self, states_BLD: Tensor, lengths_B: Tensor, *, times_BL: Tensor | None = None
    ) -> Tensor:
        """One row of the map a history; see `regard.attention.contract.TimedAttention`.

        Raises:
            NeedsClockError: no times were given.
        """
        q_BHLK, k_BHLK, v_BHLK = by_head(self.queries_keys_values(states_BLD), 3, self.heads)
        times_BL, places_B1 = _given(times_BL), (lengths_B - 1)[:, None]
        now_B1, unit_B1 = times_BL.gather(1, places_B1), _units(times_BL).gather(1, places_B1)
        buckets_B1M = self._buckets(now_B1, unit_B1, times_BL)
        distances_B1M = distances_to_newest(lengths_B, states_BLD.shape[1])
        q_BH1K = newest_query(q_BHLK, lengths_B)
        mixed_BH1K, _ = self._attend(q_BH1K, k_BHLK, v_BHLK, distances_B1M, buckets_B1M)
        newest_BD: Tensor = self.output(joined(mixed_BH1K)).squeeze(1)
        return newest_BD

    def _attend(
        self,
        q_BHQK: Tensor,
        k_BHMK: Tensor,
        v_BHMK: Tensor,
        distances_BQM: Tensor,
        buckets_BQM: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Rows of the map, and what they mix; T: buckets, R: the rows of all histories."""
        B, H, Q, K = q_BHQK.shape
        buckets_BHQM = buckets_BQM[:, None].expand(-1, H, -1, -1)
        q_BHQK = q_BHQK * K**-0.5
        # Heads before histories: all rows of a head then meet its vectors in one product.
        q_HRK = q_BHQK.transpose(0, 1).reshape(H, B * Q, K)
        of_time_HRT = q_HRK @ self.keys_TD.view(-1, H, K).permute(1, 2, 0)
        of_time_BHQT = of_time_HRT.view(H, B, Q, -1).transpose(0, 1)
        of_time_BHQM = of_time_BHQT.gather(-1, buckets_BHQM)
        scores_BHQM = q_BHQK @ k_BHMK.transpose(-2, -1) + of_time_BHQM
        map_BHQM = causal_softmax(scores_BHQM, distances_BQM)
        by_bucket_HBQT = map_BHQM.new_zeros(H, B, Q, self.buckets + 1)
        by_bucket_HBQT = by_bucket_HBQT.scatter_add_(
            -1, buckets_BHQM.transpose(0, 1), map_BHQM.transpose(0, 1)
        )
        values_HTK = self.values_TD.view(-1, H, K).transpose(0, 1)
        mixed_HRK = by_bucket_HBQT.view(H, B * Q, -1) @ values_HTK
        mixed_BHQK = mixed_HRK.view(H, B, Q, K).transpose(0, 1)
        return map_BHQM @ v_BHMK + mixed_BHQK, map_BHQM

    def _buckets(self, now_BQ: Tensor, units_BQ: Tensor, times_BM: Tensor) -> Tensor:
        """Equation 1: the time between in units, int64 `(B, Q, M)`; 0 in the future."""
        between_BQM = now_BQ[..., None] - times_BM[:, None]
        # In place: fresh memory costs more than what is written there.
        return between_BQM.div_(units_BQ[..., None]).clamp_(0, self.buckets).long()


def _given(times_BL: Tensor | None) -> Tensor:
    """The times, in float64, where a second in half a century is still a second."""
    if times_BL is None:
        raise NeedsClockError(
            "Attention by time intervals needs the time of each event (times_BL), and this history "
            "carries only an order; choose a mechanism without a clock."
        )
    return times_BL.double()


def _units(times_BL: Tensor) -> Tensor:
    """The shortest pause until each event, `(B, L)`; one second where all came at once."""
    pauses_BL = times_BL.diff(dim=1, prepend=times_BL[:, :1])
    pauses_BL = pauses_BL.masked_fill(pauses_BL <= 0, torch.inf)
    shortest_BL = pauses_BL.cummin(dim=1).values
    return shortest_BL.masked_fill(shortest_BL.isinf(), 1.0)
