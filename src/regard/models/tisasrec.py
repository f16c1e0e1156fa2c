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

from torch import Tensor, nn

from regard.attention.contract import Promises
from regard.attention.positions import NewestFirstPositions
from regard.attention.time_interval import TimeIntervalAttention
from regard.losses.contract import ItemTable
from regard.models.block import PreNormBlock
from regard.models.contract import ModelInput, SequenceModel, Trace, check_sizes, given_to
from regard.models.dropout import ByteDropout
from regard.models.embeddings import ItemEmbedding


@dataclass(frozen=True, kw_only=True)
class TiSASRecConfig:
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

    width: int = 64
    blocks: int = 2
    heads: int = 2
    expansion: int = 4
    buckets: int = 256
    longest: int = 200
    dropout: float = 0.2

    def __post_init__(self) -> None:
        check_sizes(self)


class TiSASRec(SequenceModel):
    """Time interval aware self-attention.

    Args:
        config: sizes.
        catalogue_size: number of item codes (`N`).

    Example:
        >>> import numpy as np
        >>> from regard.data.batches import Batch
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

    def __init__(self, config: TiSASRecConfig, catalogue_size: int) -> None:
        super().__init__(config, catalogue_size)
        width = config.width
        self.items = ItemEmbedding(catalogue_size, width, scale=width**0.5)
        self.positions = NewestFirstPositions(config.longest, width)
        self.dropout = ByteDropout(config.dropout)
        self.blocks = nn.ModuleList(
            PreNormBlock(
                TimeIntervalAttention(width, config.heads, config.buckets),
                width,
                hidden=config.expansion * width,
                dropout=config.dropout,
            )
            for _ in range(config.blocks)
        )
        self.norm = nn.LayerNorm(width)

    def trace(self, batch: ModelInput, *, need_maps: bool = False) -> Trace:
        """See `SequenceModel.trace`; maps are named `block 1`, `block 2`, ...

        Raises:
            NeedsClockError: the batch has no times.
        """
        states_BLD = self._embedded(batch)
        maps = {}
        for number, block in enumerate(self.blocks, start=1):
            given = given_to(block.attention, batch)
            states_BLD, map_BHLM = block(states_BLD, need_map=need_maps, **given)
            if map_BHLM is not None:
                maps[f"block {number}"] = map_BHLM
        return Trace(self.norm(states_BLD), maps)

    def newest(self, batch: ModelInput) -> Tensor:
        """See `SequenceModel.newest`: the last block answers for one position only.

        Raises:
            NeedsClockError: the batch has no times.
        """
        states_BLD = self._embedded(batch)
        for block in self.blocks[:-1]:
            states_BLD, _ = block(states_BLD, **given_to(block.attention, batch))
        last = self.blocks[-1]
        assert isinstance(last, PreNormBlock)  # noqa: S101 - a ModuleList forgets what it holds
        given = given_to(last.attention, batch)
        newest_BD: Tensor = self.norm(last.newest(states_BLD, batch.lengths_B, **given))
        return newest_BD

    def _embedded(self, batch: ModelInput) -> Tensor:
        longest = batch.items_BL.shape[1]
        states_BLD = self.items(batch.items_BL) + self.positions(batch.lengths_B, longest)
        embedded_BLD: Tensor = self.dropout(states_BLD)
        return embedded_BLD

    def item_table(self) -> ItemTable:
        """The input table once more, as in SASRec: equation 11 of the paper."""
        return ItemTable(self.items.vectors_ND)
