"""Gated aggregation (HSTU): values are added up by strength, and a gate lets them in.

Idea: a softmax hides how much there is: ten likes and one like give the same shares. Here each
event adds as much as it is like the question, and the position's own gate decides what passes.

Formula: `[u, v, q, k] = silu(W x)`, `Aᵢⱼ = silu(qᵢ·kⱼ + pᵢ₋ⱼ + τ(tᵢ − tⱼ)) / S`, then
`W' (norm(A v) ∘ u)`; p and τ are one learned number per distance and per bucket of time.

Source: Zhai et al. 2024, "Actions Speak Louder than Words: Trillion-Parameter Sequential
Transducers for Generative Recommendations", equations 1 to 3; buckets and S, the longest history,
as in the authors' code: bucket `⌊ln(max(1, t)) / 0.301⌋`. Differs from the code in that its norm of
the input is left to the block, and that the moment of the request, from which time is counted, is
the event's own time unless `asked_BL` is given (the code always takes the time of the next event).

Cost: time `O(L² D + L D²)`, memory `O(H L²)`: there is no fused kernel without a softmax.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.attention.contract import Promises
from regard.attention.heads import (
    by_head,
    check_heads,
    distances_between,
    distances_to_newest,
    joined,
    newest_query,
)
from regard.attention.masks import pick_newest
from regard.attention.projection import Projection
from regard.errors import ConfigurationError, ModelInputError

_STEP = 0.301
"""Of the logarithm of seconds: about three buckets for ten times the time."""


class GatedAggregation(nn.Module):
    """Causal pointwise aggregation with biases of position and time, and a gate.

    Args:
        width: of the states (`D`).
        heads: number of heads (`H`); must divide `width`.
        longest: most events in a history (`S`).
        buckets: of time; 128 reach beyond the age of the universe.

    Raises:
        ConfigurationError: `heads` does not divide `width`, or a size is below 1.

    Example:
        >>> attention = GatedAggregation(width=8, heads=2, longest=50)
        >>> times_BL = torch.tensor([[0.0, 60.0, 86400.0]], dtype=torch.float64)
        >>> attention(torch.randn(1, 3, 8), times_BL=times_BL)[0].shape
        torch.Size([1, 3, 8])
    """

    promises: ClassVar[Promises] = Promises(
        needs=("times_BL", "asked_BL"),
        bounded=True,
        rows_sum_to_one=False,
        because="values are strengths, not shares: how much there is counts",
    )

    def __init__(self, width: int, heads: int = 1, longest: int = 200, buckets: int = 128) -> None:
        super().__init__()
        check_heads(width, heads)
        if longest < 1 or buckets < 1:
            raise ConfigurationError(f"longest={longest} and buckets={buckets} must be 1 or more.")
        self.heads, self.longest, self.buckets = heads, longest, buckets
        self.gates_values_queries_keys = Projection(width, 4 * width, bias=False)
        self.by_distance_S = nn.Parameter(torch.empty(longest))
        self.by_time_T = nn.Parameter(torch.empty(buckets + 1))
        nn.init.normal_(self.by_distance_S, std=0.02)
        nn.init.normal_(self.by_time_T, std=0.02)
        self.output = Projection(width, width)

    def forward(
        self,
        states_BLD: Tensor,
        *,
        need_map: bool = False,
        times_BL: Tensor | None = None,
        asked_BL: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Aggregate; see `regard.attention.contract.TimedAttention`.

        Without times the map knows distances only. `asked_BL` is the moment of the request that
        follows each event, from which time is counted; the event's own time where not given.

        Raises:
            ModelInputError: the batch is longer than the table of distances.
        """
        gates_BLD, q_BHLK, k_BHLK, v_BHLK = self._projected(states_BLD)
        seconds_BLM = _between(times_BL if asked_BL is None else asked_BL, times_BL)
        map_BHLM = self._map(q_BHLK, k_BHLK, distances_between(q_BHLK), seconds_BLM)
        states_BLD = self._let_in(map_BHLM @ v_BHLK, gates_BLD)
        return states_BLD, map_BHLM if need_map else None

    def newest(
        self,
        states_BLD: Tensor,
        lengths_B: Tensor,
        *,
        times_BL: Tensor | None = None,
        asked_BL: Tensor | None = None,
    ) -> Tensor:
        """One row of the map a history; see `regard.attention.contract.TimedAttention`.

        Raises:
            ModelInputError: the batch is longer than the table of distances.
        """
        gates_BLD, q_BHLK, k_BHLK, v_BHLK = self._projected(states_BLD)
        now_BL = times_BL if asked_BL is None else asked_BL
        now_B1 = None if now_BL is None else now_BL.gather(1, (lengths_B - 1)[:, None])
        distances_B1M = distances_to_newest(lengths_B, states_BLD.shape[1])
        q_BH1K = newest_query(q_BHLK, lengths_B)
        map_BH1M = self._map(q_BH1K, k_BHLK, distances_B1M, _between(now_B1, times_BL))
        gates_B1D = pick_newest(gates_BLD, lengths_B)[:, None]
        return self._let_in(map_BH1M @ v_BHLK, gates_B1D).squeeze(1)

    def _projected(self, states_BLD: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Gates `(B, L, D)`, then queries, keys and values by head."""
        if states_BLD.shape[1] > self.longest:
            raise ModelInputError(
                f"A history of {states_BLD.shape[1]} events was given to gated aggregation that "
                f"holds {self.longest}; keep its newest {self.longest}."
            )
        projected_BLP = F.silu(self.gates_values_queries_keys(states_BLD))
        _, v_BHLK, q_BHLK, k_BHLK = by_head(projected_BLP, 4, self.heads)
        return projected_BLP[..., : states_BLD.shape[2]], q_BHLK, k_BHLK, v_BHLK

    def _map(
        self, q_BHQK: Tensor, k_BHMK: Tensor, distances_BQM: Tensor, seconds_BQM: Tensor | None
    ) -> Tensor:
        """Rows of the map: strengths, nothing in the future."""
        bias_BQM = _looked_up(self.by_distance_S, distances_BQM.clamp(min=0))
        if seconds_BQM is not None:
            # In place, and in float32: the authors take logarithms of that too.
            buckets_BQM = seconds_BQM.clamp_(min=1).log_().div_(_STEP).clamp_(max=self.buckets)
            bias_BQM = bias_BQM + _looked_up(self.by_time_T, buckets_BQM.int())
        strengths_BHQM = F.silu(q_BHQK @ k_BHMK.transpose(-2, -1) + bias_BQM[:, None])
        # One product takes the future away and divides by S.
        shares_BQM = (distances_BQM >= 0).to(strengths_BHQM.dtype) / self.longest
        return strengths_BHQM * shares_BQM[:, None]

    def _let_in(self, mixed_BHQK: Tensor, gates_BQD: Tensor) -> Tensor:
        mixed_BQD = joined(mixed_BHQK)
        # The mixture is divided by S, so its variance would drown in the usual 1e-5.
        normed_BQD = F.layer_norm(mixed_BQD, mixed_BQD.shape[-1:], eps=1e-6)
        states_BQD: Tensor = self.output(normed_BQD * gates_BQD)
        return states_BQD


def _between(now_BQ: Tensor | None, times_BM: Tensor | None) -> Tensor | None:
    """Seconds from each event to each moment, float32 `(B, Q, M)`; negative in the future."""
    if now_BQ is None or times_BM is None:
        return None
    return (now_BQ.double()[..., None] - times_BM.double()[:, None]).float()


def _looked_up(table_T: Tensor, index_BQM: Tensor) -> Tensor:
    """Numbers of a table, whose way back is several times faster than that of `table[index]`."""
    return table_T.index_select(0, index_BQM.flatten()).view(index_BQM.shape)
