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

from torch import Tensor, nn

from regard.attention.positions import NewestFirstPositions
from regard.attention.scaled_dot_product import ScaledDotProductAttention
from regard.data.features import FeatureLayout
from regard.losses.contract import ItemTable
from regard.models.contract import ModelInput, SequenceModel, Trace, check_sizes
from regard.models.dropout import ByteDropout
from regard.models.embeddings import ItemEmbedding
from regard.models.event_features import EventFeatures
from regard.models.gated_block import GatedBlock


@dataclass(frozen=True, kw_only=True)
class LiGRConfig:
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

    width: int = 64
    blocks: int = 2
    heads: int = 2
    expansion: int = 4
    longest: int = 200
    dropout: float = 0.2
    attention_dropout: float = 0.0

    def __post_init__(self) -> None:
        check_sizes(self)


class LiGR(SequenceModel):
    """Causal self-attention in blocks whose branches pass gates.

    Args:
        config: sizes.
        catalogue_size: number of item codes (`N`).
        layout: of the features of events; None where it reads items alone.

    Example:
        >>> import numpy as np
        >>> from regard.data.batches import Batch
        >>> model = LiGR(LiGRConfig(width=8), catalogue_size=20)
        >>> batch = Batch(items=np.array([[3, 4, 5], [6, 0, 0]]), lengths=np.array([3, 1]))
        >>> model(ModelInput.of(batch, 20)).shape
        torch.Size([2, 3, 8])
    """

    name: ClassVar[str] = "ligr"
    config_class: ClassVar[type] = LiGRConfig
    features: ClassVar[bool] = True
    config: LiGRConfig

    def __init__(
        self, config: LiGRConfig, catalogue_size: int, layout: FeatureLayout | None = None
    ) -> None:
        super().__init__(config, catalogue_size, layout)
        width = config.width
        self.items = ItemEmbedding(catalogue_size, width, scale=width**0.5)
        self.positions = NewestFirstPositions(config.longest, width)
        self.dropout = ByteDropout(config.dropout)
        self.blocks = nn.ModuleList(
            GatedBlock(
                ScaledDotProductAttention(width, config.heads, config.attention_dropout),
                width,
                hidden=config.expansion * width,
                dropout=config.dropout,
            )
            for _ in range(config.blocks)
        )
        self.norm = nn.LayerNorm(width)
        self.event_features: EventFeatures | None = None
        if layout is not None:
            self.event_features = EventFeatures(layout, width, scale=width**0.5)

    def trace(self, batch: ModelInput, *, need_maps: bool = False) -> Trace:
        """See `SequenceModel.trace`; maps are named `block 1`, `block 2`, ..."""
        states_BLD = self._embedded(batch)
        maps = {}
        for number, block in enumerate(self.blocks, start=1):
            states_BLD, map_BHLM = block(states_BLD, need_map=need_maps)
            if map_BHLM is not None:
                maps[f"block {number}"] = map_BHLM
        return Trace(self.norm(states_BLD), maps)

    def newest(self, batch: ModelInput) -> Tensor:
        """See `SequenceModel.newest`: the last block answers for one position only."""
        states_BLD = self._embedded(batch)
        for block in self.blocks[:-1]:
            states_BLD, _ = block(states_BLD)
        last = self.blocks[-1]
        assert isinstance(last, GatedBlock)  # noqa: S101 - a ModuleList forgets what it holds
        newest_BD: Tensor = self.norm(last.newest(states_BLD, batch.lengths_B))
        return newest_BD

    def _embedded(self, batch: ModelInput) -> Tensor:
        longest = batch.items_BL.shape[1]
        states_BLD = self.items(batch.items_BL) + self.positions(batch.lengths_B, longest)
        if self.event_features is not None:
            states_BLD = states_BLD + self.event_features(batch)
        embedded_BLD: Tensor = self.dropout(states_BLD)
        return embedded_BLD

    def item_table(self) -> ItemTable:
        """The input table once more."""
        return ItemTable(self.items.vectors_ND)
