"""Attention pooling: the smallest attention recommender there is.

::

    history -> nn.Embedding -> softmax(w·x) over the history -> weighted sum -> nn.Linear -> scores

The model that a beginner writes first, without the usual mistakes, each of which is refused by
name: codes beyond the table (`ModelInput.of`), a softmax that lets padding take part (a history of
padding alone is refused; padding lies in the masked future), a loss without targets
(`regard.losses.cross_entropy.check_targets`).

Idea: one learned number an event says how much it counts; what comes next is a linear map of the
mean. It knows no order: the same items in another order get the same answer.

Formula: `aᵢⱼ = exp(w·xⱼ) / Σₘ≤ᵢ exp(w·xₘ)`, `hᵢ = Σⱼ≤ᵢ aᵢⱼ xⱼ`, then `W hᵢ + b`.

Source: the score without a query of Bahdanau et al. 2015, pooled as in Yang et al. 2016; in full
with `regard.attention.additive`.

Differs from the paper: neither recommends anything; embedding and linear output are the plainest
that can stand around their attention.

Cost: time `O(L² D)`, memory `O(L²)`. The loss takes `O(N D)` a target.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from regard.attention.additive import AdditiveAttention
from regard.losses.contract import ItemTable
from regard.models.contract import ModelInput, SequenceModel, Trace, check_sizes
from regard.models.dropout import ByteDropout


@dataclass(frozen=True, kw_only=True)
class AttentionPoolingConfig:
    """Sizes of an attention-pooling model.

    Attributes:
        width: of the vectors (`D`).
        longest: most events looked at (`L`).
        dropout: probability on the pooled vector.
    """

    width: int = 64
    longest: int = 50
    dropout: float = 0.2

    def __post_init__(self) -> None:
        check_sizes(self)


class AttentionPooling(SequenceModel):
    """Embedding, one additive attention layer, weighted sum, linear output.

    Args:
        config: sizes.
        catalogue_size: number of item codes (`N`).

    Example:
        >>> import numpy as np
        >>> from regard.data.batches import Batch
        >>> model = AttentionPooling(AttentionPoolingConfig(width=8), catalogue_size=20)
        >>> batch = Batch(items=np.array([[3, 4, 5], [6, 0, 0]]), lengths=np.array([3, 1]))
        >>> trace = model.trace(ModelInput.of(batch, 20), need_maps=True)
        >>> trace.attention_maps["pooling"].shape
        torch.Size([2, 1, 3, 3])
    """

    name: ClassVar[str] = "attention-pooling"
    config_class: ClassVar[type] = AttentionPoolingConfig
    config: AttentionPoolingConfig

    def __init__(self, config: AttentionPoolingConfig, catalogue_size: int) -> None:
        super().__init__(config, catalogue_size)
        self.embedding = nn.Embedding(catalogue_size, config.width, padding_idx=0)
        self.attention = AdditiveAttention(config.width)
        self.dropout = ByteDropout(config.dropout)
        self.output = nn.Linear(config.width, catalogue_size)

    def trace(self, batch: ModelInput, *, need_maps: bool = False) -> Trace:
        """See `SequenceModel.trace`; the map is named `pooling`."""
        self.check_length(batch)
        vectors_BLD = self.embedding(batch.items_BL)
        pooled_BLD, map_BHLM = self.attention(vectors_BLD, need_map=need_maps)
        maps = {} if map_BHLM is None else {"pooling": map_BHLM}
        return Trace(self.dropout(pooled_BLD), maps)

    def newest(self, batch: ModelInput) -> Tensor:
        """See `SequenceModel.newest`: one pooling a history instead of one a position."""
        self.check_length(batch)
        vectors_BLD = self.embedding(batch.items_BL)
        pooled_BD: Tensor = self.dropout(self.attention.newest(vectors_BLD, batch.lengths_B))
        return pooled_BD

    def item_table(self) -> ItemTable:
        """Weight and bias of the linear output."""
        return ItemTable(self.output.weight, self.output.bias)
