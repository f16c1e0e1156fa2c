"""BSARec: attention beside a filter that tells slow tastes from quick turns.

Idea: attention smooths: block upon block, the quick changes of a history are lost. A filter takes
the history apart into slow and quick, a learned number per column says how much of the quick comes
back, and attention and filter are mixed in fixed shares.

Formula: `x + α (low(x) + β² ∘ (x − low(x))) + (1 − α) attention(x)`, where `low(x)ᵢ` is the last
value of `irfft(rfft(x₀ ... xᵢ)` cut to the c lowest frequencies`)`, on normalised states; a
feed-forward network after it, in B blocks over item and position vectors.

Source: Shin et al. 2024, "An Attentive Inductive Bias for Sequential Recommendation beyond the
Self-Attention", AAAI, and the authors' code.

Differs from the paper: it is causal, since each event filters what came before it (see
`regard.attention.frequency_mix`), so that each can be asked for the next in one pass; the paper
filters whole histories and asks each prefix by itself. In the first block both give the newest
event the same. Padding is left out of the transform, where the paper's runs over it. Norms are
first, and after the mixture instead of in both of its branches.

Cost: time `O(L² (D + c) + L D²)` a layer, memory `O(L (c L + D))`, `O(H L²)` more with the map.
"""

from dataclasses import dataclass
from typing import ClassVar

from regard.attention.frequency_mix import FrequencyMix
from regard.models.block import PreNormBlock
from regard.models.stack import Stack, StackConfig


@dataclass(frozen=True, kw_only=True)
class BSARecConfig(StackConfig):
    """Sizes of a BSARec.

    Attributes:
        width: of the states (`D`).
        blocks: number of layers.
        heads: per layer (`H`); must divide `width`.
        frequencies: that pass as slow, the mean included (`c`).
        share: of the filter in the mixture (`α`), from 0 to 1.
        expansion: how many times as wide as the states the feed-forward network is inside.
        longest: most events looked at (`L`).
        dropout: probability after the embedding and in each branch.
    """

    frequencies: int = 3
    share: float = 0.7
    expansion: int = 4


class BSARec(Stack):
    """Attention and a frequency filter, side by side.

    Args:
        config: sizes.
        catalogue_size: number of item codes (`N`).
        layout: of the features of events; None where it reads items alone.

    Example:
        >>> import torch
        >>> from regard.models.contract import ModelInput
        >>> model = BSARec(BSARecConfig(width=8), catalogue_size=20)
        >>> model(ModelInput(torch.tensor([[3, 4, 5], [6, 0, 0]]), torch.tensor([3, 1]))).shape
        torch.Size([2, 3, 8])
    """

    name: ClassVar[str] = "bsarec"
    config_class: ClassVar[type] = BSARecConfig
    promises = FrequencyMix.promises
    config: BSARecConfig

    def block(self) -> PreNormBlock:
        """See `Stack.block`."""
        config = self.config
        mix = FrequencyMix(config.width, config.heads, config.frequencies, config.share)
        return PreNormBlock(mix, config.width, config.expansion * config.width, config.dropout)
