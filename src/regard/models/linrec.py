"""LinRec: self-attention at a cost that grows with the history, not with its square.

Idea: SASRec, in whose blocks lengths stand in for the softmax. What earlier events have to say is
then a sum that each question multiplies, so a history ten times as long costs ten times as much.

Formula: `hᵢ = Σⱼ≤ᵢ (aᵢ·bⱼ) vⱼ / √K` with `bⱼ = elu(kⱼ)` and `aᵢ = elu(qᵢ) / (‖elu(qᵢ)‖ nᵢ)`,
`nᵢ = √(Σⱼ≤ᵢ bⱼ²)` feature by feature; a feed-forward network after it, in B blocks over item and
position vectors.

Source: Liu et al. 2023, "LinRec: Linear Attention Mechanism for Long-term Sequential Recommender
Systems", SIGIR: its mechanism in the blocks of SASRec, one of the networks that the paper dresses
with it.

Differs from the paper: it is causal, with lengths of the history so far (the same as the paper's at
the newest event; see `regard.attention.normalised_linear`), so that each event can be asked for the
next. The frame is that of our SASRec, and differs as that one does.

Cost: time `O(L C D + L D K + L D²)` a layer in chunks of C events, memory
`O(L (D + C H) + (L / C) D K)`; the map, which only an explanation asks for, costs `O(H L²)`.
"""

from dataclasses import dataclass
from typing import ClassVar

from regard.attention.normalised_linear import NormalisedLinearAttention
from regard.models.block import PreNormBlock
from regard.models.stack import Stack, StackConfig


@dataclass(frozen=True, kw_only=True)
class LinRecConfig(StackConfig):
    """Sizes of a LinRec.

    Attributes:
        width: of the states (`D`).
        blocks: number of layers.
        heads: per layer (`H`); must divide `width`.
        expansion: how many times as wide as the states the feed-forward network is inside.
        longest: most events looked at (`L`).
        dropout: probability after the embedding and in each branch.
    """

    expansion: int = 4


class LinRec(Stack):
    """Linear attention, normalised by lengths, in the blocks of SASRec.

    Args:
        config: sizes.
        catalogue_size: number of item codes (`N`).
        layout: of the features of events; None where it reads items alone.

    Example:
        >>> import torch
        >>> from regard.models.contract import ModelInput
        >>> model = LinRec(LinRecConfig(width=8), catalogue_size=20)
        >>> model(ModelInput(torch.tensor([[3, 4, 5], [6, 0, 0]]), torch.tensor([3, 1]))).shape
        torch.Size([2, 3, 8])
    """

    name: ClassVar[str] = "linrec"
    config_class: ClassVar[type] = LinRecConfig
    promises = NormalisedLinearAttention.promises
    config: LinRecConfig

    def block(self) -> PreNormBlock:
        """See `Stack.block`."""
        config = self.config
        attention = NormalisedLinearAttention(config.width, config.heads)
        return PreNormBlock(
            attention, config.width, config.expansion * config.width, config.dropout
        )
