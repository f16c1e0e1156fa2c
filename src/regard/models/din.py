"""DIN: the history is read anew for each candidate.

Idea: nobody has one taste. What somebody did is pooled with strengths that depend on the item in
question, so that only what has to do with it counts, and no vector has to hold all tastes at once.

Formula: `h(t, c) = Σⱼ≤t r(t − j) a(xⱼ, c) xⱼ` with the strength `a` of `regard.attention.target`, a
learned weight `r` of each distance from the newest event, and
`score(t, c) = MLP([h; c; h ∘ c]) + w·(h ∘ c) + bias(c)`.

Source: Zhou et al. 2018, "Deep Interest Network for Click-Through Rate Prediction", KDD, sections
4.2 and 4.3, equation 3; the product `h ∘ c` and the bias of each item are those of the authors'
program (https://github.com/zhougr1993/DeepInterestNetwork).

Differs from the paper: it is taught to rank, against items sampled for the whole step
(`regard.losses.candidate_softmax`), not to tell clicks from impressions, which a log of events does
not hold; every event of a history is asked in one pass, since a strength that is not normalised
serves all cuts of the history; `r`, which begins at `1 / sqrt(1 + distance)`, lets it know that
what is long past counts less, where the paper's sum is blind to order; products reach the score by
a path of their own (`w`), since a network of layers is slow to learn them (Rendle et al. 2020,
"Neural Collaborative Filtering vs. Matrix Factorization Revisited"); PReLU in place of Dice, since
the latter reads statistics of the batch; features of people, items and moments are left out.

Cost: time `O(L D N + D M)` for each history and candidate, memory `O(L N)` for as many of them as
are compared at a time, with N hidden numbers of the strength and M of the MLP. A network with one
state a history needs `O(D)`: ranking a whole catalogue takes minutes here where it takes seconds
there, and DIN is at home as the second stage behind a cheap choice of candidates.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.attention.target import TargetAttention
from regard.losses.contract import ItemTable
from regard.models.candidates import CandidateModel
from regard.models.contract import ModelInput, Trace, check_sizes
from regard.models.dropout import ByteDropout
from regard.models.embeddings import ItemEmbedding


@dataclass(frozen=True, kw_only=True)
class DINConfig:
    """Sizes of a DIN.

    Attributes:
        width: of the vectors (`D`).
        longest: most events looked at (`L`).
        hidden: numbers of the layer that compares an event with a candidate (`N`).
        layers: numbers of the first layer behind the pooling, twice those of the second (`M`).
        negatives: items that each target is held against in a step. Each costs a pass through the
            network, so the recipe's `training.negatives`, which is for products, is not used.
        dropout: probability on the vectors of events and behind the first layer.
    """

    width: int = 64
    longest: int = 50
    hidden: int = 32
    layers: int = 64
    negatives: int = 64
    dropout: float = 0.2

    def __post_init__(self) -> None:
        check_sizes(self)


class DIN(CandidateModel):
    """Deep interest network.

    Args:
        config: sizes.
        catalogue_size: number of item codes (`N`).

    Example:
        >>> import numpy as np
        >>> from regard.data.batches import Batch
        >>> model = DIN(DINConfig(width=8), catalogue_size=20)
        >>> batch = ModelInput.of(Batch(np.array([[3, 4, 5], [6, 0, 0]]), np.array([3, 1])), 20)
        >>> model.scores(model(batch), model.item_table().vectors_ND).shape
        torch.Size([2, 3, 20])
    """

    name: ClassVar[str] = "din"
    config_class: ClassVar[type] = DINConfig
    config: DINConfig

    def __init__(self, config: DINConfig, catalogue_size: int) -> None:
        super().__init__(config, catalogue_size)
        width = config.width
        self.items = ItemEmbedding(catalogue_size, width, scale=width**0.5)
        self.bias = nn.Parameter(torch.zeros(catalogue_size))
        self.attention = TargetAttention(width, config.hidden)
        nn.init.ones_(self.attention.score.bias)
        self.recency = nn.Parameter(torch.arange(1, config.longest + 1) ** -0.5)
        self.judge = _Judge(width, config.layers, config.dropout)
        self.dropout = ByteDropout(config.dropout)

    def trace(self, batch: ModelInput, *, need_maps: bool = False) -> Trace:  # noqa: ARG002 - none
        """See `SequenceModel.trace`: the vector of each event."""
        self.check_length(batch)
        return Trace(self.dropout(self.items(batch.items_BL)))

    def item_table(self) -> ItemTable:
        """The input table once more, and a bias of each item."""
        return ItemTable(self.items.vectors_ND, self.bias)

    def scores(self, states_BLD: Tensor, vectors_KD: Tensor) -> Tensor:
        """See `CandidateModel.scores`."""
        candidates_KD = vectors_KD * self.items.scale
        strengths_BKL = self.attention.strengths(states_BLD, candidates_KD)
        reached_BKLL = strengths_BKL[:, :, None] * self._reach(states_BLD.shape[1])
        # The rows of all candidates side by side: one product a history.
        pooled_BKLD = (reached_BKLL.flatten(1, 2) @ states_BLD).view(*reached_BKLL.shape[:3], -1)
        scores_BKL: Tensor = self.judge(pooled_BKLD, candidates_KD[:, None])
        return scores_BKL.transpose(1, 2)

    def own_scores(self, states_BLD: Tensor, vectors_BLD: Tensor) -> Tensor:
        """See `CandidateModel.own_scores`."""
        candidates_BLD = vectors_BLD * self.items.scale
        strengths_BLL = self.attention.strengths(states_BLD, candidates_BLD)
        pooled_BLD = (strengths_BLL * self._reach(states_BLD.shape[1])) @ states_BLD
        scores_BL: Tensor = self.judge(pooled_BLD, candidates_BLD)
        return scores_BL

    def newest_scores(self, states_BLD: Tensor, lengths_B: Tensor, vectors_KD: Tensor) -> Tensor:
        """See `CandidateModel.newest_scores`."""
        candidates_KD = vectors_KD * self.items.scale
        age_BL = lengths_B[:, None] - 1 - torch.arange(states_BLD.shape[1], device=lengths_B.device)
        reach_BL = self.recency[age_BL.clamp(min=0)] * (age_BL >= 0)
        strengths_BKL = self.attention.strengths(states_BLD, candidates_KD)
        pooled_BKD = (strengths_BKL * reach_BL[:, None]) @ states_BLD
        scores_BK: Tensor = self.judge(pooled_BKD, candidates_KD)
        return scores_BK

    def _reach(self, length: int) -> Tensor:
        """`(L, L)` weight of each event at each moment; none of those that are still to come."""
        places = torch.arange(length, device=self.recency.device)
        age_LL = places[:, None] - places
        return self.recency[age_LL.clamp(min=0)] * (age_LL >= 0)


class _Judge(nn.Module):
    """Two layers over `[h; c; h ∘ c]`, the first one folded: what is concatenated is never held."""

    def __init__(self, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Linear(3 * width, layers)
        self.second = nn.Linear(layers, max(1, layers // 2))
        self.last = nn.Linear(max(1, layers // 2), 1, bias=False)
        self.product = nn.Parameter(torch.full((width,), width**-0.5))
        self.activations = nn.ModuleList([nn.PReLU(), nn.PReLU()])
        self.dropout = ByteDropout(dropout)

    def forward(self, pooled: Tensor, candidates: Tensor) -> Tensor:
        """Scores `(...)` of what was pooled, `(..., D)`, for candidates of a like shape."""
        # Candidates differ by little at first, and gradients by the differences alone: what low
        # precision rounds off here is all that there is to learn from.
        with torch.autocast(pooled.device.type, enabled=False):
            pooled = pooled.to(candidates.dtype)
            of_pooled, of_candidate, of_product = self.first.weight.chunk(3, dim=1)
            products = pooled * candidates
            hidden = F.linear(pooled, of_pooled) + F.linear(products, of_product)
            hidden = hidden + F.linear(candidates, of_candidate, self.first.bias)
            hidden = self.dropout(self.activations[0](hidden))
            scores: Tensor = self.last(self.activations[1](self.second(hidden)))
            return scores.squeeze(-1) + products @ self.product
