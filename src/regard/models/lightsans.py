"""LightSANs: a history summed up as a few interests, which each event asks.

Idea: L events are about few things. Attention to k interests, each a weighted mean of all events,
stands in for attention to L events; and where an event stands is compared by a map of its own,
in which no item has a say.

Formula: `½ softmax(Q (Cᴷᵀ K)ᵀ / √K) (Cⱽᵀ V) + ½ softmax(P Rᵀ / √K) V`, where Cᴷ and Cⱽ hold the
share of each event in each interest, and P and R are queries and keys of positions alone; a
feed-forward network after it, in B blocks over item vectors.

Source: Fan et al. 2021, "Lighter and Better: Low-Rank Decomposed Self-Attention Networks for
Next-Item Recommendation", SIGIR; section 3, with details as in the authors' code.

Differs from the paper: see `regard.attention.low_rank` for padding, for the second softmax, and for
the mean of both maps; positions count from the newest event. Blocks have their norms first, and
linear layers no bias. As in the paper, an interest sees the whole history, so only the newest event
of each row is asked what comes next; which events are asked is drawn, where the paper asks all.

Cost: time `O(L k D + L² D + L D²)` a layer, of which positions are `L² D`, and the last layer of an
answer pays `L D` for them; memory `O(L (D + k))`, `O(H L²)` with the map.
"""

from dataclasses import dataclass
from typing import ClassVar

from regard.attention.low_rank import LowRankAttention
from regard.models.block import PreNormBlock
from regard.models.stack import Stack, StackConfig


@dataclass(frozen=True, kw_only=True)
class LightSANsConfig(StackConfig):
    """Sizes of a LightSANs.

    Attributes:
        width: of the states (`D`).
        blocks: number of layers.
        heads: per layer (`H`); must divide `width`.
        interests: that a history is summed up as (`k`).
        expansion: how many times as wide as the states the feed-forward network is inside.
        longest: most events looked at (`L`); fewer than in networks that learn at every event,
            since here each target costs a reading of all of them.
        dropout: probability after the embedding and in each branch.
    """

    longest: int = 50
    interests: int = 8
    expansion: int = 4


class LightSANs(Stack):
    """Low-rank attention with positions apart, for the newest event.

    Args:
        config: sizes.
        catalogue_size: number of item codes (`N`).
        layout: of the features of events; None where it reads items alone.

    Example:
        >>> import torch
        >>> from regard.models.contract import ModelInput
        >>> model = LightSANs(LightSANsConfig(width=8), catalogue_size=20)
        >>> batch = ModelInput(torch.tensor([[3, 4, 5], [6, 0, 0]]), torch.tensor([3, 1]))
        >>> model.newest(batch).shape
        torch.Size([2, 8])
    """

    name: ClassVar[str] = "lightsans"
    config_class: ClassVar[type] = LightSANsConfig
    promises = LowRankAttention.promises
    objective = "newest-item"
    config: LightSANsConfig

    def places(self) -> None:
        """None: the mechanism knows positions by itself; see `Stack.places`."""

    def block(self) -> PreNormBlock:
        """See `Stack.block`."""
        config = self.config
        attention = LowRankAttention(
            config.width, config.heads, config.interests, longest=config.longest
        )
        return PreNormBlock(
            attention, config.width, config.expansion * config.width, config.dropout
        )
