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

from torch import Tensor, nn

from regard.attention.positions import NewestFirstPositions
from regard.attention.scaled_dot_product import ScaledDotProductAttention
from regard.data.features import FeatureLayout
from regard.losses.contract import ItemTable
from regard.models.block import PreNormBlock
from regard.models.contract import ModelInput, SequenceModel, Trace, check_sizes
from regard.models.dropout import ByteDropout
from regard.models.embeddings import ItemEmbedding
from regard.models.event_features import EventFeatures


@dataclass(frozen=True, kw_only=True)
class SASRecConfig:
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

    width: int = 64
    blocks: int = 2
    heads: int = 2
    expansion: int = 4
    longest: int = 200
    dropout: float = 0.2
    attention_dropout: float = 0.0

    def __post_init__(self) -> None:
        check_sizes(self)


class SASRec(SequenceModel):
    """Self-attentive sequential recommendation.

    Args:
        config: sizes.
        catalogue_size: number of item codes (`N`).
        layout: of the features of events; None where it reads items alone.

    Example:
        >>> import numpy as np
        >>> from regard.data.batches import Batch
        >>> model = SASRec(SASRecConfig(width=8), catalogue_size=20)
        >>> batch = Batch(items=np.array([[3, 4, 5], [6, 0, 0]]), lengths=np.array([3, 1]))
        >>> model(ModelInput.of(batch, 20)).shape
        torch.Size([2, 3, 8])
    """

    name: ClassVar[str] = "sasrec"
    config_class: ClassVar[type] = SASRecConfig
    features: ClassVar[bool] = True
    config: SASRecConfig

    def __init__(
        self, config: SASRecConfig, catalogue_size: int, layout: FeatureLayout | None = None
    ) -> None:
        super().__init__(config, catalogue_size, layout)
        width = config.width
        self.items = ItemEmbedding(catalogue_size, width, scale=width**0.5)
        self.positions = NewestFirstPositions(config.longest, width)
        self.dropout = ByteDropout(config.dropout)
        self.blocks = nn.ModuleList(
            PreNormBlock(
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
        assert isinstance(last, PreNormBlock)  # noqa: S101 - a ModuleList forgets what it holds
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
        """The input table once more: equation 6 of the paper."""
        return ItemTable(self.items.vectors_ND)
