"""BERT4Rec: a history with gaps is read from both sides, and the gaps are filled in.

::

    learning    tea   ▢    tea   milk   ▢         which items were hidden? cup, cup
    answering   tea   cup  tea   milk   cup   ▢   which one comes next?

Idea: an event is known by what came after it as well as by what came before. So some events of a
history are hidden behind a mask, and attention that looks both ways says which items they were. To
ask what comes next, a mask is put behind the newest event.

Formula: with x the item vectors, or that of the mask, plus those of positions, normalised, in each
block `x ← norm(x + attention(x))`, `x ← norm(x + W₂ gelu(W₁ x + b₁) + b₂)`; the score of item j at
a mask is `norm(gelu(P x + p))·eⱼ + cⱼ`.

Source: Sun et al. 2019, "BERT4Rec: Sequential Recommendation with Bidirectional Encoder
Representations from Transformer", CIKM: section 3.3 for the blocks (equations 1 to 5), 3.4 for the
input, 3.5 for the output (equation 7), 3.6 for what is masked; the norms after the sum at the input
and in the output are those of the authors' code. How long it takes: Petrov & Macdonald 2022, "A
Systematic Review and Replicability Study of BERT4Rec for Sequential Recommendation", RecSys, and
Klenitskiy & Vasilev 2023, "Turning Dross Into Gold Loss: is BERT4Rec really better than SASRec?",
RecSys.

Differs from the paper: histories of `longest` events plus the mask, where the paper's last place is
the mask's; positions counted from the newest one, the mask's included; each event is masked with a
probability of its own, at least one a row, where the authors mask a fixed share of a row; masks are
drawn anew in each epoch, where the authors keep ten copies of each history; attention values are
not dropped unless asked for; item vectors begin multiplied by √D.

Cost: time `O(L² D + L D²)` a layer, memory `O(L D)` fused, `O(H L²)` with the map. An epoch teaches
a share of the targets that a causal network learns at once (`mask_share`), so it takes more of them
to get as far.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.attention.bidirectional import BidirectionalAttention
from regard.attention.contract import Promises
from regard.attention.masks import real_positions
from regard.attention.positions import NewestFirstPositions
from regard.attention.projection import Projection
from regard.errors import ConfigurationError
from regard.losses.contract import ItemTable
from regard.models.bert_block import BertBlock
from regard.models.contract import ModelInput, SequenceModel, Trace, check_sizes
from regard.models.dropout import ByteDropout
from regard.models.embeddings import ItemEmbedding
from regard.schema import PADDING


@dataclass(frozen=True, kw_only=True)
class BERT4RecConfig:
    """Sizes of a BERT4Rec, and how much it is asked.

    Attributes:
        width: of the states (`D`).
        blocks: number of layers.
        heads: per layer (`H`); must divide `width`.
        expansion: how many times as wide as the states the feed-forward network is inside.
        longest: most events looked at (`L`), the mask not counted.
        dropout: probability after the embedding and in each branch.
        attention_dropout: probability on attention values; above 0 the fused kernel is not used
            while training.
        mask_share: probability of an event to be masked while training; at least one a row is.
        newest_share: share of rows in which the newest event alone is masked, as when answering.

    Raises:
        ConfigurationError: a size is below 1, or a share not one.
    """

    width: int = 64
    blocks: int = 2
    heads: int = 2
    expansion: int = 4
    longest: int = 200
    dropout: float = 0.2
    attention_dropout: float = 0.0
    mask_share: float = 0.2
    newest_share: float = 0.1

    def __post_init__(self) -> None:
        check_sizes(self)
        if not 0.0 < self.mask_share < 1.0:
            raise ConfigurationError(
                f"model.mask_share={self.mask_share} must lie between 0 and 1."
            )
        if not 0.0 <= self.newest_share <= 1.0:
            raise ConfigurationError(f"model.newest_share={self.newest_share} must be from 0 to 1.")


class BERT4Rec(SequenceModel):
    """Bidirectional self-attention over a history with masks in it.

    Args:
        config: sizes.
        catalogue_size: number of item codes (`N`).

    Example:
        >>> import numpy as np
        >>> from regard.data.batches import Batch
        >>> model = BERT4Rec(BERT4RecConfig(width=8), catalogue_size=20)
        >>> batch = Batch(items=np.array([[3, 4, 5], [6, 0, 0]]), lengths=np.array([3, 1]))
        >>> model.newest(ModelInput.of(batch, 20)).shape
        torch.Size([2, 8])
    """

    name: ClassVar[str] = "bert4rec"
    config_class: ClassVar[type] = BERT4RecConfig
    promises: Promises = Promises(
        causal=False,
        rows_sum_to_one=False,
        whole_map=False,
        because="a row is that of the mask, less what the mask gives to itself",
    )
    objective: str = "masked-item"
    config: BERT4RecConfig

    def __init__(self, config: BERT4RecConfig, catalogue_size: int) -> None:
        super().__init__(config, catalogue_size)
        width = config.width
        self.items = ItemEmbedding(catalogue_size, width, scale=width**0.5)
        self.mask_D = nn.Parameter(torch.empty(width))
        nn.init.normal_(self.mask_D, std=0.02 * width**0.5)
        self.positions = NewestFirstPositions(config.longest + 1, width)
        self.input_norm = nn.LayerNorm(width)
        self.dropout = ByteDropout(config.dropout)
        self.blocks = nn.ModuleList(
            BertBlock(
                BidirectionalAttention(width, config.heads, config.attention_dropout, bias=True),
                width,
                hidden=config.expansion * width,
                dropout=config.dropout,
            )
            for _ in range(config.blocks)
        )
        self.output = Projection(width, width)
        self.output_norm = nn.LayerNorm(width)
        self.bias_N = nn.Parameter(torch.zeros(catalogue_size))

    def trace(self, batch: ModelInput, *, need_maps: bool = False) -> Trace:
        """See `SequenceModel.trace`; maps are named `block 1`, `block 2`, ...

        What stands at an event is read at the position after it: at the newest event that is the
        mask, at the others the event that follows, whose states have no meaning of their own.
        """
        states_BLD, lengths_B = self._asked(batch)
        maps = {}
        for number, block in enumerate(self.blocks, start=1):
            states_BLD, map_BHLM = block(states_BLD, need_map=need_maps, lengths_B=lengths_B)
            if map_BHLM is not None:
                real_BM = real_positions(batch.lengths_B, batch.items_BL.shape[1])
                maps[f"block {number}"] = map_BHLM[:, :, 1:, :-1] * real_BM[:, None, None]
        return Trace(self._answer(states_BLD[:, 1:]), maps)

    def newest(self, batch: ModelInput) -> Tensor:
        """See `SequenceModel.newest`: the last block answers for the mask only."""
        states_BLD, lengths_B = self._asked(batch)
        states_BLD = self._all_but_last(states_BLD, lengths_B)
        return self._answer(self._last.newest(states_BLD, lengths_B))

    def states_at_masks(self, items_BL: Tensor, lengths_B: Tensor, masked_BL: Tensor) -> Tensor:
        """What it says of masked events, from those before and after them.

        Args:
            items_BL: int64 codes, padded on the right; at most `longest + 1` of them. What they
                say at masks is not read.
            lengths_B: int64 real events of each row, masked ones included.
            masked_BL: Boolean.

        Returns:
            States `(T, D)`, row by row.
        """
        states_BLD = self._all_but_last(self._embedded(items_BL, lengths_B, masked_BL), lengths_B)
        # Picked by number, not by mask: the way back through a mask is several times slower.
        [places_T] = torch.nonzero(masked_BL.flatten(), as_tuple=True)
        return self._answer(self._last.at(states_BLD, places_T, lengths_B=lengths_B))

    def item_table(self) -> ItemTable:
        """The input table once more, and a number for each item: equation 7 of the paper."""
        return ItemTable(self.items.vectors_ND, self.bias_N)

    def _asked(self, batch: ModelInput) -> tuple[Tensor, Tensor]:
        """Embedded histories with a mask behind each, and their lengths with it."""
        self.check_length(batch)
        items_BL = F.pad(batch.items_BL, (0, 1), value=PADDING)
        places_L = torch.arange(items_BL.shape[1], device=items_BL.device)
        masked_BL = places_L == batch.lengths_B[:, None]
        lengths_B = batch.lengths_B + 1
        return self._embedded(items_BL, lengths_B, masked_BL), lengths_B

    def _embedded(self, items_BL: Tensor, lengths_B: Tensor, masked_BL: Tensor) -> Tensor:
        vectors_BLD = torch.where(masked_BL[..., None], self.mask_D, self.items(items_BL))
        states_BLD = vectors_BLD + self.positions(lengths_B, items_BL.shape[1])
        embedded_BLD: Tensor = self.dropout(self.input_norm(states_BLD))
        return embedded_BLD

    def _all_but_last(self, states_BLD: Tensor, lengths_B: Tensor) -> Tensor:
        for block in self.blocks[:-1]:
            states_BLD, _ = block(states_BLD, lengths_B=lengths_B)
        return states_BLD

    @property
    def _last(self) -> BertBlock:
        last = self.blocks[-1]
        assert isinstance(last, BertBlock)  # noqa: S101 - a ModuleList forgets what it holds
        return last

    def _answer(self, states: Tensor) -> Tensor:
        answers: Tensor = self.output_norm(F.gelu(self.output(states)))
        return answers
