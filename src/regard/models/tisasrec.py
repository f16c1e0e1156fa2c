"""TiSASRec: self-attention that knows how much time lies between two events.

Idea: SASRec knows that a click came before another, not how long before. Here each length of time,
counted in the shortest pause of the person, has vectors that join keys and values, so that a click
of a minute ago and one of last month are not the same even where they are neighbours.

Formula: `h = x + p`; in each of the blocks `h ← h + z W`, `zᵢ = Σⱼ≤ᵢ softmax(eᵢ)ⱼ (vⱼ + rⱽ(bᵢⱼ))`,
`eᵢⱼ = qᵢ·(kⱼ + rᴷ(bᵢⱼ)) / √K`, then `h ← h + relu(h W₁) W₂`, each branch over a norm of its input;
the score of an item is the product of the last state with its vector.

Source: Li, Wang & McAuley 2020, "Time Interval Aware Self-Attention for Sequential
Recommendation", WSDM: sections 3.2 to 3.7, equations 1 to 12; the mechanism is that of
`regard.attention.time_interval`, which says where it leaves equations 1 to 9.

Differs from the paper: vectors of positions join the input, as in SASRec, where the paper gives
keys and values some of their own, so queries know their place too; vectors of time belong to each
block, where the authors' code shares them; there is no dropout on them. As in
`regard.models.sasrec`, which it is to be compared with: norms before the branches, no biases, a
feed-forward network four times as wide, item vectors multiplied by √D, and exact cross-entropy over
the catalogue in place of one sampled negative.

Cost: time `O(L² (D + H) + L (B + D) D)`, memory `O(H L (L + B))` a history and block, B buckets of
time: there is no fused kernel.
"""

from dataclasses import dataclass
from typing import ClassVar

from regard.attention.contract import Promises
from regard.attention.time_interval import TimeIntervalAttention
from regard.models.block import PreNormBlock
from regard.models.stack import Stack, StackConfig


@dataclass(frozen=True, kw_only=True)
class TiSASRecConfig(StackConfig):
    """Sizes of a TiSASRec.

    Attributes:
        width: of the states (`D`).
        blocks: number of layers.
        heads: per layer (`H`); must divide `width`.
        expansion: how many times as wide as the states the feed-forward network is inside.
        buckets: longest time that is told apart, in units of the shortest pause so far (`B`).
        longest: most events looked at (`L`).
        dropout: probability after the embedding and in each branch.
    """

    expansion: int = 4
    buckets: int = 256


class TiSASRec(Stack):
    """Time interval aware self-attention.

    Args:
        config: sizes.
        catalogue_size: number of item codes (`N`).
        layout: of the features of events; None where it reads items alone.

    Example:
        >>> import numpy as np
        >>> from regard.data.batches import Batch
        >>> from regard.models.contract import ModelInput
        >>> model = TiSASRec(TiSASRecConfig(width=8), catalogue_size=20)
        >>> batch = Batch(items=np.array([[3, 4, 5]]), lengths=np.array([3]),
        ...               times=np.array([[0.0, 60.0, 86400.0]]))
        >>> model(ModelInput.of(batch, 20)).shape
        torch.Size([1, 3, 8])
    """

    name: ClassVar[str] = "tisasrec"
    config_class: ClassVar[type] = TiSASRecConfig
    promises: Promises = Promises(needs=("times_BL",), needs_clock=True)
    config: TiSASRecConfig

    def block(self) -> PreNormBlock:
        """See `Stack.block`."""
        config = self.config
        attention = TimeIntervalAttention(config.width, config.heads, config.buckets)
        return PreNormBlock(
            attention, config.width, config.expansion * config.width, config.dropout
        )
