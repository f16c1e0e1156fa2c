"""AdaMCT: attention for the whole history beside a convolution for the last events.

Idea: what somebody likes shows in the whole history, what they are doing right now in the order of
the last few events. Attention sees the former, a convolution the latter, and each history decides
how much of either it wants.

Formula: `x + W ((1 − g) norm(attention(x)) + g norm(gelu(convolution(x))))` with
`gᵢ = σ(w·mean(x₀ ... xᵢ) + b)`, on normalised states, in B blocks over item and position vectors.

Source: Jiang et al. 2023, "AdaMCT: Adaptive Mixture of CNN-Transformer for Sequential
Recommendation", CIKM, and the authors' code.

Differs from the paper: it is causal (see `regard.attention.convolution_mix`): the convolution looks
back only, the gate sees the mean so far, and the squeeze-excitation units, tables over a fixed
number of positions, are left out. Each block has its norm first, where the paper has one more
linear layer and a norm before both branches and another norm at the end; the gate sees normalised
states. As in the paper, no feed-forward network follows.

Cost: time `O(L² D + L n D²)` a layer for a convolution over n events, memory `O(L n D)`, `O(H L²)`
more with the map.
"""

from dataclasses import dataclass
from typing import ClassVar

from regard.attention.convolution_mix import ConvolutionMix
from regard.models.bare_block import BareBlock
from regard.models.stack import Stack, StackConfig


@dataclass(frozen=True, kw_only=True)
class AdaMCTConfig(StackConfig):
    """Sizes of an AdaMCT.

    Attributes:
        width: of the states (`D`).
        blocks: number of layers.
        heads: per layer (`H`); must divide `width`.
        events: that the convolution sees, the newest included (`n`).
        longest: most events looked at (`L`).
        dropout: probability after the embedding and in each branch.
    """

    events: int = 3


class AdaMCT(Stack):
    """Attention and convolution, mixed by a gate that knows the history.

    Args:
        config: sizes.
        catalogue_size: number of item codes (`N`).
        layout: of the features of events; None where it reads items alone.

    Example:
        >>> import torch
        >>> from regard.models.contract import ModelInput
        >>> model = AdaMCT(AdaMCTConfig(width=8), catalogue_size=20)
        >>> model(ModelInput(torch.tensor([[3, 4, 5], [6, 0, 0]]), torch.tensor([3, 1]))).shape
        torch.Size([2, 3, 8])
    """

    name: ClassVar[str] = "adamct"
    config_class: ClassVar[type] = AdaMCTConfig
    promises = ConvolutionMix.promises
    config: AdaMCTConfig

    def block(self) -> BareBlock:
        """See `Stack.block`."""
        config = self.config
        mix = ConvolutionMix(config.width, config.heads, config.events, by_history=True)
        return BareBlock(mix, config.width, config.dropout)
