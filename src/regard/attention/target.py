"""Target attention: the history as one candidate sees it.

Idea: somebody who bought a tent and a toaster is a camper to a sleeping bag and a cook to a kettle.
Each candidate weighs the history anew.

Formula: `aⱼ = w·prelu(W₁ [xⱼ; c; xⱼ − c; xⱼ ∘ c] + b₁) + b`, `h = Σⱼ aⱼ xⱼ`.

Source: Zhou et al. 2018, "Deep Interest Network for Click-Through Rate Prediction", section 4.3,
equation 3 and figure 2. As there the values are not normalised: how much of a taste there is stays
visible. Differs from the paper in the activation (PReLU, which it names beside its own Dice), and
in that the first layer is folded: what the paper concatenates, four vectors for each pair of event
and candidate, is never held.

Cost: time `O(C L D N)`, memory `O(C L N)` for C candidates and N hidden numbers.
"""

from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional as F

from regard.attention.contract import Promises
from regard.attention.masks import real_positions
from regard.errors import ConfigurationError


class TargetAttention(nn.Module):
    """Pools a history for each candidate; see `regard.attention.contract.CandidateAttention`.

    It is no `Attention` of positions to what came before: it stands behind states that are, and
    is given to a model that scores candidates one by one.

    Args:
        width: of states and candidates (`D`).
        hidden: numbers of the layer that compares an event with a candidate (`N`).

    Raises:
        ConfigurationError: `hidden` is below 1.

    Example:
        >>> import torch
        >>> attention = TargetAttention(width=8)
        >>> states_BLD, candidates_BCD = torch.randn(2, 5, 8), torch.randn(2, 3, 8)
        >>> lengths_B = torch.tensor([5, 2])
        >>> pooled, map_BCM = attention(states_BLD, candidates_BCD, lengths_B, need_map=True)
        >>> pooled.shape, map_BCM[1, 0, 2:].tolist()
        (torch.Size([2, 3, 8]), [0.0, 0.0, 0.0])
    """

    promises: ClassVar[Promises] = Promises(
        causal=False,
        needs=("candidates_BCD", "lengths_B"),
        rows_sum_to_one=False,
        because="values are strengths, as in the paper: how much of a taste there is counts",
    )

    def __init__(self, width: int, hidden: int = 36) -> None:
        super().__init__()
        if hidden < 1:
            raise ConfigurationError(f"hidden={hidden} must be 1 or more.")
        self.compare = nn.Linear(4 * width, hidden)
        self.activation = nn.PReLU()
        self.score = nn.Linear(hidden, 1)

    def forward(
        self,
        states_BLD: Tensor,
        candidates_BCD: Tensor,
        lengths_B: Tensor,
        *,
        need_map: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Pool; see `regard.attention.contract.CandidateAttention`."""
        map_BCL = self.strengths(states_BLD, candidates_BCD)
        real_BL = real_positions(lengths_B, states_BLD.shape[1])
        map_BCL = map_BCL.masked_fill(~real_BL[:, None], 0)
        return map_BCL.to(states_BLD.dtype) @ states_BLD, map_BCL if need_map else None

    def strengths(self, states_BLD: Tensor, candidates: Tensor) -> Tensor:
        """What each event says of each candidate, whatever else the history holds.

        An event's strength depends on nothing but itself and the candidate, so one table of them
        serves every cut of a history.

        Args:
            states_BLD: float `(B, L, D)`.
            candidates: float `(B, C, D)`, or `(C, D)` where all histories have the same ones.

        Returns:
            `(B, C, L)`; those at padding have no meaning.
        """
        of_state, of_candidate, of_difference, of_product = self.compare.weight.chunk(4, dim=1)
        # To one candidate the layer is a matrix and a bias of its own.
        matrices = candidates.unsqueeze(-2) * of_product + (of_state + of_difference)
        matrices = matrices.flatten(-3, -2)
        shifts = F.linear(candidates, of_candidate - of_difference, self.compare.bias).flatten(-2)
        if candidates.dim() == 2:
            hidden = F.linear(states_BLD, matrices, shifts)
        else:
            hidden = states_BLD @ matrices.transpose(-2, -1) + shifts[:, None]
        hidden_BLCN = self.activation(hidden.view(*hidden.shape[:2], candidates.shape[-2], -1))
        strengths_BCL: Tensor = self.score(hidden_BLCN).squeeze(-1).transpose(-2, -1)
        return strengths_BCL
