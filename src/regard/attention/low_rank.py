"""Low-rank attention: a history is first summed up as a few interests, then asked.

Idea: L events are about few things. k interests, each a weighted mean of all events, stand in for
them, so that an event asks k interests instead of L events.

Formula: `Cᴷ = softmax(K Θᴷ)`, `Cⱽ = softmax(V Θⱽ)` over the events, each `(L, k)`; then
`softmax(Q (Cᴷᵀ K)ᵀ / √K) (Cⱽᵀ V)` over the interests.

Source: Fan et al. 2021, "Lighter and Better: Low-Rank Decomposed Self-Attention Networks for
Next-Item Recommendation" (LightSANs). Differs from the paper in that padding is left out of the
means; that the second softmax runs over the interests, as the paper's formula has it, where the
authors' code lets it run over the positions; and that positions are left to the model (the paper
adds a map of positions alone).

Not causal: an interest is a mean over the whole history, and a mean over each prefix, `O(k L² D)`,
would cost more than the attention that it stands for. So it is for an objective that asks about the
newest event of each row, as its authors train it, and for no other; `promises` says so.

Cost: time `O(L k D + L D²)`, memory `O(L (D + k))`; `O(H L²)` with the map.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from regard.attention.contract import Promises
from regard.attention.heads import by_head, check_heads, joined, kernel, likeness
from regard.attention.masks import pick_newest, real_positions
from regard.attention.projection import Projection
from regard.errors import ConfigurationError


class LowRankAttention(nn.Module):
    """Multi-head attention of all events to k interests of the whole history.

    Args:
        width: of the states (`D`).
        heads: number of heads (`H`); must divide `width`.
        interests: how many (`k`).
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

    promises: ClassVar[Promises] = Promises(causal=False, needs=("lengths_B",))

    def __init__(
        self, width: int, heads: int = 1, interests: int = 8, *, bias: bool = False
    ) -> None:
        super().__init__()
        check_heads(width, heads)
        if interests < 1:
            raise ConfigurationError(f"interests={interests} must be 1 or more.")
        self.heads = heads
        self.queries_keys_values = Projection(width, 3 * width, bias=bias)
        self.key_interests = nn.Linear(width, interests, bias=False)
        self.value_interests = nn.Linear(width, interests, bias=False)
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
        q_BHLK, k_BHIK, v_BHIK, shares_BIM, v_BHLK = self._projected(states_BLD, lengths_B)
        if not need_map:
            return self.output(joined(kernel(q_BHLK, k_BHIK, v_BHIK))), None
        of_interests_BHLI = likeness(q_BHLK, k_BHIK).softmax(-1)
        map_BHLM = of_interests_BHLI @ shares_BIM[:, None]
        return self.output(joined(map_BHLM @ v_BHLK)), map_BHLM

    def newest(self, states_BLD: Tensor, lengths_B: Tensor) -> Tensor:
        """One query a history; see `regard.attention.contract.Attention`."""
        q_BHLK, k_BHIK, v_BHIK, _, _ = self._projected(states_BLD, lengths_B)
        newest_BHK = pick_newest(q_BHLK.transpose(1, 2), lengths_B)
        mixed_BH1K = kernel(newest_BHK[:, :, None], k_BHIK, v_BHIK)
        newest_BD: Tensor = self.output(joined(mixed_BH1K)).squeeze(1)
        return newest_BD

    def _projected(
        self, states_BLD: Tensor, lengths_B: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Queries, interests as keys and as values, what the latter are made of, and values."""
        projected_BLP = self.queries_keys_values(states_BLD)
        _, keys_BLD, values_BLD = projected_BLP.chunk(3, dim=-1)
        q_BHLK, k_BHLK, v_BHLK = by_head(projected_BLP, 3, self.heads)
        of_keys_BIM = _shares(self.key_interests(keys_BLD), lengths_B)
        of_values_BIM = _shares(self.value_interests(values_BLD), lengths_B)
        k_BHIK, v_BHIK = of_keys_BIM[:, None] @ k_BHLK, of_values_BIM[:, None] @ v_BHLK
        return q_BHLK, k_BHIK, v_BHIK, of_values_BIM, v_BHLK


def _shares(scores_BMI: Tensor, lengths_B: Tensor | None) -> Tensor:
    """How much each real event has of each interest, `(B, k, M)`; sums to one over the events."""
    if lengths_B is not None:
        real_BM = real_positions(lengths_B, scores_BMI.shape[1])
        scores_BMI = scores_BMI.masked_fill(~real_BM[..., None], -torch.inf)
    return scores_BMI.transpose(1, 2).softmax(-1)
