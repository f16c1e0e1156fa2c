"""A stack of blocks: what most networks for histories share, whatever their blocks do.

::

    item vectors ────┐
    positions ───────┼─ + ─► dropout ─► block 1 ─► ... ─► block B ─► norm ─► states
    event features ──┘                                                      │
    item vectors ────────────────────────────────────────────────────► product ─► scores

A network is a subclass that says how one block of it is made, with any mechanism of
`regard.attention`; the stack hands each mechanism what it needs of a batch, collects the maps, and
leaves out of the last block all but the newest event where only that is asked.

Source: the frame of SASRec (Kang & McAuley 2018, section III); see `regard.models.sasrec` for where
it differs.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from regard.attention.positions import NewestFirstPositions
from regard.data.features import FeatureLayout
from regard.losses.contract import ItemTable
from regard.models.contract import ModelInput, SequenceModel, Trace, check_sizes, given_to
from regard.models.dropout import ByteDropout
from regard.models.embeddings import ItemEmbedding
from regard.models.event_features import EventFeatures


@dataclass(frozen=True, kw_only=True)
class StackConfig:
    """Sizes that every stack has; each network tells them again, with its own.

    Attributes:
        width: of the states (`D`).
        blocks: number of layers.
        heads: per layer (`H`); must divide `width`.
        longest: most events looked at (`L`).
        dropout: probability after the embedding and in each branch.

    Raises:
        ConfigurationError: a size is below 1, or a dropout not in [0, 1).

    Example:
        >>> StackConfig(blocks=0)
        Traceback (most recent call last):
        regard.errors.ConfigurationError: model.blocks=0 must be 1 or more.
    """

    width: int = 64
    blocks: int = 2
    heads: int = 2
    longest: int = 200
    dropout: float = 0.2

    def __post_init__(self) -> None:
        check_sizes(self)


class Stack(SequenceModel):
    """Embeddings, blocks, a norm, and the item table once more.

    Args:
        config: sizes.
        catalogue_size: number of item codes (`N`).
        layout: of the features of events; None where it reads items alone.

    Example:
        >>> import torch
        >>> from regard.attention.local_window import LocalWindowAttention
        >>> from regard.models.block import PreNormBlock
        >>> class NearSighted(Stack):
        ...     name, config_class = "near-sighted", StackConfig
        ...     def block(self):
        ...         width = self.config.width
        ...         return PreNormBlock(LocalWindowAttention(width, window=3), width, 4 * width)
        >>> model = NearSighted(StackConfig(width=8), catalogue_size=20)
        >>> batch = ModelInput(torch.tensor([[3, 4, 5], [6, 0, 0]]), torch.tensor([3, 1]))
        >>> model.newest(batch).shape, list(model.trace(batch, need_maps=True).attention_maps)
        (torch.Size([2, 8]), ['block 1', 'block 2'])
    """

    features: ClassVar[bool] = True
    config: StackConfig

    def __init__(
        self, config: StackConfig, catalogue_size: int, layout: FeatureLayout | None = None
    ) -> None:
        super().__init__(config, catalogue_size, layout)
        width = config.width
        self.items = ItemEmbedding(catalogue_size, width, scale=width**0.5)
        self.positions = self.places()
        self.dropout = ByteDropout(config.dropout)
        self.blocks = nn.ModuleList()
        for _ in range(config.blocks):
            self.blocks.append(self.block())
        self.norm: nn.Module = nn.LayerNorm(width)
        self.event_features: EventFeatures | None = None
        if layout is not None:
            self.event_features = EventFeatures(layout, width, scale=width**0.5)

    @abstractmethod
    def block(self) -> nn.Module:
        """A new block, by `self.config`; the first one first, and `self.blocks` holds those so far.

        Returns:
            A module that is called as `regard.models.block.PreNormBlock` is, and holds its
            mechanism as `attention`.
        """

    def places(self) -> NewestFirstPositions | None:
        """Vectors of positions that join the input.

        Returns:
            A table of them; None for a network whose mechanism knows positions by itself.
        """
        return NewestFirstPositions(self.config.longest, self.config.width)

    def answers(self, states: Tensor) -> Tensor:
        """What is compared with item vectors, `(..., D)`, of what the last block says."""
        answers: Tensor = self.norm(states)
        return answers

    def named(self, number: int, map_BHLM: Tensor) -> dict[str, Tensor]:
        """The maps of a block by name.

        Args:
            number: of the block, from 1.
            map_BHLM: of all its heads, `(B, H, L, M)`.
        """
        return {f"block {number}": map_BHLM}

    def trace(self, batch: ModelInput, *, need_maps: bool = False) -> Trace:
        """See `SequenceModel.trace`; maps are named as `named` does: `block 1`, `block 2`, ..."""
        states_BLD = self._embedded(batch)
        maps: dict[str, Tensor] = {}
        for number, block in enumerate(self.blocks, start=1):
            given = given_to(block.attention, batch)
            states_BLD, map_BHLM = block(states_BLD, need_map=need_maps, **given)
            if map_BHLM is not None:
                maps |= self.named(number, map_BHLM)
        return Trace(self.answers(states_BLD), maps)

    def newest(self, batch: ModelInput) -> Tensor:
        """See `SequenceModel.newest`: the last block answers for one position only."""
        states_BLD = self._embedded(batch)
        for block in self.blocks[:-1]:
            states_BLD, _ = block(states_BLD, **given_to(block.attention, batch))
        last: Any = self.blocks[-1]  # a ModuleList forgets what it holds
        given = given_to(last.attention, batch)
        return self.answers(last.newest(states_BLD, batch.lengths_B, **given))

    def _embedded(self, batch: ModelInput) -> Tensor:
        self.check_length(batch)
        states_BLD: Tensor = self.items(batch.items_BL)
        if self.positions is not None:
            states_BLD = states_BLD + self.positions(batch.lengths_B, batch.items_BL.shape[1])
        if self.event_features is not None:
            states_BLD = states_BLD + self.event_features(batch)
        embedded_BLD: Tensor = self.dropout(states_BLD)
        return embedded_BLD

    def item_table(self) -> ItemTable:
        """The input table once more: equation 6 of SASRec."""
        return ItemTable(self.items.vectors_ND)
