"""Low-rank attention: a history is first summed up as a few interests, then asked.

Idea: L events are about few things. k interests, each a weighted mean of all events, stand in for
them, so that an event asks k interests instead of L events.

Formula: `Cᴷ = softmax(K Θᴷ)`, `Cⱽ = softmax(V Θⱽ)` over the events, each `(L, k)`; then
`softmax(Q (Cᴷᵀ K)ᵀ / √K) (Cⱽᵀ V)` over the interests. With `longest`, the mean of this and of
`softmax(P Rᵀ / √K) V`, where P and R are queries and keys of positions alone.

Source: Fan et al. 2021, "Lighter and Better: Low-Rank Decomposed Self-Attention Networks for
Next-Item Recommendation" (LightSANs). Differs from the paper in that padding is left out of the
means; that the second softmax runs over the interests, as the paper's formula has it, where the
authors' code lets it run over the positions; and that the mixtures of items and of positions are
averaged, where the paper adds them, so that the map still holds shares (the output projection takes
the factor up). Positions may be left to the model: see `regard.attention.positions`.

Not causal: an interest is a mean over the whole history, and a mean over each prefix, `O(k L² D)`,
would cost more than the attention that it stands for. So it is for an objective that asks about the
newest event of each row, as its authors train it, and for no other; `promises` says so.

Cost: time `O(L k D + L D²)`, memory `O(L (D + k))`; `O(H L²)` with the map. Positions apart add
`O(L² D)` of time and no memory without the map.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from regard.attention.contract import Promises
from regard.attention.heads import (
    by_head,
    check_heads,
    joined,
    kernel,
    likeness,
    newest_query,
)
from regard.attention.masks import real_positions
from regard.attention.positions import DecoupledPositions
from regard.attention.projection import Projection
from regard.errors import ConfigurationError


class LowRankAttention(nn.Module):
    """Multi-head attention of all events to k interests of the whole history.

    Args:
        width: of the states (`D`).
        heads: number of heads (`H`); must divide `width`.
        interests: how many (`k`).
        longest: most events in a history, where a map of positions alone shall take part; none
            does if omitted.
        bias: whether the linear layers of queries, keys, values and output add a constant.

    Raises:
        ConfigurationError: `heads` does not divide `width`, or `interests` is below 1.

    Example:
        >>> attention = LowRankAttention(width=8, heads=2, interests=3)
        >>> states_BLD, lengths_B = torch.randn(2, 5, 8), torch.tensor([5, 2])
        >>> states, map_BHLM = attention(states_BLD, lengths_B=lengths_B, need_map=True)
        >>> map_BHLM[1, :, 0, 2:].abs().sum().item()
        0.0
        >>> torch.allclose(attention.newest(states_BLD, lengths_B)[1], states[1, 1], atol=1e-6)
        True
    """

    promises: ClassVar[Promises] = Promises(causal=False, needs=("lengths_B",), bounded=True)

    def __init__(
        self,
        width: int,
        heads: int = 1,
        interests: int = 8,
        longest: int | None = None,
        *,
        bias: bool = False,
    ) -> None:
        super().__init__()
        check_heads(width, heads)
        if interests < 1:
            raise ConfigurationError(f"interests={interests} must be 1 or more.")
        self.heads = heads
        self.queries_keys_values = Projection(width, 3 * width, bias=bias)
        self.key_interests = nn.Linear(width, interests, bias=False)
        self.value_interests = nn.Linear(width, interests, bias=False)
        self.positions = None if longest is None else DecoupledPositions(longest, width, heads)
        self.output = Projection(width, width, bias=bias)

    def forward(
        self, states_BLD: Tensor, *, lengths_B: Tensor | None = None, need_map: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Attend from everywhere to the whole history; see `Promises.causal`.

        Args:
            states_BLD: float `(B, L, D)`, padding on the right.
            lengths_B: int64 real events of each history; all of them where not given.
            need_map: whether to return the map.

        Returns:
            New states and, if asked, the map that the two steps come to; its rows sum to one over
            all events, later ones included.
        """
        lengths_B = _all_of(states_BLD) if lengths_B is None else lengths_B
        q_BHLK, k_BHIK, v_BHIK, shares_BIM, v_BHLK = self._projected(states_BLD, lengths_B)
        places = self._places(states_BLD, lengths_B)
        if not need_map:
            mixed_BHLK = kernel(q_BHLK, k_BHIK, v_BHIK)
            if places is not None:
                by_place_BHLK = kernel(places[0], places[1], v_BHLK, mask=places[2])
                mixed_BHLK = (mixed_BHLK + by_place_BHLK) / 2
            return self.output(joined(mixed_BHLK)), None
        map_BHLM = likeness(q_BHLK, k_BHIK).softmax(-1) @ shares_BIM[:, None]
        if places is not None:
            scores_BHLM = likeness(places[0], places[1]).masked_fill(~places[2], -torch.inf)
            map_BHLM = (map_BHLM + scores_BHLM.softmax(-1)) / 2
        return self.output(joined(map_BHLM @ v_BHLK)), map_BHLM

    def newest(self, states_BLD: Tensor, lengths_B: Tensor) -> Tensor:
        """One query a history; see `regard.attention.contract.Attention`."""
        q_BHLK, k_BHIK, v_BHIK, _, v_BHLK = self._projected(states_BLD, lengths_B)
        mixed_BH1K = kernel(newest_query(q_BHLK, lengths_B), k_BHIK, v_BHIK)
        places = self._places(states_BLD, lengths_B)
        if places is not None:
            q_BH1K = newest_query(places[0], lengths_B)
            mixed_BH1K = (mixed_BH1K + kernel(q_BH1K, places[1], v_BHLK, mask=places[2])) / 2
        newest_BD: Tensor = self.output(joined(mixed_BH1K)).squeeze(1)
        return newest_BD

    def _projected(
        self, states_BLD: Tensor, lengths_B: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Queries, interests as keys and as values, what the latter are made of, and values."""
        projected_BLP = self.queries_keys_values(states_BLD)
        _, keys_BLD, values_BLD = projected_BLP.chunk(3, dim=-1)
        q_BHLK, k_BHLK, v_BHLK = by_head(projected_BLP, 3, self.heads)
        of_keys_BIM = _shares(self.key_interests(keys_BLD), lengths_B)
        of_values_BIM = _shares(self.value_interests(values_BLD), lengths_B)
        k_BHIK, v_BHIK = of_keys_BIM[:, None] @ k_BHLK, of_values_BIM[:, None] @ v_BHLK
        return q_BHLK, k_BHIK, v_BHIK, of_values_BIM, v_BHLK

    def _places(
        self, states_BLD: Tensor, lengths_B: Tensor
    ) -> tuple[Tensor, Tensor, Tensor] | None:
        """Queries and keys of positions, and which of them hold an event, if they take part."""
        if self.positions is None:
            return None
        L = states_BLD.shape[1]
        q_BHLK, k_BHLK = self.positions(lengths_B, L)
        return q_BHLK, k_BHLK, real_positions(lengths_B, L)[:, None, None]


def _all_of(states_BLD: Tensor) -> Tensor:
    """Lengths of histories without padding."""
    B, L, _ = states_BLD.shape
    return torch.full((B,), L, device=states_BLD.device)


def _shares(scores_BMI: Tensor, lengths_B: Tensor) -> Tensor:
    """How much each real event has of each interest, `(B, k, M)`; sums to one over the events."""
    real_BM = real_positions(lengths_B, scores_BMI.shape[1])
    scores_BMI = scores_BMI.masked_fill(~real_BM[..., None], -torch.inf)
    return scores_BMI.transpose(1, 2).softmax(-1)
