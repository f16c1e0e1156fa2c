"""SR-GNN: a session as a graph of its items, read by its newest event.

Idea: within a session people go to and fro, and what an item means there depends on what it stands
between. Each event hears from the neighbours of its item in the session's graph; then the newest
one asks all of them what the session is about.

Formula: `v = GRU(a(x), x)` over the edges of the graph, `s = Σⱼ αⱼ vⱼ` with
`αⱼ = q·σ(W₃ vₙ + W₄ vⱼ + c)`, `h = W₅ [vₙ ; s]`; the score of an item is `h·x`.

Source: Wu et al. 2019, "Session-based Recommendation with Graph Neural Networks", AAAI, sections
3.2 to 3.5, equations 1 to 8; the mechanism, equations 1 to 7, is that of `regard.attention.graph`,
which says where it leaves them.

Differs from the paper: a session is learned from at all its positions at once, each of which knows
the edges up to it, where the paper makes a sample of every prefix; one step over the graph, as in
the authors' settings; in the GRU the reset gate acts behind the product, as torch and cuDNN have
it; z says what is kept, not what is written; each of its sums is with constants; dropout, which the
paper has none of, since a history here may be long; a layer norm ends it, without which products
with small item vectors are too small to begin with; item vectors multiplied by √D on the way in;
AdamW and exact cross-entropy as for every network here (the paper's loss is cross-entropy over the
catalogue too).

Cost: time and memory `O(L² D)` a history: suited to sessions, not to the life of a customer.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from regard.attention.contract import Promises
from regard.attention.graph import GraphAttention
from regard.losses.contract import ItemTable
from regard.models.contract import ModelInput, SequenceModel, Trace, check_sizes
from regard.models.dropout import ByteDropout
from regard.models.embeddings import ItemEmbedding


@dataclass(frozen=True, kw_only=True)
class SRGNNConfig:
    """Sizes of an SR-GNN.

    Attributes:
        width: of the vectors (`D`).
        longest: most events looked at (`L`).
        dropout: probability on the vectors of items, and on the state.
    """

    width: int = 64
    longest: int = 50
    dropout: float = 0.2

    def __post_init__(self) -> None:
        check_sizes(self)


class SRGNN(SequenceModel):
    """Session-based recommendation with a graph neural network.

    Args:
        config: sizes.
        catalogue_size: number of item codes (`N`).

    Example:
        >>> import numpy as np
        >>> from regard.data.batches import Batch
        >>> model = SRGNN(SRGNNConfig(width=8), catalogue_size=20)
        >>> batch = Batch(items=np.array([[3, 4, 3], [6, 0, 0]]), lengths=np.array([3, 1]))
        >>> trace = model.trace(ModelInput.of(batch, 20), need_maps=True)
        >>> trace.attention_maps["session"].shape
        torch.Size([2, 1, 3, 3])
    """

    name: ClassVar[str] = "sr-gnn"
    config_class: ClassVar[type] = SRGNNConfig
    # Codes are of every batch, so the loop has nothing to gather for it.
    promises: Promises = GraphAttention.promises
    config: SRGNNConfig

    def __init__(self, config: SRGNNConfig, catalogue_size: int) -> None:
        super().__init__(config, catalogue_size)
        self.items = ItemEmbedding(catalogue_size, config.width, scale=config.width**0.5)
        self.session = GraphAttention(config.width)
        self.dropout = ByteDropout(config.dropout)
        self.norm = nn.LayerNorm(config.width)

    def trace(self, batch: ModelInput, *, need_maps: bool = False) -> Trace:
        """See `SequenceModel.trace`; the map is named `session`."""
        self.check_length(batch)
        vectors_BLD = self.dropout(self.items(batch.items_BL))
        read_BLD, map_BHLM = self.session(vectors_BLD, items_BL=batch.items_BL, need_map=need_maps)
        maps = {} if map_BHLM is None else {"session": map_BHLM}
        return Trace(self.norm(self.dropout(read_BLD)), maps)

    def newest(self, batch: ModelInput) -> Tensor:
        """See `SequenceModel.newest`: one event a session asks instead of all."""
        self.check_length(batch)
        vectors_BLD = self.dropout(self.items(batch.items_BL))
        read_BD = self.session.newest(vectors_BLD, batch.lengths_B, items_BL=batch.items_BL)
        newest_BD: Tensor = self.norm(self.dropout(read_BD))
        return newest_BD

    def item_table(self) -> ItemTable:
        """The input table once more: equation 8 of the paper."""
        return ItemTable(self.items.vectors_ND)
