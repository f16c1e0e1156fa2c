"""LiGR: SASRec with gated blocks, the network of eSASRec.

Idea: what a block has found out need not matter for every event. A gate that reads the state says,
number by number, how much of it is let in, twice a block: after attention and after a feed-forward
network that has a gate inside as well.

Formula: with x the item vectors times √D plus those of positions, in each block
`x ← x + σ(G₁ x + g₁) ∘ attention(norm(x))` and `x ← x + σ(G₂ x + g₂) ∘ swiglu(norm(x))`, where
`swiglu(z) = (silu(z W₁ᵀ) ∘ z W₂ᵀ) W₃ᵀ`; the score of item j is `norm(x)·eⱼ`.

Source: Borisyuk et al. 2025, "From Features to Transformers: Redefining Ranking for Scalable
Impact", for the gated block; Tikhonovich et al. 2025, "eSASRec: Enhancing Transformer-based
Recommendations in a Modular Fashion", RecSys, which puts it into SASRec with SwiGLU (Shazeer 2020,
"GLU Variants Improve Transformer") and finds it the best of the combinations that it tries.

Differs from the paper: exact cross-entropy over the catalogue where eSASRec samples negatives
(`loss="sampled-softmax"` does so too); linear layers of attention without a bias, which the norm
before them has already; a norm behind the last block, as in every network here whose blocks have
theirs first; item vectors multiplied by √D on the way in; positions counted from the newest event.
The ranking of LiGR itself, candidates that attend to each other as a set, is not part of it.
Features of events join the sum at the input, as in SASRec.

Cost: time `O(L² D + L D²)` a layer, memory `O(L D)` fused, `O(H L²)` with the map; gates and
the third matrix of SwiGLU make its products half as many again as those of SASRec.
"""

from dataclasses import dataclass
from typing import ClassVar

from regard.attention.scaled_dot_product import ScaledDotProductAttention
from regard.models.gated_block import GatedBlock
from regard.models.stack import Stack, StackConfig


@dataclass(frozen=True, kw_only=True)
class LiGRConfig(StackConfig):
    """Sizes of a LiGR.

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


class LiGR(Stack):
    """Causal self-attention in blocks whose branches pass gates.

    Args:
        config: sizes.
        catalogue_size: number of item codes (`N`).
        layout: of the features of events; None where it reads items alone.

    Example:
        >>> import numpy as np
        >>> from regard.data.batches import Batch
        >>> from regard.models.contract import ModelInput
        >>> model = LiGR(LiGRConfig(width=8), catalogue_size=20)
        >>> batch = Batch(items=np.array([[3, 4, 5], [6, 0, 0]]), lengths=np.array([3, 1]))
        >>> model(ModelInput.of(batch, 20)).shape
        torch.Size([2, 3, 8])
    """

    name: ClassVar[str] = "ligr"
    config_class: ClassVar[type] = LiGRConfig
    config: LiGRConfig

    def block(self) -> GatedBlock:
        """See `Stack.block`."""
        config = self.config
        attention = ScaledDotProductAttention(config.width, config.heads, config.attention_dropout)
        return GatedBlock(attention, config.width, config.expansion * config.width, config.dropout)
