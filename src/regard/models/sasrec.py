"""SASRec: self-attention over the history, the last state compared with every item.

Idea: each event asks the events before it which of them matter now; the answer, blended, is a
state, and the items nearest to it come next.

Formula: item and position vectors added (equation 1 of the paper), the padding's vector zero; B
blocks of causal self-attention `softmax(q kᵀ / √K) v` in H heads, and of a feed-forward network
(equations 2 to 5); the state at an event scores each item by a product with the same item table
(equation 6).

Source: Kang & McAuley 2018, "Self-Attentive Sequential Recommendation", ICDM, section III.

Differs from the paper: norms before the branches instead of after; linear layers without a bias,
which the norm before them has already; a feed-forward network four times as wide as the states;
item vectors multiplied by √D on the way in; positions counted from the newest event; exact
cross-entropy over the catalogue in place of one sampled negative (Klenitskiy & Vasilev 2023).
Features of events, which the paper does not know, join the sum at the input
(`regard.models.event_features`). What it reaches as it stands: `benchmarks/ml1m.py`.

Cost: time `O(L² D + L D²)`, memory `O(L D)` fused, `O(H L²)` with the maps; for each history and
layer. The loss takes `O(N D)` a target.
"""

from dataclasses import dataclass
from typing import ClassVar

from regard.attention.scaled_dot_product import ScaledDotProductAttention
from regard.models.block import PreNormBlock
from regard.models.stack import Stack, StackConfig


@dataclass(frozen=True, kw_only=True)
class SASRecConfig(StackConfig):
    """Sizes of a SASRec.

    Attributes:
        width: of the states (`D`).
        blocks: number of layers.
        heads: per layer (`H`); must divide `width`.
        expansion: how many times as wide as the states the feed-forward network is inside.
        longest: most events looked at (`L`).
        dropout: probability after the embedding and in each branch.
        attention_dropout: probability on attention values; above 0 the fused kernel is not used
            while training.
    """

    expansion: int = 4
    attention_dropout: float = 0.0


class SASRec(Stack):
    """Self-attentive sequential recommendation.

    Args:
        config: sizes.
        catalogue_size: number of item codes (`N`).
        layout: of the features of events; None where it reads items alone.

    Example:
        >>> import numpy as np
        >>> from regard.data.batches import Batch
        >>> from regard.models.contract import ModelInput
        >>> model = SASRec(SASRecConfig(width=8), catalogue_size=20)
        >>> batch = Batch(items=np.array([[3, 4, 5], [6, 0, 0]]), lengths=np.array([3, 1]))
        >>> model(ModelInput.of(batch, 20)).shape
        torch.Size([2, 3, 8])
    """

    name: ClassVar[str] = "sasrec"
    config_class: ClassVar[type] = SASRecConfig
    config: SASRecConfig

    def block(self) -> PreNormBlock:
        """Self-attention and a feed-forward network: equations 2 to 5."""
        config = self.config
        attention = ScaledDotProductAttention(config.width, config.heads, config.attention_dropout)
        return PreNormBlock(
            attention, config.width, config.expansion * config.width, config.dropout
        )
